import Drivers
import Foundation
import JobQueue

/// How long the jobs of a worker that is killed wait until another one has them.
struct KilledWorkerBench {
    func measure() async throws {
        try await BenchRedis.with { redis in
            let queue = try await redis.queue()
            let worker = WorkerID("heir")
            _ = try await queue.enqueue((0..<500).map { EnqueueRequest(JobKey(tenant: $0, kind: "outbound")) })
            let process = try WorkerProcess(redis: redis.url, mode: .hold)
            while try await queue.status().running < 500 { try await Task.sleep(for: .milliseconds(20)) }
            process.kill()
            let killed = ContinuousClock.now
            var taken = 0
            while taken < 500 {
                guard ContinuousClock.now - killed < .seconds(60) else {
                    throw BenchFailure("the jobs did not come back")
                }
                // What every worker does every two seconds.
                _ = try await queue.sweep()
                let jobs = try await queue.lease(worker: worker, limit: 500).jobs
                taken += jobs.count
                if taken < 500 { try await Task.sleep(for: .seconds(2)) }
            }
            Report.figure("killed_worker_resume_s", (ContinuousClock.now - killed).seconds, "s")
        }
    }
}
