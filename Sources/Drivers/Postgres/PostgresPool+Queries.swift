/// What callers do with a pool.
extension PostgresPool {
    /// Runs one statement in a transaction of its own.
    /// - Parameters:
    ///   - sql: one statement with `$1`, `$2`, … for parameters.
    ///   - values: the parameters.
    ///   - timeout: from send to last answer; the pool's own when nil.
    /// - Throws: `PostgresError`; see its `fate` for what is known about the effect.
    @discardableResult
    package nonisolated func query(
        _ sql: String, _ values: [PostgresValue] = [], timeout: Duration? = nil
    ) async throws(PostgresError) -> PostgresRows {
        let rows = try await exchange([PostgresStatement(sql, values)], timeout: timeout)
        return rows[0]
    }

    /// Runs statements in one transaction and one round trip: all of them are applied, or none.
    /// - Parameters:
    ///   - statements: in order; the first that fails ends the transaction.
    ///   - isolation: the transaction's isolation level.
    ///   - timeout: from send to last answer; the pool's own when nil.
    /// - Returns: one answer a statement.
    /// - Throws: `PostgresError` with the index of the statement; its fate is `rolledBack` when the server refused and
    ///   `unknown` when the connection broke before the answer to COMMIT.
    @discardableResult
    package nonisolated func transact(
        _ statements: [PostgresStatement], isolation: PostgresIsolation = .readCommitted, timeout: Duration? = nil
    ) async throws(PostgresError) -> [PostgresRows] {
        guard !statements.isEmpty else { return [] }
        do {
            let framed = [isolation.begin] + statements + [.commit]
            let rows = try await exchange(framed, timeout: timeout)
            return Array(rows.dropFirst().dropLast())
        } catch {
            // Index 0 is the BEGIN.
            let index = error.statementIndex.map { max(0, min($0 - 1, statements.count - 1)) }
            throw (error.fate == .answered ? error.rolledBack() : error).at(statement: index)
        }
    }

    /// Runs several statements given as one text, without parameters.
    /// - Throws: `PostgresError`.
    package nonisolated func script(_ sql: String, timeout: Duration? = nil) async throws(PostgresError) {
        let timeout = timeout ?? configuration.statementTimeout
        _ = try await attempt { await $0.run(.script(sql), timeout: timeout) }
    }

    /// Runs a transaction whose statements depend on each other's answers. BEGIN goes out with the first of them.
    ///
    /// When `body` throws, the transaction is rolled back and the error passed on; a `PostgresError` then says
    /// `rolledBack`. When the connection breaks under COMMIT the error's fate is `unknown`. `body` may run only once.
    /// - Throws: `PostgresError`, or what `body` throws.
    @discardableResult
    package nonisolated func withTransaction<Value>(
        isolation: PostgresIsolation = .readCommitted, _ body: (PostgresTransaction) async throws -> Value
    ) async throws -> Value {
        let connection = try await leaseAlive()
        await connection.begin(with: isolation.begin)
        let transaction = PostgresTransaction(connection: connection, timeout: configuration.statementTimeout)
        do {
            let value = try await body(transaction)
            try await transaction.commit()
            await release(connection, standing: .idle)
            return value
        } catch {
            let standing = await transaction.rollBack()
            await release(connection, standing: standing)
            throw error
        }
    }

    /// Lends one connection for work that needs a session, such as an advisory lock.
    /// - Throws: `PostgresError`, or what `body` throws; a transaction left open is rolled back.
    @discardableResult
    package nonisolated func withConnection<Value>(
        _ body: (PostgresSession) async throws -> Value
    ) async throws -> Value {
        let connection = try await leaseAlive()
        let session = PostgresSession(connection: connection, timeout: configuration.statementTimeout)
        do {
            let value = try await body(session)
            await release(connection, standing: await session.reset())
            return value
        } catch {
            await release(connection, standing: await session.reset())
            throw error
        }
    }

    // MARK: - Private

    private nonisolated func exchange(
        _ statements: [PostgresStatement], timeout: Duration?
    ) async throws(PostgresError) -> [PostgresRows] {
        let timeout = timeout ?? configuration.statementTimeout
        return try await attempt { connection in
            let report = await connection.run(.statements(statements), timeout: timeout)
            // Nothing was applied, and the cache has forgotten the stale plan: prepare and run once more.
            guard report.failure?.isStalePlan == true else { return report }
            let cleared = await Self.clear(connection, report)
            guard cleared.standing == .idle else { return cleared }
            return await connection.run(.statements(statements), timeout: timeout)
        }
    }

    /// Leases, runs, hands back; again with another connection when this one was dead before anything left.
    private nonisolated func attempt(
        _ body: (PostgresConnection) async -> PostgresConnection.Report
    ) async throws(PostgresError) -> [PostgresRows] {
        for retry in 0... {
            let connection = try await lease()
            let report = await Self.clear(connection, await body(connection))
            await release(connection, standing: report.standing)
            guard let failure = report.failure else { return report.rows }
            let diedIdle = failure.code == .connectionLost && failure.fate == .notSent
            guard diedIdle, retry < PostgresLimits.deadConnectionRetries else { throw failure }
        }
        return []
    }

    /// Ends a transaction that a failed pipeline left open.
    private static nonisolated func clear(
        _ connection: PostgresConnection, _ report: PostgresConnection.Report
    ) async -> PostgresConnection.Report {
        guard report.standing == .failedTransaction || report.standing == .inTransaction else { return report }
        var report = report
        report.standing = await connection.rollBack()
        return report
    }

    private nonisolated func leaseAlive() async throws(PostgresError) -> PostgresConnection {
        for _ in 0..<PostgresLimits.deadConnectionRetries {
            let connection = try await lease()
            if await connection.isAlive() { return connection }
            await release(connection, standing: .broken)
        }
        throw PostgresError(.connectFailed, "every connection breaks as soon as it is made", fate: .notSent)
    }
}
