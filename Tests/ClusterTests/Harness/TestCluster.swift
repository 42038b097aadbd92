import ActiveCampaign
import Cluster
import Drivers
import Embedded
import Foundation
import JobQueue
import Logging
import Simulators
import Store

/// A cluster a test drives step by step: real PostgreSQL, real Redis, both simulators over real sockets, and one clock
/// that moves everything: a run that waits for its turn to call moves it on by that time. No background task runs unless
/// the test starts one.
final class TestCluster: Sendable {
    let clock = SimulatorClock()
    let wallClock: WallClock
    let salesforce: SalesforceSimulator
    let activeCampaign: ActiveCampaignSimulator
    let server: SimulatorServer
    let baseURL: String
    let pool: PostgresPool
    let store: Store
    let queue: JobQueue
    private let queueOptions: JobQueueOptions
    let redis: RedisClient
    let scheduler: SchedulerService
    let runner: JobRunner
    let key = PrivateSealingKey()
    let worker = WorkerID("test")
    /// Nil unless the test asked for it.
    let ingest: TestIngest?
    private let serving: Task<Void, any Error>

    /// A Redis of this cluster's own; nil when it shares one.
    private let ownRedis: EmbeddedRedis?

    /// Brings a cluster up.
    /// - Parameters:
    ///   - ownRedis: whether the test is going to wipe Redis.
    ///   - hasIngest: whether webhooks come in.
    static func start(ownRedis: Bool = false, hasIngest: Bool = false) async throws -> TestCluster {
        let servers = try TestServers.shared.get()
        return try await TestCluster(
            servers: servers, database: try await servers.freshDatabase(),
            ownRedis: ownRedis ? try servers.ownRedis() : nil, hasIngest: hasIngest)
    }

    private let servers: TestServers
    private let database: String

    private init(servers: TestServers, database: String, ownRedis: EmbeddedRedis?, hasIngest: Bool) async throws {
        self.ownRedis = ownRedis
        self.servers = servers
        self.database = database
        let clock = clock
        wallClock = WallClock(offset: { clock.offsetSeconds })
        salesforce = try SalesforceSimulator(clock: clock, privateKeyPEM: servers.appKey)
        activeCampaign = ActiveCampaignSimulator(clock: clock)
        let server = SimulatorServer(
            clock: clock, providers: [salesforce, activeCampaign], faults: salesforce.faults)
        self.server = server
        serving = Task { try await server.run() }
        baseURL = try await server.baseURL
        pool = PostgresPool(try PostgresConfiguration(url: servers.postgres.url(database: database)))
        store = Store(pool: pool, clock: wallClock)
        redis = try RedisClient(url: (ownRedis ?? servers.redis).url)
        var options = JobQueueOptions()
        options.namespace = servers.freshName()
        queue = JobQueue(redis: redis, clock: wallClock, options: options)
        try await queue.adopt(epoch: try await store.nextEpoch(atLeast: 1))
        queueOptions = options
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        scheduler = SchedulerService(store: store, queue: queue, clock: wallClock, logger: logger) {
            AsyncStream { $0.finish() }
        }
        let store = store
        let wallClock = wallClock
        ingest = hasIngest ? try await TestIngest.start(store: store, clock: wallClock) : nil
        runner = try Self.runner(
            store, queue, wallClock, key, webhookBase: ingest?.base, paceClock: Self.paceClock(clock))
    }

    private static func runner(
        _ store: Store, _ queue: JobQueue, _ clock: WallClock, _ key: PrivateSealingKey, webhookBase: String?,
        paceClock: PaceClock
    ) throws -> JobRunner {
        JobRunner(
            store: store, queue: queue, clock: clock, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
            http: try HTTPClient(options: .loopback), keys: KeyRing(keys: [key]),
            providers: ProviderPolicy(hostSuffixes: [], allowsLoopback: true, webhookBase: webhookBase),
            paceClock: paceClock)
    }

    /// Waits end at once, and the cluster's clock is then where it would be after them: nothing but time passes.
    private static func paceClock(_ clock: SimulatorClock) -> PaceClock {
        let system = PaceClock.system
        return PaceClock(now: { system.now + .seconds(clock.offsetSeconds) }) { wait in
            try Task.checkCancellation()
            clock.advance(by: wait / .seconds(1))
        }
    }

    /// A worker as a process of its own would be: its own connection to Redis, its own runner, pace and sessions.
    /// - Parameter paceClock: by which it waits before calls; nil moves the cluster's clock on instead.
    /// - Returns: its parts; `leave` closes its connection.
    func process(
        paceClock: PaceClock? = nil
    ) throws -> (queue: JobQueue, runner: JobRunner, leave: @Sendable () async -> Void) {
        let redis = try RedisClient(url: (ownRedis ?? servers.redis).url)
        let queue = JobQueue(redis: redis, clock: wallClock, options: queueOptions)
        let runner = try Self.runner(
            store, queue, wallClock, key, webhookBase: nil, paceClock: paceClock ?? Self.paceClock(clock))
        return (queue, runner, { await redis.close() })
    }

    /// Ends everything.
    func stop() async {
        await ingest?.stop()
        await server.stop()
        _ = try? await serving.value
        await pool.close()
        await redis.close()
        ownRedis?.stop()
        await servers.drop(database)
    }

    // MARK: - Time

    /// Moves the one clock of cluster and providers.
    func advance(_ seconds: TimeInterval) { clock.advance(by: seconds) }

    // MARK: - Running

    /// Dispatches and runs everything that is due now, imports included (the clock moves on for those), until nothing is.
    /// - Returns: how many jobs ran.
    @discardableResult
    func settle(rounds: Int = 60) async throws -> Int {
        var ran = 0
        for _ in 0..<rounds {
            await scheduler.renewBudgets()
            _ = try await scheduler.runOnce()
            let batch = try await queue.lease(worker: worker, limit: 64)
            for job in batch.jobs {
                let settlement = await runner.run(job, worker: worker)
                _ = try await queue.settle(worker: worker, [settlement])
                ran += 1
            }
            if batch.jobs.isEmpty {
                guard try await hasOpenImports() else { return ran }
                advance(3)
            }
        }
        return ran
    }

    /// Makes both directions of every tenant due and settles.
    @discardableResult
    func round() async throws -> Int {
        for tenant in try await store.tenants() {
            try await store.requestRun(tenant: tenant.number, now: wallClock.now)
        }
        return try await settle()
    }

    /// Runs what is due now, once, and leaves imports open; the clock stands still.
    func runDue() async throws {
        await scheduler.renewBudgets()
        _ = try await scheduler.runOnce()
        for job in try await queue.lease(worker: worker, limit: 64).jobs {
            let settlement = await runner.run(job, worker: worker)
            _ = try await queue.settle(worker: worker, [settlement])
        }
    }

    private func hasOpenImports() async throws -> Bool {
        try await pool.query("SELECT 1 FROM ferry.imports LIMIT 1").first != nil
    }

    // MARK: - Looking

    /// One value of one row.
    func value<Scalar: PostgresScalar>(_ sql: String, as type: Scalar.Type = Scalar.self) async throws -> Scalar {
        try await pool.query(sql).only().get("value")
    }
}
