import Drivers
import Foundation
import Simulators
import Testing

import enum SyncRules.Direction

/// Person accounts, through real queue, PostgreSQL and HTTP (R51, R70, R85, R86).
@Suite(.timeLimit(.minutes(5)))
struct PersonAccountTests {
    private static func start(
        _ selection: String, hasPackage: Bool = true, _ settings: [String: String] = [:]
    ) async throws -> (cluster: TestCluster, tenant: TestTenant) {
        let cluster = try await TestCluster.start()
        var options = TestTenant.Options()
        options.hasPackage = hasPackage
        options.settings = settings.merging(["person_account_selection": "'\(selection)'"]) { given, _ in given }
        options.org = { $0.hasPersonAccounts = true }
        return (cluster, try await TestTenant("acme", in: cluster, options))
    }

    private static func rounds(_ cluster: TestCluster, _ count: Int = 3) async throws {
        for _ in 1...count {
            cluster.advance(3_700)
            try await cluster.round()
        }
    }

    private static func createPerson(
        _ tenant: TestTenant, _ email: String, _ more: [String: FieldValue] = [:]
    ) throws -> String {
        try tenant.org.actAsUser { actions in
            let fields: [String: FieldValue] = ["LastName": "Lee", "PersonEmail": .text(email)]
            return try actions.create("Account", fields.merging(more) { _, new in new })
        }
    }

    private static func expectQuiet(_ tenant: TestTenant, _ cluster: TestCluster) async throws {
        let before = (tenant.snapshot(), tenant.org.records("Account"))
        try await rounds(cluster, 2)
        #expect(tenant.snapshot().changes(since: before.0).isEmpty && tenant.org.records("Account") == before.1)
        let failures: Int64 = try await cluster.value("SELECT count(*) AS value FROM ferry.record_failures")
        #expect(failures == 0)
    }

    @Test(arguments: [true, false])
    func R51_R85_aPersonAccountEntersWithItsTagAndIsWrittenThroughItsAccount(hasPackage: Bool) async throws {
        let (cluster, tenant) = try await Self.start("new", hasPackage: hasPackage)
        let account = try Self.createPerson(tenant, "ann@a.example", ["FirstName": "Ann", "Phone": "1"])
        try tenant.createContact("bo@a.example", last: "Bo")
        try await Self.rounds(cluster)
        let person = try #require(tenant.account.contact(email: "ann@a.example"))
        #expect(person.tags == ["created-from-salesforce-person-account"])
        #expect(person.firstName == "Ann" && person.lastName == "Lee" && person.phone == "1")
        #expect(tenant.account.contact(email: "bo@a.example")?.tags == ["created-from-salesforce-contact"])
        #expect(tenant.account.contactCount == 2, "R85: never both")

        try tenant.account.actAsPerson {
            try $0.edit(person.id, ActiveCampaignEdit(email: "anna@a.example", firstName: "Anna", phone: "2"))
        }
        try await tenant.request(.outbound, in: cluster)
        try await cluster.settle()
        let record = try #require(tenant.org.record(account))
        #expect(record["FirstName"] == "Anna" && record["PersonEmail"] == "anna@a.example" && record["Phone"] == "2")
        try await Self.rounds(cluster)
        try tenant.update("Account", account, ["LastName": "Lie"])
        try await Self.rounds(cluster)
        #expect(tenant.account.contacts().first { $0.id == person.id }?.lastName == "Lie")
        try await Self.expectQuiet(tenant, cluster)
        await cluster.stop()
    }

    @Test func R86_noneKeepsPersonsOutAndMarkedTakesThoseThatAreMarked() async throws {
        let (cluster, tenant) = try await Self.start("none")
        _ = try Self.createPerson(tenant, "ann@a.example")
        try await Self.rounds(cluster, 1)
        #expect(tenant.account.contactCount == 0)
        try await cluster.pool.query("UPDATE ferry.sync_settings SET person_account_selection = 'marked'")
        _ = try Self.createPerson(tenant, "bo@a.example")
        _ = try Self.createPerson(tenant, "cy@a.example", ["AC_Sync__pc": true])
        try await Self.rounds(cluster)
        #expect(tenant.account.contacts().map(\.email) == ["cy@a.example"])
        await cluster.stop()
    }

    @Test func R51_R70_aLeadWithoutACompanySyncsWhenAllowedAndBecomesAPerson() async throws {
        let (cluster, tenant) = try await Self.start("new")
        let lead = try tenant.createLead("ann@a.example", ["Company": .null])
        try await Self.rounds(cluster, 1)
        #expect(tenant.account.contactCount == 0, "R70")
        try await cluster.pool.query("UPDATE ferry.sync_settings SET allow_leads_without_company = true")
        try tenant.update("Lead", lead, ["Phone": "1"])
        try await Self.rounds(cluster)
        #expect(tenant.account.contact(email: "ann@a.example")?.tags == ["created-from-salesforce-lead"])
        let made = try tenant.org.actAsUser { try $0.convertLead(lead) }
        try await Self.rounds(cluster)
        let person = try #require(tenant.account.contact(email: "ann@a.example"))
        #expect(person.tags == ["salesforce-lead-converted-to-person-account"])
        try tenant.account.actAsPerson { try $0.edit(person.id, ActiveCampaignEdit(firstName: "Ann")) }
        try await Self.rounds(cluster)
        #expect(tenant.org.record(made.accountID)?["FirstName"] == "Ann")
        try await Self.expectQuiet(tenant, cluster)
        await cluster.stop()
    }

    @Test(arguments: [true, false])
    func R51_R22_theActionOfPersonsCreatesAPersonAccountOnce(hasPackage: Bool) async throws {
        let (cluster, tenant) = try await Self.start("none", hasPackage: hasPackage)
        let type = try #require(tenant.org.records("RecordType").first { $0["IsPersonType"] == true }).id
        try await cluster.pool.query("UPDATE ferry.sync_settings SET person_account_record_type_id = '\(type)'")
        let person = try tenant.signUp("ann@a.example", last: "Lee", automation: nil)
        try tenant.account.actAsPerson { try $0.addTag(person, "added-to-salesforce-person-account") }
        try await tenant.request(.outbound, in: cluster)
        try await cluster.settle()
        let account = try #require(tenant.org.records("Account").first)
        #expect(account["IsPersonAccount"] == true && account["PersonEmail"] == "ann@a.example")
        #expect(account["RecordTypeId"] == .text(type) && account["AC_Contact_Id__pc"] == .text(String(person)))
        // At once, before any pull has seen the record.
        cluster.advance(700)
        try tenant.account.actAsPerson { try $0.edit(person, ActiveCampaignEdit(firstName: "Anna")) }
        try await tenant.request(.outbound, in: cluster)
        try await cluster.settle()
        #expect(tenant.org.record(account.id)?["FirstName"] == "Anna")
        try await Self.rounds(cluster)
        #expect(tenant.org.count("Account") == 1 && tenant.org.count("Contact") == 1)
        try await Self.expectQuiet(tenant, cluster)
        await cluster.stop()
    }
}
