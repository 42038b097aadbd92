import Dispatch
import Drivers
import Embedded
import Foundation
import Store
import SyncRules
import Synchronization
import Testing

/// One server for all tests of the store; each test has a database of its own.
enum StoreTestDatabase {
    private static let server = Result { try launch() }
    private static let count = Mutex(0)

    private static func launch() throws -> EmbeddedPostgres {
        let folder = URL(fileURLWithPath: "/tmp/ferry-store-\(getpid())")
        let server = try EmbeddedPostgres(folder: folder, durable: false)
        leftover.withLock { $0 = (server, folder) }
        atexit {
            guard let (server, folder) = StoreTestDatabase.leftover.withLock({ $0 }) else { return }
            server.stop()
            try? FileManager.default.removeItem(at: folder)
        }
        return server
    }

    private static let leftover = Mutex<(EmbeddedPostgres, URL)?>(nil)

    /// A fresh, empty database.
    static func emptyPool(connections: Int = 4) async throws -> PostgresPool {
        let server = try await withCheckedThrowingContinuation { continuation in
            DispatchQueue.global().async { continuation.resume(with: Self.server) }
        }
        let number = count.withLock { count in
            count += 1
            return count
        }
        var configuration = try PostgresConfiguration(url: server.url(database: "postgres"))
        configuration.maximumConnections = 1
        let root = PostgresPool(configuration)
        try await root.query("CREATE DATABASE store_\(number)")
        await root.close()
        configuration = try PostgresConfiguration(url: server.url(database: "store_\(number)"))
        configuration.maximumConnections = connections
        return PostgresPool(configuration)
    }

    /// A migrated database.
    static func make(connections: Int = 4) async throws -> (store: Store, pool: PostgresPool) {
        let pool = try await emptyPool(connections: connections)
        let store = Store(pool: pool, clock: .system)
        try await store.migrate()
        return (store, pool)
    }

    /// The SQL of a tenant that may run, as the README brings it on board.
    static func onboarding(_ id: String) -> String {
        """
        BEGIN;
        INSERT INTO ferry.tenants (id) VALUES ('\(id)');
        INSERT INTO ferry.connections (tenant, provider, base_url, secret) VALUES
            ('\(id)', 'activecampaign', 'https://\(id).api-us1.com', 'ferry1.k1.c2VjcmV0'),
            ('\(id)', 'salesforce', 'https://\(id).my.salesforce.com', 'ferry1.k1.c2VjcmV0');
        INSERT INTO ferry.sync_settings (tenant, inbound_interval_hours, contact_selection, lead_selection)
            VALUES ('\(id)', 4, 'new', 'none');
        INSERT INTO ferry.field_mappings (tenant, object, sf_field, sf_type, ac_field, ac_type)
            VALUES ('\(id)', 'contact', 'Birthdate', 'date', 'custom:birthday', 'date');
        COMMIT;
        """
    }

    /// Brings a tenant on board.
    /// - Returns: its number.
    static func onboard(_ id: String, _ store: Store, _ pool: PostgresPool) async throws -> Int32 {
        try await pool.script(onboarding(id))
        return try #require(try await store.tenant(id)).number
    }
}

/// The `StoreError` that `body` throws.
func storeError<Value>(
    sourceLocation: SourceLocation = #_sourceLocation, _ body: () async throws -> Value
) async throws -> StoreError {
    do {
        _ = try await body()
    } catch let error as StoreError {
        return error
    }
    Issue.record("expected a StoreError", sourceLocation: sourceLocation)
    throw CancellationError()
}

/// The sentence with which PostgreSQL refuses a statement.
func refusal(
    _ pool: PostgresPool, _ sql: String, sourceLocation: SourceLocation = #_sourceLocation
) async throws -> (constraint: String?, message: String) {
    do {
        try await pool.script(sql)
    } catch {
        return (error.constraint, error.message)
    }
    Issue.record("not refused: \(sql)", sourceLocation: sourceLocation)
    return (nil, "")
}

/// An 18-character record id.
func recordID(_ number: Int) -> String {
    let digits = String(number)
    return "003" + String(repeating: "0", count: 15 - digits.count) + digits
}

/// A link with no fingerprints.
func link(_ contact: Int64, _ record: Int, object: ObjectKind = .contact) -> Link {
    Link(contactID: contact, object: object, recordID: recordID(record), emailHash: [1, 2, UInt8(record & 0xFF)])
}
