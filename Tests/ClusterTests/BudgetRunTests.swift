import ActiveCampaign
import Cluster
import Drivers
import Foundation
import JobQueue
import Simulators
import Store
import SyncRules
import Testing

/// Allowances of calls, over real sockets, Redis and PostgreSQL: never exceeded, counted to the call, and nothing lost.
@Suite(.timeLimit(.minutes(5)))
struct BudgetRunTests {
    private func setBudget(
        _ cluster: TestCluster, _ tenant: TestTenant, _ provider: Provider, calls: Int? = nil, share: Double? = nil,
        ceiling: Double = 0.9
    ) async throws {
        var row = BudgetDocument(provider: provider.rawValue, dailyCalls: calls)
        row.dailyShare = share
        row.orgCeilingShare = ceiling
        try await cluster.store.setBudget(tenant: tenant.id, row, by: Errand(actor: "test"))
    }

    private func ledger(_ cluster: TestCluster, _ tenant: TestTenant, _ provider: Side) async throws -> Int {
        let usage = try await cluster.store.usage(
            tenant: try await tenant.number(in: cluster), since: cluster.wallClock.now.addingTimeInterval(-172_800))
        let own = usage.filter { $0.provider == provider && CallClass(rawValue: $0.callClass) != .token }
        return Int(own.map(\.calls).reduce(0, +))
    }

    private func purse(
        _ cluster: TestCluster, _ tenant: TestTenant, _ provider: CallProvider
    ) async throws -> BudgetReport {
        let number = try await tenant.number(in: cluster)
        return try #require(try await cluster.queue.budgets(tenant: number).first { $0.provider == provider })
    }

    /// Leases and runs what there is, as one of many worker processes, until nothing is left for a few looks.
    /// - Parameter dies: after so many jobs it falls silent in the middle of the next one: that job's commits and calls are
    ///   made, and nobody settles it.
    private static func work(_ cluster: TestCluster, as worker: WorkerID, diesAfter dies: Int = .max) async throws {
        let process = try cluster.process()
        var (idle, ran) = (0, 0)
        while idle < 20 {
            let jobs = try await process.queue.lease(worker: worker, limit: 2).jobs
            idle = jobs.isEmpty ? idle + 1 : 0
            for job in jobs {
                let settlement = await process.runner.run(job, worker: worker)
                guard ran < dies else { return await process.leave() }
                ran += 1
                _ = try await process.queue.settle(worker: worker, [settlement])
            }
            await Task.yield()
        }
        await process.leave()
    }

    /// Sixteen processes work on what is due.
    private func workTogether(_ cluster: TestCluster, round: Int, dying: Set<Int> = []) async throws {
        try await withThrowingTaskGroup { group in
            for worker in 1...16 {
                group.addTask {
                    let jobs = dying.contains(worker) ? 0 : Int.max
                    try await Self.work(cluster, as: WorkerID("worker-\(round)-\(worker)"), diesAfter: jobs)
                }
            }
            try await group.waitForAll()
        }
    }

    @Test func sixteenWorkersOnOneTenantSpendWhatTheLedgerTheBudgetAndBothProvidersCount() async throws {
        let cluster = try await TestCluster.start()
        var options = TestTenant.Options()
        options.isPaced = true
        let tenant = try await TestTenant("acme", in: cluster, options)
        try await setBudget(cluster, tenant, .salesforce, calls: 2_000)
        try await setBudget(cluster, tenant, .activeCampaign, calls: 5_000)
        let number = try await tenant.number(in: cluster)
        try await cluster.queue.setLimits(tenant: number, weight: nil, maxConcurrency: 16)
        for index in 1...12 { try tenant.createContact("sf\(index)@a.example") }
        for index in 1...6 { try tenant.signUp("ac\(index)@a.example") }
        for round in 1...4 {
            try await cluster.store.requestRun(tenant: number, now: cluster.wallClock.now)
            await cluster.scheduler.renewBudgets()
            _ = try await cluster.scheduler.runOnce()
            try await workTogether(cluster, round: round)
            cluster.advance(600)
        }
        #expect(tenant.account.contactCount == 18)
        #expect(tenant.org.count("Contact") == 18)
        #expect(tenant.account.calls.limited == 0, "all processes together keep the account's pace")
        #expect(try await ledger(cluster, tenant, .salesforce) == tenant.org.apiUsage.used)
        #expect(try await ledger(cluster, tenant, .activeCampaign) == tenant.account.calls.total)
        for provider in CallProvider.allCases {
            let purse = try await purse(cluster, tenant, provider)
            #expect(purse.reserved == 0)
            #expect(purse.spent == (try await ledger(cluster, tenant, Side(rawValue: Int16(provider.rawValue))!)))
        }
        await cluster.stop()
    }

