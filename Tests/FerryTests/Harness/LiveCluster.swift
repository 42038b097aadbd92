import Cluster
import Drivers
import Embedded
import Foundation
import Simulators
import Store
import Synchronization

/// A cluster of real processes on real servers, with both simulators in this process and one clock for all of them: the
/// simulators' offset is also in the file that `FERRY_CLOCK_OFFSET_FILE` names.
final class LiveCluster: Sendable {
    /// Servers that a test wipes or restarts, and therefore does not share.
    struct Own: OptionSet {
        let rawValue: Int
        static let redis = Own(rawValue: 1)
        static let postgres = Own(rawValue: 2)
        /// A Redis that writes an append-only file.
        static let durableRedis = Own(rawValue: 4)
        /// A primary, a replica and sentinels.
        static let sentinels = Own(rawValue: 8)
    }

    let folder: URL
    let salesforce: SalesforceSimulator
    let activeCampaign: ActiveCampaignSimulator
    /// Where the simulators listen.
    let baseURL: String
    /// The variables every process gets.
    let environment: [String: String]
    let publicKey: PublicSealingKey
    let privateKey: PrivateSealingKey
    let pool: PostgresPool
    let store: Store
    let redis: RedisClient
    private let clock: SimulatorClock
    private let offsetFile: URL
    private let server: SimulatorServer
    private let serving: Task<Void, any Error>
    private let ownRedis: Mutex<EmbeddedRedis?>
    /// Nil unless the test asked for them.
    let sentinels: EmbeddedSentinels?
    private let isRedisDurable: Bool
    private let ownPostgres: Mutex<EmbeddedPostgres?>
    private let processes = Mutex<[FerryProcess]>([])

    /// Runs a test's body on a cluster of its own, on which nothing runs yet; afterwards every process is killed, also
    /// when the body throws.
    static func run(own: Own = [], _ body: (LiveCluster) async throws -> Void) async throws {
        let cluster = try await LiveCluster(own: own)
        do {
            try await body(cluster)
            await cluster.stop()
        } catch {
            cluster.printLogs()
            await cluster.stop()
            throw error
        }
    }

    private init(own: Own) async throws {
        let servers = try LiveServers.shared.get()
        folder = try servers.freshFolder()
        isRedisDurable = own.contains(.durableRedis)
        let ownRedis =
            own.isDisjoint(with: [.redis, .durableRedis])
            ? nil : try EmbeddedRedis(folder: folder.appending(path: "r"), durable: isRedisDurable)
        self.ownRedis = Mutex(ownRedis)
        sentinels = own.contains(.sentinels) ? try EmbeddedSentinels(folder: folder.appending(path: "s")) : nil
        let postgres =
            own.contains(.postgres) ? try EmbeddedPostgres(folder: folder.appending(path: "p"), durable: false) : nil
        ownPostgres = Mutex(postgres)
        let database: String
        if let postgres {
            database = postgres.url(database: "postgres")
            try await LiveServers.migrate(database, in: folder)
        } else {
            database = try await servers.freshDatabase()
        }
        let redisURL: String
        if let url = sentinels?.url ?? ownRedis?.url {
            redisURL = url
        } else {
            redisURL = try await servers.freshRedis()
        }

        let clock = SimulatorClock()
        self.clock = clock
        salesforce = try SalesforceSimulator(clock: clock, privateKeyPEM: Self.appKey.get())
        activeCampaign = ActiveCampaignSimulator(clock: clock)
        let server = SimulatorServer(
            clock: clock, providers: [salesforce, activeCampaign], faults: salesforce.faults)
        self.server = server
        serving = Task { try await server.run() }
        baseURL = try await server.baseURL
        pool = PostgresPool(try PostgresConfiguration(url: database))
        store = Store(pool: pool, clock: WallClock(offset: { clock.offsetSeconds }))
        redis = try RedisClient(url: redisURL)
        privateKey = PrivateSealingKey()
        publicKey = privateKey.publicKey
        let keys = folder.appending(path: "keys")
        try Data(privateKey.exposedText.utf8).write(to: keys)
        offsetFile = folder.appending(path: "clock")
        try Data("0".utf8).write(to: offsetFile)
        environment = [
            "FERRY_ENV": "test", "FERRY_POSTGRES_URL": database, "FERRY_REDIS_URL": redisURL,
            "FERRY_PUBLIC_KEY": publicKey.text, "FERRY_PRIVATE_KEYS_FILE": keys.path,
            "FERRY_CLOCK_OFFSET_FILE": offsetFile.path, "FERRY_ADMIN_HOST": "127.0.0.1", "FERRY_ADMIN_PORT": "0",
            "FERRY_INGEST_HOST": "127.0.0.1", "FERRY_INGEST_PORT": "0",
        ]
    }

