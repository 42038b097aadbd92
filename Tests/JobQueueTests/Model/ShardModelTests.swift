import Drivers
import Foundation
import JobQueue
import TestSupport
import Testing

/// Random operations on real Redis and on the model must agree: every answer, and the whole state after each step.
@Suite(.timeLimit(.minutes(20))) struct ShardModelTests {
    private static let isLong = ProcessInfo.processInfo.environment["FERRY_LONG_PROOFS"] == "1"

    @Test(arguments: 0..<(isLong ? 200 : 8)) func redisAndTheModelAgree(run: Int) async throws {
        let given = ProcessInfo.processInfo.environment["FERRY_TEST_SEED"].flatMap { UInt64($0) }
        let seed = given.map { $0 &+ UInt64(run) } ?? UInt64.random(in: 0 ... .max)
        print("ShardModelTests run \(run): FERRY_TEST_SEED=\(seed &- UInt64(run))")
        var trial = try await ShardTrial(seed: seed)
        for step in 0..<250 {
            let operation = try await trial.step()
            try #require(trial.difference == nil, "seed \(seed) step \(step) \(operation): \(trial.difference ?? "")")
        }
        try await trial.drain()
        #expect(trial.difference == nil, "seed \(seed), draining: \(trial.difference ?? "")")
    }
}

/// One run: the queue, the model, and what workers believe they hold.
private struct ShardTrial {
    static let tenants: ClosedRange<Int32> = 1...6
    static let workers = ["wa", "wb", "wc"]

    private let bench: QueueBench
    private let shard: String
    private var model: ShardModel
    private var random: SeededGenerator
    private var believed: [String: [LeasedJob]] = [:]
    private var lastToken = FencingToken(rawValue: 0)
    var difference: String?

    init(seed: UInt64) async throws {
        random = SeededGenerator(seed: seed)
        bench = try await QueueBench.make {
            $0.shards = 1
            $0.tenantConcurrency = 2
            $0.maxAttempts = 4
            $0.maxDeaths = 3
            $0.quantum = 2
            $0.orphanAge = .seconds(1_000_000)
            // Times are compared to the nearest five seconds.
            $0.leaseDuration = .seconds(25)
        }
        shard = "\(bench.options.namespace){s000}"
        model = ShardModel(now: Int(bench.clock.now.timeIntervalSince1970), options: bench.options)
    }

    mutating func step() async throws -> String {
        let operation: String
        switch Int.random(in: 0..<100, using: &random) {
        case 0..<35: operation = try await enqueue()
        case 35..<70: operation = try await exchange()
        case 70..<76: operation = advance()
        case 76..<79: operation = try await heartbeat()
        case 79..<82: operation = try await sweep()
        case 82..<86: operation = try await die()
        case 86..<90: operation = try await pauseOrResume()
        case 90..<94: operation = try await park()
        case 94..<97: operation = try await limits()
        default: operation = try await decideDead()
        }
        try await compare()
        return operation
    }

    /// Ends all that holds work back; then everything must come out, each job once.
    mutating func drain() async throws {
        for tenant in Self.tenants {
            _ = try await bench.queue.resume(tenant: tenant)
            _ = model.resume(tenant)
            try await bench.queue.unpark(tenant: tenant)
            model.parkTenant(tenant, classes: nil, until: nil)
        }
        for _ in 0..<200 {
            move(by: 60)
            _ = try await sweepBoth()
            _ = try await exchange(settling: [], outcome: .done, wanted: 50, worker: "wa")
            _ = try await exchange(settling: believed["wa"] ?? [], outcome: .done, wanted: 0, worker: "wa")
            try await compare()
            if difference != nil { return }
        }
        let status = try await bench.queue.status()
        note(status.queued == 0 && status.running == 0 && status.delayed == 0, "work is stuck: \(status)")
    }

    // MARK: - Operations

    private mutating func enqueue() async throws -> String {
        var requests: [EnqueueRequest] = []
        for _ in 0..<Int.random(in: 1...3, using: &random) {
            let cost = Int.random(in: 1...3, using: &random)
            let request = EnqueueRequest(anyKey(), class: anyClass(), delay: anyDelay(), cost: cost)
            // Which of two equal instants is sooner, milliseconds decide that the model does not have.
            if model.delay[request.key] != model.now + Int(request.delay.components.seconds) {
                requests.append(request)
            }
        }
        let expected = requests.map { model.enqueue($0) }
        model.finish()
        let actual = try await bench.queue.enqueue(requests)
        note(actual == expected, "\(actual), not \(expected)")
        return "enqueue \(requests)"
    }

    private mutating func exchange() async throws -> String {
        let worker = anyWorker()
        var settled: [LeasedJob] = []
        for job in believed[worker] ?? [] where Bool.random(using: &random) { settled.append(job) }
        let wanted = Int.random(in: 0...6, using: &random)
        return try await exchange(settling: settled, outcome: nil, wanted: wanted, worker: worker)
    }

