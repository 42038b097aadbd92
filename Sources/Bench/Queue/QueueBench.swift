import ArgumentParser
import Drivers
import Embedded
import Foundation
import JobQueue

/// `bench queue`: what the job queue does on this machine, each part on a Redis of its own.
struct QueueBench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "queue",
        abstract: "Measures the job queue: throughput, Redis CPU, latency, fairness, memory, recovery, schedulers.",
        discussion: """
            Jobs do nothing; every lease is fenced and every settlement is checked. Drains are done by worker processes \
            of their own: `drain` has one job a tenant, `many` ten that run one after the other, `wide` ten that may run \
            at once, `pair` two worker processes, `budgets` the first two with tenants that have budgets, beside the same \
            without. Each part starts a redis-server without an append-only file unless its name says aof.
            """)

    /// The parts, in the order they run.
    enum Part: String, CaseIterable, ExpressibleByArgument {
        case baseline, drain, many, wide, pair, budgets, aof, latency, fairness, memory, killed, scheduler
    }

    @Option(help: "Only this part; may be given several times.")
    var only: [Part] = []

    @Option(help: "Tenants.")
    var tenants = 100_000

    @Option(help: "Streams of the part `scheduler`; they are due every ten minutes, evenly spread.")
    var streams = 1_000_000

    @Option(help: "How often each drain is measured; the median is the figure, the extremes stand beside it.")
    var runs = 3

    @Flag(
        help: "Measures other job queues too (Sidekiq, Celery, RQ, dramatiq, taskiq, arq, huey); installs them first.")
    var peers = false

    func validate() throws {
        guard (1_000...10_000_000).contains(tenants) else { throw ValidationError("--tenants is 1000...10000000") }
        guard (100_000...10_000_000).contains(streams) else { throw ValidationError("--streams is 100000...10000000") }
        guard (1...100).contains(runs) else { throw ValidationError("--runs is 1...100") }
    }

    func run() async throws {
        Report.environment()
        for part in Part.allCases where only.isEmpty || only.contains(part) {
            Report.progress(part.rawValue)
            try await measure(part)
            if part != .baseline { try RedisBaseline.measure(beside: part.rawValue) }
        }
        if peers { await PeerBench().measure() }
    }

    private func measure(_ part: Part) async throws {
        let drain = DrainBench(tenants: tenants, runs: runs)
        switch part {
        case .baseline: try RedisBaseline.measure()
        case .drain: try await drain.measure("", jobsPerTenant: 1, workers: 1)
        case .many: try await drain.measure("_many", jobsPerTenant: 10, workers: 1)
        case .wide: try await drain.measure("_wide", jobsPerTenant: 10, workers: 1, tenantConcurrency: 10)
        case .pair: try await drain.measure("_pair", jobsPerTenant: 1, workers: 2)
        case .budgets: try await drain.measureBudgets()
        case .aof: try await drain.measure("_aof", jobsPerTenant: 1, workers: 1, isDurable: true)
        case .latency: try await LatencyBench().measure()
        case .fairness: try await FairnessBench().measure()
        case .memory: try await MemoryBench(tenants: tenants).measure()
        case .killed: try await KilledWorkerBench().measure()
        case .scheduler: try await SchedulerBench(streams: streams).measure()
        }
    }
}
