import Drivers
import Embedded
import Foundation
import JobQueue
import Synchronization

/// One Redis for all tests of the process; each test has a namespace of its own.
final class SharedRedis: Sendable {
    private let folder = URL(fileURLWithPath: "/tmp/ferry-queue-\(UInt32.random(in: 0 ... .max))")
    let redis: EmbeddedRedis

    static let instance: SharedRedis? = {
        let server = try? SharedRedis()
        atexit { SharedRedis.instance?.stop() }
        return server
    }()

    init() throws {
        redis = try EmbeddedRedis(folder: folder, durable: false)
    }

    func stop() {
        redis.stop()
        try? FileManager.default.removeItem(at: folder)
    }
}

/// Runs `body` with a server that nobody else uses: its counters and memory are the body's own.
func withPrivateRedis(_ body: (EmbeddedRedis) async throws -> Void) async throws {
    let folder = URL(fileURLWithPath: "/tmp/ferry-queue-\(UInt32.random(in: 0 ... .max))")
    let server = try EmbeddedRedis(folder: folder, durable: false)
    defer {
        server.stop()
        try? FileManager.default.removeItem(at: folder)
    }
    try await body(server)
}

/// A clock that stands until a test moves it; the server's clock is dragged along by the offset.
final class StandingClock: Sendable {
    private let instant = Mutex(Date(timeIntervalSince1970: 1_800_000_000))

    var now: Date { instant.withLock { $0 } }

    func advance(_ seconds: TimeInterval) { instant.withLock { $0 += seconds } }

    var wall: WallClock { WallClock(offset: { self.now.timeIntervalSinceNow }) }
}

/// A queue in a namespace of its own, on a clock that stands.
struct QueueBench {
    let redis: RedisClient
    let clock = StandingClock()
    let options: JobQueueOptions
    let queue: JobQueue
    let worker = WorkerID("worker-1")

    /// Makes an adopted queue.
    static func make(
        on server: EmbeddedRedis? = nil, epoch: Int64 = 1, _ adjust: (inout JobQueueOptions) -> Void = { _ in }
    ) async throws -> QueueBench {
        let bench = try QueueBench(on: server, adjust)
        try await bench.queue.adopt(epoch: epoch)
        return bench
    }

    private init(on server: EmbeddedRedis?, _ adjust: (inout JobQueueOptions) -> Void) throws {
        guard let url = server?.url ?? SharedRedis.instance?.redis.url else { throw CancellationError() }
        redis = try RedisClient(url: url)
        var options = JobQueueOptions()
        options.namespace = "t\(UInt32.random(in: 0 ... .max))"
        options.shards = 4
        adjust(&options)
        self.options = options
        queue = JobQueue(redis: redis, clock: clock.wall, options: options)
    }

    /// A tenant's record as it is stored.
    func record(of tenant: Int32) async throws -> TenantRecord {
        let shard = options.namespace + "{s" + String(format: "%03d", queue.shard(of: tenant)) + "}"
        return try await TenantRecord(redis, shard: shard, tenant: tenant)
    }

    /// A second process's view of the same queue.
    func twin() throws -> JobQueue {
        JobQueue(redis: redis, clock: clock.wall, options: options)
    }

    /// Leases all there is, and returns it.
    func leaseAll(_ limit: Int = 1_000) async throws -> [LeasedJob] {
        try await queue.lease(worker: worker, limit: limit).jobs
    }

    /// Time passes while somebody sweeps, as every process of a cluster does all along.
    /// - Returns: leases that went back.
    func watch(_ seconds: Int) async throws -> Int {
        var returned = 0
        for _ in 0..<seconds / 2 {
            clock.advance(2)
            returned += try await queue.sweep()
        }
        return returned
    }

    func settle(_ job: LeasedJob, _ outcome: JobOutcome) async throws -> SettleResult? {
        try await queue.settle(worker: worker, [Settlement(job, outcome)]).first
    }

    /// How many keys of the namespace hold anything.
    func keys() async throws -> [String] {
        try await redis.send("KEYS", "\(options.namespace)*").elements?.compactMap(\.text).sorted() ?? []
    }
}

func key(_ tenant: Int32, _ kind: String = "outbound") -> JobKey { JobKey(tenant: tenant, kind: kind) }
