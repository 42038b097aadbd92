/// How much a transaction sees of others.
package enum PostgresIsolation: String, Sendable {
    case readCommitted = "READ COMMITTED"
    case repeatableRead = "REPEATABLE READ"
    case serializable = "SERIALIZABLE"

    var begin: PostgresStatement {
        PostgresStatement("BEGIN ISOLATION LEVEL \(rawValue)", isCached: true)
    }
}

extension PostgresStatement {
    static let commit = PostgresStatement("COMMIT")
    static let rollback = PostgresStatement("ROLLBACK", isCached: false)
}

/// A transaction in progress; valid inside `withTransaction` only.
package struct PostgresTransaction: Sendable {
    private let connection: PostgresConnection
    private let timeout: Duration

    init(connection: PostgresConnection, timeout: Duration) {
        self.connection = connection
        self.timeout = timeout
    }

    /// Runs one statement.
    /// - Throws: `PostgresError`; after it the transaction accepts nothing more.
    @discardableResult
    package func query(
        _ sql: String, _ values: [PostgresValue] = []
    ) async throws(PostgresError) -> PostgresRows {
        try await pipeline([PostgresStatement(sql, values)])[0]
    }

    /// Runs statements in one round trip.
    /// - Throws: `PostgresError` of the first that failed, with its index; the ones after it did not run.
    @discardableResult
    package func pipeline(_ statements: [PostgresStatement]) async throws(PostgresError) -> [PostgresRows] {
        guard !statements.isEmpty else { return [] }
        return try await run(.statements(statements))
    }

    /// Runs several statements given as one text, without parameters; it must not end the transaction.
    /// - Throws: `PostgresError`.
    package func script(_ sql: String) async throws(PostgresError) {
        // BEGIN can't ride along with the simple protocol.
        if await connection.hasPendingBegin { try await pipeline([PostgresStatement("SELECT 1")]) }
        _ = try await run(.script(sql))
    }

    private func run(_ request: PostgresConnection.Request) async throws(PostgresError) -> [PostgresRows] {
        let report = await connection.run(request, timeout: timeout)
        // Whatever becomes of the transaction, no COMMIT has been sent: nothing of it was applied.
        if let failure = report.failure { throw failure.rolledBack() }
        return report.rows
    }

    /// Commits; nothing is sent when nothing ran.
    /// - Throws: `PostgresError`, with fate `unknown` when the answer never came.
    func commit() async throws(PostgresError) {
        if await connection.takePendingBegin() { return }
        let report = await connection.run(.statements([.commit]), timeout: timeout)
        if let failure = report.failure {
            throw failure.fate == .answered ? failure.rolledBack() : failure
        }
        // COMMIT of a failed transaction succeeds, and its tag says ROLLBACK.
        guard report.rows.first?.command == "COMMIT" else {
            throw PostgresError(
                .transactionAborted, "an earlier statement had failed, so COMMIT rolled back", fate: .rolledBack)
        }
    }

    /// Rolls back, even for a cancelled task.
    /// - Returns: how the connection stands then.
    func rollBack() async -> PostgresStanding {
        if await connection.takePendingBegin() { return .idle }
        return await connection.rollBack()
    }
}

/// One connection lent for work that needs a session; valid inside `withConnection` only.
package struct PostgresSession: Sendable {
    private let connection: PostgresConnection
    private let timeout: Duration

    init(connection: PostgresConnection, timeout: Duration) {
        self.connection = connection
        self.timeout = timeout
    }

    /// Runs one statement.
    /// - Parameter timeout: from send to last answer; the pool's own when nil.
    /// - Throws: `PostgresError`.
    @discardableResult
    package func query(
        _ sql: String, _ values: [PostgresValue] = [], timeout: Duration? = nil
    ) async throws(PostgresError) -> PostgresRows {
        let report = await connection.run(
            .statements([PostgresStatement(sql, values)]), timeout: timeout ?? self.timeout)
        if let failure = report.failure { throw failure }
        return report.rows[0]
    }

    /// Runs several statements given as one text, without parameters, in one transaction.
    /// - Throws: `PostgresError`.
    package func script(_ sql: String, timeout: Duration? = nil) async throws(PostgresError) {
        let report = await connection.run(.script(sql), timeout: timeout ?? self.timeout)
        if let failure = report.failure { throw failure }
    }

    /// The server process of this session.
    package func serverProcess() async -> Int? { await connection.serverProcess() }

    /// Ends a transaction that was left open.
    func reset() async -> PostgresStanding { await connection.rollBack() }
}

extension PostgresConnection {
    /// Ends the open transaction, if there is one, whatever the calling task's state.
    /// - Returns: how the connection stands then.
    func rollBack() async -> PostgresStanding {
        guard let standing = handle?.standing else { return .broken }
        guard standing == .inTransaction || standing == .failedTransaction else { return standing }
        let report = await run(
            .statements([.rollback]), timeout: PostgresLimits.rollbackTimeout, isCancellable: false)
        return report.failure == nil ? report.standing : .broken
    }

    /// Whether a BEGIN still waits for company.
    var hasPendingBegin: Bool { pendingBegin != nil }
}
