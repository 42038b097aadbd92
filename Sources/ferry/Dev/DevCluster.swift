import Cluster
import Drivers
import Embedded
import Foundation
import Logging
import ServiceLifecycle
import Simulators
import Store

/// A cluster in one process: embedded servers, simulated providers, and every role.
struct DevCluster {
    let folder: URL
    let isTemporary: Bool
    let redis: EmbeddedRedis
    let postgres: EmbeddedPostgres
    let world: DemoWorld
    let rows: DemoRows
    let runtime: Runtime
    private let providers: Task<Void, any Error>
    private let roles: Task<Void, Never>
    private let failures: AsyncStream<any Error>
    private let group: ServiceGroup
    private let ingest: Running

    /// Starts everything and returns when it runs; leaves nothing behind when it can't.
    /// - Parameters:
    ///   - path: private folder; a new one under /tmp when nil.
    ///   - workers: workers to start.
    static func start(folder path: String?, workers: Int) async throws -> DevCluster {
        let folder = URL(filePath: path ?? "/tmp/ferry-dev-\(ProcessInfo.processInfo.processIdentifier)")
        note("Starting Redis and PostgreSQL in \(folder.path) …")
        try FileManager.default.createDirectory(
            at: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o711])
        do {
            return try await start(in: folder, isTemporary: path == nil, workers: workers)
        } catch {
            if path == nil { try? FileManager.default.removeItem(at: folder) }
            throw error
        }
    }

    private static func start(in folder: URL, isTemporary: Bool, workers: Int) async throws -> DevCluster {
        let redis = try EmbeddedRedis(folder: folder.appending(path: "redis"))
        let postgres = try EmbeddedPostgres(folder: folder.appending(path: "postgres"))
        let key = PrivateSealingKey()
        try write(key, to: folder)

        let world = try DemoWorld()
        let providers = Task { try await world.server.run() }
        let baseURL = try await world.server.baseURL
        var environment = [
            "FERRY_ENV": "dev", "FERRY_POSTGRES_URL": postgres.url(database: "postgres"),
            "FERRY_REDIS_URL": redis.url, "FERRY_PUBLIC_KEY": key.publicKey.text,
            "FERRY_PRIVATE_KEYS_FILE": folder.appending(path: "keys").path, "FERRY_LOG_LEVEL": "error",
        ]
        let ingestRuntime = try Runtime("dev ingest", settings: Settings(environment: environment))
        _ = try await ingestRuntime.store.migrate()
        try await ingestRuntime.store.maintainPartitions(now: ingestRuntime.clock.now)

        let (port, ingest) = try await startIngest(ingestRuntime)
        environment["FERRY_INGEST_URL"] = "http://127.0.0.1:\(port)"
        try writeSettings(environment, to: folder)
        let runtime = try Runtime("dev", settings: Settings(environment: environment))
        var services: [any Service] = [try runtime.scheduler()]
        for number in 1...workers {
            services.append(
                try runtime.worker(
                    id: "dev-\(number)", keys: KeyRing(keys: [key]), concurrency: 16, grace: .seconds(10)))
        }
        let group = ServiceGroup(
            configuration: .init(
                services: services.map { .init(service: $0) }, logger: runtime.logger))
        let (failures, failing) = AsyncStream<any Error>.makeStream()
        let roles = Task {
            do { try await group.run() } catch { failing.yield(error) }
        }
        return DevCluster(
            folder: folder, isTemporary: isTemporary, redis: redis, postgres: postgres, world: world,
            rows: DemoRows(pool: runtime.pool, publicKey: key.publicKey, baseURL: baseURL), runtime: runtime,
            providers: providers, roles: roles, failures: failures, group: group, ingest: ingest)
    }

    /// Services that run in a group of their own, and their connections.
    private struct Running {
        let group: ServiceGroup
        let task: Task<Void, any Error>
        let pool: PostgresPool

        func stop() async {
            await group.triggerGracefulShutdown()
            _ = try? await task.value
            await pool.close()
        }
    }

    private static func startIngest(_ runtime: Runtime) async throws -> (port: Int, running: Running) {
        let (ports, bound) = AsyncStream<Int>.makeStream()
        let services = runtime.ingest(host: "127.0.0.1", port: 0) { bound.yield($0) }
        let group = ServiceGroup(
            configuration: .init(services: services.map { .init(service: $0) }, logger: runtime.logger))
        let task = Task { try await group.run() }
        for await port in ports { return (port, Running(group: group, task: task, pool: runtime.pool)) }
        throw SettingsError(description: "ingest did not come up")
    }

    private static func write(_ key: PrivateSealingKey, to folder: URL) throws {
        let path = folder.appending(path: "keys").path
        guard
            FileManager.default.createFile(
                atPath: path, contents: Data(key.exposedText.utf8), attributes: [.posixPermissions: 0o600])
        else { throw SettingsError(description: "can't write \(path)") }
    }

    private static func writeSettings(_ environment: [String: String], to folder: URL) throws {
        let text = environment.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: "\n")
        try Data((text + "\n").utf8).write(to: folder.appending(path: "ferry.env"))
    }

    /// What to try next, for a human.
    var invitation: String {
        """

        The cluster keeps running; end it with Ctrl-C. In another terminal:

          export FERRY_SETTINGS_FILE=\(folder.path)/ferry.env
          ferry sync status                         # every stream, in words
          ferry sync now harbor-coffee --wait       # run both directions now
          ferry tenants show atlas-travel           # a tenant's rows
          psql '\(postgres.url(database: "postgres"))'   # rows yourself: ferry.sync_status, ferry.tenants, …
        """
    }

    /// Returns, with the reason, when a role has ended although nobody stopped it; or when the caller is cancelled.
    func failure() async -> any Error {
        for await error in failures { return error }
        return CancellationError()
    }

    /// Stops everything and removes a temporary folder.
    func stop() async {
        await group.triggerGracefulShutdown()
        await roles.value
        await ingest.stop()
        await world.server.stop()
        _ = try? await providers.value
        await runtime.pool.close()
        redis.stop()
        postgres.stop()
        if isTemporary { try? FileManager.default.removeItem(at: folder) }
    }
}
