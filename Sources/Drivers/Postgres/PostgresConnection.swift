import CLibpq
import Dispatch

/// One session with the server: an actor on a queue of its own, driving libpq without ever blocking.
///
/// The session lives in pipeline mode, so that a statement and its first preparation, or a whole transaction, cost one
/// round trip. It runs one exchange at a time. When anything is not as expected, the session breaks and stays broken:
/// its owner replaces it.
package actor PostgresConnection {
    /// What a connection tells its owner without being asked.
    package enum Notice: Sendable {
        /// The session ended while nothing ran.
        case broken
        /// A NOTIFY arrived.
        case notification(channel: String, payload: String)
    }

    /// How an exchange went.
    package struct Report: Sendable {
        /// One entry a statement, as far as they ran.
        package var rows: [PostgresRows]
        package var failure: PostgresError?
        package var standing: PostgresStanding
    }

    private let executor: QueueExecutor
    package nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    /// The number its pool knows it by.
    package nonisolated let id: Int
    let configuration: PostgresConfiguration
    private let onNotice: @Sendable (Notice) -> Void

    var handle: PostgresHandle?
    var sources: SocketSources?
    var cancelKey: PostgresCancelKey?
    var cache = PostgresStatementCache()
    var opening: CheckedContinuation<PostgresError?, Never>?
    var active: ActiveExchange?
    var exchanges: UInt64 = 0
    /// Goes out in front of the next exchange.
    var pendingBegin: PostgresStatement?
    private var timer: DeadlineTimer?

    nonisolated var queue: DispatchQueue { executor.queue }

    private init(configuration: PostgresConfiguration, id: Int, onNotice: @escaping @Sendable (Notice) -> Void) {
        executor = QueueExecutor(label: "ferry.postgres")
        self.configuration = configuration
        self.id = id
        self.onNotice = onNotice
    }

    /// Opens a session.
    /// - Parameters:
    ///   - configuration: where to and how long to try.
    ///   - id: the owner's number for it.
    ///   - onNotice: called on the connection's queue; must not block.
    /// - Throws: `PostgresError` with code `connectFailed`, `deadline`, `cancelled` or `configuration`.
    package static func open(
        _ configuration: PostgresConfiguration, id: Int = 0, onNotice: @escaping @Sendable (Notice) -> Void = { _ in }
    ) async throws(PostgresError) -> PostgresConnection {
        let start = ContinuousClock.now
        let addresses = try await PostgresResolver.addresses(
            configuration.parameters, timeout: configuration.connectTimeout)
        let connection = PostgresConnection(configuration: configuration, id: id, onNotice: onNotice)
        let remaining = configuration.connectTimeout - (ContinuousClock.now - start)
        try await connection.connect(
            configuration.connectionParameters(addresses: addresses), timeout: max(remaining, .milliseconds(1)))
        return connection
    }

    /// Ends the session at once; a statement under way fails with an unknown fate.
    package func close() {
        breakUp(PostgresError(.connectionLost, "the connection was closed", fate: .unknown), notice: false)
    }

    /// Whether the session is alive as far as this side can tell without a round trip.
    package func isAlive() -> Bool {
        guard handle != nil else { return false }
        if active == nil { socketIsReady() }
        return handle != nil
    }

    /// The server process behind this session, as `pg_stat_activity` shows it; nil when the session is over.
    package func serverProcess() -> Int? { handle.map { Int(PQbackendPID($0.raw)) } }

    /// Whether the session is encrypted.
    package func isEncrypted() -> Bool { handle?.usesTLS ?? false }

    /// Sends this statement in front of whatever runs next: the BEGIN of a transaction costs no round trip of its own.
    func begin(with statement: PostgresStatement) { pendingBegin = statement }

    /// Whether the BEGIN was never sent, because nothing ran after it.
    func takePendingBegin() -> Bool {
        defer { pendingBegin = nil }
        return pendingBegin != nil
    }

    // MARK: - Timer

    func arm(_ delay: Duration) {
        let timer = timer ?? makeTimer()
        timer.arm(after: delay)
    }

    func disarm() { timer?.disarm() }

    private func makeTimer() -> DeadlineTimer {
        let made = DeadlineTimer(queue: queue) { [weak self] in self?.assumeIsolated { $0.timeIsUp() } }
        timer = made
        return made
    }

    private func timeIsUp() {
        if opening != nil {
            finishOpening(PostgresError(.deadline, "no session within the connect timeout", fate: .notSent))
        } else {
            exchangeTimeIsUp()
        }
    }

    // MARK: - The end

    /// Ends the session for good and answers whoever waits.
    func breakUp(_ error: PostgresError, notice: Bool = true) {
        guard handle != nil else { return }
        disarm()
        timer = nil
        sources = nil
        handle = nil
        if let active {
            self.active = nil
            active.continuation.resume(
                returning: Report(rows: [], failure: active.explain(error), standing: .broken))
        } else if notice {
            onNotice(.broken)
        }
    }

    func deliverNotifications(_ handle: PostgresHandle) {
        while let notify = PQnotifies(handle.raw) {
            let channel = String(cString: notify.pointee.relname)
            let payload = String(cString: notify.pointee.extra)
            PQfreemem(notify)
            onNotice(.notification(channel: channel, payload: payload))
        }
    }
}
