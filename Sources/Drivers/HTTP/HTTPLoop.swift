import CCurl
import Dispatch
import Foundation

/// One `curl_multi` on one queue: starts transfers, waits for their sockets and hands out their results.
///
/// When it dies (its client was released) nothing is running: every caller holds its client while it waits.
actor HTTPLoop {
    private struct Pending {
        let request: HTTPRequest
        let target: RequestTarget
        let url: CurlURL
        let deadline: DispatchTime
        let continuation: CheckedContinuation<Result<HTTPResponse, HTTPError>, Never>
    }

    private struct Running {
        let transfer: CurlTransfer
        let continuation: CheckedContinuation<Result<HTTPResponse, HTTPError>, Never>
    }

    private let executor = QueueExecutor(label: "ferry.http")
    private let options: HTTPOptions
    private let multi: CurlMulti
    private let sources: LoopSources
    private var admission: HTTPAdmission
    private var pending: [UInt64: Pending] = [:]
    private var running: [UInt64: Running] = [:]
    private var idsByHandle: [UnsafeMutableRawPointer: UInt64] = [:]
    private var connectionsOpened = 0
    private var requestsStarted = 0
    private var isClosed = false
    private var isKicked = false
    /// No waiting request's deadline is earlier; may be too early, never too late.
    private var nextExpiry: DispatchTime = .distantFuture

    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    init(options: HTTPOptions) throws(HTTPError) {
        self.options = options
        multi = try CurlMulti()
        admission = HTTPAdmission(
            maxPerHost: options.maxConnectionsPerHost, maxActive: options.maxActive,
            maxWaiting: options.maxWaiting, maxWaitingPerHost: options.maxWaitingPerHost)
        sources = LoopSources(epoll: multi.epoll, queue: executor.queue)
        sources.activate(
            onReady: { [weak self] in self?.assumeIsolated { $0.socketsAreReady() } },
            onTime: { [weak self] in self?.assumeIsolated { $0.timeHasCome() } })
    }

    var statistics: HTTPStatistics {
        HTTPStatistics(
            connectionsOpened: connectionsOpened + running.values.reduce(0) { $0 + $1.transfer.socketsOpened },
            requestsStarted: requestsStarted, active: running.count, waiting: pending.count)
    }

    // MARK: - Coming and going

    /// Runs one request to its end. Cancelling the task ends it at once.
    func perform(_ id: UInt64, _ request: HTTPRequest) async -> Result<HTTPResponse, HTTPError> {
        guard !isClosed else { return .failure(HTTPError(.closed, "the client is shut down")) }
        // A cancellation from here on is queued behind this turn and finds the request registered.
        guard !Task.isCancelled else { return .failure(HTTPError(.cancelled, "cancelled before it was sent")) }
        let parsed: (RequestTarget, CurlURL)
        do throws(HTTPError) {
            try RequestCheck.check(request)
            parsed = try RequestTarget.parse(request.url)
            try RequestCheck.check(parsed.0, options)
        } catch {
            return .failure(error)
        }
        let timeout = min(request.timeout, HTTPLimits.longestTimeout)
        return await withCheckedContinuation { continuation in
            let deadline = DispatchTime.now() + .milliseconds(max(1, timeout.wholeMilliseconds))
            admit(
                id,
                Pending(
                    request: request, target: parsed.0, url: parsed.1, deadline: deadline, continuation: continuation))
        }
    }

    /// Ends a request wherever it is; nothing when it has ended already.
    nonisolated func cancel(_ id: UInt64) {
        executor.queue.async {
            self.assumeIsolated { $0.end(id, HTTPError.Code.cancelled, "cancelled") }
        }
    }

    /// Ends everything; later requests are refused.
    func shutdown() {
        isClosed = true
        for id in Array(pending.keys) + Array(running.keys) { end(id, .closed, "the client was shut down") }
    }

    private func admit(_ id: UInt64, _ item: Pending) {
        switch admission.submit(id, host: item.target.connectionKey) {
        case .start: start(id, item)
        case .wait:
            pending[id] = item
            nextExpiry = min(nextExpiry, item.deadline)
        case .refuse:
            item.continuation.resume(returning: .failure(HTTPError(.tooManyWaiting, "too many requests wait")))
        }
        arm()
    }

    private func start(_ id: UInt64, _ item: Pending) {
        let left = Int64(item.deadline.uptimeNanoseconds) - Int64(DispatchTime.now().uptimeNanoseconds)
        do throws(HTTPError) {
            guard left > 0 else { throw HTTPError(.timeout, "the time was over before its turn came") }
            let transfer = try CurlTransfer(
                id: id, request: item.request, target: item.target, url: item.url, options: options,
                timeout: .nanoseconds(left))
            guard multi.add(transfer) else { throw HTTPError(.internal, "libcurl refused the transfer") }
            running[id] = Running(transfer: transfer, continuation: item.continuation)
            idsByHandle[transfer.easy] = id
            requestsStarted += 1
        } catch {
            admission.finish(host: item.target.connectionKey)
            item.continuation.resume(returning: .failure(error))
        }
    }

    private func startWaiting() {
        while let id = admission.next() {
            guard let item = pending.removeValue(forKey: id) else { preconditionFailure("a turn for nobody") }
            start(id, item)
        }
    }

    private func end(_ id: UInt64, _ code: HTTPError.Code, _ message: String) {
        if let item = pending.removeValue(forKey: id) {
            _ = admission.withdraw(id, host: item.target.connectionKey)
            item.continuation.resume(returning: .failure(HTTPError(code, message)))
        } else if let item = running[id] {
            let fate = item.transfer.fate
            finish(id, item, .failure(HTTPError(code, message, fate: fate)))
            startWaiting()
            arm()
        }
    }

    private func finish(_ id: UInt64, _ item: Running, _ result: Result<HTTPResponse, HTTPError>) {
        multi.remove(item.transfer)
        running[id] = nil
        idsByHandle[item.transfer.easy] = nil
        connectionsOpened += item.transfer.socketsOpened
        admission.finish(host: item.transfer.connectionKey)
        item.continuation.resume(returning: result)
    }

    // MARK: - Turns of the loop

    private func socketsAreReady() {
        while multi.runReadySockets() {}
        settle()
    }

    private func timeHasCome() {
        expireWaiting()
        multi.runTimers()
        settle()
    }

    private func expireWaiting() {
        let now = DispatchTime.now()
        guard nextExpiry <= now else { return }
        for (id, item) in pending where item.deadline <= now {
            end(id, .timeout, "the time was over before its turn came")
        }
        nextExpiry = pending.values.map(\.deadline).min() ?? .distantFuture
    }

    private func settle() {
        while let (easy, code) = multi.nextFinished() {
            guard let id = idsByHandle[easy], let item = running[id] else { continue }
            finish(id, item, item.transfer.result(code))
        }
        startWaiting()
        arm()
    }

    /// Sets the timer to the nearest of libcurl's wish and the first waiting request's deadline.
    private func arm() {
        if multi.timeout == 0 { return kick() }
        let wish = multi.timeout.map { DispatchTime.now() + .milliseconds($0) } ?? .distantFuture
        sources.schedule(min(wish, nextExpiry))
    }

    /// Runs libcurl's due work in a turn of its own, once for all that asked during this one.
    private func kick() {
        guard !isKicked else { return }
        isKicked = true
        executor.queue.async { [weak self] in
            self?.assumeIsolated {
                $0.isKicked = false
                $0.timeHasCome()
            }
        }
    }
}
