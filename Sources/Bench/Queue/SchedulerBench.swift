import ArgumentParser
import Cluster
import Drivers
import Embedded
import Foundation
import JobQueue
import Logging
import Store
import Synchronization

/// How late schedulers are with a million streams, and what they cost: every stream is an outbound batch of ten minutes,
/// due times are spread evenly, and workers that do nothing commit each run as real ones do.
struct SchedulerBench {
    let streams: Int
    /// Schedulers side by side.
    static let schedulers = 2
    /// Seconds between two runs of a stream.
    static let cadence = 600.0
    /// Seconds before the measurement begins and of the measurement.
    static let warmUp = 15.0
    static let length = 60.0

    func measure() async throws {
        let folder = URL(fileURLWithPath: "/tmp/ferry-bench-\(UInt32.random(in: 0 ... .max))")
        let server = try EmbeddedPostgres(folder: folder, arguments: ["-c", "shared_buffers=1GB"])
        defer {
            server.stop()
            try? FileManager.default.removeItem(at: folder)
        }
        let url = server.url(database: "postgres")
        let pool = PostgresPool(try PostgresConfiguration(url: url))
        let store = Store(pool: pool, clock: .system)
        try await store.migrate()
        try await fill(pool)
        try await BenchRedis.with { redis in try await run(redis, pool, url) }
        await pool.close()
    }

    private func fill(_ pool: PostgresPool) async throws {
        Report.progress("inserting \(streams) streams")
        try await pool.script(
            """
            INSERT INTO ferry.tenants (id) SELECT 'tenant-' || n FROM generate_series(1, \(streams)) AS n;
            INSERT INTO ferry.streams
                (tenant_no, direction, object, enabled, next_run_at, claim_at, created_at, tenant, state)
            SELECT number, 1, 1, true, due, due, now(), id, 'waiting' FROM (
                SELECT number, id, date_trunc('milliseconds', now())
                    + (\(Self.warmUp) + random() * \(Self.cadence)) * interval '1 second' AS due
                FROM ferry.tenants
            ) AS spread;
            """, timeout: .seconds(600))
        try await pool.script("VACUUM ANALYZE ferry.streams, ferry.tenants", timeout: .seconds(600))
    }

    private func run(_ redis: BenchRedis, _ pool: PostgresPool, _ url: String) async throws {
        let queue = try await redis.queue()
        let processes = try (0..<Self.schedulers).map { _ in try SchedulerProcess(redis: redis.url, postgres: url) }
        for process in processes { try process.awaitReady() }
        let sink = StreamSink(queue: queue, pool: pool)
        let serving = Task { try await sink.serve() }
        // The first streams fall due as the measurement begins, if inserting took no longer than the warm-up.
        try await Task.sleep(for: .seconds(Self.warmUp))
        sink.begin()
        let before = try Cost(processes, pool: await Self.backends(pool))
        try await Task.sleep(for: .seconds(Self.length))
        let after = try Cost(processes, pool: await Self.backends(pool))
        let late = sink.lateness
        serving.cancel()
        for process in processes { process.end() }
        _ = try? await serving.value
        guard late.count > 1_000 else { throw BenchFailure("only \(late.count) streams were dispatched") }
        Report.figure("scheduler_streams", Double(streams), "streams")
        Report.figure("scheduler_dispatched_per_s", Double(late.count) / Self.length, "1/s")
        Report.figure("scheduler_lateness_p50_s", Report.percentile(late, 0.5), "s")
        Report.figure("scheduler_lateness_p99_s", Report.percentile(late, 0.99), "s")
        Report.figure("scheduler_lateness_max_s", late.max() ?? 0, "s")
        Report.figure("scheduler_cpu_cores", (after.schedulers - before.schedulers) / Self.length, "cores")
        Report.figure("scheduler_postgres_cores", (after.backends - before.backends) / Self.length, "cores")
    }

    /// CPU seconds so far.
    private struct Cost {
        let schedulers: Double
        /// Of the server's processes that serve the schedulers.
        let backends: Double

        init(_ processes: [SchedulerProcess], pool backends: [Int32]) throws {
            schedulers = processes.reduce(0) { $0 + CPUClock.seconds(of: $1.pid) }
            self.backends = backends.reduce(0) { $0 + CPUClock.seconds(of: $1) }
        }
    }

    private static func backends(_ pool: PostgresPool) async throws -> [Int32] {
        try await pool.query(
            "SELECT pid FROM pg_stat_activity WHERE application_name = 'ferry scheduler'"
        ).decode { try $0.get("pid") }
    }
}

