import ActiveCampaign
import ArgumentParser
import Cluster
import Drivers
import Embedded
import Foundation
import JobQueue
import Logging
import ServiceLifecycle
import Simulators
import Store
import Synchronization

import enum SyncRules.Direction

/// A cluster that a measurement drives job by job, or lets run: real PostgreSQL, real Redis, both simulators over real
/// sockets, and one clock that moves them all, so that waiting for a provider costs no time unless it is asked to.
final class BenchCluster: Sendable {
    let clock = SimulatorClock()
    let wallClock: WallClock
    let salesforce: SalesforceSimulator
    let activeCampaign: ActiveCampaignSimulator
    let baseURL: String
    let pool: PostgresPool
    let store: Store
    let key = PrivateSealingKey()
    private let server: SimulatorServer
    private let serving: Task<Void, any Error>
    /// Servers of further addresses, with the tasks that run them.
    private let further = Mutex<[(server: SimulatorServer, serving: Task<Void, any Error>)]>([])
    private let redis: EmbeddedRedis
    private let postgres: EmbeddedPostgres
    private let folder: URL
    private let client: RedisClient
    private let queue: JobQueue
    private let scheduler: SchedulerService
    private let runner: JobRunner
    private let worker = WorkerID("bench")
    private let logger = Logger(label: "bench") { _ in SwiftLogNoOpLogHandler() }

    /// Time that calls wait for their turn.
    enum Pace {
        /// No call ever waits: Ferry alone is what is measured.
        case lifted
        /// Calls keep the cluster's pace on the simulators' clock, which moves on instead of waiting, and the tenant's
        /// budgets.
        case kept
        /// The same by the machine's own clock.
        case real
    }

    /// Runs `body` with a fresh cluster and removes it afterwards.
    static func with<Result>(pace: Pace, _ body: (BenchCluster) async throws -> Result) async throws -> Result {
        let folder = URL(filePath: "/tmp/ferry-bench-\(UInt32.random(in: 0 ... .max))")
        let cluster = try await BenchCluster(folder: folder, pace: pace)
        do {
            let result = try await body(cluster)
            await cluster.stop()
            return result
        } catch {
            await cluster.stop()
            throw error
        }
    }

    private init(folder: URL, pace: Pace) async throws {
        self.folder = folder
        let clock = clock
        wallClock = WallClock(offset: { clock.offsetSeconds })
        redis = try EmbeddedRedis(folder: folder.appending(path: "redis"))
        postgres = try EmbeddedPostgres(folder: folder.appending(path: "postgres"))
        salesforce = try SalesforceSimulator(clock: clock)
        activeCampaign = ActiveCampaignSimulator(clock: clock)
        let server = SimulatorServer(clock: clock, providers: [salesforce, activeCampaign], faults: salesforce.faults)
        self.server = server
        serving = Task { try await server.run() }
        baseURL = try await server.baseURL
        pool = PostgresPool(try PostgresConfiguration(url: postgres.url(database: "postgres")))
        store = Store(pool: pool, clock: wallClock)
        _ = try await store.migrate()
        try await store.maintainPartitions(now: wallClock.now)
        client = try RedisClient(url: redis.url)
        queue = JobQueue(redis: client, clock: wallClock, options: JobQueueOptions())
        try await queue.adopt(epoch: try await store.nextEpoch(atLeast: 1))
        scheduler = SchedulerService(store: store, queue: queue, clock: wallClock, logger: logger) {
            AsyncStream { $0.finish() }
        }
        runner = JobRunner(
            store: store, queue: pace == .lifted ? nil : queue, clock: wallClock, logger: logger,
            http: try HTTPClient(options: .loopback),
            keys: KeyRing(keys: [key]),
            providers: ProviderPolicy(hostSuffixes: [], allowsLoopback: true, webhookBase: nil),
            paceClock: Self.paceClock(pace, clock))
    }

    private static func paceClock(_ pace: Pace, _ clock: SimulatorClock) -> PaceClock {
        switch pace {
        case .real: return .system
        case .kept:
            return PaceClock(now: { .seconds(clock.offsetSeconds) }, sleep: { clock.advance(by: $0 / .seconds(1)) })
        case .lifted:
            let skipped = Skipped()
            return PaceClock(
                now: { skipped.time.withLock { $0 } }, sleep: { step in skipped.time.withLock { $0 += step } })
        }
    }

