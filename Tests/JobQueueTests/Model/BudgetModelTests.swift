import Drivers
import Foundation
import JobQueue
import TestSupport
import Testing

/// Any number of workers, deaths, zombies, retries and clocks that step: the provider's own count and what may still be
/// called on top of it never exceed the allowance, and Redis keeps what the model keeps.
@Suite(.timeLimit(.minutes(5))) struct BudgetModelTests {
    @Test(arguments: 0..<8) func theProviderNeverCountsMoreThanTheAllowance(run: Int) async throws {
        let given = ProcessInfo.processInfo.environment["FERRY_TEST_SEED"].flatMap { UInt64($0) }
        let seed = given.map { $0 &+ UInt64(run) } ?? UInt64.random(in: 0 ... .max)
        print("BudgetModelTests run \(run): FERRY_TEST_SEED=\(seed &- UInt64(run))")
        var trial = try await BudgetTrial(seed: seed)
        for step in 0..<400 {
            let operation = try await trial.step()
            try #require(trial.difference == nil, "seed \(seed) step \(step) \(operation): \(trial.difference ?? "")")
        }
        #expect(trial.granted > 0, "seed \(seed): nothing was ever granted")
    }
}

/// One run: a tenant, its queue, what its workers believe, the model, and the provider.
private struct BudgetTrial {
    struct Run {
        var job: LeasedJob
        var worker: String
        var left: Int
        var made = 0
        var since: Double
        /// Its lease is gone and it does not know.
        var isZombie = false
    }

    static let kinds = ["a", "b", "c"]
    static let tenant: Int32 = 7

    private let bench: QueueBench
    private var random: SeededGenerator
    private var model: BudgetModel
    private var provider = CountingProvider()
    private var runs: [Run] = []
    private var generation = 0
    /// What the provider's clock is ahead of the queue's, in seconds.
    private var skew = 0.0
    private(set) var granted = 0
    var difference: String?

    init(seed: UInt64) async throws {
        random = SeededGenerator(seed: seed)
        bench = try await QueueBench.make {
            $0.shards = 1
            $0.tenantConcurrency = 3
            $0.maxDeaths = 1_000
            $0.maxAttempts = 1_000
        }
        let limit = Int.random(in: 5...60, using: &random)
        model = BudgetModel(limit: limit)
        try await bench.queue.setBudget(tenant: Self.tenant, .salesforce, BudgetTerms(dailyCalls: limit))
    }

    private var now: Double { bench.clock.now.timeIntervalSince1970 }
    private var providerNow: Double { now + skew }

    mutating func step() async throws -> String {
        let operation: String
        switch Int.random(in: 0..<100, using: &random) {
        case 0..<20: operation = try await enqueue()
        case 20..<35: operation = try await lease()
        case 35..<65: operation = try await call()
        case 65..<80: operation = try await settle()
        case 80..<93: operation = advance()
        case 93..<96: operation = try await kill()
        case 96..<98: operation = stepClocks()
        default: operation = try await changeLimit()
        }
        try await compare()
        return operation
    }

    // MARK: - Operations

    private mutating func enqueue() async throws -> String {
        let kind = Self.kinds.randomElement(using: &random) ?? "a"
        let jobClass = JobClass.allCases.randomElement(using: &random) ?? .normal
        _ = try await bench.queue.enqueue(EnqueueRequest(key(Self.tenant, kind), class: jobClass))
        return "enqueue \(kind) \(jobClass)"
    }

    private mutating func lease() async throws -> String {
        // Each lease call is a worker of its own: workers come and go.
        generation += 1
        let worker = "w\(generation)"
        let jobs = try await bench.queue.lease(worker: WorkerID(worker), limit: 3).jobs
        for job in jobs {
            let expected = model.reserve(job.key.kind, job.jobClass, now)
            let told = job.allowance?.granted[.salesforce]
            note(told == expected, "granted \(told ?? -1), not \(expected ?? -1)")
            runs.append(Run(job: job, worker: worker, left: told ?? 0, since: now))
            granted += 1
        }
        checkAllowance()
        return "lease \(jobs.map(\.key.kind))"
    }

