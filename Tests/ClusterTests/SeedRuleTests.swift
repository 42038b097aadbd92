import Drivers
import Foundation
import Simulators
import Store
import SyncRules
import Testing

/// Rules that only rows and the wire can show: R12, R23, R38, R45, R48, T12.
@Suite(.timeLimit(.minutes(5)))
struct SeedRuleTests {
    private static func start(
        _ settings: [String: String] = [:], hasPackage: Bool = true
    ) async throws -> (cluster: TestCluster, tenant: TestTenant) {
        let cluster = try await TestCluster.start()
        var options = TestTenant.Options()
        options.settings = settings
        options.hasPackage = hasPackage
        return (cluster, try await TestTenant("acme", in: cluster, options))
    }

    @Test(arguments: [1, 12])
    func R12_noSettingChangesWhenTheNextBatchIsDue(hours: Int) async throws {
        let (cluster, tenant) = try await Self.start(["inbound_interval_hours": "\(hours)"])
        try tenant.signUp("ann@a.example")
        try await cluster.round()
        let due: Date = try await cluster.value("SELECT next_run_at AS value FROM ferry.streams WHERE direction = 1")
        // The clock runs on while the round ends.
        #expect((570...660).contains(due.timeIntervalSince(cluster.wallClock.now)))
        await cluster.stop()
    }

    @Test(arguments: [("added-to-salesforce-contact", "Contact"), ("added-to-salesforce-lead", "Lead")])
    func R23_eitherAddedTagIsTheCreateActionWhoeverSetsIt(tag: String, object: String) async throws {
        let (cluster, tenant) = try await Self.start()
        let person = try tenant.signUp("ann@a.example", last: "Lee", automation: nil)
        try await cluster.round()
        try #require(tenant.org.count("Contact") + tenant.org.count("Lead") == 0)
        cluster.advance(60)
        try tenant.account.actAsPerson { try $0.addTag(person, tag) }
        try await cluster.rounds(2)
        #expect(tenant.record(object, "ann@a.example")?["LastName"] == "Lee")
        #expect(tenant.org.count("Contact") + tenant.org.count("Lead") == 1)
        await cluster.stop()
    }

    @Test(arguments: [true, false])
    func R38_theColumnMakesAnUpdateEnrolAnOldRecord(isOn: Bool) async throws {
        let (cluster, tenant) = try await Self.start(["include_updated_existing": "\(isOn)"])
        let record = try tenant.createContact("old@a.example")
        try await cluster.run("UPDATE ferry.sync_settings SET contact_selection = 'none'")
        try await cluster.round()
        try await tenant.beginNow(in: cluster)
        try await cluster.run("UPDATE ferry.sync_settings SET contact_selection = 'new'")
        try tenant.update("Contact", record, ["Phone": "+49 1"])
        try await cluster.rounds(2)
        #expect((tenant.account.contact(email: "old@a.example") != nil) == isOn)
        await cluster.stop()
    }

    @Test func R45_listsAndOtherTagsReachSalesforceInNoWay() async throws {
        let (cluster, tenant) = try await Self.start()
        let news = tenant.account.addList(name: "News")
        let person = try tenant.signUp("ann@a.example", last: "Lee")
        try await cluster.rounds(2)
        let before = tenant.org.records("Contact")
        try #require(before.count == 1)
        try tenant.account.actAsPerson {
            try $0.subscribe(person, list: news)
            try $0.addTag(person, "vip")
        }
        try await cluster.rounds(2)
        #expect(tenant.org.records("Contact") == before, "not even a stamp has moved")
        await cluster.stop()
    }

    @Test func R48_theLeadsCreatedTagStaysWhereTheSwitchIsOff() async throws {
        let (cluster, tenant) = try await Self.start(["remove_lead_tag_on_conversion": "false"])
        let lead = try tenant.createLead("ann@a.example")
        try await cluster.round()
        cluster.advance(3_600)
        _ = try tenant.org.actAsUser { try $0.convertLead(lead) }
        try await cluster.rounds()
        #expect(
            tenant.account.contact(email: "ann@a.example")?.tags == [
                "created-from-salesforce-lead", "salesforce-lead-converted-to-contact",
            ])
        await cluster.stop()
    }

    @Test(arguments: [true, false])
    func T12_aPeerThatRewritesWhatWeWroteIsFollowedOnce(hasPackage: Bool) async throws {
        let (cluster, tenant) = try await Self.start(hasPackage: hasPackage)
        tenant.org.addAutomation(
            OrgAutomation(object: "Contact", name: "Spell numbers") { call in
                guard let phone = call.after["Phone"]?.text, phone.hasPrefix("+") else { return [] }
                return [AutomationEdit(id: call.id, fields: ["Phone": .text("00" + phone.dropFirst())])]
            })
        let person = try tenant.signUp("ann@a.example", last: "Lee")
        try await cluster.rounds(2)
        try tenant.account.actAsPerson { try $0.edit(person, ActiveCampaignEdit(phone: "+49 1")) }
        try await cluster.rounds(3)
        #expect(tenant.record("Contact", "ann@a.example")?["Phone"] == "0049 1")
        #expect(tenant.account.contact(person)?.phone == "0049 1")
        let before = tenant.snapshot()
        try await cluster.rounds(3)
        #expect(tenant.snapshot().changes(since: before).isEmpty, "writes stop")
        await cluster.stop()
    }
}