    /// Time that was skipped instead of waited for.
    private final class Skipped: Sendable {
        let time = Mutex(Duration.zero)
    }

    /// Another address of the simulators: calls keep their pace by the address, and no two accounts share one.
    func furtherAddress() async throws -> String {
        let server = SimulatorServer(clock: clock, providers: [salesforce, activeCampaign], faults: salesforce.faults)
        let serving = Task { try await server.run() }
        further.withLock { $0.append((server, serving)) }
        return try await server.baseURL
    }

    private func stop() async {
        for (server, serving) in further.withLock({ $0 }) + [(server, serving)] {
            await server.stop()
            _ = try? await serving.value
        }
        await pool.close()
        await client.close()
        redis.stop()
        postgres.stop()
        try? FileManager.default.removeItem(at: folder)
    }

    /// What a tenant's budgets hold as spent.
    func spent(by tenant: Int32) async throws -> BenchTenant.Calls {
        let purses = try await queue.budgets(tenant: tenant)
        func spent(_ provider: CallProvider) -> Int { purses.first { $0.provider == provider }?.spent ?? 0 }
        return BenchTenant.Calls(salesforce: spent(.salesforce), activeCampaign: spent(.activeCampaign))
    }

    // MARK: - Running

    /// Lets a scheduler and one worker run while `body` does.
    /// - Parameters:
    ///   - places: jobs at once.
    ///   - onStart: hears of every job that begins, and of its end.
    func serving(
        places: Int, onStart: @escaping @Sendable (LeasedJob) -> Void, onEnd: @escaping @Sendable (LeasedJob) -> Void,
        _ body: () async throws -> Void
    ) async throws {
        let (runner, worker) = (runner, worker)
        let service = WorkerService(
            queue: queue, options: .init(id: worker, concurrency: places, grace: .seconds(2)), logger: logger
        ) { job in
            onStart(job)
            defer { onEnd(job) }
            return await runner.run(job, worker: worker)
        }
        let group = ServiceGroup(
            configuration: .init(services: [.init(service: scheduler), .init(service: service)], logger: logger))
        let running = Task { try await group.run() }
        do { try await body() } catch {
            await group.triggerGracefulShutdown()
            throw error
        }
        await group.triggerGracefulShutdown()
        try await running.value
    }

    /// Makes a tenant's batch due.
    func ask(for tenant: Int32) async throws {
        try await store.requestRun(tenant: tenant, direction: .outbound, now: wallClock.now)
    }

    /// Asks for what is due without waiting for the scheduler's next look.
    func dispatch() async throws { _ = try await scheduler.runOnce() }

    /// Runs everything that is due until nothing is; where an import or a back-fill is under way, or a pull goes on in a
    /// moment, the clock moves on.
    func settle() async throws {
        while true {
            _ = try await scheduler.runOnce()
            let jobs = try await queue.lease(worker: worker, limit: 64).jobs
            for job in jobs {
                let settlement = await runner.run(job, worker: worker)
                _ = try await queue.settle(worker: worker, [settlement])
            }
            try await refuseTrouble()
            guard jobs.isEmpty else { continue }
            guard let pause = try await pause() else { return }
            clock.advance(by: pause)
        }
    }

    /// Seconds until work that is under way goes on; nil when none is.
    private func pause() async throws -> Double? {
        let isBusy = try await pool.query(
            "SELECT 1 FROM ferry.imports UNION ALL SELECT 1 FROM ferry.sweeps WHERE state = 'running' LIMIT 1")
        if isBusy.first != nil { return Self.importLook }
        let unfinished = try await store.status().compactMap { row -> Date? in
            guard row.direction == "inbound", let last = row.lastRun, let next = row.nextRun else { return nil }
            return next.timeIntervalSince(last) <= Self.continuation ? next : nil
        }
        return unfinished.min().map { max(0, $0.timeIntervalSince(wallClock.now)) + 0.001 }
    }

    /// Seconds the clock moves while nothing but imports are under way.
    private static let importLook = 2.0
    /// Seconds within which a pull follows another that could not take everything at once.
    private static let continuation = 61.0

    /// A run that failed would make every figure worthless.
    private func refuseTrouble() async throws {
        for row in try await store.status() where row.lastError != nil {
            throw ValidationError("\(row.direction) \(row.object): \(row.lastError ?? "")")
        }
    }
}
