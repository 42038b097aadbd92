import Drivers
import Embedded
import Foundation
import Synchronization

/// One Redis and one PostgreSQL for the whole test process; each test gets a database and a key prefix of its own.
final class TestServers: Sendable {
    static let shared: Result<TestServers, any Error> = Result { try TestServers() }

    let redis: EmbeddedRedis
    let postgres: EmbeddedPostgres
    private let counter = Mutex(0)

    private init() throws {
        let folder = URL(filePath: "/tmp/ferry-ct-\(ProcessInfo.processInfo.processIdentifier)")
        redis = try EmbeddedRedis(folder: folder.appending(path: "r"), durable: false)
        postgres = try EmbeddedPostgres(folder: folder.appending(path: "p"), durable: false)
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

    /// A new empty database.
    func freshDatabase() async throws -> String {
        let name = freshName()
        let admin = PostgresPool(try PostgresConfiguration(url: postgres.url(database: "postgres")))
        try await admin.query("CREATE DATABASE \(name)")
        await admin.close()
        return postgres.url(database: name)
    }
}
