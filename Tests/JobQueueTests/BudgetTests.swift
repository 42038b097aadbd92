import Drivers
import Foundation
import JobQueue
import Testing

@Suite(.timeLimit(.minutes(2))) struct BudgetTests {
    private func bench(
        _ calls: Int, ceiling: Int? = nil, concurrency: Int = 1, past: PastCalls = PastCalls()
    ) async throws -> QueueBench {
        let bench = try await QueueBench.make { $0.tenantConcurrency = concurrency }
        let terms = BudgetTerms(dailyCalls: calls, orgCeiling: ceiling)
        try await bench.queue.setBudget(tenant: 1, .salesforce, terms, past: past)
        return bench
    }

    private func purse(_ bench: QueueBench) async throws -> BudgetReport {
        try #require(try await bench.queue.budgets(tenant: 1).first)
    }

    /// Queues and leases tenant 1's job.
    private func run(_ bench: QueueBench, _ kind: String = "outbound", _ jobClass: JobClass = .normal) async throws
        -> LeasedJob?
    {
        _ = try await bench.queue.enqueue(EnqueueRequest(key(1, kind), class: jobClass))
        return try await bench.leaseAll().first
    }

    private func settle(_ bench: QueueBench, _ job: LeasedJob, _ calls: Int, figure: OrgFigure? = nil) async throws {
        let made = CallsMade(salesforce: calls, figure: figure)
        let results = try await bench.queue.settle(worker: bench.worker, [Settlement(job, .done, made: made)])
        #expect(results == [.accepted])
    }

    // MARK: - Reserving

    @Test func leaseReservesWhatRunsOfItsKindTakeAndSettlingBooksWhatItTook() async throws {
        let bench = try await bench(1_000)
        var job = try #require(try await run(bench))
        #expect(job.allowance == CallAllowance(granted: [.salesforce: 1], percentUsed: 0))
        #expect(try await purse(bench).reserved == 1)
        try await settle(bench, job, 9)
        #expect(try await purse(bench).spent == 9)
        #expect(try await purse(bench).reserved == 0)
        job = try #require(try await run(bench))
        #expect(job.allowance?.granted == [.salesforce: 9])
    }

    @Test func tenantWithoutBudgetKeepsNothing() async throws {
        let bench = try await bench(10)
        _ = try await bench.queue.enqueue(EnqueueRequest(key(2)))
        let job = try #require(try await bench.leaseAll().first)
        #expect(job.allowance == nil)
        #expect(try await bench.queue.settle(worker: bench.worker, [Settlement(job, .done)]) == [.accepted])
        #expect(try await bench.queue.budgets(tenant: 2).isEmpty)
        let shard = bench.queue.shard(of: 2)
        let name = "\(bench.options.namespace){s00\(shard)}:t"
        #expect(try await bench.redis.send("HEXISTS", name, "2").number == 0)
    }

    @Test func withoutCallsTheTenantWaitsUntilTheyComeBackAndOthersRun() async throws {
        let bench = try await bench(10)
        let job = try #require(try await run(bench))
        try await settle(bench, job, 10)
        #expect(try await run(bench) == nil)
        guard case .parked(let until, let reason) = try await bench.queue.why(tenant: 1) else {
            Issue.record("not parked")
            return
        }
        #expect(reason == "budget: Salesforce allowance 100 %")
        // The quarter of the hour they were booked in, and all of the day behind it.
        #expect(until.timeIntervalSince(bench.clock.now) > 86_400)
        #expect(until.timeIntervalSince(bench.clock.now) <= 98 * 900)
        _ = try await bench.queue.enqueue(EnqueueRequest(key(2)))
        #expect(try await bench.leaseAll().map(\.key.tenant) == [2])
        bench.clock.advance(until.timeIntervalSince(bench.clock.now) - 1)
        #expect(try await bench.leaseAll().isEmpty)
        bench.clock.advance(2)
        #expect(try await bench.leaseAll().map(\.key.tenant) == [1])
    }

    @Test func raisedLimitWakesAtOnce() async throws {
        let bench = try await bench(10)
        try await settle(bench, try #require(try await run(bench)), 10)
        #expect(try await run(bench) == nil)
        try await bench.queue.setBudget(tenant: 1, .salesforce, BudgetTerms(dailyCalls: 100))
        #expect(try await bench.leaseAll().map(\.key.tenant) == [1])
        #expect(try await purse(bench).spent == 10)
    }

    @Test func endedBudgetIsForgottenAndWakesToo() async throws {
        let bench = try await bench(10)
        try await settle(bench, try #require(try await run(bench)), 10)
        #expect(try await run(bench) == nil)
        try await bench.queue.endBudget(tenant: 1, .salesforce)
        let job = try #require(try await bench.leaseAll().first)
        #expect(job.allowance == nil)
        #expect(try await bench.settle(job, .done) == .accepted)
        #expect(try await bench.queue.budgets(tenant: 1).isEmpty)
    }

    @Test(arguments: [(JobClass.bulk, 60), (.normal, 100), (.urgent, 100)])
    func classesStopOneAfterTheOther(jobClass: JobClass, percent: Int) async throws {
        let bench = try await bench(100)
        try await settle(bench, try #require(try await run(bench, "warm", .urgent)), percent - 1)
        let last = try #require(try await run(bench, "a", jobClass))
        try await settle(bench, last, 1)
        #expect(try await run(bench, "b", jobClass) == nil)
        guard case .parked = try await bench.queue.why(tenant: 1) else {
            Issue.record("not parked")
            return
        }
    }

    @Test func smallestAllowanceStillRuns() async throws {
        let bench = try await bench(1)
        #expect(try await run(bench) != nil)
    }

    @Test func kindThatTakesMoreThanTheAllowanceRunsWhenAllOfItIsThere() async throws {
        let bench = try await bench(40)
        try await settle(bench, try #require(try await run(bench)), 30)
        try await bench.queue.setBudget(tenant: 1, .salesforce, BudgetTerms(dailyCalls: 10))
        #expect(try await run(bench) == nil)
        bench.clock.advance(98 * 900)
        #expect(try await bench.leaseAll().first?.allowance?.granted == [.salesforce: 10])
    }

    // MARK: - Extending

    @Test func runAsksForMoreUntilNothingIsLeft() async throws {
        let bench = try await bench(10)
        let job = try #require(try await run(bench))
        let worker = bench.worker
        let first = CallExtension(job, made: CallsMade(salesforce: 1), salesforce: 12)
        #expect(
            try await bench.queue.extend(worker: worker, [first])
                == [.granted(activeCampaign: 0, salesforce: 9, percentUsed: 100)])
        let second = CallExtension(job, made: CallsMade(salesforce: 10), salesforce: 4)
        let result = try await bench.queue.extend(worker: worker, [second])[0]
        guard case .refused(.salesforce, let wait) = result else {
            Issue.record("\(result)")
            return
        }
        #expect(wait > .seconds(86_400))
        #expect(try await purse(bench).spent == 10)
        try await settle(bench, job, 10)
        #expect(try await purse(bench).reserved == 0)
        #expect(try await purse(bench).spent == 10)
    }

    @Test func callsToldTwiceCountOnce() async throws {
        let bench = try await bench(100)
        let job = try #require(try await run(bench))
        let wish = CallExtension(job, made: CallsMade(salesforce: 5), salesforce: 2)
        // The answer to the first was lost: the run says the same again.
        for _ in 1...2 { _ = try await bench.queue.extend(worker: bench.worker, [wish]) }
        #expect(try await purse(bench).spent == 5)
        try await settle(bench, job, 6)
        #expect(try await purse(bench).spent == 6)
    }

    @Test func runThatNeverBeganCostsNothing() async throws {
        let bench = try await bench(100)
        try await settle(bench, try #require(try await run(bench)), 9)
        let job = try #require(try await run(bench))
        #expect(try await purse(bench).reserved == 9)
        #expect(try await bench.settle(job, .returned) == .accepted)
        #expect(try await purse(bench).reserved == 0)
        #expect(try await purse(bench).spent == 9)
        // Nor does it say anything of what its kind takes.
        #expect(try await bench.leaseAll().first?.allowance?.granted == [.salesforce: 9])
    }

    @Test func refundWakesAClassThatWaits() async throws {
        let bench = try await bench(10, concurrency: 2)
        let job = try #require(try await run(bench))
        _ = try await bench.queue.extend(
            worker: bench.worker, [CallExtension(job, made: CallsMade(), salesforce: 9)])
        #expect(try await run(bench, "inbound") == nil)
        try await settle(bench, job, 1)
        #expect(try await bench.leaseAll().map(\.key.kind) == ["inbound"])
    }

    @Test func lostLeaseGetsNoMoreCalls() async throws {
        let bench = try await bench(100)
        let job = try #require(try await run(bench))
        bench.clock.advance(60)
        #expect(try await bench.queue.sweep() == 1)
        let wish = CallExtension(job, made: CallsMade(), salesforce: 1)
        #expect(try await bench.queue.extend(worker: bench.worker, [wish]) == [.leaseLost])
    }

    // MARK: - Deaths and the org's figure

    @Test func whatADeadWorkerHeldIsSpentUntilTheOrgSaysOtherwise() async throws {
        let bench = try await bench(100)
        let job = try #require(try await run(bench))
        _ = try await bench.queue.extend(
            worker: bench.worker, [CallExtension(job, made: CallsMade(salesforce: 1), salesforce: 20)])
        bench.clock.advance(60)
        #expect(try await bench.queue.sweep() == 1)
        #expect(try await purse(bench).spent == 21)
        #expect(try await purse(bench).unknown == 20)
        // It may still be calling: a figure proves nothing yet.
        bench.clock.advance(60)
        try await settle(bench, try #require(try await bench.leaseAll().first), 1, figure: OrgFigure(used: 2))
        #expect(try await purse(bench).spent == 22)
        bench.clock.advance(2_700)
        let next = try #require(try await run(bench))
        bench.clock.advance(5)
        try await settle(bench, next, 1, figure: OrgFigure(used: 3))
        #expect(try await purse(bench).spent == 3)
        #expect(try await purse(bench).unknown == 0)
    }

    @Test func figureGivesBackOnlyWhatTheOrgHasNotSeen() async throws {
        let bench = try await bench(100)
        let job = try #require(try await run(bench))
        _ = try await bench.queue.extend(
            worker: bench.worker, [CallExtension(job, made: CallsMade(), salesforce: 19)])
        bench.clock.advance(60)
        #expect(try await bench.queue.sweep() == 1)
        bench.clock.advance(2_900)
        // Fifteen calls in all, of which one is this run's: fourteen may be the dead one's, or somebody else's.
        try await settle(bench, try #require(try await bench.leaseAll().first), 1, figure: OrgFigure(used: 15))
        #expect(try await purse(bench).spent == 15)
        #expect(try await purse(bench).unknown == 14)
    }

    /// Fifty calls of yesterday, a worker that died with twenty, and a figure: what leaves tomorrow is not the dead one's.
    @Test func figureNeverGivesBackWhatTheOrgCountsNorWhatItDoesNotCountAnyMore() async throws {
        let bench = try await bench(100)
        try await settle(bench, try #require(try await run(bench)), 50)
        bench.clock.advance(23.4 * 3_600)
        let job = try #require(try await run(bench, "inbound"))
        _ = try await bench.queue.extend(
            worker: bench.worker, [CallExtension(job, made: CallsMade(), salesforce: 19)])
        bench.clock.advance(60)
        #expect(try await bench.queue.sweep() == 1)
        bench.clock.advance(2_800)
        // The dead one made all twenty of its calls; yesterday's fifty are the org's no more, but still booked.
        let next = try #require(try await bench.leaseAll().first)
        try await settle(bench, next, 1, figure: OrgFigure(used: 21))
        #expect(try await purse(bench).spent == 71)
        bench.clock.advance(1_800)
        #expect(try await purse(bench).spent == 21, "yesterday has left, and nothing else")
    }

    @Test func whatTheDeadMayHaveCalledLeavesTheWindowAsAllElseDoes() async throws {
        let bench = try await bench(100)
        let job = try #require(try await run(bench))
        _ = try await bench.queue.extend(
            worker: bench.worker, [CallExtension(job, made: CallsMade(), salesforce: 19)])
        bench.clock.advance(60)
        #expect(try await bench.queue.sweep() == 1)
        bench.clock.advance(26 * 3_600)
        #expect(try await purse(bench).unknown == 0)
        #expect(try await purse(bench).spent == 0)
        try await settle(bench, try #require(try await bench.leaseAll().first), 30)
        bench.clock.advance(60)
        try await settle(bench, try #require(try await run(bench)), 1, figure: OrgFigure(used: 1))
        #expect(try await purse(bench).spent == 31, "nothing is left to give back")
    }

    @Test func atTheCeilingAndWithoutAllowanceTheTenantWaitsForBoth() async throws {
        let bench = try await bench(10, ceiling: 900)
        try await settle(bench, try #require(try await run(bench)), 9, figure: OrgFigure(used: 950))
        #expect(try await run(bench) == nil)
        bench.clock.advance(400)
        // The wait for the org's next figure is over, but no call is left to ask for it.
        try await bench.queue.setBudget(tenant: 1, .salesforce, BudgetTerms(dailyCalls: 9, orgCeiling: 900))
        #expect(try await bench.leaseAll().isEmpty)
        guard case .parked(let until, let reason) = try await bench.queue.why(tenant: 1) else {
            Issue.record("not parked")
            return
        }
        #expect(reason == "budget: Salesforce allowance 100 %")
        #expect(until.timeIntervalSince(bench.clock.now) > 80_000)
    }

    @Test func clockThatWasAheadHoldsNoCallsForLongerThanTwoDays() async throws {
        let bench = try await bench(100)
        bench.clock.advance(300 * 86_400)
        let job = try #require(try await run(bench))
        try await settle(bench, job, 20, figure: OrgFigure(used: 20))
        bench.clock.advance(-300 * 86_400)
        try await settle(bench, try #require(try await run(bench)), 1, figure: OrgFigure(used: 3))
        #expect(try await purse(bench).spent == 21)
        #expect(try await purse(bench).orgUse == 3, "a figure of the future outlives no present one")
        bench.clock.advance(25 * 3_600)
        #expect(try await purse(bench).spent == 20)
        bench.clock.advance(24 * 3_600)
        #expect(try await purse(bench).spent == 0)
    }

    @Test func lookIsBookedAndRefusedWhenNothingIsLeft() async throws {
        let bench = try await bench(10)
        try await settle(bench, try #require(try await run(bench)), 9)
        // One call is left.
        #expect(try await bench.queue.look(tenant: 1, .salesforce) == nil)
        let wait = try #require(try await bench.queue.look(tenant: 1, .salesforce))
        #expect(wait > .seconds(86_400))
        #expect(try await purse(bench).spent == 10)
        #expect(try await bench.queue.look(tenant: 1, .activeCampaign) == nil, "no budget, no bound")
    }

    @Test func orgsUseByOthersStopsUsAndOneRunGoesAndSees() async throws {
        let bench = try await bench(1_000, ceiling: 900)
        let figure = OrgFigure(used: 950)
        try await settle(bench, try #require(try await run(bench)), 1, figure: figure)
        #expect(try await purse(bench).othersUse == 949)
        #expect(try await run(bench) == nil)
        guard case .parked(let until, let reason) = try await bench.queue.why(tenant: 1) else {
            Issue.record("not parked")
            return
        }
        #expect(reason == "budget: Salesforce ceiling")
        bench.clock.advance(until.timeIntervalSince(bench.clock.now) + 1)
        let probe = try #require(try await bench.leaseAll().first)
        #expect(probe.allowance?.granted == [.salesforce: 1])
        try await settle(bench, probe, 1, figure: OrgFigure(used: 951))
        #expect(try await run(bench) == nil)
        guard case .parked(let later, _) = try await bench.queue.why(tenant: 1) else {
            Issue.record("not parked")
            return
        }
        // The second wait is longer than the first.
        #expect(later.timeIntervalSince(bench.clock.now) > 500)
        bench.clock.advance(later.timeIntervalSince(bench.clock.now) + 1)
        try await settle(bench, try #require(try await bench.leaseAll().first), 1, figure: OrgFigure(used: 100))
        #expect(try await run(bench) != nil)
    }

    // MARK: - Losing Redis

    @Test func restoredBudgetSpendsAPartUntilTheOrgProvesMore() async throws {
        let now = Date(timeIntervalSince1970: 1_800_000_000)
        let past = PastCalls(restoring: [now.addingTimeInterval(-7_200): 40], unknown: 10)
        let bench = try await bench(100, past: past)
        let purse = try await purse(bench)
        #expect(purse.spent == 50)
        #expect(purse.unknown == 10)
        #expect(purse.provenLimit == 62)
        let job = try #require(try await run(bench))
        let wish = CallExtension(job, made: CallsMade(salesforce: 1), salesforce: 30)
        #expect(
            try await bench.queue.extend(worker: bench.worker, [wish])
                == [.granted(activeCampaign: 0, salesforce: 11, percentUsed: 62)])
        try await settle(bench, job, 1, figure: OrgFigure(used: 42))
        #expect(try await self.purse(bench).provenLimit == nil)
    }

    @Test func knownPastIsNotReplaced() async throws {
        let bench = try await bench(100)
        try await settle(bench, try #require(try await run(bench)), 5)
        let past = PastCalls([bench.clock.now: 50])
        #expect(
            try await !bench.queue.setBudget(tenant: 1, .salesforce, BudgetTerms(dailyCalls: 100), past: past))
        #expect(try await purse(bench).spent == 5)
    }

    @Test func bothProvidersAreNeeded() async throws {
        let bench = try await bench(100)
        try await bench.queue.setBudget(tenant: 1, .activeCampaign, BudgetTerms(dailyCalls: 10))
        let job = try #require(try await run(bench))
        #expect(job.allowance?.granted == [.salesforce: 1, .activeCampaign: 1])
        let made = CallsMade(activeCampaign: 10, salesforce: 1)
        _ = try await bench.queue.settle(worker: bench.worker, [Settlement(job, .done, made: made)])
        #expect(try await run(bench) == nil)
        guard case .parked(_, let reason) = try await bench.queue.why(tenant: 1) else {
            Issue.record("not parked")
            return
        }
        #expect(reason == "budget: ActiveCampaign allowance 100 %")
    }

    @Test func jobsOutsideTheRecordAreRationedToo() async throws {
        let bench = try await bench(100, concurrency: 50)
        let requests = (0..<40).map { EnqueueRequest(key(1, "kind-\($0)"), class: .urgent) }
        _ = try await bench.queue.enqueue(requests)
        try await bench.queue.setBudget(tenant: 1, .salesforce, BudgetTerms(dailyCalls: 30))
        let jobs = try await bench.leaseAll()
        #expect(jobs.count == 30)
        #expect(try await purse(bench).reserved == 30)
        for job in jobs { try await settle(bench, job, 0) }
        #expect(try await bench.leaseAll().count == 10)
    }
}
