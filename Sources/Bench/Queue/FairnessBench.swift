import Drivers
import Foundation
import JobQueue
import Synchronization

/// What a thousand tenants with one job each wait while another tenant has twenty thousand jobs, and without it.
///
/// Every job takes a millisecond, ten run at once, and nothing but the turns of the queue keeps the big tenant from
/// taking all ten.
struct FairnessBench {
    private static let slots = 10
    private static let small = Int32(1)...1_000
    private static let noisy = Int32(1_000_000)
    private static let noisyJobs = 20_000
    private static let rounds = 5

    func measure() async throws {
        var quiet: [Double] = []
        var loud: [Double] = []
        for _ in 0..<Self.rounds {
            quiet += try await waits(noisyJobs: 0)
            loud += try await waits(noisyJobs: Self.noisyJobs)
        }
        for (name, waits) in [("quiet", quiet), ("noisy", loud)] {
            Report.figure("small_tenant_wait_p50_ms_\(name)", Report.percentile(waits, 0.5) * 1_000, "ms")
            Report.figure("small_tenant_wait_p99_ms_\(name)", Report.percentile(waits, 0.99) * 1_000, "ms")
        }
        Report.figure(
            "small_tenant_wait_p99_ratio", Report.percentile(loud, 0.99) / Report.percentile(quiet, 0.99), "ratio")
    }

    private func waits(noisyJobs: Int) async throws -> [Double] {
        try await BenchRedis.with { redis in
            let queue = try await redis.queue { $0.tenantConcurrency = Self.slots }
            _ = try await queue.enqueue(
                (0..<noisyJobs).map { EnqueueRequest(JobKey(tenant: Self.noisy, kind: "job-\($0)")) })
            let run = FairnessRun(queue: queue, slots: Self.slots, expected: Self.small.count)
            async let ended: Void = run.serve()
            if noisyJobs > 0 { await run.awaitStart() }
            let asked = ContinuousClock.now
            _ = try await queue.enqueue(Self.small.map { EnqueueRequest(JobKey(tenant: $0, kind: "outbound")) })
            try await ended
            return run.starts(of: Self.small).map { ($0 - asked).seconds }
        }
    }
}

/// A worker of ten slots that notes when each tenant's job began, until all expected tenants had theirs.
private final class FairnessRun: Sendable {
    private let queue: JobQueue
    private let slots: Int
    private let expected: Int
    private let worker = WorkerID("fair")
    private let starts = Mutex<[Int32: ContinuousClock.Instant]>([:])
    private let began: AsyncStream<Void>
    private let begin: AsyncStream<Void>.Continuation

    init(queue: JobQueue, slots: Int, expected: Int) {
        self.queue = queue
        self.slots = slots
        self.expected = expected
        (began, begin) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    func awaitStart() async {
        for await _ in began { return }
    }

    func starts(of tenants: ClosedRange<Int32>) -> [ContinuousClock.Instant] {
        starts.withLock { starts in tenants.compactMap { starts[$0] } }
    }

    private var isComplete: Bool {
        starts.withLock { starts in starts.keys.count { $0 < 1_000_000 } >= expected }
    }

    func serve() async throws {
        try await withThrowingTaskGroup(of: LeasedJob.self) { group in
            var settlements: [Settlement] = []
            var free = slots
            while !isComplete {
                let exchange = try await queue.exchange(worker: worker, settling: settlements, limit: free)
                settlements = []
                for job in exchange.batch.jobs {
                    starts.withLock { if $0[job.key.tenant] == nil { $0[job.key.tenant] = .now } }
                    begin.yield()
                    free -= 1
                    group.addTask {
                        try await Task.sleep(for: .milliseconds(1))
                        return job
                    }
                }
                if free == slots {
                    await queue.waitForWork(worker: worker, timeout: .seconds(1))
                } else if let job = try await group.next() {
                    settlements.append(Settlement(job, .done))
                    free += 1
                }
            }
            group.cancelAll()
        }
        try await queue.leave(worker: worker)
    }
}
