import Drivers
import Foundation
import Simulators
import Store
import Testing

import enum SyncRules.Direction

/// Mappings and criteria that change while a tenant runs (T7, T21, T25).
@Suite(.timeLimit(.minutes(5)))
struct ReevaluationTests {
    private static func start(hasPackage: Bool) async throws -> (cluster: TestCluster, tenant: TestTenant) {
        let cluster = try await TestCluster.start()
        var options = TestTenant.Options()
        options.hasPackage = hasPackage
        return (cluster, try await TestTenant("acme", in: cluster, options))
    }

    @Test(arguments: [true, false])
    func T7_aNewMappingReachesLinkedRecordsWithoutAnEdit(hasPackage: Bool) async throws {
        let (cluster, tenant) = try await Self.start(hasPackage: hasPackage)
        tenant.addUnmappedField("Note")
        let both = try tenant.createContact("both@a.example", ["Note__c": "theirs"])
        let blank = try tenant.createContact("blank@a.example")
        try tenant.createContact("theirs@a.example", ["Note__c": "theirs"])
        try await cluster.rounds(2)
        for email in ["both@a.example", "blank@a.example"] {
            let person = try #require(tenant.account.contact(email: email)).id
            try tenant.account.actAsPerson { try $0.edit(person, ActiveCampaignEdit(fields: ["NOTE": "ours"])) }
        }
        try await cluster.rounds(2)
        #expect(tenant.org.record(blank)?["Note__c"] == .null, "not mapped yet")

        try await tenant.map("Note", in: cluster)
        try await cluster.finishSweeps()
        try await cluster.rounds(2)
        func note(_ email: String) -> String? { tenant.account.contact(email: email)?.fields["NOTE"] }
        #expect(note("theirs@a.example") == "theirs")
        #expect(note("both@a.example") == "theirs", "R53: Salesforce's value wins")
        #expect(tenant.org.record(both)?["Note__c"] == "theirs")
        #expect(
            tenant.org.record(blank)?["Note__c"] == "ours", "R68: a blank that never was anything else says nothing")
        #expect(note("blank@a.example") == "ours")
        let before = tenant.snapshot()
        try await cluster.rounds()
        #expect(tenant.snapshot().changes(since: before).isEmpty)
        await cluster.stop()
    }

    @Test(arguments: [true, false])
    func T21_aNewMappingWaitsForItsReevaluationAndTheRestGoesOn(hasPackage: Bool) async throws {
        let (cluster, tenant) = try await Self.start(hasPackage: hasPackage)
        tenant.addUnmappedField("Note")
        let record = try tenant.createContact("ann@a.example", ["Note__c": "theirs"])
        try await cluster.rounds(2)
        // The batch runs between the change of the rows and the pull that notices it.
        try await tenant.map("Note", in: cluster)
        let person = try #require(tenant.account.contact(email: "ann@a.example")).id
        try tenant.account.actAsPerson {
            try $0.edit(person, ActiveCampaignEdit(phone: "7", fields: ["NOTE": "ours"]))
        }
        try await cluster.run("UPDATE ferry.streams SET next_run_at = 'infinity', claim_at = 'infinity'")
        try await tenant.request(.outbound, in: cluster)
        try await cluster.runDue()
        #expect(tenant.org.record(record)?["Phone"] == "7", "only the mapping is paused, not the record")
        #expect(tenant.org.record(record)?["Note__c"] == "theirs")
        let waiting: Int64 = try await cluster.value(
            "SELECT count(*) AS value FROM ferry.pending_changes WHERE error_code = 'mapping_paused'")
        #expect(waiting == 1)
        try await cluster.run("UPDATE ferry.streams SET next_run_at = now(), claim_at = now()")
        try await cluster.finishSweeps()
        try await cluster.rounds(2)
        #expect(tenant.account.contact(email: "ann@a.example")?.fields["NOTE"] == "theirs")
        let left: Int64 = try await cluster.value("SELECT count(*) AS value FROM ferry.pending_changes")
        #expect(left == 0)
        await cluster.stop()
    }

    @Test func T7_T25_recordsThatMatchNewCriteriaEnterWithoutAnEditAndLinkedOnesStay() async throws {
        let cluster = try await TestCluster.start()
        var options = TestTenant.Options()
        options.customFields = ["Region"]
        options.contactSelection = "none"
        let tenant = try await TestTenant("acme", in: cluster, options)
        try tenant.createContact("old@a.example", ["Region__c": "South"])
        try await tenant.beginNow(in: cluster)
        cluster.advance(3_600)
        func select(_ region: String) async throws {
            try await cluster.pool.transact([
                .init("DELETE FROM ferry.selection_criteria"),
                .init(
                    """
                    INSERT INTO ferry.selection_criteria (tenant, object, field, operator, operands)
                    VALUES ('acme', 'contact', 'Region__c', 'eq', '{\(region)}')
                    """),
                .init("UPDATE ferry.sync_settings SET contact_selection = 'criteria'"),
            ])
        }
        try await select("North")
        let north = try tenant.createContact("north@a.example", ["Region__c": "North"])
        try tenant.createContact("south@a.example", ["Region__c": "South"])
        try await cluster.rounds(2)
        #expect(tenant.account.contacts().map(\.email) == ["north@a.example"])

        cluster.advance(10_800)
        try await select("South")
        try await cluster.settle()
        try await cluster.finishSweeps()
        #expect(tenant.account.contact(email: "south@a.example") != nil, "entered without an edit")
        #expect(tenant.account.contact(email: "old@a.example") == nil, "T6: no silent back-fill")

        // T25: out of the selection, and still tracked: its edits wait, its deletion is seen.
        try tenant.update("Contact", north, ["Phone": "5"])
        try await cluster.rounds(2)
        #expect(tenant.account.contact(email: "north@a.example")?.phone == "")
        #expect(try await cluster.decisions(2, reason: "R40") > 0)
        try tenant.update("Contact", north, ["Region__c": "South"])
        try await cluster.rounds(2)
        #expect(tenant.account.contact(email: "north@a.example")?.phone == "5", "what was withheld follows")
        try tenant.org.actAsUser { try $0.delete(north) }
        try await cluster.rounds(2)
        let missing: Int64 = try await cluster.value("SELECT count(*) AS value FROM ferry.links WHERE state = 2")
        #expect(missing == 1, "T25")
        await cluster.stop()
    }

    @Test func R42_anUnknownFieldInCriteriaStopsItsObjectOnlyAndSaysSo() async throws {
        let (cluster, tenant) = try await Self.start(hasPackage: true)
        try await cluster.pool.transact([
            .init(
                """
                INSERT INTO ferry.selection_criteria (tenant, object, field, operator)
                VALUES ('acme', 'contact', 'Regoin__c', 'blank')
                """),
            .init("UPDATE ferry.sync_settings SET contact_selection = 'criteria'"),
        ])
        try tenant.createContact("ann@a.example")
        try tenant.createLead("bo@a.example")
        try await cluster.round()
        #expect(tenant.account.contacts().map(\.email) == ["bo@a.example"])
        let rows = try await cluster.store.status(tenant: "acme").filter { $0.direction == "inbound" }
        let contact = try #require(rows.first { $0.object == "contact" })
        #expect(contact.state == "needs attention" && contact.lastError?.contains("Contact.Regoin__c") == true)
        #expect(rows.first { $0.object == "lead" }?.state == "waiting")
        try await cluster.pool.transact([
            .init("UPDATE ferry.sync_settings SET contact_selection = 'new'"),
            .init("DELETE FROM ferry.selection_criteria"),
        ])
        try await cluster.rounds(2)
        #expect(tenant.account.contact(email: "ann@a.example") != nil, "the cursor had not moved")
        await cluster.stop()
    }

    @Test func T7_aNewAccountMappingReachesLinkedAccountsBothWaysWithoutAnEdit() async throws {
        let cluster = try await TestCluster.start()
        var options = TestTenant.Options()
        options.settings = ["sync_accounts": "true"]
        let tenant = try await TestTenant("acme", in: cluster, options)
        tenant.account.addAccountField(label: "Number")
        var accounts: [String] = []
        for (number, value) in [FieldValue.text("theirs"), .null].enumerated() {
            let account = try tenant.org.actAsUser {
                try $0.create("Account", ["Name": .text("Acme \(number)"), "AccountNumber": value])
            }
            try tenant.createContact("p\(number)@a.example", ["AccountId": .text(account)])
            accounts.append(account)
        }
        try await cluster.rounds(2)
        for company in tenant.account.companies() {
            try tenant.account.actAsPerson { try $0.editCompany(company.id, fields: ["NUMBER": "ours"]) }
        }
        try await cluster.rounds(2)
        #expect(tenant.org.record(accounts[1])?["AccountNumber"] == .null, "not mapped yet")

        try await cluster.run(
            """
            INSERT INTO ferry.field_mappings (tenant, object, sf_field, ac_field)
            VALUES ('acme', 'account', 'AccountNumber', 'custom:NUMBER')
            """)
        try await cluster.finishSweeps()
        try await cluster.rounds(3)
        func number(_ name: String) -> String? {
            tenant.account.companies().first { $0.name == name }?.fields["NUMBER"]
        }
        #expect(number("Acme 0") == "theirs", "R53: Salesforce's value wins")
        #expect(tenant.org.record(accounts[0])?["AccountNumber"] == "theirs")
        #expect(tenant.org.record(accounts[1])?["AccountNumber"] == "ours", "R68: a blank says nothing")
        #expect(number("Acme 1") == "ours")
        await cluster.stop()
    }

    @Test func T7_personsEnterWithoutAnEditWhenTheirSelectionIsSwitchedOn() async throws {
        let cluster = try await TestCluster.start()
        var options = TestTenant.Options()
        options.contactSelection = "none"
        options.org = { $0.hasPersonAccounts = true }
        let tenant = try await TestTenant("acme", in: cluster, options)
        let fields: [String: FieldValue] = ["LastName": "Lee", "PersonEmail": "ann@a.example"]
        _ = try tenant.org.actAsUser { try $0.create("Account", fields) }
        try tenant.createContact("bo@a.example")
        try await cluster.rounds(2)
        #expect(tenant.account.contactCount == 0)
        try await cluster.run("UPDATE ferry.sync_settings SET person_account_selection = 'new'")
        try await cluster.settle()
        try await cluster.finishSweeps()
        #expect(tenant.account.contacts().map(\.email) == ["ann@a.example"])
        await cluster.stop()
    }

    @Test func R86_aMarkOfPersonsThatDoesNotExistStopsTheirObjectAndSaysSo() async throws {
        let cluster = try await TestCluster.start()
        var options = TestTenant.Options()
        options.settings = ["person_account_selection": "'marked'", "marker_field": "'Nowhere__c'"]
        options.org = { $0.hasPersonAccounts = true }
        _ = try await TestTenant("acme", in: cluster, options)
        try await cluster.round()
        let row = try #require(
            try await cluster.store.status(tenant: "acme").first { $0.direction == "inbound" && $0.object == "contact" }
        )
        #expect(row.state == "needs attention" && row.lastError?.contains("Contact.Nowhere__c") == true)
        await cluster.stop()
    }
}
