import Drivers
package import JobQueue
package import Logging
import ServiceLifecycle
import Synchronization

/// Leases jobs and runs them, as many at once as it may; one that only waits for its turn to call a provider does not
/// count (`WorkerPlace`). Any number of workers run side by side; none keeps state.
///
/// When it dies its leases run out after `JobQueueOptions.leaseDuration` and other workers go on from the last commits.
/// On graceful shutdown it leases no more, lets running jobs finish until the grace time is nearly over, then stops them
/// and hands them back unburned.
package struct WorkerService: Service {
    /// How a worker works.
    package struct Options: Sendable {
        /// Unique among workers; shown by `ferry workers`.
        package var id: WorkerID
        /// Jobs at once, those that wait for their turn to call aside.
        package var concurrency: Int
        /// Time jobs get to finish after the signal to stop.
        package var grace: Duration

        /// Makes options.
        package init(id: WorkerID, concurrency: Int, grace: Duration) {
            self.id = id
            self.concurrency = concurrency
            self.grace = grace
        }
    }

    private let queue: JobQueue
    private let execute: @Sendable (LeasedJob) async -> Settlement
    private let options: Options
    private let logger: Logger
    private let desk: WorkerDesk

    /// Makes a worker.
    /// - Parameter execute: runs one job to its end and says how it ended; stops soon when its task is cancelled.
    package init(
        queue: JobQueue, options: Options, logger: Logger, execute: @escaping @Sendable (LeasedJob) async -> Settlement
    ) {
        self.queue = queue
        self.options = options
        self.logger = logger
        self.execute = execute
        desk = WorkerDesk(places: options.concurrency)
    }

    package func run() async throws {
        await withGracefulShutdownHandler {
            await withTaskGroup { group in
                group.addTask { await beat() }
                group.addTask { await LeaseSweeper(queue: queue, logger: logger).run() }
                group.addTask { await listen() }
                await serve()
                group.cancelAll()
            }
        } onGracefulShutdown: {
            self.desk.stop()
        }
        do { try await queue.leave(worker: options.id) } catch {
            logger.warning("leases not handed back; they run out by themselves", metadata: ["error": "\(error)"])
        }
    }

    // MARK: - Leasing

    private func serve() async {
        var unsettled: [Settlement] = []
        var prefetch = Prefetch(cap: min(options.concurrency, ClusterLimits.prefetchCap))
        for await _ in desk.bell {
            let finished = desk.takeFinished()
            prefetch.ended(finished.count, at: .now)
            unsettled += finished
            if desk.isStopping {
                unsettled += desk.takeAhead(.max).map { Settlement($0, .returned) }
            } else {
                for job in desk.takeAhead(desk.free) { start(job) }
                unsettled += desk.takeStale(after: ClusterLimits.prefetchLife).map { Settlement($0, .returned) }
            }
            let isStopping = desk.isStopping
            let free = isStopping ? 0 : desk.free
            guard !unsettled.isEmpty || free > 0 else {
                if isStopping { break }
                continue
            }
            unsettled = await exchange(unsettled, free: free, &prefetch)
            if isStopping { break }
        }
        unsettled += desk.takeAhead(.max).map { Settlement($0, .returned) }
        await drain(unsettled)
    }

    /// Settles what ended and leases anew, in one call.
    /// - Returns: settlements to be tried again.
    private func exchange(_ settlements: [Settlement], free: Int, _ prefetch: inout Prefetch) async -> [Settlement] {
        let limit = desk.isStopping ? 0 : free + max(0, prefetch.extra(at: .now) - desk.ahead)
        do {
            let start = ContinuousClock.now
            let exchange = try await queue.exchange(worker: options.id, settling: settlements, limit: limit)
            if limit > 0 { prefetch.took(.now - start) }
            let returned = take(exchange.batch.jobs, &prefetch)
            if exchange.batch.hasMore { desk.ring() }
            return returned
                + zip(settlements, exchange.results).compactMap { settlement, result in
                    // After a wipe of its shard the lease is gone; the stream is still due in PostgreSQL.
                    if case .failed(let error) = result, error.code != .generationLost { settlement } else { nil }
                }
        } catch {
            logger.warning("the queue is out of reach", metadata: ["error": "\(error)"])
            try? await Task.sleep(for: ClusterLimits.queueRetry.delay(attempt: 2))
            desk.ring()
            return error.code == .generationLost ? [] : settlements
        }
    }

    /// Starts what there are places for and keeps the rest; bulk work is not kept but handed back.
    private func take(_ jobs: [LeasedJob], _ prefetch: inout Prefetch) -> [Settlement] {
        let places = desk.free
        for job in jobs.prefix(places) { start(job) }
        let rest = jobs.dropFirst(places)
        let bulk = rest.filter { $0.jobClass == .bulk }
        if !bulk.isEmpty {
            prefetch.rest(until: .now + ClusterLimits.prefetchRest)
            desk.ring()
        }
        desk.keep(rest.filter { $0.jobClass != .bulk })
        return bulk.map { Settlement($0, .returned) }
    }

    private func start(_ job: LeasedJob) {
        desk.start(job, execute: execute)
    }

    /// Lets running jobs finish, then stops them; all of them are settled before the worker leaves.
    private func drain(_ unsettled: [Settlement]) async {
        var unsettled = unsettled
        var prefetch = Prefetch(cap: 0)
        let deadline = ContinuousClock.now + options.grace * ClusterLimits.graceShare
        let guillotine = Task {
            try await Task.sleep(until: deadline, clock: .continuous)
            desk.cancelAll()
        }
        while desk.running > 0 || desk.hasFinished {
            unsettled = await exchange(unsettled + desk.takeFinished(), free: 0, &prefetch)
            guard desk.running > 0 else { break }
            await desk.nextFinish()
        }
        guillotine.cancel()
        unsettled += desk.takeFinished()
        if !unsettled.isEmpty { _ = await exchange(unsettled, free: 0, &prefetch) }
    }

    // MARK: - Side tasks

    /// Rings the bell when there may be work.
    private func listen() async {
        while !Task.isCancelled, !desk.isStopping {
            guard desk.free > 0 else {
                try? await Task.sleep(for: ClusterLimits.busyLook)
                // What is kept for too long goes back.
                if desk.ahead > 0 { desk.ring() }
                continue
            }
            await queue.waitForWork(worker: options.id, timeout: ClusterLimits.idleWait)
            desk.ring()
        }
    }

    private func beat() async {
        while !Task.isCancelled {
            do {
                let result = try await queue.heartbeat(worker: options.id)
                desk.cancel(result.lost)
            } catch {
                if error.code == .generationLost { desk.cancelAll() }
                logger.warning("heartbeat failed", metadata: ["error": "\(error)"])
            }
            desk.cancelOverdue(after: ClusterLimits.longestJob)
            try? await Task.sleep(for: ClusterLimits.heartbeat)
        }
    }
}