    @Test func sixteenWorkersThatDieStayWithinATightBudget() async throws {
        let cluster = try await TestCluster.start()
        let tenant = try await TestTenant("acme", in: cluster)
        let (salesforceCalls, campaignCalls) = (12, 24)
        try await setBudget(cluster, tenant, .salesforce, calls: salesforceCalls)
        try await setBudget(cluster, tenant, .activeCampaign, calls: campaignCalls)
        let number = try await tenant.number(in: cluster)
        try await cluster.queue.setLimits(tenant: number, weight: nil, maxConcurrency: 16)
        var isMet = false
        for round in 1...8 {
            // Fewer than an import takes: each is written by itself.
            for index in 1...9 { try tenant.createContact("sf\(round)-\(index)@a.example") }
            try tenant.signUp("ac\(round)@a.example")
            try await cluster.store.requestRun(tenant: number, now: cluster.wallClock.now)
            _ = try await cluster.scheduler.runOnce()
            try await workTogether(cluster, round: round, dying: round.isMultiple(of: 2) ? [] : Set(1...8))
            #expect(tenant.org.apiUsage.used <= salesforceCalls, "round \(round)")
            #expect(tenant.account.calls.total <= campaignCalls, "round \(round)")
            for provider in CallProvider.allCases {
                let purse = try await purse(cluster, tenant, provider)
                let counted =
                    provider == .salesforce ? tenant.org.apiUsage.used : tenant.account.calls.total
                #expect(purse.spent + purse.reserved >= counted, "\(provider) in round \(round)")
            }
            let states = try await cluster.store.status(tenant: tenant.id).map(\.state)
            isMet = isMet || states.contains("waiting for budget")
            if case .parked(_, let reason) = try await cluster.queue.why(tenant: number) {
                isMet = isMet || reason.hasPrefix("budget:")
            }
            // The dead ones' leases run out, and the scheduler asks again.
            cluster.advance(600)
            _ = try await cluster.queue.sweep()
        }
        #expect(isMet, "the budget was never tight")
        await cluster.stop()
    }

    @Test func callThatNeverLeftIsInNoBook() async throws {
        let cluster = try await TestCluster.start()
        let tenant = try await TestTenant("acme", in: cluster)
        try await setBudget(cluster, tenant, .salesforce, calls: 1_000)
        try await setBudget(cluster, tenant, .activeCampaign, calls: 1_000)
        for index in 1...3 { try tenant.createContact("sf\(index)@a.example") }
        try await cluster.settle()
        try await expectOneCount(cluster, tenant)
        let before = try await purse(cluster, tenant, .activeCampaign).spent
        #expect(before > 0)
        // Nobody listens there.
        try await cluster.pool.query(
            "UPDATE ferry.connections SET base_url = 'http://127.0.0.1:1' WHERE provider = 'activecampaign'")
        try await cluster.round()
        let states = Set(try await cluster.store.status(tenant: "acme").map(\.state))
        #expect(states.contains("retrying"), "\(states)")
        #expect(try await purse(cluster, tenant, .activeCampaign).spent == before)
        try await expectOneCount(cluster, tenant)
        // An answer that is lost has cost a call, in all books.
        try await cluster.pool.query(
            "UPDATE ferry.connections SET base_url = '\(cluster.baseURL)' WHERE provider = 'activecampaign'")
        tenant.org.addFault(.loseAnswer, callClass: "query", .times(1))
        cluster.advance(3_600)
        try await cluster.round()
        cluster.advance(3_600)
        try await cluster.round()
        try await expectOneCount(cluster, tenant)
        await cluster.stop()
    }

