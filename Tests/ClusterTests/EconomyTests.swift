import Cluster
import Foundation
import JobQueue
import Simulators
import Store
import SyncRules
import Testing

/// Calls that are not made, and the allowance of tenants that say nothing about theirs.
@Suite(.timeLimit(.minutes(5)))
struct EconomyTests {
    @Test func aDescriptionThatHasNotChangedIsNotSentAgain() async throws {
        let cluster = try await TestCluster.start()
        var options = TestTenant.Options()
        options.mappings = [("contact", "Nowhere__c", "text", "custom:PRESENT", "text")]
        options.org = { $0.unconfirmed.countsUnchanged = false }
        let tenant = try await TestTenant("acme", in: cluster, options)
        tenant.account.addField(title: "Present")
        try await cluster.round()
        func counted() -> Int { tenant.org.calls.total - tenant.org.calls["token"] }
        // A session with a broken mapping is made anew after a quarter of an hour, and learns the fields again.
        cluster.advance(3_600)
        let (calls, used, describes) = (counted(), tenant.org.apiUsage.used, tenant.org.calls["describe"])
        try await cluster.round()
        let asked = tenant.org.calls["describe"] - describes
        #expect(asked > 0)
        #expect(
            tenant.org.apiUsage.used - used == counted() - calls - asked,
            "the org, which does not count an answer of 304, has counted none of them")
        await cluster.stop()
    }

    // MARK: - The default allowance

    private func terms(_ cluster: TestCluster, _ tenant: TestTenant) async throws -> BudgetTerms? {
        let reports = try await cluster.queue.budgets(tenant: try await tenant.number(in: cluster))
        return reports.first { $0.provider == .salesforce }?.terms
    }

    @Test func aTenantWithoutARowHasHalfOfItsOrgsCallsAndMakesWayForOthers() async throws {
        let cluster = try await TestCluster.start()
        let tenant = try await TestTenant("acme", in: cluster)
        #expect(try await terms(cluster, tenant) == nil, "it costs Redis nothing before it runs")
        try await cluster.settle()
        // Enterprise with 15 licences has 115,000; nothing but an answer says so.
        await cluster.scheduler.renewBudgets()
        #expect(try await terms(cluster, tenant) == BudgetTerms(dailyCalls: 57_500, orgCeiling: 103_500))
        #expect(
            try await cluster.queue.budgets(tenant: try await tenant.number(in: cluster)).map(\.provider)
                == [.salesforce], "ActiveCampaign has no daily limit")
        tenant.org.spendCalls(110_000)
        cluster.advance(3_600)
        try await cluster.round()
        let used = tenant.org.apiUsage.used
        for _ in 1...3 { try await cluster.round() }
        #expect(tenant.org.apiUsage.used == used)
        await cluster.stop()
    }

    @Test func aRowMayGiveNothingButACeiling() async throws {
        let cluster = try await TestCluster.start()
        let tenant = try await TestTenant("acme", in: cluster)
        try await cluster.run(
            "INSERT INTO ferry.api_budgets (tenant, provider, org_ceiling_share) VALUES ('acme', 'salesforce', 0.7)")
        try await cluster.settle()
        await cluster.scheduler.renewBudgets()
        #expect(try await terms(cluster, tenant) == BudgetTerms(dailyCalls: 57_500, orgCeiling: 80_500))
        try await cluster.run("UPDATE ferry.api_budgets SET edition = 'unlimited', daily_share = 0.1")
        await cluster.scheduler.renewBudgets()
        #expect(try await terms(cluster, tenant)?.dailyCalls == 11_500, "the org itself knows better than its edition")
        await cluster.stop()
    }

    @Test func beforeAnAnswerTheEditionTellsWhatTheDefaultIsAShareOf() {
        let enterprise = ApiBudget(provider: .salesforce, edition: .enterprise, licences: 15)
        #expect(BudgetTerms(.salesforce, rows: [enterprise], limit: nil)?.dailyCalls == 57_500)
        #expect(BudgetTerms(.salesforce, rows: [], limit: nil) == BudgetTerms(dailyCalls: 7_500))
        #expect(BudgetTerms(.activeCampaign, rows: [], limit: nil) == nil)
    }
}
