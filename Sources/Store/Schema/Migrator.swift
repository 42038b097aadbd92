import Drivers

/// Brings the database to this program's schema. Any number of processes may start at once: one migrates, the others
/// wait and find it done.
struct Migrator: Sendable {
    /// Names the advisory lock; any constant will do, as long as nobody else takes it.
    private static let lock: Int64 = 0x6665_7272_7900_0001

    let pool: PostgresPool
    var migrations = Migration.all

    /// Applies what is missing.
    /// - Returns: the names of the migrations that were applied.
    /// - Throws: `StoreError` with code `migrationChanged`, naming the file, `databaseNewer`, or `database`.
    func migrate() async throws -> [String] {
        do {
            return try await pool.withConnection { session in
                try await session.query(
                    "SELECT pg_advisory_lock($1)", [.int8(Self.lock)], timeout: StoreLimits.migrationLockTimeout)
                do {
                    let applied = try await apply(session)
                    try await session.query("SELECT pg_advisory_unlock($1)", [.int8(Self.lock)])
                    return applied
                } catch {
                    // A session lock outlives a failed statement; without this the pooled connection would keep it.
                    _ = try? await session.query("SELECT pg_advisory_unlock($1)", [.int8(Self.lock)])
                    throw error
                }
            }
        } catch let error as PostgresError {
            throw StoreError(error)
        }
    }

    private func apply(_ session: PostgresSession) async throws -> [String] {
        try await session.script(
            """
            CREATE SCHEMA IF NOT EXISTS ferry;
            CREATE TABLE IF NOT EXISTS ferry.schema_migrations (
                version integer PRIMARY KEY,
                name text NOT NULL,
                checksum bytea NOT NULL,
                applied_at timestamptz NOT NULL DEFAULT now()
            );
            """)
        let rows = try await session.query(
            "SELECT version, name, checksum FROM ferry.schema_migrations ORDER BY version")
        var known: [Int: [UInt8]] = [:]
        for row in rows { known[try row.get("version")] = try row.get("checksum", as: [UInt8].self) }
        try check(known)
        var applied: [String] = []
        for migration in migrations where known[migration.version] == nil {
            try await apply(migration, session)
            applied.append(migration.name)
        }
        return applied
    }

    private func check(_ known: [Int: [UInt8]]) throws {
        if let newest = known.keys.max(), newest > (migrations.last?.version ?? 0) {
            throw StoreError(
                .databaseNewer,
                "the database is at migration \(newest), this program knows \(migrations.last?.version ?? 0); "
                    + "run a newer ferry")
        }
        for migration in migrations {
            guard let checksum = known[migration.version], checksum != migration.checksum else { continue }
            throw StoreError(
                .migrationChanged,
                "\(migration.name).sql was changed after it had been applied; put it back and add a new file instead")
        }
    }

    private func apply(_ migration: Migration, _ session: PostgresSession) async throws {
        try await session.query("BEGIN")
        do {
            try await session.script(migration.sql, timeout: StoreLimits.migrationTimeout)
            try await session.query(
                "INSERT INTO ferry.schema_migrations (version, name, checksum) VALUES ($1, $2, $3)",
                [.int4(Int32(migration.version)), .text(migration.name), .bytea(migration.checksum)])
            try await session.query("COMMIT")
        } catch {
            _ = try? await session.query("ROLLBACK")
            throw StoreError(.database, "\(migration.name).sql: \(error.message)", underlying: error)
        }
    }
}

extension Store {
    /// Brings the database to this program's schema; safe to run from many processes at once.
    /// - Returns: the names of the migrations that were applied.
    /// - Throws: `StoreError`.
    @discardableResult
    package func migrate() async throws -> [String] {
        try await Migrator(pool: pool).migrate()
    }
}
