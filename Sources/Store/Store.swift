package import Drivers

/// The record: config rows, pending changes, links, cursors, history. All of Ferry's PostgreSQL is behind these calls.
///
/// Every call is one round trip where it can be; sets travel as arrays. Schedules are compared with instants the caller
/// passes from the one clock, never with the server's.
package struct Store: Sendable {
    let pool: PostgresPool
    let clock: WallClock

    /// Makes a store on a pool.
    package init(pool: PostgresPool, clock: WallClock) {
        self.pool = pool
        self.clock = clock
    }

    // MARK: - Running statements

    /// Runs one statement; again when it met a deadlock.
    /// - Throws: `StoreError`.
    @discardableResult
    func query(_ sql: String, _ values: [PostgresValue] = []) async throws(StoreError) -> PostgresRows {
        try await retrying { () async throws(PostgresError) in try await pool.query(sql, values) }
    }

    /// Runs statements in one transaction and one round trip; again when it met a deadlock.
    /// - Throws: `StoreError`.
    @discardableResult
    func transact(
        _ statements: [PostgresStatement], isolation: PostgresIsolation = .readCommitted
    ) async throws(StoreError) -> [PostgresRows] {
        try await retrying { () async throws(PostgresError) in try await pool.transact(statements, isolation: isolation)
        }
    }

    private func retrying<Value>(
        _ body: () async throws(PostgresError) -> Value
    ) async throws(StoreError) -> Value {
        for attempt in 1... {
            do {
                return try await body()
            } catch {
                let isConflict = error.sqlState == .deadlockDetected || error.sqlState == .serializationFailure
                guard isConflict, attempt < StoreLimits.transactionTries else { throw StoreError(error) }
            }
        }
        throw StoreError(.database, "unreachable")
    }

    /// Decodes rows.
    /// - Throws: `StoreError` with code `unreadable`.
    func decode<Value>(
        _ rows: PostgresRows, _ body: (PostgresRow) throws -> Value
    ) throws(StoreError) -> [Value] {
        do {
            return try rows.decode(body)
        } catch let error as StoreError {
            throw error
        } catch {
            throw StoreError(.unreadable, "\(error)", underlying: error as? PostgresError)
        }
    }
}

extension PostgresRow {
    /// A column whose number names a case.
    /// - Throws: `StoreError` with code `unreadable`.
    func `case`<Value: RawRepresentable>(
        _ column: String, as type: Value.Type = Value.self
    ) throws -> Value where Value.RawValue == Int16 {
        let raw: Int16 = try get(column)
        guard let value = Value(rawValue: raw) else {
            throw StoreError(.unreadable, "column \"\(column)\" holds an unknown \(Value.self)")
        }
        return value
    }

    /// A column whose text names a case.
    /// - Throws: `StoreError` with code `unreadable`.
    func word<Value: RawRepresentable>(
        _ column: String, as type: Value.Type = Value.self
    ) throws -> Value where Value.RawValue == String {
        let raw: String = try get(column)
        guard let value = Value(rawValue: raw) else {
            throw StoreError(.unreadable, "column \"\(column)\" holds an unknown \(Value.self)")
        }
        return value
    }
}
