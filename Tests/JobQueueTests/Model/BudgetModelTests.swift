import Drivers
import Foundation
import JobQueue
import TestSupport
import Testing

/// Any number of workers, deaths, zombies, retries, lost answers, figures of the org, looks, losses of Redis and clocks that
/// step: the providers' own counts and what may still be called on top of them never exceed the allowance, and Redis keeps
/// what the model keeps.
@Suite(.timeLimit(.minutes(5))) struct BudgetModelTests {
    @Test(arguments: 0..<12) func theProvidersNeverCountMoreThanTheAllowance(run: Int) async throws {
        let given = ProcessInfo.processInfo.environment["FERRY_TEST_SEED"].flatMap { UInt64($0) }
        let seed = given.map { $0 &+ UInt64(run) } ?? UInt64.random(in: 0 ... .max)
        print("BudgetModelTests run \(run): FERRY_TEST_SEED=\(seed &- UInt64(run))")
        // Every other trial is of an allowance that is ample most of the time, so that runs come from pockets.
        // Without a ceiling, which a figure has to prove far off first, some surely do.
        let isFree = run % 4 == 1
        var trial = try await BudgetTrial(seed: seed, isAmple: run % 2 == 1, hasCeiling: isFree ? false : nil)
        for step in 0..<600 {
            let operation = try await trial.step()
            try #require(trial.difference == nil, "seed \(seed) step \(step) \(operation): \(trial.difference ?? "")")
        }
        #expect(trial.granted > 0, "seed \(seed): nothing was ever granted")
        #expect(!isFree || trial.runsFromPocket > 0, "seed \(seed): no run from a pocket")
    }
}

/// One run: a tenant, its queue, what its workers believe, the models, and the providers.
private struct BudgetTrial {
    struct Run {
        var job: LeasedJob
        var worker: String
        var left: [CallProvider: Int]
        var made: [CallProvider: Int] = [:]
        /// Calls the ledger has.
        var kept: [CallProvider: Int] = [:]
        var figure: (used: Int, at: Double, after: Int)?
        var since: Double
        /// Its lease is gone and it does not know.
        var isZombie = false

        var kind: String { job.key.kind }
        var mayCall: (Double) -> Bool { { $0 - since < BudgetModel.zombie } }
    }

    /// One entry of the ledger.
    struct Kept {
        var provider: CallProvider
        var at: Double
        var calls: Int
    }

    static let kinds = ["a", "b", "c"]
    static let tenant: Int32 = 7

    private let bench: QueueBench
    private let lossy: Bool
    private var random: SeededGenerator
    private var models: [CallProvider: BudgetModel] = [:]
    private var providers: [CallProvider: CountingProvider] = [:]
    private var others = CountingProvider()
    private var runs: [Run] = []
    private var ledger: [Kept] = []
    private var generation = 0
    private var epoch: Int64 = 1
    /// What the providers' clock is ahead of the queue's, in seconds.
    private var skew = 0.0
    /// Calls of ours when the figure was asked for that Redis holds.
    private var callsAtFigure = 0
    private(set) var granted = 0
    /// Runs that were seen out of the tenant's pocket.
    private(set) var runsFromPocket = 0
    private let isAmple: Bool
    private let limits: ClosedRange<Int>
    var difference: String?

    /// - Parameter hasCeiling: nil leaves it to chance.
    init(seed: UInt64, isAmple: Bool, hasCeiling: Bool?) async throws {
        random = SeededGenerator(seed: seed)
        bench = try await QueueBench.make {
            $0.shards = 1
            $0.tenantConcurrency = 3
            $0.maxDeaths = 1_000
            $0.maxAttempts = 1_000
        }
        self.isAmple = isAmple
        limits = isAmple ? 100...2_000 : 3...60
        let limit = Int.random(in: limits, using: &random)
        let isBounded = Bool.random(using: &random)
        let ceiling = hasCeiling ?? isBounded ? Int.random(in: limit...(2 * limit), using: &random) : nil
        lossy = Bool.random(using: &random)
        models[.salesforce] = BudgetModel(limit: limit, ceiling: ceiling)
        if Bool.random(using: &random) {
            models[.activeCampaign] = BudgetModel(limit: Int.random(in: limits, using: &random))
        }
        for provider in models.keys { providers[provider] = CountingProvider() }
        try await setBudgets()
    }

    private var now: Double { bench.clock.now.timeIntervalSince1970 }
    private var providerNow: Double { now + skew }
    private var sides: [CallProvider] { models.keys.sorted { $0.rawValue < $1.rawValue } }

    private func setBudgets(past: [CallProvider: PastCalls] = [:]) async throws {
        for (provider, model) in models {
            try await bench.queue.setBudget(
                tenant: Self.tenant, provider, BudgetTerms(dailyCalls: model.limit, orgCeiling: model.ceiling),
                past: past[provider] ?? PastCalls())
        }
    }

