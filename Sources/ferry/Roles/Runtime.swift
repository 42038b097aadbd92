import Cluster
import Drivers
import Foundation
import JobQueue
import Logging
import ServiceLifecycle
import Store
import UnixSignals

/// What every role and control command stands on: settings, clock, PostgreSQL, Redis. The one place where a cluster's
/// parts are put together.
struct Runtime: Sendable {
    let settings: Settings
    let clock: WallClock
    let logger: Logger
    let postgres: PostgresConfiguration
    let pool: PostgresPool
    let store: Store

    /// Prepares PostgreSQL; nothing is opened before the first statement.
    /// - Parameter name: the role, for logs and `pg_stat_activity`.
    init(_ name: String, settings: Settings) throws {
        self.settings = settings
        clock = settings.clock
        var logger = Logger(label: "ferry.\(name)") { StreamLogHandler.standardError(label: $0) }
        logger.logLevel = try settings.logLevel
        self.logger = logger
        do {
            var configuration = try PostgresConfiguration(url: settings.required(.postgresURL))
            configuration.applicationName = "ferry \(name)"
            configuration.maximumConnections = ProcessLimits.postgresConnections
            postgres = configuration
        } catch let error as PostgresError {
            throw SettingsError(description: "FERRY_POSTGRES_URL: \(error)")
        }
        pool = PostgresPool(postgres)
        store = Store(pool: pool, clock: clock)
    }

    /// The queue on `FERRY_REDIS_URL`.
    func queue() throws -> JobQueue {
        do {
            let fleet = try RedisFleet(url: settings.required(.redisURL))
            return JobQueue(fleet: fleet, clock: clock)
        } catch let error as RedisError {
            throw SettingsError(description: "FERRY_REDIS_URL: \(error)")
        }
    }

    /// A scheduler over this runtime's stores, which rests while the queue's switch is not at *running*.
    func scheduler(queue given: JobQueue? = nil) throws -> any Service {
        let queue = try given ?? queue()
        let (store, clock, logger, postgres) = (store, clock, logger, postgres)
        return SwitchedService(
            logger: logger, orders: { _ in try await store.queueSwitch().mode == .running ? .work : .rest },
            make: {
                let listener = PostgresListener(postgres, channels: ["ferry_streams"])
                return SchedulerService(store: store, queue: queue, clock: clock, logger: logger) {
                    AsyncStream(bufferingPolicy: .bufferingNewest(1)) { continuation in
                        let task = Task {
                            for await _ in listener.events() { continuation.yield() }
                            continuation.finish()
                        }
                        continuation.onTermination = { _ in task.cancel() }
                    }
                }
            })
    }

    /// A worker over this runtime's stores, which follows the queue's switch and what `ferry workers` asks of it.
    /// - Parameters:
    ///   - id: its name on the roll; cut when it is longer than `JobQueueLimits.processNameBytes`.
    ///   - keys: opens tenants' secrets.
    ///   - concurrency: jobs at once.
    func worker(
        id: String, keys: KeyRing, concurrency: Int, grace: Duration, queue given: JobQueue? = nil
    ) throws -> any Service {
        let queue = try given ?? queue()
        let runner = JobRunner(
            store: store, queue: queue, clock: clock, logger: logger, http: try providerClient(), keys: keys,
            providers: try providerPolicy())
        let logger = logger
        let name = WorkerID.plain(id)
        let roll = WorkerEnrolment(store: store, name: name, concurrency: concurrency)
        return SwitchedService(
            logger: logger, orders: { try await roll.orders($0) }, leave: { await roll.leave() },
            make: {
                let options = WorkerService.Options(
                    id: WorkerID(startOf: name), concurrency: concurrency, grace: grace)
                return WorkerService(queue: queue, options: options, logger: logger) { job in
                    MetricCatalog.running(1)
                    let start = ContinuousClock.now
                    let settlement = await runner.run(job, worker: options.id)
                    MetricCatalog.running(-1)
                    MetricCatalog.ended(job.key.kind, settlement.outcome, after: ContinuousClock.now - start)
                    return settlement
                }
            })
    }

    /// A client for the providers, as strict as the environment asks for.
    func providerClient() throws -> HTTPClient {
        var http = try settings.environment == .production ? HTTPOptions() : HTTPOptions.loopback
        http.caFile = settings[.certificateAuthorityFile]
        return try HTTPClient(options: http)
    }

    /// Which provider addresses may be called.
    func providerPolicy() throws -> ProviderPolicy {
        ProviderPolicy(
            hostSuffixes: settings.hostSuffixes, allowsLoopback: try settings.environment != .production,
            webhookBase: settings[.ingestURL])
    }

    /// Ingest and the inbox behind it.
    func ingest(
        host: String, port: Int, onBound: @escaping @Sendable (Int) async -> Void = { _ in }
    ) -> [any Service] {
        let store = store
        let clock = clock
        let inbox = ChangeInbox(logger: logger) { hints in
            do {
                try await store.recordChanges(
                    hints.map { SeenChange(tenant: $0.tenant, contactID: $0.contactID) }, now: clock.now)
                MetricCatalog.hints(.accepted, hints.count)
            } catch {
                MetricCatalog.hints(.notStored, hints.count)
                throw error
            }
        }
        let server = IngestServer(
            host: host, port: port, inbox: inbox, logger: logger,
            lookup: { hash in
                let found = try await store.tenant(forTokenHash: hash)
                if found == nil { MetricCatalog.hints(.unknownToken) }
                return found
            },
            report: { tenant, error in
                MetricCatalog.hints(.malformed)
                try? await store.reportWebhookFailure(tenant: tenant, code: error.rawValue, now: clock.now)
            }, onBound: onBound)
        return [inbox, server]
    }

    /// Runs services until SIGTERM or SIGINT, then lets them leave within the grace time. They end in reverse order.
    func serve(_ services: [any Service]) async throws {
        var configuration = ServiceGroupConfiguration(
            services: services.map {
                // A role that was told to leave takes its process with it, in peace.
                .init(
                    service: $0,
                    successTerminationBehavior: $0 is SwitchedService ? .gracefullyShutdownGroup : .cancelGroup)
            }, gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
        configuration.maximumGracefulShutdownDuration = .seconds(try settings.graceSeconds)
        try await ServiceGroup(configuration: configuration).run()
        await pool.close()
    }
}

/// Bounds of a process.
enum ProcessLimits {
    /// PostgreSQL connections of one process.
    static let postgresConnections = 16
}