/// Workers that do nothing: lease, note how late the job came to the queue, commit the next run's time, settle.
private final class StreamSink: Sendable {
    private struct State {
        var begun: Date?
        var lateness: [Double] = []
    }

    private let queue: JobQueue
    private let pool: PostgresPool
    private let worker = WorkerID("sink")
    private let state = Mutex(State())

    init(queue: JobQueue, pool: PostgresPool) {
        self.queue = queue
        self.pool = pool
    }

    var lateness: [Double] { state.withLock { $0.lateness } }

    /// From here on lateness counts.
    func begin() { state.withLock { $0.begun = Date() } }

    func serve() async throws {
        var settlements: [Settlement] = []
        while !Task.isCancelled {
            let jobs = try await queue.exchange(worker: worker, settling: settlements, limit: 1_024).batch.jobs
            if jobs.isEmpty {
                await queue.waitForWork(worker: worker, timeout: .milliseconds(200))
            } else {
                try await commit(jobs)
            }
            settlements = jobs.map { Settlement($0, .done) }
        }
    }

    private func commit(_ jobs: [LeasedJob]) async throws {
        let rows = try await pool.query(
            """
            UPDATE ferry.streams s SET next_run_at = s.next_run_at + $2 * interval '1 second',
                claim_at = s.next_run_at + $2 * interval '1 second', last_run_at = now(), fence = 1
            WHERE s.tenant_no = ANY($1) AND s.direction = 1 AND s.object = 1
            RETURNING s.tenant_no, s.next_run_at
            """, [.array(jobs.map(\.key.tenant)), .float8(SchedulerBench.cadence)])
        let pairs: [(Int32, Date)] = try rows.decode { row in
            (try row.get("tenant_no"), try row.get("next_run_at", as: Date.self) - SchedulerBench.cadence)
        }
        let due = Dictionary(pairs) { first, _ in first }
        state.withLock { state in
            for job in jobs {
                guard let begun = state.begun, let due = due[job.key.tenant], due >= begun else { continue }
                state.lateness.append(job.enqueuedAt.timeIntervalSince(due))
            }
        }
    }
}

/// CPU time of other processes, from /proc.
enum CPUClock {
    /// User and system seconds so far; 0 of a process that has ended.
    static func seconds(of pid: Int32) -> Double {
        let text = (try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8)) ?? ""
        // The name in parentheses may hold blanks.
        let fields = text.split(separator: ")").last?.split(separator: " ") ?? []
        guard fields.count > 12, let user = Double(fields[11]), let system = Double(fields[12]) else { return 0 }
        return (user + system) / Double(sysconf(Int32(_SC_CLK_TCK)))
    }
}

/// A scheduler in a process of its own: this program again, as `queue-scheduler`.
private final class SchedulerProcess {
    private let process = Process()
    private let output = Pipe()
    private let input = Pipe()

    var pid: Int32 { process.processIdentifier }

    init(redis: String, postgres: String) throws {
        process.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        process.arguments = ["queue-scheduler", "--redis", redis, "--postgres", postgres]
        process.standardOutput = output
        process.standardInput = input
        try process.run()
    }

    func awaitReady() throws {
        guard output.fileHandleForReading.availableData == Data("ready\n".utf8) else {
            throw BenchFailure("a scheduler process did not start")
        }
    }

    func end() {
        kill(pid, SIGTERM)
        process.waitUntilExit()
    }
}

/// The other side of `SchedulerProcess`.
struct QueueScheduler: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "queue-scheduler", abstract: "A scheduler process of `bench queue`.", shouldDisplay: false)

    @Option(help: "Address of Redis.") var redis: String
    @Option(help: "Address of PostgreSQL.") var postgres: String

    func run() async throws {
        var configuration = try PostgresConfiguration(url: postgres)
        configuration.applicationName = "ferry scheduler"
        let store = Store(pool: PostgresPool(configuration), clock: .system)
        let queue = JobQueue(redis: try RedisClient(url: redis), clock: .system)
        let listener = PostgresListener(configuration, channels: ["ferry_streams"])
        _ = PrometheusRegistry.installed
        let service = SchedulerService(store: store, queue: queue, clock: .system, logger: Logger(label: "bench")) {
            AsyncStream(bufferingPolicy: .bufferingNewest(1)) { continuation in
                let task = Task {
                    for await _ in listener.events() { continuation.yield() }
                    continuation.finish()
                }
                continuation.onTermination = { _ in task.cancel() }
            }
        }
        print("ready")
        fflush(nil)
        try await service.run()
    }
}