    mutating func step() async throws -> String {
        // No two steps at one instant, which the server's clock could tell apart.
        bench.clock.advance(Double.random(in: 0.1..<0.9, using: &random))
        let operation: String
        switch Int.random(in: 0..<100, using: &random) {
        case 0..<18: operation = try await enqueue()
        case 18..<32: operation = try await lease()
        case 32..<(isAmple ? 48 : 60): operation = try await call()
        case 32..<73: operation = try await settle()
        case 73..<86: operation = advance()
        case 86..<89: operation = try await kill()
        case 89..<92: operation = try await stepClocks()
        case 92..<94: operation = try await changeLimit()
        case 94..<96: operation = othersCall()
        case 96..<98: operation = try await look()
        default: operation = lossy ? try await loseRedis() : "no loss"
        }
        try await compare()
        return operation
    }

    // MARK: - Operations

    private mutating func enqueue() async throws -> String {
        // A pocket serves runs of one kind, one after the other.
        let isUsual = isAmple && Int.random(in: 0..<12, using: &random) > 0
        let kind = isUsual ? "a" : Self.kinds.randomElement(using: &random) ?? "a"
        let jobClass = isUsual ? .normal : JobClass.allCases.randomElement(using: &random) ?? .normal
        _ = try await bench.queue.enqueue(EnqueueRequest(key(Self.tenant, kind), class: jobClass))
        return "enqueue \(kind) \(jobClass)"
    }

    private mutating func lease() async throws -> String {
        let now = self.now
        // Each lease call is a worker of its own: workers come and go.
        generation += 1
        let worker = "w\(generation)"
        let jobs = try await bench.queue.lease(worker: WorkerID(worker), limit: 3).jobs
        for job in jobs {
            var left: [CallProvider: Int] = [:]
            for side in sides {
                let told = job.allowance?.granted[side]
                let offer = models[side]?.offer(job.key.kind, job.jobClass, now)
                note(told == offer?.calls, "granted \(told ?? -1) of \(side), not \(offer?.calls ?? -1)")
                guard let offer, let told else { continue }
                models[side]?.reserve(offer, job.key.kind, now)
                left[side] = told
                if side == .salesforce, !offer.isProbe { checkCeiling(left[side] ?? 0) }
            }
            runs.append(Run(job: job, worker: worker, left: left, since: now))
            granted += 1
        }
        checkAllowance()
        if !jobs.isEmpty, try await bench.record(of: Self.tenant).isOutOfPocket { runsFromPocket += 1 }
        return "lease \(jobs.map(\.key.kind))"
    }

    private mutating func call() async throws -> String {
        let providerNow = self.providerNow
        guard let index = runs.indices.randomElement(using: &random), let side = sides.randomElement(using: &random)
        else { return "nobody calls" }
        // A run is stopped by itself after half an hour, whatever it believes of its lease.
        guard runs[index].mayCall(now) else { return "overdue" }
        guard runs[index].left[side, default: 0] <= 0 else {
            providers[side]?.call(providerNow)
            runs[index].left[side, default: 0] -= 1
            runs[index].made[side, default: 0] += 1
            guard side == .salesforce else { return "call of \(runs[index].kind)" }
            runs[index].figure?.after += 1
            if Bool.random(using: &random) { runs[index].figure = (orgCount, providerNow, 0) }
            return "call of \(runs[index].kind)"
        }
        return try await extend(index, side)
    }

    private mutating func extend(_ index: Int, _ side: CallProvider) async throws -> String {
        let now = self.now
        keep(index)
        let run = runs[index]
        let wanted = Int.random(in: 1...8, using: &random)
        var wish = CallExtension(run.job, made: made(run))
        if side == .salesforce { wish.salesforce = wanted } else { wish.activeCampaign = wanted }
        let result = try await bench.queue.extend(worker: WorkerID(run.worker), [wish])[0]
        guard !run.isZombie else {
            note(result == .leaseLost, "a dead run was answered \(result)")
            return "zombie asks"
        }
        told(run)
        for side in sides {
            let figure = figure(run, side)
            models[side]?.extend(run.kind, total: run.made[side] ?? 0, figure: figure, now)
        }
        let expected = models[side]?.grant(run.kind, wanted: wanted, run.job.jobClass, now) ?? 0
        // An answer that is lost grants nothing to the run; what was granted is held until its end.
        let isLost = Int.random(in: 0..<8, using: &random) == 0
        switch result {
        case .granted(let campaign, let salesforce, _):
            let granted = side == .salesforce ? salesforce : campaign
            note(granted == expected, "extended by \(granted), not \(expected)")
            if !isLost { runs[index].left[side, default: 0] += granted }
            if side == .salesforce { checkCeiling(isLost ? 0 : granted) }
        case .refused(let short, let wait):
            note(short == side && expected == 0, "refused, though \(expected) were left")
            note(wait >= .seconds(1), "resumes after \(wait)")
        case .leaseLost: note(false, "a live run lost its lease")
        }
        runs[index].figure = isLost ? runs[index].figure : nil
        checkAllowance()
        return "extend \(run.kind) by \(wanted)\(isLost ? ", answer lost" : "")"
    }

