import Drivers
import Foundation
import Simulators
import Store
import Testing

import enum SyncRules.Direction
import enum SyncRules.Side

/// Records that people keep out of the sync: nothing that hangs on them is written either (R39).
@Suite(.timeLimit(.minutes(5)))
struct ExclusionTests {
    private static let errand = Errand(actor: "test", reason: "told so")

    private static func start(
        contacts: String = "new", hasPackage: Bool = true
    ) async throws -> (cluster: TestCluster, tenant: TestTenant) {
        let cluster = try await TestCluster.start()
        var options = TestTenant.Options()
        options.contactSelection = contacts
        options.hasPackage = hasPackage
        options.settings = ["sync_accounts": "true", "sync_opportunities": "true"]
        options.mappings = [("account", "AccountNumber", "text", "custom:NUMBER", "text")]
        let tenant = try await TestTenant("acme", in: cluster, options)
        tenant.account.addAccountField(label: "Number")
        return (cluster, tenant)
    }

    private static func skip(_ record: String, _ tenant: TestTenant, _ cluster: TestCluster) async throws {
        try await cluster.store.exclude(
            tenant: try await tenant.number(in: cluster), [(.salesforce, record)], by: errand,
            now: cluster.wallClock.now)
    }

    private static func unskip(_ record: String, _ tenant: TestTenant, _ cluster: TestCluster) async throws {
        let ids = try await cluster.store.include(
            tenant: try await tenant.number(in: cluster), contactIDs: [], recordIDs: [record], by: errand,
            now: cluster.wallClock.now)
        #expect(ids == [record])
        try await cluster.settle()
        try await cluster.rounds(2)
    }

    private static func create(
        _ tenant: TestTenant, _ object: String, _ fields: [String: FieldValue]
    ) throws -> String {
        try tenant.org.actAsUser { try $0.create(object, fields) }
    }

    @Test func R39_aSkippedLeadThatIsConvertedIsNotRetaggedUntilItIsTakenBack() async throws {
        let (cluster, tenant) = try await Self.start()
        let lead = try tenant.createLead("ann@a.example", last: "Lee")
        try await cluster.rounds(2)
        try await Self.skip(lead, tenant, cluster)
        let contact = try tenant.org.actAsUser { try $0.convertLead(lead).contactID }
        try tenant.update("Contact", contact, ["Phone": "2"])
        let before = tenant.account.contacts()
        try await cluster.rounds(2)
        #expect(tenant.account.contacts() == before, "neither its tag nor, by its address, the new contact's phone")

        try await Self.unskip(lead, tenant, cluster)
        let after = try #require(tenant.account.contact(email: "ann@a.example"))
        #expect(after.tags == ["salesforce-lead-converted-to-contact"] && after.phone == "2")
        #expect(tenant.account.contactCount == 1)
        await cluster.stop()
    }

    @Test func R39_aSkippedPersonIsNotMovedBetweenAccountsNorGivenOpportunities() async throws {
        let (cluster, tenant) = try await Self.start()
        let old = try Self.create(tenant, "Account", ["Name": "Old"])
        let contact = try tenant.createContact("ann@a.example", ["AccountId": .text(old)])
        try await cluster.rounds(2)
        let person = try #require(tenant.account.contact(email: "ann@a.example")).id
        func home() -> [String] { tenant.account.companies().filter { $0.contacts.contains(person) }.map(\.name) }
        #expect(home() == ["Old"])

        try await Self.skip(contact, tenant, cluster)
        let new = try Self.create(tenant, "Account", ["Name": "New"])
        try tenant.update("Contact", contact, ["AccountId": .text(new)])
        let opportunity = try Self.create(
            tenant, "Opportunity", ["Name": "Big", "StageName": "Prospecting", "CloseDate": .date(20_818)])
        _ = try Self.create(
            tenant, "OpportunityContactRole",
            ["OpportunityId": .text(opportunity), "ContactId": .text(contact), "IsPrimary": .bool(true)])
        try await cluster.rounds(2)
        #expect(home() == ["Old"])
        #expect(tenant.account.companies().map(\.name) == ["Old"], "nobody synced belongs to the other")
        #expect(tenant.account.objectRecords("salesforce-opportunity").isEmpty)

        try await Self.unskip(contact, tenant, cluster)
        #expect(home() == ["New"])
        #expect(tenant.account.objectRecords("salesforce-opportunity").map(\.contacts) == [[person]])
        await cluster.stop()
    }

    @Test func R39_aSkippedAccountIsNotWrittenEitherWay() async throws {
        let (cluster, tenant) = try await Self.start()
        let account = try Self.create(tenant, "Account", ["Name": "Acme", "AccountNumber": "1"])
        try tenant.createContact("ann@a.example", ["AccountId": .text(account)])
        try await cluster.rounds(2)
        let company = try #require(tenant.account.companies().first).id
        try await Self.skip(account, tenant, cluster)
        try tenant.account.actAsPerson { try $0.editCompany(company, fields: ["NUMBER": "2"]) }
        try await cluster.rounds(3)
        #expect(tenant.org.record(account)?["AccountNumber"] == "1")

        try await Self.unskip(account, tenant, cluster)
        #expect(tenant.org.record(account)?["AccountNumber"] == "2", "what changed meanwhile is found")
        await cluster.stop()
    }

    @Test func R39_aSkippedRecordIsNotTakenForASignUpWithItsAddress() async throws {
        let (cluster, tenant) = try await Self.start(contacts: "none", hasPackage: false)
        let contact = try tenant.createContact("ann@a.example", last: "Lee")
        try await Self.skip(contact, tenant, cluster)
        try tenant.signUp("ann@a.example", last: "Other")
        try await cluster.rounds(2)
        #expect(tenant.org.record(contact)?["LastName"] == "Lee" && tenant.org.records("Contact").count == 1)
        #expect(tenant.org.record(contact)?["FirstName"] == .null)

        try await Self.unskip(contact, tenant, cluster)
        #expect(tenant.org.record(contact)?["FirstName"] == "Ada" && tenant.org.records("Contact").count == 1)
        await cluster.stop()
    }

    @Test func R39_aSkippedRecordThatWasDeletedMeanwhileIsKnownAsThatAfterwards() async throws {
        let (cluster, tenant) = try await Self.start()
        let contact = try tenant.createContact("ann@a.example")
        try await cluster.rounds(2)
        try await Self.skip(contact, tenant, cluster)
        try tenant.org.actAsUser { try $0.delete(contact) }
        try await cluster.rounds(2)
        func missing() async throws -> Int64 {
            try await cluster.value("SELECT count(*) AS value FROM ferry.links WHERE state = 2")
        }
        #expect(try await missing() == 0)
        try await Self.unskip(contact, tenant, cluster)
        #expect(try await missing() == 1)
        await cluster.stop()
    }
}
