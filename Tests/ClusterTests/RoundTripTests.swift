import Drivers
import Foundation
import Simulators
import Store
import SyncRules
import Testing

/// Records travel both ways through real queue, real PostgreSQL and real HTTP.
@Suite(.timeLimit(.minutes(5)))
struct RoundTripTests {
    @Test(arguments: [true, false])
    func salesforceRecordsReachActiveCampaignWithTheirTag(hasPackage: Bool) async throws {
        let cluster = try await TestCluster.start()
        var options = TestTenant.Options()
        options.hasPackage = hasPackage
        let tenant = try await TestTenant("acme", in: cluster, options)
        try tenant.createContact("few@a.example", last: "Few", ["FirstName": "Ann", "Phone": "+49 1"])
        try tenant.createLead("lead@a.example", last: "Lead")
        try await cluster.round()

        let contact = try #require(tenant.account.contact(email: "few@a.example"))
        #expect(contact.lastName == "Few" && contact.firstName == "Ann" && contact.phone == "+49 1")
        #expect(contact.tags == ["created-from-salesforce-contact"])
        #expect(tenant.account.contact(email: "lead@a.example")?.tags == ["created-from-salesforce-lead"])
        if hasPackage {
            let record = try #require(tenant.record("Contact", "few@a.example"))
            #expect(record["AC_Sync_Status__c"] == "Synced")
            #expect(record["AC_Contact_Id__c"] == .text(String(contact.id)))
        }
        await cluster.stop()
    }

    @Test func manySalesforceRecordsGoByBulkImport() async throws {
        let cluster = try await TestCluster.start()
        let tenant = try await TestTenant("acme", in: cluster)
        for number in 1...60 { try tenant.createContact("many\(number)@a.example", last: "Many \(number)") }
        try await cluster.round()
        #expect(tenant.account.contactCount == 60)
        #expect(tenant.account.contacts().allSatisfy { $0.tags == ["created-from-salesforce-contact"] })
        #expect(tenant.account.calls[.contactSync] == 0)
        let links: Int64 = try await cluster.value("SELECT count(*) AS value FROM ferry.links WHERE state = 1")
        #expect(links == 60)
        await cluster.stop()
    }

    @Test(arguments: [true, false])
    func automationsCreateContactAndLeadInSalesforce(hasPackage: Bool) async throws {
        let cluster = try await TestCluster.start()
        var options = TestTenant.Options()
        options.hasPackage = hasPackage
        let tenant = try await TestTenant("acme", in: cluster, options)
        let contact = try tenant.signUp("contact@a.example", last: "Contact")
        try tenant.signUp("lead@a.example", last: "", automation: .createLeadInSalesforce)
        try tenant.signUp("nobody@a.example", automation: nil)
        try await cluster.round()

        let record = try #require(tenant.record("Contact", "contact@a.example"))
        #expect(record["LastName"] == "Contact" && record["AC_Contact_Id__c"] == .text(String(contact)))
        let lead = try #require(tenant.record("Lead", "lead@a.example"))
        // R20, D2: fallbacks on creation only, never back to ActiveCampaign.
        #expect(lead["LastName"] == "lead" && lead["Company"] == "[not provided]")
        #expect(tenant.account.contact(email: "lead@a.example")?.lastName == "")
        #expect(tenant.org.count("Contact") == 1 && tenant.org.count("Lead") == 1)
        await cluster.stop()
    }

    @Test(arguments: [true, false])
    func editsTravelBothWaysAndThenNothingIsWritten(hasPackage: Bool) async throws {
        let cluster = try await TestCluster.start()
        var options = TestTenant.Options()
        options.hasPackage = hasPackage
        let tenant = try await TestTenant("acme", in: cluster, options)
        let id = try tenant.createContact("one@a.example", last: "One")
        let contact = try tenant.signUp("two@a.example", last: "Two")
        try await cluster.round()
        cluster.advance(3_600)

        try tenant.update("Contact", id, ["Phone": "+49 30 1"])
        try tenant.account.actAsPerson { try $0.edit(contact, ActiveCampaignEdit(lastName: "Zwei")) }
        try await cluster.round()
        cluster.advance(3_600)
        try await cluster.round()
        #expect(tenant.account.contact(email: "one@a.example")?.phone == "+49 30 1")
        #expect(tenant.record("Contact", "two@a.example")?["LastName"] == "Zwei")

        let before = tenant.snapshot()
        for _ in 1...10 {
            cluster.advance(3_600)
            try await cluster.round()
        }
        #expect(tenant.snapshot() == before)
        await cluster.stop()
    }