    private mutating func exchange(
        settling jobs: [LeasedJob], outcome: JobOutcome?, wanted: Int, worker: String
    ) async throws -> String {
        var settlements: [Settlement] = []
        for job in jobs { settlements.append(Settlement(job, outcome ?? anyOutcome())) }
        guard wanted > 0 || !settlements.isEmpty else { return "nothing" }
        let due = try await members("delay").compactMap { name -> JobKey? in
            let parts = name.split(separator: ",")
            return Int32(parts[0]).map { JobKey(tenant: $0, kind: String(parts[1])) }
        }
        let parked = try await members("park")
        // What is simply done is settled first; the answers come in the order of the settlements.
        var results = [SettleResult](repeating: .stale, count: settlements.count)
        let isDone = { (index: Int) in settlements[index].outcome == .done }
        for index in settlements.indices.filter(isDone) + settlements.indices.filter({ !isDone($0) }) {
            let settlement = settlements[index]
            results[index] = model.settle(worker, settlement.job.token.rawValue, settlement.outcome)
        }
        // What was delayed by the settlements falls due later; what was parked by them is not in the list yet.
        let tokens = model.lease(worker, wanted: wanted, dueOrder: due, parkOrder: parked)
        let exchange = try await bench.queue.exchange(
            worker: WorkerID(worker), settling: settlements, limit: wanted)
        note(exchange.results == results, "settled \(exchange.results), not \(results)")
        note(exchange.batch.jobs.map(\.token.rawValue) == tokens, "leased \(exchange.batch.jobs), not \(tokens)")
        for job in exchange.batch.jobs {
            note(job.token > lastToken, "token \(job.token) after \(lastToken)")
            lastToken = max(lastToken, job.token)
            let lease = model.owned[worker]?[job.token.rawValue]
            note(lease?.tenant == job.key.tenant && lease?.kind == job.key.kind, "leased \(job)")
            note(lease.map { $0.meta.attempt + $0.meta.deaths + 1 } == job.attempt, "attempt of \(job)")
        }
        let ended = Set(settlements.map(\.job.token))
        believed[worker, default: []].removeAll { ended.contains($0.token) }
        believed[worker, default: []] += exchange.batch.jobs
        checkConcurrency(of: exchange.batch.jobs)
        return "exchange \(worker) \(settlements.map { "\($0.job.key) \($0.outcome)" }) wanted \(wanted)"
    }

    private mutating func advance() -> String {
        let seconds = 10 * Int.random(in: 1...3, using: &random)
        move(by: seconds)
        return "advance \(seconds)"
    }

    private mutating func move(by seconds: Int) {
        bench.clock.advance(TimeInterval(seconds))
        model.now += seconds
    }

    private mutating func heartbeat() async throws -> String {
        let worker = anyWorker()
        model.heartbeat(worker)
        let result = try await bench.queue.heartbeat(worker: WorkerID(worker))
        let owned = model.owned[worker] ?? [:]
        note(result.lost.allSatisfy { owned[$0.token.rawValue] == nil }, "lost \(result.lost) though owned")
        note(result.orphansReturned == 0, "orphans")
        return "heartbeat \(worker)"
    }

    private mutating func sweep() async throws -> String {
        note(try await sweepBoth(), "another number was swept")
        return "sweep"
    }

    /// Nobody lives, and somebody watches: what is leased now ends in a counted death.
    private mutating func die() async throws -> String {
        for _ in 1...3 {
            move(by: 10)
            note(try await sweepBoth(), "another number was swept")
        }
        return "die"
    }

    private mutating func sweepBoth() async throws -> Bool {
        let order = try await members("w")
        let expected = model.sweep(order: order)
        return try await bench.queue.sweep() == expected
    }

    private mutating func pauseOrResume() async throws -> String {
        let tenant = anyTenant()
        if Bool.random(using: &random) {
            model.pause(tenant)
            try await bench.queue.pause(tenant: tenant, reason: "a test")
            return "pause \(tenant)"
        }
        let expected = model.resume(tenant)
        note(try await bench.queue.resume(tenant: tenant) == expected, "resume")
        return "resume \(tenant)"
    }

    private mutating func park() async throws -> String {
        let tenant = anyTenant()
        let classes: Set<JobClass>? = Bool.random(using: &random) ? nil : [anyClass()]
        if Bool.random(using: &random) {
            let until = model.now + 10 * Int.random(in: 0...4, using: &random) + 5
            model.parkTenant(tenant, classes: classes, until: until)
            try await bench.queue.park(
                tenant: tenant, classes: classes, until: Date(timeIntervalSince1970: TimeInterval(until)), reason: "x,y"
            )
            return "park \(tenant) \(String(describing: classes)) \(until)"
        }
        model.parkTenant(tenant, classes: classes, until: nil)
        try await bench.queue.unpark(tenant: tenant, classes: classes)
        return "unpark \(tenant) \(String(describing: classes))"
    }