    private mutating func settle() async throws -> String {
        let now = self.now
        guard let index = runs.indices.randomElement(using: &random) else { return "nothing to settle" }
        keep(index)
        let run = runs.remove(at: index)
        let outcome: JobOutcome =
            [.done, .retry(after: .seconds(5), code: "x"), .again(after: .zero), .returned].randomElement(
                using: &random)
            ?? .done
        // A run that called may be returned, too; one that never began says nothing.
        let hasBegun = outcome != .returned || run.made.values.contains { $0 > 0 } || Bool.random(using: &random)
        let settlement = Settlement(run.job, outcome, made: hasBegun ? made(run) : nil)
        for attempt in 1...2 {
            let result = try await bench.queue.settle(worker: WorkerID(run.worker), [settlement])[0]
            let isFirst = attempt == 1 && !run.isZombie
            note(result == (isFirst ? .accepted : .stale), "settled \(result)")
        }
        guard !run.isZombie else { return "zombie settles" }
        if hasBegun { told(run) }
        for side in sides {
            let figure = figure(run, side)
            if hasBegun {
                models[side]?.settle(run.kind, total: run.made[side] ?? 0, figure: figure, now)
            } else {
                models[side]?.giveBack(run.kind, now)
            }
        }
        return "settle \(run.kind) \(outcome)"
    }