    private mutating func call() async throws -> String {
        guard let index = runs.indices.randomElement(using: &random) else { return "nobody calls" }
        // A run is stopped by itself after half an hour, whatever it believes of its lease.
        guard now - runs[index].since < 1_800 else { return "overdue" }
        if runs[index].left > 0 {
            provider.call(providerNow)
            runs[index].left -= 1
            runs[index].made += 1
            return "call of \(runs[index].job.key.kind)"
        }
        let run = runs[index]
        let wanted = Int.random(in: 1...8, using: &random)
        let wish = CallExtension(run.job, made: CallsMade(salesforce: run.made), salesforce: wanted)
        let result = try await bench.queue.extend(worker: WorkerID(run.worker), [wish])[0]
        guard !run.isZombie else {
            note(result == .leaseLost, "a dead run was answered \(result)")
            return "zombie asks"
        }
        let expected = model.extend(run.job.key.kind, made: run.made, wanted: wanted, run.job.jobClass, now)
        runs[index].made = 0
        switch result {
        case .granted(_, let salesforce, _):
            note(salesforce == expected, "extended by \(salesforce), not \(expected)")
            runs[index].left += salesforce
        case .refused: note(expected == 0, "refused, though \(expected) were left")
        case .leaseLost: note(false, "a live run lost its lease")
        }
        checkAllowance()
        return "extend \(run.job.key.kind) by \(wanted)"
    }

    private mutating func settle() async throws -> String {
        guard let index = runs.indices.randomElement(using: &random) else { return "nothing to settle" }
        let run = runs.remove(at: index)
        let outcome: JobOutcome =
            [.done, .retry(after: .seconds(5), code: "x"), .again(after: .zero), .returned].randomElement(
                using: &random)
            ?? .done
        let settlement = Settlement(run.job, outcome, made: CallsMade(salesforce: run.made))
        let result = try await bench.queue.settle(worker: WorkerID(run.worker), [settlement])[0]
        note(result == (run.isZombie ? .stale : .accepted), "settled \(result)")
        if !run.isZombie { model.settle(run.job.key.kind, made: run.made, now) }
        return "settle \(run.job.key.kind) \(outcome)"
    }

    /// All workers of now fall silent; their runs go on for a while.
    private mutating func kill() async throws -> String {
        guard !runs.isEmpty else { return "nobody to kill" }
        // Further than any step of the clock set a deadline ahead.
        bench.clock.advance(800)
        let order = runs.indices.filter { !runs[$0].isZombie }
        let swept = try await bench.queue.sweep()
        note(swept == order.count, "swept \(swept), not \(order.count)")
        for index in order {
            model.bury(runs[index].job.key.kind, now)
            runs[index].isZombie = true
        }
        return "kill"
    }

    private mutating func advance() -> String {
        let spans: [Double] = [1, 30, 600, 3_600, 20_000, 86_400]
        let seconds = spans[Int.random(in: 0..<spans.count, using: &random)]
        // Living workers keep their leases whatever the clock does here: only `kill` sweeps.
        bench.clock.advance(seconds)
        return "advance \(seconds)"
    }

    /// The queue's server gets its time set; the provider's runs on.
    private mutating func stepClocks() -> String {
        let step = Double.random(in: -300...300, using: &random)
        guard abs(skew - step) < 400 else { return "no step" }
        skew -= step
        bench.clock.advance(step)
        return "clock steps by \(step)"
    }

    private mutating func changeLimit() async throws -> String {
        let limit = Int.random(in: 3...60, using: &random)
        model.limit = limit
        try await bench.queue.setBudget(tenant: Self.tenant, .salesforce, BudgetTerms(dailyCalls: limit))
        return "limit \(limit)"
    }

    // MARK: - Checks

    /// Whenever something was granted: what the provider has counted and what may still be called stay in the allowance.
    /// What was granted under a higher one before is not taken back.
    private mutating func checkAllowance() {
        guard model.room(.urgent, now) >= 0 else { return }
        let open = runs.filter { now - $0.since < 1_800 }.map(\.left).reduce(0, +)
        let counted = provider.count(providerNow)
        note(counted + open <= model.limit, "the provider counts \(counted), \(open) more may come, of \(model.limit)")
    }

    private mutating func compare() async throws {
        let report = try await bench.queue.budgets(tenant: Self.tenant)
        note(report.first?.spent == model.spent(now), "spent \(report.first?.spent ?? -1), not \(model.spent(now))")
        note(
            report.first?.reserved == model.reserved, "reserved \(report.first?.reserved ?? -1), not \(model.reserved)")
        guard case .parked(let until, let reason) = try await bench.queue.why(tenant: Self.tenant) else { return }
        note(reason.hasPrefix("budget: Salesforce"), "parked for \(reason)")
        note(until.timeIntervalSince1970 - now <= 98 * 900 + 1_800 + 800, "parked beyond a day: \(until)")
    }

    private mutating func note(_ isRight: Bool, _ text: String) {
        if !isRight, difference == nil { difference = text }
    }
}