    /// Providers, ledger and budget have counted the same.
    private func expectOneCount(_ cluster: TestCluster, _ tenant: TestTenant) async throws {
        let counted: [(CallProvider, Side, Int)] = [
            (.salesforce, .salesforce, tenant.org.apiUsage.used),
            (.activeCampaign, .activeCampaign, tenant.account.calls.total),
        ]
        for (provider, side, calls) in counted {
            #expect(try await ledger(cluster, tenant, side) == calls, "\(provider)")
            #expect(try await purse(cluster, tenant, provider).spent == calls, "\(provider)")
        }
    }

    @Test func looksAreBookedAndRefusedWhenNothingIsLeft() async throws {
        let cluster = try await TestCluster.start()
        let tenant = try await TestTenant("acme", in: cluster)
        let number = try await tenant.number(in: cluster)
        // A budget whose row Redis does not know yet.
        try await setBudget(cluster, tenant, .salesforce, calls: 12)
        try await setBudget(cluster, tenant, .activeCampaign, calls: 1_000)
        let planner = try cluster.planner()
        let doctor = TenantDoctor(
            store: cluster.store, queue: cluster.queue, clock: cluster.wallClock,
            http: try HTTPClient(options: .loopback), keys: KeyRing(keys: [cluster.key]),
            providers: ProviderPolicy(hostSuffixes: [], allowsLoopback: true, webhookBase: nil))
        _ = try await planner.plan(number)
        #expect(tenant.org.apiUsage.used > 0)
        try await expectOneCount(cluster, tenant)
        var refusal: TenantRefusal?
        for _ in 1...12 where refusal == nil {
            do { _ = try await doctor.examine(number) } catch let error as TenantRefusal { refusal = error }
        }
        let told = try #require(refusal).description
        #expect(told.contains("allowance of Salesforce calls is used up") && told.contains("It resumes 20"), "\(told)")
        #expect(tenant.org.apiUsage.used == 12)
        try await expectOneCount(cluster, tenant)
        await #expect(throws: TenantRefusal.self) { _ = try await planner.plan(number) }
        await cluster.stop()
    }

    @Test func lostBudgetOfATenantWithoutALedgerIsHeldBackToo() async throws {
        let cluster = try await TestCluster.start(ownRedis: true)
        let tenant = try await TestTenant("acme", in: cluster)
        try await setBudget(cluster, tenant, .salesforce, calls: 4_000)
        await cluster.scheduler.renewBudgets()
        #expect(try await purse(cluster, tenant, .salesforce).unknown == 0, "a new row has no past")
        try await cluster.pool.query("DELETE FROM ferry.api_usage")
        _ = try await cluster.redis.send("FLUSHALL")
        await cluster.scheduler.watchGeneration()
        await cluster.scheduler.renewBudgets()
        let purse = try await purse(cluster, tenant, .salesforce)
        #expect(purse.unknown == JobKind.allCases.count * JobQueueLimits.budgetGap)
        #expect(purse.provenLimit != nil)
        await cluster.stop()
    }

    @Test func runWithoutCallsStopsAndGoesOnWhenTheyComeBackAndNothingIsLost() async throws {
        let cluster = try await TestCluster.start()
        let tenant = try await TestTenant("acme", in: cluster)
        try await setBudget(cluster, tenant, .activeCampaign, calls: 12)
        for index in 1...9 { try tenant.createContact("sf\(index)@a.example") }
        try await cluster.settle()
        let states = Set(try await cluster.store.status(tenant: "acme").map(\.state))
        #expect(states.contains("waiting for budget"), "\(states)")
        #expect(tenant.account.contactCount < 9)
        var days = 0
        var mark = tenant.account.mark()
        #expect(tenant.account.calls.total <= 12)
        while tenant.account.contactCount < 9, days < 12 {
            cluster.advance(25 * 3_600)
            days += 1
            try await cluster.settle()
            #expect(tenant.account.calls(since: mark).total <= 12)
            mark = tenant.account.mark()
        }
        #expect(tenant.account.contactCount == 9, "after \(days) days")
        #expect(try await ledger(cluster, tenant, .activeCampaign) <= 24)
        await cluster.stop()
    }

