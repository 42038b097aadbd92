import Drivers
import Embedded
import Foundation
import Simulators
import Store
import Synchronization

/// One Redis and one PostgreSQL for the whole test process; each test gets a database and a key prefix of its own.
final class TestServers: Sendable {
    static let shared: Result<TestServers, any Error> = Result { try TestServers() }

    let redis: EmbeddedRedis
    let postgres: EmbeddedPostgres
    /// The key of every org's connected app: making one takes a good part of a second.
    let appKey: String
    private let counter = Mutex(0)
    /// Makes the database that tests get copies of: migrating takes much longer than copying.
    private let template: Task<Void, any Error>

    private init() throws {
        appKey = try SalesforceSimulator(clock: SimulatorClock()).privateKeyPEM
        let folder = URL(filePath: "/tmp/ferry-ct-\(ProcessInfo.processInfo.processIdentifier)")
        redis = try EmbeddedRedis(folder: folder.appending(path: "r"), durable: false)
        let postgres = try EmbeddedPostgres(
            folder: folder.appending(path: "p"), durable: false, arguments: ["-c", "max_connections=500"])
        self.postgres = postgres
        template = Task {
            try await Self.administer(postgres, "CREATE DATABASE template_ferry")
            let pool = PostgresPool(try PostgresConfiguration(url: postgres.url(database: "template_ferry")))
            _ = try await Store(pool: pool, clock: .system).migrate()
            await pool.close()
        }
        atexit { if case .success(let servers) = TestServers.shared { servers.close() } }
    }

    /// Removes what the tests' own servers left too; those two a killed process leaves go with their watchdogs.
    private func close() {
        redis.stop()
        postgres.stop()
        try? FileManager.default.removeItem(at: URL(filePath: postgres.socketFolder).deletingLastPathComponent())
    }

    private static func administer(_ postgres: EmbeddedPostgres, _ statement: String) async throws {
        let admin = PostgresPool(try PostgresConfiguration(url: postgres.url(database: "postgres")))
        try await admin.query(statement)
        await admin.close()
    }

    /// A Redis of one test's own, for tests that wipe it; the test stops it.
    func ownRedis() throws -> EmbeddedRedis {
        let folder = URL(filePath: redis.socketPath).deletingLastPathComponent().deletingLastPathComponent()
        return try EmbeddedRedis(folder: folder.appending(path: freshName()), durable: false)
    }

    /// A name no other test of this process has.
    func freshName() -> String {
        let number = counter.withLock { counter in
            counter += 1
            return counter
        }
        return "t\(number)"
    }

    /// A new migrated database's name.
    func freshDatabase() async throws -> String {
        try await template.value
        let name = freshName()
        try await Self.administer(postgres, "CREATE DATABASE \(name) TEMPLATE template_ferry")
        return name
    }

    /// Removes a database nobody is connected to any more.
    func drop(_ database: String) async {
        try? await Self.administer(postgres, "DROP DATABASE \(database) WITH (FORCE)")
    }
}
