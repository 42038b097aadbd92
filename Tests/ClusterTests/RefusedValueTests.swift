import Drivers
import Foundation
import Simulators
import Store
import Testing

import enum SyncRules.DecisionCode
import enum SyncRules.Direction

/// A value that can't go is told field by field, and the record's other fields go all the same, both ways (invariant 1, D6,
/// R64, R69).
@Suite(.timeLimit(.minutes(5)))
struct RefusedValueTests {
    /// What was decided about a field.
    private struct Line: Hashable {
        let code: DecisionCode?
        let field: String
        var reason = ""
    }

    private static func start(
        _ mapping: (object: String, salesforce: String, type: String, campaign: String, campaignType: String)
    ) async throws -> (cluster: TestCluster, tenant: TestTenant) {
        let cluster = try await TestCluster.start()
        var options = TestTenant.Options()
        options.settings = ["sync_accounts": "true"]
        options.mappings = [mapping]
        return (cluster, try await TestTenant("acme", in: cluster, options))
    }

    private static func lines(_ cluster: TestCluster) async throws -> Set<Line> {
        let rows = try await cluster.pool.query(
            "SELECT code, field, coalesce(detail, '') AS detail FROM ferry.record_decisions WHERE code IN (10, 17, 18)")
        return Set(
            try rows.decode { row in
                Line(
                    code: DecisionCode(rawValue: try row.get("code")), field: try row.get("field"),
                    reason: try row.get("detail"))
            })
    }

    private static func rounds(_ cluster: TestCluster, _ count: Int = 2) async throws {
        for _ in 1...count {
            cluster.advance(3_700)
            try await cluster.round()
        }
    }

    // MARK: - Kept back before it is sent

    @Test func R64_aChangeKeptBackWholeIsOnRecord() async throws {
        let (cluster, tenant) = try await Self.start(("contact", "Day__c", "text", "custom:DAY", "date"))
        tenant.account.addField(title: "Day", type: .date)
        tenant.org.addCustomField("Contact", "Day__c", .text(length: 255))
        let record = try tenant.createContact("ann@a.example", ["Day__c": "2024-02-01"])
        try await cluster.round()
        try #require(tenant.account.contact(email: "ann@a.example")?.fields["DAY"] == "2024-02-01")
        cluster.advance(60)
        try tenant.update("Contact", record, ["Day__c": "tomorrow"])
        try await Self.rounds(cluster)
        #expect(tenant.account.contact(email: "ann@a.example")?.fields["DAY"] == "2024-02-01")
        #expect(try await Self.lines(cluster) == [Line(code: .invalidBeforeSend, field: "Day__c", reason: "D6")])
        #expect(tenant.org.record(record)?["AC_Sync_Status__c"] == "Synced", "it was looked at")
        await cluster.stop()
    }

    @Test func R64_anAccountsChangeKeptBackWholeIsOnRecord() async throws {
        let (cluster, tenant) = try await Self.start(("account", "AccountNumber", "text", "custom:DAY", "date"))
        tenant.account.addAccountField(label: "Day", type: "date")
        let account = try tenant.org.actAsUser {
            try $0.create("Account", ["Name": "Acme", "AccountNumber": "2024-02-01"])
        }
        try tenant.createContact("ann@a.example", ["AccountId": .text(account)])
        try await Self.rounds(cluster)
        try #require(tenant.account.companies().first?.fields["DAY"] == "2024-02-01")
        try tenant.update("Account", account, ["AccountNumber": "tomorrow"])
        try await Self.rounds(cluster)
        #expect(tenant.account.companies().first?.fields["DAY"] == "2024-02-01")
        #expect(try await Self.lines(cluster) == [Line(code: .invalidBeforeSend, field: "AccountNumber", reason: "D6")])
        await cluster.stop()
    }

    // MARK: - Refused by the other side

    @Test func D6_aValueActiveCampaignRefusesDropsItsFieldOnly() async throws {
        let (cluster, tenant) = try await Self.start(("contact", "Color__c", "text", "custom:COLOR", "dropdown"))
        tenant.account.addField(title: "Color", type: .dropdown, options: ["red", "green"])
        tenant.account.change { $0.refusesUnknownOptions = true }
        tenant.org.addCustomField("Contact", "Color__c", .text(length: 255))
        let record = try tenant.createContact("ann@a.example", ["Color__c": "red"])
        try await cluster.round()
        cluster.advance(60)
        try tenant.update("Contact", record, ["Color__c": "mauve", "FirstName": "Ann"])
        let other = try tenant.createContact("bo@a.example", last: "Bo", ["Color__c": "mauve"])
        try await Self.rounds(cluster)
        let ann = try #require(tenant.account.contact(email: "ann@a.example"))
        #expect(ann.firstName == "Ann" && ann.fields["COLOR"] == "red")
        let bo = try #require(tenant.account.contact(email: "bo@a.example"))
        #expect(bo.lastName == "Bo" && bo.fields["COLOR"] ?? "" == "")
        #expect(
            try await Self.lines(cluster) == [
                Line(code: .rejected, field: "Color__c", reason: "field_invalid")
            ])
        let failures: Int64 = try await cluster.value("SELECT count(*) AS value FROM ferry.record_failures")
        #expect(failures == 0)
        #expect(tenant.org.record(record)?["Color__c"] == "mauve" && tenant.org.record(other)?["Color__c"] == "mauve")