    @Test func raisedRowAloneWakesTheTenant() async throws {
        let cluster = try await TestCluster.start()
        let tenant = try await TestTenant("acme", in: cluster)
        try await setBudget(cluster, tenant, .activeCampaign, calls: 3)
        for index in 1...3 { try tenant.createContact("sf\(index)@a.example") }
        try await cluster.settle()
        #expect(tenant.account.contactCount < 3)
        try await cluster.pool.query(
            "UPDATE ferry.api_budgets SET daily_calls = 1000 WHERE tenant = 'acme' AND provider = 'activecampaign'")
        try await cluster.settle()
        #expect(tenant.account.contactCount == 3)
        #expect(try await purse(cluster, tenant, .activeCampaign).terms.dailyCalls == 1_000)
        await cluster.stop()
    }

    @Test func shareIsOfWhatTheOrgTellsAndOthersUseIsSeen() async throws {
        let cluster = try await TestCluster.start()
        let tenant = try await TestTenant("acme", in: cluster)
        try await setBudget(cluster, tenant, .salesforce, share: 0.1)
        try tenant.createContact("one@a.example")
        try await cluster.settle()
        try await cluster.settle()
        // Enterprise with 15 licences: 115,000 calls a day; nothing but an answer says so.
        let first = try await purse(cluster, tenant, .salesforce)
        #expect(first.terms == BudgetTerms(dailyCalls: 11_500, orgCeiling: 103_500))
        #expect(first.othersUse == 0)
        tenant.org.spendCalls(60_000)
        cluster.advance(3_600)
        try await cluster.round()
        #expect(try await purse(cluster, tenant, .salesforce).othersUse == 60_000)
        let number = try await tenant.number(in: cluster)
        let events = try await cluster.store.budgetEvents(tenant: number, since: .distantPast)
        #expect(events.map(\.kind) == ["unplanned_use"])
        #expect(events.first?.others == 60_000)
        // At the ceiling Ferry makes way.
        tenant.org.spendCalls(50_000)
        cluster.advance(3_600)
        try await cluster.round()
        let used = tenant.org.apiUsage.used
        for _ in 1...5 { try await cluster.round() }
        #expect(tenant.org.apiUsage.used == used)
        guard case .parked(_, let reason) = try await cluster.queue.why(tenant: number) else {
            Issue.record("not parked")
            return
        }
        #expect(reason == "budget: Salesforce ceiling")
        await cluster.stop()
    }

    @Test func wipedBudgetComesBackWithWhatWasSpent() async throws {
        let cluster = try await TestCluster.start(ownRedis: true)
        let tenant = try await TestTenant("acme", in: cluster)
        try await setBudget(cluster, tenant, .salesforce, calls: 1_000)
        for index in 1...20 { try tenant.createContact("sf\(index)@a.example") }
        try await cluster.round()
        let before = try await purse(cluster, tenant, .salesforce).spent
        #expect(before > 0)
        _ = try await cluster.redis.send("FLUSHALL")
        await cluster.scheduler.watchGeneration()
        await cluster.scheduler.renewBudgets()
        let after = try await purse(cluster, tenant, .salesforce)
        #expect(after.spent == before + after.unknown)
        #expect(after.provenLimit != nil)
        // The next answer of the org proves the rest.
        cluster.advance(3_600)
        try await cluster.round()
        #expect(try await purse(cluster, tenant, .salesforce).provenLimit == nil)
        await cluster.stop()
    }

