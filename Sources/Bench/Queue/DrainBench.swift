import Foundation
import JobQueue

/// How many jobs a second go in and out, and what Redis pays for it.
struct DrainBench {
    let tenants: Int
    let runs: Int
    /// Budgets of every tenant with both providers, if any; each job then calls both once.
    var budgets = Budgets.none

    enum Budgets {
        case none
        /// Set a moment before.
        case new
        /// As they are all day: each tenant has run a job before, and its org's figure is known.
        case used
    }

    private struct Outcome {
        var enqueued = 0.0
        var drained = 0.0
        var enqueueCPU = 0.0
        var drainCPU = 0.0
        var residentMiB = 0.0
    }

    /// Measures and prints, with `suffix` behind each figure's name.
    /// - Returns: Redis's CPU time of a drain, by its median.
    @discardableResult
    func measure(
        _ suffix: String, jobsPerTenant: Int, workers: Int, tenantConcurrency: Int = 1, isDurable: Bool = false
    ) async throws -> Double {
        var outcomes: [Outcome] = []
        for _ in 0..<runs {
            outcomes.append(
                try await BenchRedis.with(isDurable: isDurable) { redis in
                    try await once(redis, jobsPerTenant, workers, tenantConcurrency)
                })
        }
        Report.spread("enqueue_jobs_per_s\(suffix)", outcomes.map(\.enqueued), "1/s")
        Report.spread("drain_jobs_per_s\(suffix)", outcomes.map(\.drained), "1/s")
        Report.spread("redis_cpu_s_per_100k\(suffix)", outcomes.map(\.drainCPU), "s")
        Report.spread("redis_enqueue_cpu_s_per_100k\(suffix)", outcomes.map(\.enqueueCPU), "s")
        Report.spread("worker_rss_mib\(suffix)", outcomes.map(\.residentMiB), "MiB")
        return Report.percentile(outcomes.map(\.drainCPU), 0.5)
    }

    /// Measures what budgets cost Redis: the same drain without them and with them.
    func measureBudgets() async throws {
        var (new, used) = (self, self)
        new.budgets = .new
        used.budgets = .used
        for (suffix, jobsPerTenant) in [("", 1), ("_many", 10)] {
            let without = try await measure("\(suffix)_unbudgeted", jobsPerTenant: jobsPerTenant, workers: 1)
            let first = try await new.measure("\(suffix)_new_budgets", jobsPerTenant: jobsPerTenant, workers: 1)
            Report.figure("redis_cpu_ratio_with_new_budgets\(suffix)", first / without, "ratio")
            let with = try await used.measure("\(suffix)_budgeted", jobsPerTenant: jobsPerTenant, workers: 1)
            Report.figure("redis_cpu_ratio_with_budgets\(suffix)", with / without, "ratio", goal: 1.15)
        }
    }

    private func once(
        _ redis: BenchRedis, _ jobsPerTenant: Int, _ workers: Int, _ tenantConcurrency: Int
    ) async throws -> Outcome {
        let queue = try await redis.queue { $0.tenantConcurrency = tenantConcurrency }
        if budgets != .none { try await setBudgets(queue) }
        if budgets == .used { _ = try await pass(redis, queue, jobsPerTenant, workers, tenantConcurrency) }
        return try await pass(redis, queue, jobsPerTenant, workers, tenantConcurrency)
    }

    /// Enqueues all jobs, then drains them.
    private func pass(
        _ redis: BenchRedis, _ queue: JobQueue, _ jobsPerTenant: Int, _ workers: Int, _ tenantConcurrency: Int
    ) async throws -> Outcome {
        let jobs = tenants * jobsPerTenant
        var outcome = Outcome()
        let processes = try (0..<workers).map { _ in
            try WorkerProcess(redis: redis.url, mode: .drain, tenantConcurrency: tenantConcurrency)
        }
        for process in processes { try process.awaitReady() }

        var cpu = try await redis.cpuSeconds()
        var start = ContinuousClock.now
        try await enqueue(queue, jobsPerTenant)
        outcome.enqueued = Double(jobs) / (ContinuousClock.now - start).seconds
        outcome.enqueueCPU = (try await redis.cpuSeconds() - cpu) * 100_000 / Double(jobs)

        cpu = try await redis.cpuSeconds()
        start = .now
        for process in processes { process.go() }
        let reports = try processes.map { try $0.report() }
        outcome.drained = Double(jobs) / (ContinuousClock.now - start).seconds
        outcome.drainCPU = (try await redis.cpuSeconds() - cpu) * 100_000 / Double(jobs)
        outcome.residentMiB = reports.map(\.residentMiB).max() ?? 0
        let done = reports.reduce(0) { $0 + $1.accepted }
        guard done == jobs, reports.allSatisfy({ $0.refused == 0 }) else {
            throw BenchFailure("\(done) of \(jobs) jobs were settled")
        }
        return outcome
    }

    private func setBudgets(_ queue: JobQueue) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            let lanes = 64
            for lane in 0..<lanes {
                group.addTask {
                    for tenant in stride(from: lane, to: tenants, by: lanes) {
                        for provider in CallProvider.allCases {
                            try await queue.setBudget(
                                tenant: Int32(tenant), provider,
                                BudgetTerms(dailyCalls: 50_000, orgCeiling: provider == .salesforce ? 90_000 : nil))
                        }
                    }
                }
            }
            try await group.waitForAll()
        }
    }

    private func enqueue(_ queue: JobQueue, _ jobsPerTenant: Int) async throws {
        let size = 4_096
        try await withThrowingTaskGroup(of: Void.self) { group in
            var running = 0
            for kind in 0..<jobsPerTenant {
                for start in stride(from: 0, to: tenants, by: size) {
                    if running == 2 { try await group.next() }
                    running = min(2, running + 1)
                    group.addTask {
                        let last = min(start + size, tenants)
                        let kind = jobsPerTenant == 1 ? "outbound" : "inbound.\(kind)"
                        _ = try await queue.enqueue(
                            (start..<last).map { EnqueueRequest(JobKey(tenant: Int32($0), kind: kind)) })
                    }
                }
            }
            try await group.waitForAll()
        }
    }
}

/// Why a measurement means nothing.
struct BenchFailure: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}

extension Duration {
    var seconds: Double { Double(components.seconds) + Double(components.attoseconds) / 1e18 }
}

extension Report {
    /// A figure measured several times: its median under its own name, and the extremes.
    static func spread(_ name: String, _ values: [Double], _ unit: String) {
        let sorted = values.sorted()
        guard let least = sorted.first, let most = sorted.last else { return }
        figure(name, sorted[sorted.count / 2], unit)
        guard sorted.count > 1 else { return }
        figure(name + "_min", least, unit)
        figure(name + "_max", most, unit)
    }

    /// Percentiles of many values.
    static func percentile(_ values: [Double], _ share: Double) -> Double {
        let sorted = values.sorted()
        guard !sorted.isEmpty else { return 0 }
        return sorted[min(sorted.count - 1, Int(Double(sorted.count) * share))]
    }
}
