import Drivers
import Foundation
import JobQueue

/// How long a job waits on an idle cluster: from the call that asks for it to the start of its run.
struct LatencyBench {
    private static let samples = 3_000
    private static let warmUp = 200

    func measure() async throws {
        let waits = try await BenchRedis.with { redis in
            let queue = try await redis.queue()
            let worker = WorkerID("latency")
            var waits: [Double] = []
            for sample in 0..<Self.samples + Self.warmUp {
                let wait = try await once(queue, worker, tenant: Int32(sample % 1_000))
                if sample >= Self.warmUp { waits.append(wait) }
            }
            try await queue.leave(worker: worker)
            return waits
        }
        Report.figure("idle_latency_p50_ms", Report.percentile(waits, 0.5) * 1_000, "ms")
        Report.figure("idle_latency_p99_ms", Report.percentile(waits, 0.99) * 1_000, "ms")
        Report.figure("idle_latency_max_ms", (waits.max() ?? 0) * 1_000, "ms")
    }

    private func once(_ queue: JobQueue, _ worker: WorkerID, tenant: Int32) async throws -> Double {
        async let started = start(queue, worker)
        // The worker has to wait before there is work: that is what idle means.
        try await Task.sleep(for: .milliseconds(3))
        let asked = ContinuousClock.now
        _ = try await queue.enqueue(EnqueueRequest(JobKey(tenant: tenant, kind: "outbound")))
        return (try await started - asked).seconds
    }

    private func start(_ queue: JobQueue, _ worker: WorkerID) async throws -> ContinuousClock.Instant {
        while true {
            await queue.waitForWork(worker: worker, timeout: .seconds(1))
            let jobs = try await queue.lease(worker: worker, limit: 16).jobs
            guard !jobs.isEmpty else { continue }
            let now = ContinuousClock.now
            _ = try await queue.settle(worker: worker, jobs.map { Settlement($0, .done) })
            return now
        }
    }
}