    private mutating func limits() async throws -> String {
        let tenant = anyTenant()
        let weight = Bool.random(using: &random) ? nil : Int.random(in: 1...3, using: &random)
        let most = Bool.random(using: &random) ? nil : Int.random(in: 1...4, using: &random)
        model.setLimits(tenant, weight: weight, limit: most)
        try await bench.queue.setLimits(tenant: tenant, weight: weight, maxConcurrency: most)
        return "limits \(tenant) \(String(describing: weight)) \(String(describing: most))"
    }

    private mutating func decideDead() async throws -> String {
        let dead = model.tenants.flatMap { id, tenant in
            tenant.jobs.compactMap { kind, place in
                if case .dead = place { JobKey(tenant: id, kind: kind) } else { nil }
            }
        }
        let key = dead.sorted { "\($0)" < "\($1)" }.randomElement(using: &random) ?? anyKey()
        let retry = Bool.random(using: &random)
        let expected = model.decideDead(key, retry: retry)
        let actual = try await retry ? bench.queue.retryDead(key) : bench.queue.discardDead(key)
        note(actual == expected, "dead letter \(key)")
        return "\(retry ? "retry" : "discard") dead \(key)"
    }

    // MARK: - Checks

    private mutating func compare() async throws {
        let real = try await ShardPicture(
            bench.redis, shard: shard, tenants: Self.tenants, workers: Self.workers, now: model.now)
        let wanted = ShardPicture(model, tenants: Self.tenants, workers: Self.workers)
        for (is_, should) in zip(real.lines, wanted.lines) where is_ != should {
            note(false, "\n   redis: \(is_)\n   model: \(should)")
        }
        checkPlaces()
    }

    /// Each job in exactly one place, and inflight equal to leases owned: on the model, which equals Redis by now.
    private mutating func checkPlaces() {
        for (id, tenant) in model.tenants {
            let queued = tenant.lines.flatMap { $0.inline + $0.overflow }.map(\.kind)
            let delayed = model.delay.keys.filter { $0.tenant == id }.map(\.kind)
            let running = model.owned.values.flatMap(\.values).filter { $0.tenant == id }.map(\.kind)
            let dead = tenant.jobs.filter { if case .dead = $0.value { true } else { false } }.map(\.key)
            let all = queued + delayed + running + dead
            note(Set(all).count == all.count && Set(all) == Set(tenant.jobs.keys), "tenant \(id): \(all)")
            note(running.count == tenant.running, "tenant \(id) runs \(running.count), counts \(tenant.running)")
        }
        for ring in model.rings { note(Set(ring).count == ring.count, "a tenant is in a ring twice: \(ring)") }
    }

    private mutating func checkConcurrency(of jobs: [LeasedJob]) {
        for tenant in Set(jobs.map(\.key.tenant)) {
            guard let state = model.tenants[tenant] else { continue }
            note(state.running <= model.limit(state), "tenant \(tenant) runs \(state.running)")
        }
    }

    private mutating func note(_ isRight: Bool, _ text: String) {
        if !isRight, difference == nil { difference = text }
    }

    private func members(_ name: String) async throws -> [String] {
        try await bench.redis.send("ZRANGE", "\(shard):\(name)", "0", "-1").elements?.compactMap(\.text) ?? []
    }

    // MARK: - Chance

    private mutating func anyTenant() -> Int32 { Int32.random(in: Self.tenants, using: &random) }

    /// The first tenant has more kinds than its record holds.
    private mutating func anyKey() -> JobKey {
        let kinds = ["a", "b", "inbound.contact", "inbound.opportunity", "a-kind-of-24-characters"]
        if Bool.random(using: &random) {
            return JobKey(tenant: 1, kind: "kind-\(Int.random(in: 0..<40, using: &random))")
        }
        return JobKey(tenant: anyTenant(), kind: kinds[Int.random(in: 0..<kinds.count, using: &random)])
    }

    private mutating func anyClass() -> JobClass { JobClass.allCases[Int.random(in: 0..<3, using: &random)] }

    private mutating func anyWorker() -> String { Self.workers[Int.random(in: 0..<3, using: &random)] }

    private mutating func anyDelay() -> Duration {
        // Never a multiple of ten: the clock moves in tens, so nothing falls due at the very edge.
        Bool.random(using: &random) ? .zero : .seconds(10 * Int.random(in: 0...4, using: &random) + 5)
    }

    private mutating func anyOutcome() -> JobOutcome {
        switch Int.random(in: 0..<10, using: &random) {
        case 0..<4: .done
        case 4: .again(after: anyDelay())
        case 5..<8: .retry(after: anyDelay(), code: "failed")
        case 8: .returned
        default: .dead(code: "gone, for good")
        }
    }
}