    @Test(arguments: [true, false])
    func salesforceWinsAConflictAndTheLoserIsOnRecord(hasPackage: Bool) async throws {
        let cluster = try await TestCluster.start()
        var options = TestTenant.Options()
        options.hasPackage = hasPackage
        let tenant = try await TestTenant("acme", in: cluster, options)
        let id = try tenant.createContact("both@a.example", last: "Both", ["FirstName": "Old", "Phone": "1"])
        try await cluster.round()

        let contact = try #require(tenant.account.contact(email: "both@a.example"))
        try tenant.update("Contact", id, ["Phone": "2"])
        try tenant.account.actAsPerson { try $0.edit(contact.id, ActiveCampaignEdit(firstName: "Lost", phone: "3")) }
        let number = try #require(try await cluster.store.tenant("acme")).number
        try await cluster.store.requestRun(tenant: number, direction: .outbound, now: cluster.wallClock.now)
        try await cluster.settle()
        // R54: the whole change set is dropped, the untouched field included.
        #expect(tenant.record("Contact", "both@a.example")?["FirstName"] == "Old")
        let lost: Int64 = try await cluster.value(
            "SELECT count(*) AS value FROM ferry.record_decisions WHERE code = 7")
        #expect(lost == 1)

        cluster.advance(3_600)
        try await cluster.round()
        let after = try #require(tenant.account.contact(email: "both@a.example"))
        #expect(after.phone == "2" && after.firstName == "Old")
        await cluster.stop()
    }

    @Test(arguments: [true, false], [true, false])
    func R63_activeCampaignWinsAFieldThatAWaitingRecordChangedToo(hasPackage: Bool, pullsFirst: Bool) async throws {
        let cluster = try await TestCluster.start()
        var options = TestTenant.Options()
        options.hasPackage = hasPackage
        options.customFields = ["Note"]
        let tenant = try await TestTenant("acme", in: cluster, options)
        try await cluster.pool.query("UPDATE ferry.field_mappings SET update_mode = 'ac_wins'")
        let id = try tenant.createContact("both@a.example", last: "Both", ["Note__c": "old"])
        try await cluster.round()
        let contact = try #require(tenant.account.contact(email: "both@a.example")).id
        cluster.advance(60)
        try tenant.update("Contact", id, ["Note__c": "theirs", "Phone": "2"])
        try tenant.account.actAsPerson {
            try $0.edit(contact, ActiveCampaignEdit(firstName: "Lost", fields: ["NOTE": "mine"]))
        }
        try await tenant.request(pullsFirst ? .inbound : .outbound, in: cluster)
        try await cluster.settle()
        for _ in 1...2 {
            cluster.advance(3_700)
            try await cluster.round()
        }
        let (record, after) = (tenant.org.record(id), tenant.account.contact(contact))
        #expect(record?["Note__c"] == "mine" && after?.fields["NOTE"] == "mine")
        #expect(record?["Phone"] == "2" && after?.phone == "2")
        let lost: Int64 = try await cluster.value(
            "SELECT count(*) AS value FROM ferry.record_decisions WHERE code = 7 AND field = 'Note__c'")
        #expect(lost == 1, "what Salesforce lost is on record")
        let before = tenant.snapshot()
        cluster.advance(3_700)
        try await cluster.round()
        #expect(tenant.snapshot().changes(since: before).isEmpty)
        await cluster.stop()
    }

    @Test func aRecordThatIsSkippedStaysOutBothWaysUntilItIsTakenBack() async throws {
        let cluster = try await TestCluster.start()
        let tenant = try await TestTenant("acme", in: cluster)
        let record = try tenant.createContact("one@a.example", last: "One")
        let contact = try tenant.signUp("two@a.example", last: "Two")
        try await cluster.round()
        let number = try await tenant.number(in: cluster)
        let errand = Errand(actor: "test", reason: "told so")
        try await cluster.store.exclude(
            tenant: number, [(.salesforce, record)], by: errand, now: cluster.wallClock.now)
        try await cluster.store.exclude(
            tenant: number, [(.activeCampaign, String(contact))], by: errand, now: cluster.wallClock.now)
        try tenant.update("Contact", record, ["Phone": "1"])
        try tenant.account.actAsPerson { try $0.edit(contact, ActiveCampaignEdit(phone: "2")) }
        cluster.advance(3_600)
        try await cluster.round()
        #expect(tenant.account.contact(email: "one@a.example")?.phone == "")
        #expect(tenant.record("Contact", "two@a.example")?["Phone"].text == nil)

        _ = try await cluster.store.include(
            tenant: number, contactIDs: [Int64(contact)], recordIDs: [record], by: errand, now: cluster.wallClock.now)
        for _ in 1...2 {
            cluster.advance(60)
            try await cluster.round()
        }
        #expect(tenant.account.contact(email: "one@a.example")?.phone == "1")
        #expect(tenant.record("Contact", "two@a.example")?["Phone"] == "2")
        await cluster.stop()
    }
}
