import Cluster
import Drivers
import Foundation
import JobQueue
import Simulators
import Store
import SyncRules
import Testing

/// What a tenant whose calls get scarce still does, and says of itself, at each step (sync-traps 2d): through real queue,
/// PostgreSQL and HTTP.
@Suite(.timeLimit(.minutes(5)))
struct BudgetStepTests {
    /// Calls of a tenant's allowance in these tests.
    private static let allowance = 1_000

    /// Gives a tenant an allowance for Salesforce of which so many percent are used already.
    private func use(_ percent: Int, of tenant: TestTenant, in cluster: TestCluster) async throws {
        let row = BudgetDocument(provider: "salesforce", dailyCalls: Self.allowance)
        try await cluster.store.setBudget(tenant: tenant.id, row, by: Errand(actor: "test"))
        let past = PastCalls([cluster.wallClock.now: Self.allowance * percent / 100])
        let number = try await tenant.number(in: cluster)
        try await cluster.queue.endBudget(tenant: number, .salesforce)
        try await cluster.queue.setBudget(
            tenant: number, .salesforce, BudgetTerms(dailyCalls: Self.allowance), past: past)
    }

    private func raise(_ tenant: TestTenant, in cluster: TestCluster) async throws {
        let row = BudgetDocument(provider: "salesforce", dailyCalls: 100 * Self.allowance)
        try await cluster.store.setBudget(tenant: tenant.id, row, by: Errand(actor: "test"))
    }

    private func limitCampaign(_ calls: Int, _ tenant: TestTenant, in cluster: TestCluster) async throws {
        let row = BudgetDocument(provider: "activecampaign", dailyCalls: calls)
        try await cluster.store.setBudget(tenant: tenant.id, row, by: Errand(actor: "test"))
    }

    private func ledger(
        _ provider: Side, _ tenant: TestTenant, in cluster: TestCluster, _ callClass: CallClass? = nil
    ) async throws -> Int {
        let usage = try await cluster.store.usage(tenant: try await tenant.number(in: cluster), since: .distantPast)
        let own = usage.filter { $0.provider == provider && (callClass == nil || $0.callClass == callClass?.rawValue) }
        return Int(own.map(\.calls).reduce(0, +))
    }

    private func states(_ cluster: TestCluster) async throws -> [String: String] {
        let rows = try await cluster.store.status(tenant: "acme")
        return Dictionary(
            rows.map { ("\($0.direction) \($0.object)", $0.state) }, uniquingKeysWith: { first, _ in first })
    }

    private func stream(
        _ direction: Direction, _ object: ObjectKind, _ tenant: TestTenant, in cluster: TestCluster
    ) async throws -> StreamRow {
        let rows = try await cluster.store.streams(tenant: try await tenant.number(in: cluster))
        return try #require(rows.first { $0.direction == direction && $0.object == object })
    }

    // MARK: - 60 %

    @Test func from60PercentBackfillsWaitAndTheDailyWorkGoesOn() async throws {
        let cluster = try await TestCluster.start()
        let tenant = try await TestTenant("acme", in: cluster)
        for number in 1...5 { try tenant.createContact("old\(number)@a.example") }
        try await tenant.beginNow(in: cluster)
        try await use(60, of: tenant, in: cluster)
        try await tenant.openBackfill(in: cluster)
        try tenant.createContact("new@a.example")
        try await cluster.round()
        #expect(tenant.account.contactCount == 1, "only the new one")
        cluster.advance(30)
        await cluster.scheduler.audit()
        #expect(try await states(cluster)["back-fill contact"] == "waiting for budget")
        #expect(try await states(cluster)["inbound contact"] == "waiting")
        let sweep = try #require(
            try await cluster.store.sweeps(tenant: try await tenant.number(in: cluster)).first)
        #expect(sweep.lastError?.contains("resumes at") ?? false, "\(sweep.lastError ?? "nothing")")
        #expect(sweep.failures == 0)

