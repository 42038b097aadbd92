import ArgumentParser
import Cluster
import Drivers
import Foundation
import Logging
import Store

/// `ferry scheduler`.
struct SchedulerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "scheduler",
        abstract: "Place due streams on the queue. Run two or more; no leader is needed.",
        discussion: """
            Needs FERRY_POSTGRES_URL and FERRY_REDIS_URL. SIGTERM ends it at once; nothing is lost. With FERRY_ADMIN_PORT \
            it answers /livez, /readyz and /metrics, and on /autoscale how many workers the runnable work is worth.
            """)

    func run() async throws {
        let settings = try Settings()
        let runtime = try Runtime("scheduler", settings: settings)
        let queue = try runtime.queue()
        let scheduler = try runtime.scheduler(queue: queue)
        guard try settings.adminPort != nil else { return try await runtime.serve([scheduler]) }
        let sampler = ClusterSampler(
            store: runtime.store, queue: queue, clock: runtime.clock, logger: runtime.logger,
            targetSeconds: Double(try settings.autoscaleSeconds), placesPerWorker: try settings.workerConcurrency)
        let door = try runtime.door([runtime.postgresCheck, runtime.queueCheck(queue)]) { sampler.signal }
        try await runtime.serve(door + [sampler, scheduler])
    }
}

/// `ferry worker`.
struct WorkerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "worker",
        abstract: "Run outbound batches and inbound pulls. Start as many as you like.",
        discussion: """
            Needs FERRY_POSTGRES_URL, FERRY_REDIS_URL and FERRY_PRIVATE_KEYS_FILE. SIGTERM lets it finish or hand back \
            its jobs within FERRY_GRACE_SECONDS; kill -9 loses nothing either, its jobs go on elsewhere after 15 s. \
            `ferry workers` lists workers and asks them to be quiet or to stop. With FERRY_ADMIN_PORT it answers /livez, \
            /readyz and /metrics.
            """)

    @Option(
        help: """
            Jobs at once, 1 to 1000, those that wait for their turn to call aside; default FERRY_WORKER_CONCURRENCY.
            """)
    var concurrency: Int?

    @Option(help: "Name among workers; default host and process id.")
    var name: String?

    func validate() throws {
        if let concurrency, !(1...1_000).contains(concurrency) {
            throw ValidationError("--concurrency: want 1 to 1000")
        }
    }

    func run() async throws {
        let settings = try Settings()
        let runtime = try Runtime("worker", settings: settings)
        let keys = try settings.keys
        let host = ProcessInfo.processInfo.hostName
        let queue = try runtime.queue()
        let worker = try runtime.worker(
            id: name ?? "\(host)-\(ProcessInfo.processInfo.processIdentifier)", keys: keys,
            concurrency: concurrency ?? settings.workerConcurrency, grace: .seconds(settings.graceSeconds),
            queue: queue)
        // The door is the last to close: a worker that drains is still alive.
        try await runtime.serve(runtime.door([runtime.postgresCheck, runtime.queueCheck(queue)]) + [worker])
    }
}

/// `ferry ingest`.
struct IngestCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ingest",
        abstract: "Take ActiveCampaign's webhooks in. They only make changes earlier; polls find them anyway.",
        discussion: """
            Listens on FERRY_INGEST_HOST and FERRY_INGEST_PORT; put your TLS proxy in front. Needs FERRY_POSTGRES_URL. A \
            webhook is answered once its contact id is stored. With FERRY_ADMIN_PORT it answers /livez, /readyz and \
            /metrics on a port of its own.
            """)

    func run() async throws {
        let settings = try Settings()
        let runtime = try Runtime("ingest", settings: settings)
        let logger = runtime.logger
        let services = try runtime.ingest(
            host: settings.required(.ingestHost), port: settings.ingestPort,
            onBound: { port in logger.info("listening", metadata: ["port": "\(port)"]) })
        try await runtime.serve(runtime.door([runtime.postgresCheck]) + services)
    }
}

/// `ferry migrate`.
struct MigrateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "migrate",
        abstract: "Bring the database up to this version. Safe to repeat, and from several machines at once.")

    @OptionGroup var output: OutputOptions

    private struct Result: Encodable {
        let applied: [String]
    }

    func run() async throws {
        let runtime = try Runtime("migrate", settings: Settings())
        let result = Result(applied: try await runtime.store.migrate())
        try await runtime.store.maintainPartitions(now: runtime.clock.now)
        await runtime.pool.close()
        try output.print(result) {
            result.applied.isEmpty
                ? "The database is up to date." : "Applied: " + result.applied.joined(separator: ", ")
        }
    }
}