    /// All workers of now fall silent; their runs go on for a while.
    private mutating func kill() async throws -> String {
        guard runs.contains(where: { !$0.isZombie }) else { return "nobody to kill" }
        if isAmple, Int.random(in: 0..<4, using: &random) > 0 { return "nobody is killed" }
        // Further than any step of the clock set a deadline ahead.
        bench.clock.advance(950)
        let now = self.now
        let order = runs.indices.filter { !runs[$0].isZombie }
        // A sweep is bounded, and workers that ended with nothing are swept as well.
        var swept = 0
        for _ in 0..<20 where swept < order.count { swept += try await bench.queue.sweep() }
        note(swept == order.count, "swept \(swept), not \(order.count)")
        for index in order {
            for side in sides { models[side]?.bury(runs[index].kind, now) }
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

    /// The queue's server gets its time set; the providers' runs on. As much as a quarter of an hour in all is borne.
    private mutating func stepClocks() async throws -> String {
        let step = Double.random(in: -890...890, using: &random)
        guard abs(skew - step) < 445 else { return "no step" }
        // A figure's age is taken by a clock that has not stepped meanwhile.
        for index in runs.indices { runs[index].figure = nil }
        try await rest()
        skew -= step
        bench.clock.advance(step)
        try await rest()
        return "clock steps by \(step)"
    }

    /// Lets Redis and the models look at the clock.
    private mutating func rest() async throws {
        try await setBudgets()
        let now = self.now
        for side in sides { models[side]?.note(now) }
    }

    private mutating func changeLimit() async throws -> String {
        let side = sides.randomElement(using: &random) ?? .salesforce
        models[side]?.limit = Int.random(in: limits, using: &random)
        try await setBudgets()
        return "limit of \(side)"
    }

    private mutating func othersCall() -> String {
        let providerNow = self.providerNow
        let count = Int.random(in: 1...20, using: &random)
        for _ in 0..<count { others.call(providerNow) }
        return "\(count) calls of others"
    }

    private mutating func look() async throws -> String {
        let (now, providerNow) = (self.now, self.providerNow)
        let side = sides.randomElement(using: &random) ?? .salesforce
        let wait = try await bench.queue.look(tenant: Self.tenant, side)
        let isExpected = models[side]?.look(now) ?? false
        note((wait == nil) == isExpected, "a look waits \(wait.map { "\($0)" } ?? "not")")
        guard wait == nil else { return "look refused" }
        providers[side]?.call(providerNow)
        ledger.append(Kept(provider: side, at: now, calls: 1))
        checkAllowance()
        return "look"
    }

    /// Redis forgets everything; what the ledger has, and an upper bound of what it has not, is set again.
    private mutating func loseRedis() async throws -> String {
        let now = self.now
        for name in try await bench.keys() { _ = try await bench.redis.send("DEL", name) }
        epoch += 1
        try await bench.queue.adopt(epoch: epoch)
        var past: [CallProvider: PastCalls] = [:]
        for side in sides {
            let own = ledger.filter { $0.provider == side && $0.at > now - 90_000 }
            let hours = Dictionary(
                own.map { (min(now, ($0.at / 3_600).rounded(.down) * 3_600 + 3_599), $0.calls) }, uniquingKeysWith: +)
            // Whoever died has stored nothing of what it called last, and whoever lives may go on with what it holds.
            let stored = ledger.filter { $0.provider == side }.map(\.calls).reduce(0, +)
            let unknown = (providers[side]?.calls.count ?? 0) - stored + open(side)
            past[side] = PastCalls(
                restoring: Dictionary(uniqueKeysWithValues: hours.map { (Date(timeIntervalSince1970: $0), $1) }),
                unknown: unknown)
            models[side]?.restore(hours.map { (at: $0.key, calls: $0.value) }, unknown: unknown, now)
        }
        for index in runs.indices { runs[index].isZombie = true }
        try await setBudgets(past: past)
        return "Redis is lost"
    }

    // MARK: - What runs tell

    /// The ledger gets what a run called since it last did.
    private mutating func keep(_ index: Int) {
        for side in sides {
            let calls = runs[index].made[side, default: 0] - runs[index].kept[side, default: 0]
            if calls > 0 { ledger.append(Kept(provider: side, at: now, calls: calls)) }
            runs[index].kept[side] = runs[index].made[side]
        }
    }

    private var orgCount: Int { (providers[.salesforce]?.count(providerNow) ?? 0) + others.count(providerNow) }

    private func figure(_ run: Run, _ side: CallProvider) -> OrgFigure? {
        guard side == .salesforce, let figure = run.figure else { return nil }
        return OrgFigure(
            used: figure.used, age: .milliseconds(Int((providerNow - figure.at) * 1_000)), callsAfter: figure.after)
    }

    private func made(_ run: Run) -> CallsMade {
        CallsMade(
            activeCampaign: run.made[.activeCampaign] ?? 0, salesforce: run.made[.salesforce] ?? 0,
            figure: figure(run, .salesforce))
    }

    /// Notes what the provider had counted of ours when the figure that Redis now holds was asked for.
    private mutating func told(_ run: Run) {
        guard let figure = run.figure else { return }
        if let held = models[.salesforce]?.figure, now - (providerNow - figure.at) < held.at { return }
        callsAtFigure = providers[.salesforce]?.calls.count { $0 <= figure.at } ?? 0
    }

    // MARK: - Checks

    /// Calls that may still be made without asking.
    private func open(_ side: CallProvider) -> Int {
        runs.filter { $0.mayCall(now) }.map { $0.left[side] ?? 0 }.reduce(0, +)
    }

    /// Whenever something was granted: what a provider has counted and what may still be called stay in the allowance.
    /// What was granted under a higher one before is not taken back.
    private mutating func checkAllowance() {
        for side in sides {
            guard let model = models[side], let provider = providers[side],
                model.spent(now) + model.reserved <= model.limit
            else { continue }
            let counted = provider.count(providerNow)
            note(
                counted + open(side) <= model.limit,
                "\(side) counts \(counted), \(open(side)) more may come, of \(model.limit)")
        }
    }

    /// What was just granted, on top of what the org's figure held and we have called since, stays under its ceiling.
    private mutating func checkCeiling(_ granted: Int) {
        guard granted > 0, let model = models[.salesforce], let ceiling = model.ceiling, let figure = model.figure
        else { return }
        let since = (providers[.salesforce]?.calls.count ?? 0) - callsAtFigure
        note(
            figure.used + since + granted <= ceiling,
            "the org had \(figure.used), \(since) came since and \(granted) were granted, of \(ceiling)")
    }

    private mutating func compare() async throws {
        let reports = try await bench.queue.budgets(tenant: Self.tenant)
        for side in sides {
            guard let model = models[side] else { continue }
            let report = reports.first { $0.provider == side }
            note(
                report?.spent == model.spent(now), "\(side) spent \(report?.spent ?? -1), not \(model.spent(now))")
            note(
                report?.unknown == model.unknown(now),
                "\(side) unknown \(report?.unknown ?? -1), not \(model.unknown(now))")
            note(
                report?.reserved == model.reserved,
                "\(side) reserved \(report?.reserved ?? -1), not \(model.reserved)")
        }
        guard case .parked(let until, let reason) = try await bench.queue.why(tenant: Self.tenant) else { return }
        note(reason.hasPrefix("budget: "), "parked for \(reason)")
        note(until.timeIntervalSince1970 - now <= 98 * 900 + 1_800 + 900, "parked beyond a day: \(until)")
    }

    private mutating func note(_ isRight: Bool, _ text: String) {
        if !isRight, difference == nil { difference = text }
    }
}