    /// One key for all orgs of all tests: making one takes a good part of a second.
    private static let appKey: Result<String, any Error> = Result {
        try SalesforceSimulator(clock: SimulatorClock()).privateKeyPEM
    }

    private func stop() async {
        for process in processes.withLock({ $0 }) { process.send(SIGKILL) }
        for process in processes.withLock({ $0 }) { _ = try? await process.end() }
        // Cancelled, not asked politely: requests may be stalled for the rest of the test.
        serving.cancel()
        _ = try? await serving.value
        await pool.close()
        await redis.close()
        ownRedis.withLock { $0?.stop() }
        try? sentinels?.master.server.signal(SIGCONT)
        sentinels?.stop()
        ownPostgres.withLock { $0?.stop() }
    }

    private func printLogs() {
        for process in processes.withLock({ $0 }) where !process.errors.isEmpty {
            print("--- standard error of \(process.id):\n\(process.errors.suffix(3_000))")
        }
    }

    // MARK: - Processes

    /// Starts a long-running role, or any command.
    func start(_ arguments: String..., environment more: [String: String] = [:], input: String? = nil) throws
        -> FerryProcess
    {
        try start(arguments: arguments, environment: more, input: input)
    }

    /// Runs a command to its end.
    func ferry(
        _ arguments: String..., environment more: [String: String] = [:], input: String? = nil,
        within limit: Duration = .seconds(60)
    ) async throws -> FerryProcess {
        let process = try start(arguments: arguments, environment: more, input: input)
        _ = try await process.end(within: limit)
        return process
    }

    /// Starts a role or a command.
    func start(arguments: [String], environment more: [String: String] = [:], input: String? = nil) throws
        -> FerryProcess
    {
        let name = processes.withLock { "\($0.count)-\(arguments.first ?? "ferry")" }
        var file: URL?
        if let input {
            let path = folder.appending(path: "\(name).in")
            try Data(input.utf8).write(to: path)
            file = path
        }
        let process = try FerryProcess(
            arguments, environment: environment.merging(more) { $1 }, input: file, log: folder.appending(path: name))
        processes.withLock { $0.append(process) }
        return process
    }

    // MARK: - Acting

    /// Moves the one clock of processes and providers while they run.
    func advance(_ seconds: TimeInterval) throws {
        clock.advance(by: seconds)
        // In one step: no process reads half a number.
        try Data(String(clock.offsetSeconds).utf8).write(to: offsetFile, options: .atomic)
    }

    /// The present instant of all processes.
    var now: Date { clock.now }

    /// The faults of both providers.
    var faults: FaultPlan { salesforce.faults }

    /// Stops the test's own PostgreSQL and starts it again on the same data.
    func restartPostgres(_ meanwhile: () async throws -> Void) async throws {
        ownPostgres.withLock { $0?.stop() }
        try await meanwhile()
        let postgres = try EmbeddedPostgres(folder: folder.appending(path: "p"), durable: false)
        ownPostgres.withLock { $0 = postgres }
    }

    /// Kills the test's own Redis and starts it again on what it had written, which without an append-only file is nothing.
    func killRedis(_ meanwhile: () async throws -> Void) async throws {
        try ownRedis.withLock { redis in
            try redis?.server.signal(SIGKILL)
            redis?.server.waitUntilExit()
        }
        try await meanwhile()
        let redis = try EmbeddedRedis(folder: folder.appending(path: "r"), durable: isRedisDurable)
        ownRedis.withLock { $0 = redis }
    }

    /// One value of one row.
    func value<Scalar: PostgresScalar>(_ sql: String, as type: Scalar.Type = Scalar.self) async throws -> Scalar {
        try await pool.query(sql).only().get("value")
    }

    /// Waits until both sides of every tenant agree and nothing is under way. Runs are asked for again now and then, as
    /// an impatient operator would, since the next poll may be an hour away.
    func converge(_ tenants: LiveTenant..., within limit: Duration = .seconds(60)) async throws {
        let began = ContinuousClock.now
        var asked = began - .seconds(60)
        do {
            try await eventually("both sides agree", within: limit, every: .milliseconds(100)) {
                if ContinuousClock.now - asked > .seconds(2) {
                    asked = .now
                    for tenant in tenants { try await tenant.requestRun() }
                }
                for tenant in tenants where try await !tenant.isSettled() { return false }
                return true
            }
        } catch let error as HarnessError {
            let open = tenants.flatMap { tenant in tenant.disagreements().prefix(5).map { "\(tenant.id): \($0)" } }
            throw HarnessError("\(error); \(open.joined(separator: "; "))")
        }
    }
}