        try await raise(tenant, in: cluster)
        try await cluster.finishSweeps()
        #expect(tenant.account.contactCount == 6)
        #expect(try await states(cluster)["back-fill contact"] == nil)
        await cluster.stop()
    }

    @Test func aBackfillRefusedInTheMiddleIsNoFailureAndARaisedRowWakesIt() async throws {
        let cluster = try await TestCluster.start()
        let tenant = try await TestTenant("acme", in: cluster)
        tenant.org.seed("Contact", count: 5_000) { ["Email": .text("s\($0)@a.example"), "LastName": .text("S\($0)")] }
        try await tenant.beginNow(in: cluster)
        try await limitCampaign(10_000, tenant, in: cluster)
        try await cluster.round()
        try await use(50, of: tenant, in: cluster)
        // Of what is used by now and eight calls more a back-fill has six tenths: the imports of a page are too many.
        let used = try await ledger(.activeCampaign, tenant, in: cluster)
        try await limitCampaign((used + 8) * 10 / 6, tenant, in: cluster)
        try await tenant.openBackfill(in: cluster)
        let number = try await tenant.number(in: cluster)
        var sweep: SweepRow?
        for _ in 1...20 where sweep?.errorCode != "budget_spent" {
            try await cluster.runDue()
            sweep = try await cluster.store.sweeps(tenant: number).first
            cluster.advance(5)
        }
        let refused = try #require(sweep)
        #expect(refused.errorCode == "budget_spent" && refused.failures == 0)
        #expect(refused.nextRunAt.timeIntervalSince(cluster.wallClock.now) > 3_600)
        #expect(try await states(cluster)["back-fill contact"] == "waiting for budget")

        try await raise(tenant, in: cluster)
        try await limitCampaign(100_000, tenant, in: cluster)
        try await cluster.finishSweeps()
        #expect(tenant.account.contactCount == 5_000)
        await cluster.stop()
    }

    // MARK: - 75 %

    @Test func from75PercentRetriesWaitAndPullsAreStretched() async throws {
        let cluster = try await TestCluster.start()
        let tenant = try await TestTenant("acme", in: cluster)
        tenant.org.setLockErrorRate(1)
        try tenant.signUp("locked@a.example")
        try await cluster.round()
        // The walks go past it.
        try await cluster.rounds(2)
        #expect(tenant.org.count("Contact") == 0)
        tenant.org.setLockErrorRate(0)
        try await use(75, of: tenant, in: cluster)
        try tenant.signUp("new@a.example")
        cluster.advance(700)
        try await cluster.round()
        #expect(tenant.record("Contact", "new@a.example") != nil, "what is new goes on")
        #expect(tenant.record("Contact", "locked@a.example") == nil, "what failed waits")
        #expect(try await states(cluster)["inbound contact"] == "sparing calls")
        let pull = try await stream(.inbound, .contact, tenant, in: cluster)
        let ran = try #require(pull.lastRunAt)
        let number = try await tenant.number(in: cluster)
        let settings = try #require(try await cluster.store.tenantConfig(number)?.settings)
        let usual = InboundCadence(settings: settings, tenant: number).nextRun(after: ran).timeIntervalSince(ran)
        let wait = pull.nextRunAt.timeIntervalSince(ran)
        #expect(abs(wait - 2 * usual) < 2, "twice as long as usual: \(wait), not \(usual)")

        try await raise(tenant, in: cluster)
        try await cluster.settle()
        #expect(tenant.record("Contact", "locked@a.example") != nil, "raised, it goes on at once")
        #expect(try await states(cluster)["inbound contact"] == "waiting")
        await cluster.stop()
    }

    @Test func from75PercentARunThatFailedIsNotTriedAgainAtOnce() async throws {
        let cluster = try await TestCluster.start()
        let tenant = try await TestTenant("acme", in: cluster)
        try await use(75, of: tenant, in: cluster)
        tenant.org.addFault(.answer(status: 503, body: .empty), callClass: "composite", .rate(1))
        try await cluster.settle()
        let failed = try await stream(.inbound, .contact, tenant, in: cluster)
        #expect(failed.state == "retrying")
        #expect(failed.nextRunAt.timeIntervalSince(try #require(failed.lastRunAt)) >= 600)
        await cluster.stop()
    }

    // MARK: - 90 %

    @Test func from90PercentOnlyNewRecordsAndPeoplesChangesGoOn() async throws {
        let cluster = try await TestCluster.start()
        var options = TestTenant.Options()
        options.settings = ["push_formula_changes": "true"]
        let tenant = try await TestTenant("acme", in: cluster, options)
        let known = try tenant.createContact("known@a.example", last: "Before")
        try await cluster.rounds(2)
        #expect(tenant.org.records("Contact").allSatisfy { $0["AC_Sync_Status__c"].text == "Synced" })

        try await use(90, of: tenant, in: cluster)
        try tenant.createContact("new@a.example")
        try tenant.update("Contact", known, ["LastName": "After"])
        try tenant.signUp("signup@a.example")
        try await cluster.rounds(1)
        #expect(tenant.account.contact(email: "new@a.example") != nil, "a first-time creation")
        #expect(tenant.account.contact(email: "known@a.example")?.lastName == "After", "a person's change")
        #expect(tenant.record("Contact", "signup@a.example") != nil)
        #expect(
            tenant.record("Contact", "known@a.example")?["AC_Sync_Status__c"].text != "Synced",
            "nobody waits for the status")
        #expect(try await states(cluster)["inbound contact"] == "people's changes only")

        try await raise(tenant, in: cluster)
        try await cluster.settle()
        #expect(tenant.record("Contact", "known@a.example")?["AC_Sync_Status__c"].text == "Synced")
        await cluster.stop()
    }

    // MARK: - 100 %

    @Test func at100PercentEverythingIsQueuedAndSaysWhenItResumes() async throws {
        let cluster = try await TestCluster.start()
        let tenant = try await TestTenant("acme", in: cluster)
        try await use(100, of: tenant, in: cluster)
        try tenant.createContact("new@a.example")
        let used = tenant.org.apiUsage.used
        try await cluster.round()
        cluster.advance(30)
        await cluster.scheduler.audit()
        #expect(tenant.org.apiUsage.used == used)
        for direction in [Direction.inbound, .outbound] {
            let row = try await stream(direction, .contact, tenant, in: cluster)
            #expect(row.state == "waiting for budget" && row.failures == 0)
            #expect(row.lastError?.contains("resumes at") ?? false, "\(row.lastError ?? "nothing")")
        }
        // The day is over: it goes on by itself.
        cluster.advance(98 * 900)
        try await cluster.settle()
        #expect(tenant.account.contactCount == 1)
        #expect(try await states(cluster)["inbound contact"] == "waiting")
        await cluster.stop()
    }

    // MARK: - Waking

    @Test func aLimitThatAnAnswerRaisesWakesWhatWaits() async throws {
        let cluster = try await TestCluster.start()
        let tenant = try await TestTenant("acme", in: cluster)
        let number = try await tenant.number(in: cluster)
        func learn(_ limit: Int) async throws {
            try await cluster.store.learnLimit(
                tenant: number, provider: .salesforce, limit: limit, used: 1, own: 1, now: cluster.wallClock.now)
        }
        try await learn(1_000)
        try await tenant.openBackfill(in: cluster)
        for table in ["streams", "sweeps"] {
            try await cluster.run(
                "UPDATE ferry.\(table) SET error_code = 'budget_spent', next_run_at = now() + interval '1 day'")
        }
        func waiting() async throws -> Int64 {
            try await cluster.value(
                """
                SELECT (SELECT count(*) FROM ferry.streams WHERE next_run_at > now())
                    + (SELECT count(*) FROM ferry.sweeps WHERE next_run_at > now()) AS value
                """)
        }
        let before = try await waiting()
        #expect(before > 1)
        try await learn(900)
        #expect(try await waiting() == before, "a lower one wakes nobody")
        try await learn(2_000)
        #expect(try await waiting() == 0)
        await cluster.stop()
    }

    @Test func aRunRefusedForWantOfCallsFetchesNoFieldListAnew() async throws {
        let cluster = try await TestCluster.start()
        let tenant = try await TestTenant("acme", in: cluster)
        try await limitCampaign(10_000, tenant, in: cluster)
        try await cluster.round()
        // The batch looks, the pull begins to write: then there are no calls left.
        try await limitCampaign(try await ledger(.activeCampaign, tenant, in: cluster) + 2, tenant, in: cluster)
        for number in 1...5 { try tenant.createContact("p\(number)@a.example") }
        // A changed row makes the session anew; that is not what is looked at here.
        try await cluster.run("UPDATE ferry.tenants SET config_version = config_version - 1 WHERE id = 'acme'")
        try await cluster.round()
        #expect(Set(try await states(cluster).values).contains("waiting for budget"))
        let before = try await ledger(.activeCampaign, tenant, in: cluster, .describe)
        try await limitCampaign(10_000, tenant, in: cluster)
        try await cluster.run("UPDATE ferry.tenants SET config_version = config_version - 1 WHERE id = 'acme'")
        try await cluster.settle()
        #expect(tenant.account.contactCount == 5)
        #expect(try await ledger(.activeCampaign, tenant, in: cluster, .describe) - before <= 1, "tags at most")
        await cluster.stop()
    }
}