        // What ActiveCampaign still holds is not taken for somebody's edit.
        try tenant.account.actAsPerson { try $0.edit(ann.id, ActiveCampaignEdit(phone: "1")) }
        try await Self.rounds(cluster)
        #expect(tenant.org.record(record)?["Color__c"] == "mauve" && tenant.org.record(record)?["Phone"] == "1")
        let echoes: Int64 = try await cluster.value("SELECT count(*) AS value FROM ferry.echo_ledger")
        #expect(echoes == 0)
        await cluster.stop()
    }

    @Test func D6_aValueRefusedOfAnAccountDropsItsFieldOnlyBothWays() async throws {
        let (cluster, tenant) = try await Self.start(("account", "AccountNumber", "text", "custom:RANK", "text"))
        tenant.account.addAccountField(label: "Rank", type: "number")
        let account = try tenant.org.actAsUser { try $0.create("Account", ["Name": "Acme", "AccountNumber": "1"]) }
        try tenant.createContact("ann@a.example", ["AccountId": .text(account)])
        try await Self.rounds(cluster)
        try tenant.update("Account", account, ["Name": "Acme AS", "AccountNumber": "first"])
        try await Self.rounds(cluster)
        let company = try #require(tenant.account.companies().first)
        #expect(company.name == "Acme AS" && company.fields["RANK"] == "1")

        try tenant.account.actAsPerson {
            let long = String(repeating: "1", count: 50)
            try $0.editCompany(company.id, name: "Acme Oy", fields: ["RANK": long])
        }
        try await Self.rounds(cluster)
        let record = try #require(tenant.org.record(account))
        #expect(record["Name"] == "Acme Oy" && record["AccountNumber"] == "first")
        #expect(
            try await Self.lines(cluster) == [
                Line(code: .rejected, field: "AccountNumber", reason: "field_invalid"),
                Line(code: .rejected, field: "AccountNumber", reason: "STRING_TOO_LONG"),
            ])
        await cluster.stop()
    }

    @Test func D6_aValueTooLongIsCutWhereItsMappingSaysSo() async throws {
        let (cluster, tenant) = try await Self.start(("contact", "Short__c", "text", "custom:SHORT", "text"))
        try await cluster.pool.query("UPDATE ferry.field_mappings SET truncate = true")
        tenant.account.addField(title: "Short")
        tenant.org.addCustomField("Contact", "Short__c", .text(length: 3))
        let ann = try tenant.account.actAsPerson {
            try $0.addContact(email: "ann@a.example", lastName: "Lee", fields: ["SHORT": "far too long"])
        }
        try tenant.account.runAutomation(.createContactInSalesforce, contact: ann)
        try await Self.rounds(cluster)
        #expect(tenant.record("Contact", "ann@a.example")?["Short__c"] == "far")
        #expect(try await Self.lines(cluster) == [Line(code: .truncated, field: "Short__c", reason: "D6")])
        try tenant.account.actAsPerson { try $0.edit(ann, ActiveCampaignEdit(fields: ["SHORT": "also too long"])) }
        try await Self.rounds(cluster)
        #expect(tenant.record("Contact", "ann@a.example")?["Short__c"] == "als")
        #expect(tenant.account.contact(ann)?.fields["SHORT"] == "also too long", "what was cut does not come back")
        let before = tenant.snapshot()
        try await Self.rounds(cluster)
        #expect(tenant.snapshot().changes(since: before).isEmpty)
        await cluster.stop()
    }

    @Test func R69_aRestrictedPicklistRefusesOneFieldAndADropdownTakesAnything() async throws {
        let (cluster, tenant) = try await Self.start(("contact", "Color__c", "picklist", "custom:COLOR", "dropdown"))
        tenant.account.addField(title: "Color", type: .dropdown, options: ["red", "mauve"])
        tenant.org.addCustomField("Contact", "Color__c", .picklist(["red", "green"], restricted: true))
        let record = try tenant.createContact("ann@a.example", ["Color__c": "green"])
        try await cluster.round()
        let ann = try #require(tenant.account.contact(email: "ann@a.example"))
        #expect(ann.fields["COLOR"] == "green", "no option of the dropdown, and taken all the same")

        cluster.advance(60)
        try tenant.account.actAsPerson {
            try $0.edit(ann.id, ActiveCampaignEdit(phone: "1", fields: ["COLOR": "mauve"]))
        }
        try await Self.rounds(cluster)
        #expect(tenant.org.record(record)?["Phone"] == "1" && tenant.org.record(record)?["Color__c"] == "green")
        #expect(
            try await Self.lines(cluster) == [
                Line(code: .rejected, field: "Color__c", reason: "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST")
            ])
        await cluster.stop()
    }
}