    @Test func budgetTheLeaseDidNotKnowIsSetBeforeTheFirstCall() async throws {
        let cluster = try await TestCluster.start()
        let tenant = try await TestTenant("acme", in: cluster)
        try tenant.createContact("one@a.example")
        await cluster.scheduler.renewBudgets()
        _ = try await cluster.scheduler.runOnce()
        let jobs = try await cluster.queue.lease(worker: cluster.worker, limit: 4).jobs
        try await setBudget(cluster, tenant, .activeCampaign, calls: 1)
        for job in jobs {
            #expect(job.allowance == nil)
            let settlement = await cluster.runner.run(job, worker: cluster.worker)
            _ = try await cluster.queue.settle(worker: cluster.worker, [settlement])
        }
        #expect(tenant.account.calls.total <= 1)
        await cluster.stop()
    }

    @Test func callsOfRunsThatFailAreInTheLedger() async throws {
        let cluster = try await TestCluster.start()
        let tenant = try await TestTenant("acme", in: cluster)
        try tenant.createContact("one@a.example")
        tenant.org.addFault(.answer(status: 500, body: .empty), callClass: "composite", .rate(1))
        try await cluster.settle()
        #expect(tenant.account.calls.total > 0)
        #expect(try await ledger(cluster, tenant, .activeCampaign) == tenant.account.calls.total)
        await cluster.stop()
    }

    @Test func stormOfRefusalsOfOneAccountHoldsUpNobodyElse() async throws {
        let cluster = try await TestCluster.start()
        let stormy = try await TestTenant("stormy", in: cluster)
        let quiet = try await TestTenant("quiet", in: cluster)
        cluster.server.faults.add(
            .answer(status: 429, body: .empty), on: FaultMatch(account: stormy.account.name), .rate(1))
        // Accounts of a test share an address, which no two real ones do: the pace is one an address.
        try await cluster.pool.query(
            """
            UPDATE ferry.connections SET base_url = replace(base_url, '127.0.0.1', 'localhost')
            WHERE tenant = 'stormy' AND provider = 'activecampaign'
            """)
        for tenant in [stormy, quiet] {
            for index in 1...3 { try tenant.createContact("sf\(index)@\(tenant.id).example") }
        }
        await cluster.scheduler.renewBudgets()
        _ = try await cluster.scheduler.runOnce()
        let jobs = try await cluster.queue.lease(worker: cluster.worker, limit: 8).jobs
        let number = try await stormy.number(in: cluster)
        #expect(Set(jobs.map(\.key.tenant)).count == 2, "both have their turn in the same call")
        // The storm's waits last until the quiet tenant is through: whoever waited for them would never get there.
        let (gate, calm) = AsyncStream<Void>.makeStream()
        let isCalm = Task { for await _ in gate {} }
        let system = PaceClock.system
        let process = try cluster.process(paceClock: PaceClock(now: { system.now }, sleep: { _ in await isCalm.value }))
        let storm = Task {
            for job in jobs where job.key.tenant == number {
                _ = try await process.queue.settle(
                    worker: cluster.worker, [await process.runner.run(job, worker: cluster.worker)])
            }
        }
        for job in jobs where job.key.tenant != number {
            _ = try await cluster.queue.settle(
                worker: cluster.worker, [await cluster.runner.run(job, worker: cluster.worker)])
        }
        // The quiet tenant's other direction has its turn while the storm goes on.
        for job in try await cluster.queue.lease(worker: cluster.worker, limit: 8).jobs
        where job.key.tenant != number {
            _ = try await cluster.queue.settle(
                worker: cluster.worker, [await cluster.runner.run(job, worker: cluster.worker)])
        }
        #expect(quiet.account.contactCount == 3, "the quiet tenant is through before the storm has ended")
        calm.finish()
        try await storm.value
        await process.leave()
        let states = try await cluster.store.status(tenant: "stormy").filter { $0.state == "retrying" }
        #expect(!states.isEmpty)
        #expect(try await ledger(cluster, stormy, .activeCampaign) > 1, "what was refused was called")
        await cluster.stop()
    }
}
