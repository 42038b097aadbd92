import Dispatch

/// Connections to one server, shared by many callers.
///
/// Callers wait in order, for a bounded time and in bounded number. A connection that broke is replaced; while the
/// server is away one connection at a time tries to come back, with growing waits, and callers keep waiting until
/// their own deadline. When the pool goes, its sessions end and the server rolls back what was open.
package actor PostgresPool {
    /// A connection, or why there is none.
    private typealias Grant = Result<PostgresConnection, PostgresError>

    private struct Waiter {
        let continuation: CheckedContinuation<Grant, Never>
        let deadline: ContinuousClock.Instant
    }

    private let executor: QueueExecutor
    package nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    package nonisolated let configuration: PostgresConfiguration
    private var state: PostgresPoolState
    private var connections: [Int: PostgresConnection] = [:]
    private var waiters: [UInt64: Waiter] = [:]
    private var lastWaiter: UInt64 = 0
    private var lastFailure: PostgresError?
    private var leaseTimer: DeadlineTimer?
    private var retryTimer: DeadlineTimer?
    private var sweepTimer: DeadlineTimer?

    /// Makes a pool; connections are opened when the first caller comes.
    package init(_ configuration: PostgresConfiguration) {
        executor = QueueExecutor(label: "ferry.postgres.pool")
        self.configuration = configuration
        state = PostgresPoolState(
            minimum: configuration.minimumConnections, maximum: configuration.maximumConnections,
            maximumWaiters: configuration.maximumWaiters)
    }

    /// What the pool has at this moment.
    package struct Census: Sendable, Equatable {
        package let total: Int
        package let idle: Int
        package let leased: Int
        package let waiting: Int
    }

    package func census() -> Census {
        Census(total: state.total, idle: state.idleCount, leased: state.leasedCount, waiting: state.waitingCount)
    }

    /// Ends idle sessions and refuses new callers; sessions in use end when they come back.
    package func close() async {
        for id in state.close() { await connections.removeValue(forKey: id)?.close() }
        failAll(PostgresError(.poolClosed, "the pool is closed", fate: .notSent))
        leaseTimer = nil
        retryTimer = nil
        sweepTimer = nil
    }

    // MARK: - Leasing

    /// Waits for a connection; the caller must hand it back with `release`.
    /// - Throws: `PostgresError` with code `poolFull`, `leaseTimeout`, `poolClosed`, `cancelled` or `connectFailed`.
    func lease() async throws(PostgresError) -> PostgresConnection {
        guard !Task.isCancelled else {
            throw PostgresError(.cancelled, "the calling task was cancelled", fate: .notSent)
        }
        lastWaiter += 1
        let waiter = lastWaiter
        switch state.lease(waiter) {
        case .use(let id):
            guard let connection = connections[id] else {
                throw PostgresError(.misuse, "the pool lost count of a connection", fate: .notSent)
            }
            return connection
        case .full:
            throw PostgresError(
                .poolFull, "\(configuration.maximumWaiters) callers wait for a connection already", fate: .notSent)
        case .closed: throw PostgresError(.poolClosed, "the pool is closed", fate: .notSent)
        case .wait: return try await wait(as: waiter).get()
        }
    }

    private func wait(as waiter: UInt64) async -> Grant {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let deadline = ContinuousClock.now + configuration.leaseTimeout
                waiters[waiter] = Waiter(continuation: continuation, deadline: deadline)
                if waiters.count == 1 { armLeaseTimer() }
                openWanted()
            }
        } onCancel: {
            executor.queue.async { [weak self] in
                self?.assumeIsolated {
                    $0.fail(waiter, PostgresError(.cancelled, "the calling task was cancelled", fate: .notSent))
                }
            }
        }
    }

    /// Takes a connection back.
    func release(_ connection: PostgresConnection, standing: PostgresStanding) async {
        let placement = state.released(connection.id, isUsable: standing == .idle, now: .now)
        await settle(connection, placement)
    }

    private func settle(_ connection: PostgresConnection, _ placement: PostgresPoolState.Placement) async {
        switch placement {
        case .hand(_, let waiter):
            waiters.removeValue(forKey: waiter)?.continuation.resume(returning: .success(connection))
        case .keep: armSweepTimer()
        case .close:
            connections[connection.id] = nil
            openWanted()
            await connection.close()
        }
    }

    // MARK: - Opening

    private func openWanted() {
        for id in state.openingsWanted() { Task { await self.open(id) } }
    }

    private func open(_ id: Int) async {
        do {
            let connection = try await PostgresConnection.open(configuration, id: id) { [weak self] notice in
                guard case .broken = notice, let self else { return }
                Task { await self.connectionBroke(id) }
            }
            connections[id] = connection
            lastFailure = nil
            await settle(connection, state.opened(id, now: .now))
            openWanted()
        } catch {
            openingFailed(id, error)
        }
    }

    /// Waiting helps against a server that is away, not against a wrong password: those who wait learn it at once.
    private func openingFailed(_ id: Int, _ error: PostgresError) {
        lastFailure = error
        let attempt = state.openingFailed(id)
        if error.isHopeless { failAll(error) }
        guard let attempt else { return }
        let timer = retryTimer ?? makeTimer { $0.retry() }
        retryTimer = timer
        timer.arm(after: configuration.reconnect.delay(attempt: attempt))
    }

    private func retry() {
        state.retry()
        openWanted()
    }

    private func connectionBroke(_ id: Int) {
        guard state.broke(id) else { return }
        connections[id] = nil
        openWanted()
    }

    // MARK: - Time

    private func makeTimer(_ body: @escaping @Sendable (isolated PostgresPool) -> Void) -> DeadlineTimer {
        DeadlineTimer(queue: executor.queue) { [weak self] in self?.assumeIsolated { body($0) } }
    }

    /// All callers wait equally long, so the first in line is the first to time out.
    private func armLeaseTimer() {
        guard let first = state.longestWaiting(), let waiter = waiters[first] else { return }
        let timer = leaseTimer ?? makeTimer { $0.leaseTimeIsUp() }
        leaseTimer = timer
        timer.arm(after: max(.zero, waiter.deadline - .now))
    }

    private func leaseTimeIsUp() {
        let now = ContinuousClock.now
        while let first = state.longestWaiting(), let waiter = waiters[first], waiter.deadline <= now {
            fail(first, timeoutError())
        }
        armLeaseTimer()
    }

    private func timeoutError() -> PostgresError {
        if let lastFailure { return lastFailure }
        return PostgresError(
            .leaseTimeout, "no connection became free within \(configuration.leaseTimeout)", fate: .notSent)
    }

    private func armSweepTimer() {
        guard sweepTimer == nil else { return }
        let timer = makeTimer { $0.sweep() }
        sweepTimer = timer
        timer.arm(after: min(configuration.idleLifetime, PostgresLimits.idleSweep))
    }

    private func sweep() {
        sweepTimer = nil
        for id in state.takeIdle(since: .now - configuration.idleLifetime) {
            guard let connection = connections.removeValue(forKey: id) else { continue }
            Task { await connection.close() }
        }
        if state.idleCount > 0 { armSweepTimer() }
    }

    // MARK: - Refusing

    private func fail(_ waiter: UInt64, _ error: PostgresError) {
        guard state.giveUp(waiter), let entry = waiters.removeValue(forKey: waiter) else { return }
        entry.continuation.resume(returning: .failure(error))
    }

    private func failAll(_ error: PostgresError) {
        for waiter in state.giveUpAll() {
            waiters.removeValue(forKey: waiter)?.continuation.resume(returning: .failure(error))
        }
    }
}

extension PostgresError {
    /// The server is there and will not have us; waiting does not help. libpq gives no code here, only its words.
    var isHopeless: Bool {
        guard code == .connectFailed || code == .configuration else { return false }
        let signs = [
            "authentication failed", "no pg_hba.conf entry", "does not exist", "certificate", "does not support SSL",
            "no password supplied",
        ]
        return code == .configuration || signs.contains(where: message.contains)
    }
}
