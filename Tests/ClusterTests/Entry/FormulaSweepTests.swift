import Cluster
import Drivers
import Foundation
import Simulators
import Store
import Testing

/// Formulas that are recalculated without anybody's edit (R59).
@Suite(.timeLimit(.minutes(5)))
struct FormulaSweepTests {
    private static func start(
        pushes: Bool = true
    ) async throws -> (cluster: TestCluster, tenant: TestTenant) {
        let cluster = try await TestCluster.start()
        var options = TestTenant.Options()
        options.settings = ["push_formula_changes": String(pushes)]
        options.mappings = [("contact", "Score__c", "formula", "custom:SCORE", "text")]
        let tenant = try await TestTenant("acme", in: cluster, options)
        tenant.account.addField(title: "Score", perstag: "SCORE")
        tenant.org.addFormulaField("Contact", "Score__c")
        return (cluster, tenant)
    }

    private static func sweptCalls(_ cluster: TestCluster) async throws -> Int64 {
        try await cluster.value(
            """
            SELECT coalesce(sum(calls), 0)::int8 AS value FROM ferry.api_usage
            WHERE provider = 2 AND class = \(CallClass.formulaSweep.rawValue)
            """)
    }

    @Test func R59_aFormulaThatMovesNoStampReachesActiveCampaignOnceADay() async throws {
        let (cluster, tenant) = try await Self.start()
        let records = try (1...12).map { try tenant.createContact("p\($0)@a.example") }
        try await cluster.rounds(2)
        try await cluster.finishSweeps()
        // Old enough that no deep sweep of a pull reads them again.
        cluster.advance(8 * 3_600)
        try await cluster.round()
        func score(_ number: Int) -> String? { tenant.account.contact(email: "p\(number)@a.example")?.fields["SCORE"] }
        let stamp = tenant.org.record(records[0])?["SystemModstamp"]
        tenant.org.recalculate(records[0], "Score__c", to: "7")
        #expect(tenant.org.record(records[0])?["SystemModstamp"] == stamp)
        try await cluster.rounds(3)
        try await cluster.finishSweeps()
        #expect(score(1) ?? "" == "", "no pull finds it, and the day is not over")

        let before = try await Self.sweptCalls(cluster)
        cluster.advance(86_400)
        try await cluster.round()
        try await cluster.finishSweeps()
        #expect(score(1) == "7" && score(2) ?? "" == "")
        #expect(try await Self.sweptCalls(cluster) - before == 1, "one call reads them all, in a class of its own")
        let number = try await tenant.number(in: cluster)
        let sweeps = try await cluster.store.sweeps(tenant: number, kind: .formulas, isActive: false)
        #expect(sweeps.count == 1 && sweeps[0].seen == 12, "earlier ones are not kept")
        #expect(sweeps[0].written == 1)

        // The record's status goes with the calls of a later run.
        try await cluster.round()
        let snapshot = tenant.snapshot()
        cluster.advance(86_400)
        try await cluster.round()
        try await cluster.finishSweeps()
        #expect(tenant.snapshot().changes(since: snapshot).isEmpty)
        await cluster.stop()
    }

    @Test func R59_withoutTheSwitchNoFormulaIsLookedAt() async throws {
        let (cluster, tenant) = try await Self.start(pushes: false)
        let record = try tenant.createContact("ann@a.example")
        try await cluster.rounds(2)
        tenant.org.recalculate(record, "Score__c", to: "7")
        cluster.advance(86_400)
        try await cluster.rounds(2)
        try await cluster.finishSweeps()
        #expect(tenant.account.contact(email: "ann@a.example")?.fields["SCORE"] ?? "" == "")
        #expect(try await Self.sweptCalls(cluster) == 0)
        await cluster.stop()
    }
}
