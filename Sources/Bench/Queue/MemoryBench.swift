import Drivers
import Foundation
import JobQueue

/// What a tenant costs that has work and may not run.
struct MemoryBench {
    let tenants: Int

    func measure() async throws {
        try await BenchRedis.with { redis in
            let queue = try await redis.queue()
            let before = try await redis.usedMemory()
            let until = Date(timeIntervalSinceNow: 3_600)
            try await withThrowingTaskGroup { group in
                for lane in 0..<64 {
                    group.addTask {
                        for tenant in stride(from: lane, to: tenants, by: 64) {
                            try await queue.park(tenant: Int32(tenant), until: until, reason: "budget")
                        }
                    }
                }
                try await group.waitForAll()
            }
            for start in stride(from: 0, to: tenants, by: 4_096) {
                let last = min(start + 4_096, tenants)
                _ = try await queue.enqueue(
                    (start..<last).map { EnqueueRequest(JobKey(tenant: Int32($0), kind: "outbound")) })
            }
            let status = try await queue.status()
            guard status.parked == tenants else { throw BenchFailure("\(status.parked) of \(tenants) are parked") }
            let each = (try await redis.usedMemory() - before) / Double(tenants)
            Report.figure("redis_bytes_per_parked_tenant", each, "B")
        }
    }
}
