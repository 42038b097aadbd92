import Cluster
import Foundation
import Simulators
import Store
import Testing

/// `ferry tenants plan`: what the next runs would do, by their own planning, and nothing of it done.
@Suite(.timeLimit(.minutes(5)))
struct PlanTests {
    @Test(arguments: [true, false])
    func aPlanSaysWhatTheRunsThenDoAndWritesNothing(hasPackage: Bool) async throws {
        let cluster = try await TestCluster.start()
        var options = TestTenant.Options()
        options.hasPackage = hasPackage
        let tenant = try await TestTenant("acme", in: cluster, options)
        try tenant.createContact("ann@a.example", last: "Lee")
        try await cluster.rounds(2)
        try tenant.update("Contact", try #require(tenant.record("Contact", "ann@a.example")).id, ["Phone": "5"])
        for number in 1...12 { try tenant.createContact("new\(number)@a.example") }
        try tenant.createContact("x", ["Email": .null])
        try tenant.signUp("bo@a.example")
        try tenant.signUp("plain@a.example", automation: nil)
        let before = tenant.snapshot()
        func rows() async throws -> String {
            try await cluster.value(
                """
                SELECT md5(string_agg(t, '' ORDER BY t)) AS value FROM (
                    SELECT s::text AS t FROM ferry.streams s UNION ALL SELECT l::text FROM ferry.links l
                    UNION ALL SELECT d::text FROM ferry.record_decisions d
                    UNION ALL SELECT f::text FROM ferry.record_failures f) AS x
                """)
        }
        let stored = try await rows()

        let plan = try await cluster.planner().plan(try await tenant.number(in: cluster))
        #expect(tenant.snapshot() == before, "neither side is written to")
        #expect(try await rows() == stored, "no row changes")
        func planned(_ direction: String, _ action: PlanClass.Action) -> PlanClass? {
            plan.classes.first { $0.direction == direction && $0.object == "contact" && $0.action == action }
        }
        let created = try #require(planned("inbound", .create))
        #expect(created.count == 12 && created.samples.count == 10)
        #expect(planned("inbound", .update)?.count == 1 && planned("inbound", .update)?.samples[0].fields == ["Phone"])
        #expect(planned("outbound", .create)?.count == 1)
        #expect(plan.classes.contains { $0.action == .skip && $0.reason == "R7" })
        #expect(plan.reaches.allSatisfy { $0.isWhole && $0.trouble == nil })
        #expect(plan.recordCalls <= PlanLimits.recordCalls && plan.contactCalls <= PlanLimits.contactCalls)
        let text = String(decoding: try JSONEncoder().encode(plan), as: UTF8.self)
        #expect(!text.contains("a.example") && !text.contains("Lee"), "no value leaves the plan")

        try await cluster.rounds(2)
        #expect(tenant.account.contactCount == before.contacts.count + 12)
        #expect(tenant.record("Contact", "bo@a.example") != nil)
        await cluster.stop()
    }

    @Test func aPlanTellsOfAccountsOpportunitiesConversionsAndFieldsLeftOut() async throws {
        let cluster = try await TestCluster.start()
        var options = TestTenant.Options()
        options.settings = ["sync_accounts": "true", "sync_opportunities": "true"]
        options.mappings = [("contact", "Birthdate", "date", "custom:BORN", "date")]
        let tenant = try await TestTenant("acme", in: cluster, options)
        tenant.account.addField(title: "Born", perstag: "BORN")
        let lead = try tenant.createLead("lee@a.example")
        let (account, contact) = try tenant.org.actAsUser { actions in
            let account = try actions.create("Account", ["Name": "Old"])
            let contact = try actions.create(
                "Contact", ["Email": "ann@a.example", "LastName": "Lee", "AccountId": .text(account)])
            return (account, contact)
        }
        try await cluster.rounds(2)
        try tenant.update("Account", account, ["Name": "New"])
        try tenant.org.actAsUser { actions in
            let deal = try actions.create(
                "Opportunity", ["Name": "Big", "StageName": "Prospecting", "CloseDate": .date(20_818)])
            _ = try actions.create(
                "OpportunityContactRole", ["OpportunityId": .text(deal), "ContactId": .text(contact)])
            _ = try actions.convertLead(lead)
        }
        let person = try #require(tenant.account.contact(email: "ann@a.example")).id
        try tenant.account.actAsPerson {
            try $0.edit(person, ActiveCampaignEdit(phone: "7", fields: ["BORN": "no day"]))
        }
        let before = tenant.snapshot()
        let plan = try await cluster.planner().plan(try await tenant.number(in: cluster))
        #expect(tenant.snapshot() == before && tenant.account.companies().map(\.name) == ["Old"])
        func planned(_ object: String, _ action: PlanClass.Action) -> PlanClass? {
            plan.classes.first { $0.object == object && $0.action == action }
        }
        #expect(planned("account", .update)?.samples.map(\.record) == [account])
        #expect(planned("opportunity", .create)?.count == 1)
        #expect(planned("lead", .relink)?.samples.map(\.record) == [lead])
        #expect(planned("contact", .drop)?.samples.first?.fields == ["Birthdate"], "\(plan.classes)")
        #expect(plan.reaches.allSatisfy { $0.isWhole && $0.trouble == nil })
        #expect(plan.recordCalls <= PlanLimits.recordCalls && plan.contactCalls <= PlanLimits.contactCalls)
        await cluster.stop()
    }
}
