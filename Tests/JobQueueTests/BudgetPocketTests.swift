import Drivers
import Foundation
import JobQueue
import Testing

/// Calls reserved in advance for a tenant's next few runs, which need not ask its purse then.
@Suite(.timeLimit(.minutes(2))) struct BudgetPocketTests {
    private func bench(
        _ calls: Int = 10_000, ceiling: Int? = nil, concurrency: Int = 2
    ) async throws -> QueueBench {
        let bench = try await QueueBench.make {
            $0.shards = 1
            $0.tenantConcurrency = concurrency
        }
        // The clock stands where a quarter of an hour begins, and Redis's own is a little off.
        bench.clock.advance(450)
        try await bench.queue.setBudget(
            tenant: 1, .salesforce, BudgetTerms(dailyCalls: calls, orgCeiling: ceiling))
        return bench
    }

    private func lease(_ bench: QueueBench, _ kind: String = "outbound", _ jobClass: JobClass = .normal) async throws
        -> LeasedJob
    {
        _ = try await bench.queue.enqueue(EnqueueRequest(key(1, kind), class: jobClass))
        return try #require(try await bench.queue.lease(worker: bench.worker, limit: 4).jobs.first)
    }

    private func settle(_ bench: QueueBench, _ job: LeasedJob, _ calls: Int, used: Int? = nil) async throws {
        let made = CallsMade(salesforce: calls, figure: used.map { OrgFigure(used: $0) })
        let results = try await bench.queue.settle(worker: bench.worker, [Settlement(job, .done, made: made)])
        #expect(results == [.accepted])
    }

    private func purse(_ bench: QueueBench) async throws -> BudgetReport {
        try #require(try await bench.queue.budgets(tenant: 1).first)
    }

    /// The purses as they are stored.
    private func stored(_ bench: QueueBench) async throws -> [UInt8]? {
        try await bench.redis.send("HGET", bench.options.namespace + "{s000}:b", "1").rawBytes
    }

    @Test func runsOfOneKindTouchThePurseOnceInAWhileAndAreCountedAllTheSame() async throws {
        let bench = try await bench()
        try await settle(bench, try await lease(bench), 2)
        var job = try await lease(bench)
        let before = try #require(try await stored(bench))
        for _ in 1...4 {
            #expect(job.allowance?.granted == [.salesforce: 2])
            #expect(try await bench.record(of: 1).isOutOfPocket)
            try await settle(bench, job, 1)
            bench.clock.advance(20)
            job = try await lease(bench)
        }
        #expect(try await stored(bench) == before, "neither leases nor settlements went to the purse")
        #expect(try await purse(bench).spent == 6)
        #expect(try await purse(bench).reserved == 2, "what the run under way may call, not what the pocket holds")
        try await settle(bench, job, 5)
        #expect(try await stored(bench) != before, "more than it was given is the purse's affair")
        #expect(try await purse(bench).spent == 11)
        #expect(try await purse(bench).reserved == 0)
    }

    @Test func callsAreBookedInTheQuarterTheyWereMadeIn() async throws {
        let bench = try await bench()
        try await settle(bench, try await lease(bench), 1)
        for _ in 1...3 {
            bench.clock.advance(900)
            try await settle(bench, try await lease(bench), 1)
        }
        #expect(try await purse(bench).spent == 4)
        // The first leaves the window when all of its quarter has.
        bench.clock.advance(98 * 900 - 3 * 900)
        #expect(try await purse(bench).spent == 3)
        bench.clock.advance(900)
        #expect(try await purse(bench).spent == 2)
    }

    @Test func aDeadWorkersRunCostsWhatItHeldAndNoMore() async throws {
        let bench = try await bench()
        try await settle(bench, try await lease(bench), 3)
        _ = try await lease(bench)
        #expect(try await bench.record(of: 1).isOutOfPocket)
        bench.clock.advance(60)
        #expect(try await bench.queue.sweep() == 1)
        #expect(try await purse(bench).spent == 6)
        #expect(try await purse(bench).unknown == 3)
        #expect(try await purse(bench).reserved == 0)
    }

    @Test func aRunHandedBackUnbegunGivesItsCallsBackToThePocket() async throws {
        let bench = try await bench()
        try await settle(bench, try await lease(bench), 3)
        let before = try await stored(bench)
        #expect(try await bench.settle(try await lease(bench), .returned) == .accepted)
        #expect(try await stored(bench) == before)
        #expect(try await purse(bench).reserved == 0)
        #expect(try await purse(bench).spent == 3)
    }

    @Test func whateverElseWantsCallsEmptiesIt() async throws {
        let bench = try await bench()
        try await settle(bench, try await lease(bench), 3)
        let first = try await lease(bench)
        #expect(try await bench.record(of: 1).isOutOfPocket)
        // Another kind beside it.
        let second = try await lease(bench, "inbound")
        #expect(try await !bench.record(of: 1).hasPocket)
        #expect(try await purse(bench).reserved == 4)
        try await settle(bench, first, 1)
        try await settle(bench, second, 1)
        #expect(try await purse(bench).spent == 5)
        // A run that asks for more.
        let third = try await lease(bench)
        #expect(try await bench.record(of: 1).isOutOfPocket)
        let wish = CallExtension(third, made: CallsMade(salesforce: 2), salesforce: 5)
        #expect(
            try await bench.queue.extend(worker: bench.worker, [wish])
                == [.granted(activeCampaign: 0, salesforce: 5, percentUsed: 0)])
        #expect(try await !bench.record(of: 1).hasPocket)
        try await settle(bench, third, 7)
        #expect(try await purse(bench).spent == 12)
        // A person who looks, and a new limit.
        #expect(try await bench.queue.look(tenant: 1, .salesforce) == nil)
        #expect(try await !bench.record(of: 1).hasPocket)
        try await settle(bench, try await lease(bench), 1)
        #expect(try await bench.record(of: 1).hasPocket)
        try await bench.queue.setBudget(tenant: 1, .salesforce, BudgetTerms(dailyCalls: 20))
        #expect(try await !bench.record(of: 1).hasPocket)
        #expect(try await purse(bench).spent == 14)
        #expect(try await purse(bench).reserved == 0)
    }

    @Test func bulkAndAScarceAllowanceAskThePurseEachTime() async throws {
        var bench = try await bench()
        try await settle(bench, try await lease(bench, "outbound", .bulk), 3)
        _ = try await lease(bench, "outbound", .bulk)
        #expect(try await !bench.record(of: 1).isOutOfPocket)
        bench = try await self.bench(40)
        try await settle(bench, try await lease(bench), 1)
        #expect(try await bench.record(of: 1).hasPocket)
        try await settle(bench, try await lease(bench), 9)
        #expect(try await !bench.record(of: 1).hasPocket, "a run takes much of what is left")
    }

    @Test func figureIsWantedWhenItMayChangeSomething() async throws {
        let bench = try await bench(10_000, ceiling: 1_000)
        var job = try await lease(bench)
        #expect(job.allowance?.figureFrom == 0, "none is known yet")
        try await settle(bench, job, 1, used: 100)
        job = try await lease(bench)
        #expect(job.allowance?.figureFrom == 750, "three quarters of the ceiling")
        #expect(try await bench.record(of: 1).isOutOfPocket)
        try await settle(bench, job, 1, used: 800)
        #expect(try await purse(bench).orgUse == 800)
        job = try await lease(bench)
        #expect(job.allowance?.figureFrom == 0)
        #expect(try await !bench.record(of: 1).hasPocket)
        try await settle(bench, job, 1, used: 100)
        bench.clock.advance(3_700)
        job = try await lease(bench)
        #expect(job.allowance?.figureFrom == 0, "the last one is an hour old")
    }
}
