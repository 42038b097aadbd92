import Drivers
import Embedded
import Foundation
import Synchronization

/// One Redis and one PostgreSQL for all tests of this process; each test gets a database of each. The tests run one
/// after the other, so Redis's sixteen databases are enough.
final class LiveServers: Sendable {
    static let shared: Result<LiveServers, any Error> = Result { try LiveServers() }

    /// Databases a Redis has by default.
    private static let redisDatabases = 16
    private static let template = "ferry_template"

    /// Where the servers and the tests' files are; removed when the process ends in peace.
    let folder: URL
    private let redis: EmbeddedRedis
    private let postgres: EmbeddedPostgres
    private let counter = Mutex(0)
    private let isMigrated = Mutex(false)

    private init() throws {
        signal(SIGPIPE, SIG_IGN)
        folder = URL(filePath: "/tmp/ferry-ft-\(ProcessInfo.processInfo.processIdentifier)")
        try FileManager.default.createDirectory(
            at: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o711])
        redis = try EmbeddedRedis(folder: folder.appending(path: "r"), durable: false)
        postgres = try EmbeddedPostgres(folder: folder.appending(path: "p"), durable: false)
        atexit { if case .success(let servers) = LiveServers.shared { servers.close() } }
    }

    private func close() {
        redis.stop()
        postgres.stop()
        try? FileManager.default.removeItem(at: folder)
    }

    /// A number no other test of this process has.
    func freshNumber() -> Int {
        counter.withLock { counter in
            counter += 1
            return counter
        }
    }

    /// A new empty folder.
    func freshFolder() throws -> URL {
        let folder = folder.appending(path: "t\(freshNumber())")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        return folder
    }

    /// An emptied database of the shared Redis.
    func freshRedis() async throws -> String {
        let url = "\(redis.url)?db=\(freshNumber() % Self.redisDatabases)"
        let client = try RedisClient(url: url)
        _ = try await client.send("FLUSHDB")
        await client.close()
        return url
    }

    /// A new database with Ferry's schema, as `ferry migrate` makes it.
    func freshDatabase() async throws -> String {
        let name = "t\(freshNumber())"
        let admin = PostgresPool(try PostgresConfiguration(url: postgres.url(database: "postgres")))
        if isMigrated.withLock({ !$0 }) {
            try await admin.query("CREATE DATABASE \(Self.template)")
            try await Self.migrate(postgres.url(database: Self.template), in: try freshFolder())
            isMigrated.withLock { $0 = true }
        }
        try await admin.query("CREATE DATABASE \(name) TEMPLATE \(Self.template)")
        await admin.close()
        return postgres.url(database: name)
    }

    /// Brings a database up to this version with the command that operators use.
    static func migrate(_ url: String, in folder: URL) async throws {
        let process = try FerryProcess(
            ["migrate"], environment: ["FERRY_POSTGRES_URL": url], log: folder.appending(path: "migrate"))
        guard try await process.end(within: .seconds(60)) == .code(0) else {
            throw HarnessError("ferry migrate failed: \(process.errors)")
        }
    }
}
