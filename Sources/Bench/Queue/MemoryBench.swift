import Drivers
import Foundation
import JobQueue

/// What a tenant costs that has work and may not run.
struct MemoryBench {
    let tenants: Int

    func measure() async throws {
        try await measureParked()
        try await measureSpent()
    }

    /// Parked by hand, without a budget.
    private func measureParked() async throws {
        try await BenchRedis.with { redis in
            let queue = try await redis.queue()
            let before = try await redis.usedMemory()
            let until = Date(timeIntervalSinceNow: 3_600)
            try await forEach { try await queue.park(tenant: $0, until: until, reason: "budget") }
            try await enqueueAll(queue)
            try await expectParked(queue)
            let each = (try await redis.usedMemory() - before) / Double(tenants)
            Report.figure("redis_bytes_per_parked_tenant", each, "B")
        }
    }

    /// Parked as tenants are whose calls of the day are spent: with the budget that keeps them.
    private func measureSpent() async throws {
        try await BenchRedis.with { redis in
            let queue = try await redis.queue()
            let before = try await redis.usedMemory()
            try await forEach { tenant in
                try await queue.setBudget(tenant: tenant, .salesforce, BudgetTerms(dailyCalls: 1))
            }
            let worker = WorkerID("spender")
            try await enqueueAll(queue)
            try await leaseAll(queue, worker)
            try await enqueueAll(queue)
            try await leaseAll(queue, worker)
            try await queue.leave(worker: worker)
            try await expectParked(queue)
            let each = (try await redis.usedMemory() - before) / Double(tenants)
            Report.figure("redis_bytes_per_budget_parked_tenant", each, "B")
        }
    }

    // MARK: - Steps

    private func forEach(_ body: @escaping @Sendable (Int32) async throws -> Void) async throws {
        try await withThrowingTaskGroup { group in
            for lane in 0..<64 {
                group.addTask {
                    for tenant in stride(from: lane, to: tenants, by: 64) { try await body(Int32(tenant)) }
                }
            }
            try await group.waitForAll()
        }
    }

    private func enqueueAll(_ queue: JobQueue) async throws {
        for start in stride(from: 0, to: tenants, by: 4_096) {
            let last = min(start + 4_096, tenants)
            _ = try await queue.enqueue(
                (start..<last).map { EnqueueRequest(JobKey(tenant: Int32($0), kind: "outbound")) })
        }
    }

    /// Runs all there is, with one call each, until nobody is ready.
    private func leaseAll(_ queue: JobQueue, _ worker: WorkerID) async throws {
        while try await queue.status().readyTenants.values.reduce(0, +) > 0 {
            let jobs = try await queue.lease(worker: worker, limit: 4_096).jobs
            _ = try await queue.settle(
                worker: worker, jobs.map { Settlement($0, .done, made: CallsMade(salesforce: 1)) })
        }
    }

    private func expectParked(_ queue: JobQueue) async throws {
        let parked = try await queue.status().parked
        guard parked == tenants else { throw BenchFailure("\(parked) of \(tenants) are parked") }
    }
}
