import Cluster
import Drivers
import Foundation
import Simulators
import Store
import Testing

/// `ferry tenants doctor`: what it finds of types, criteria, accounts and ids, each with a row of its own.
@Suite(.timeLimit(.minutes(5)))
struct DoctorTests {
    private static func examine(_ tenant: TestTenant, _ cluster: TestCluster) async throws -> [DoctorFinding] {
        let doctor = TenantDoctor(
            store: cluster.store, queue: cluster.queue, clock: cluster.wallClock,
            http: try HTTPClient(options: .loopback), keys: KeyRing(keys: [cluster.key]),
            providers: ProviderPolicy(hostSuffixes: [], allowsLoopback: true, webhookBase: nil))
        return try await doctor.examine(try await tenant.number(in: cluster))
    }

    @Test func aTypeThatIsNotTheFieldsIsAFailureOnEitherSideOfPeopleAndAccounts() async throws {
        let cluster = try await TestCluster.start()
        var options = TestTenant.Options()
        options.settings = ["sync_accounts": "true"]
        options.mappings = [
            ("contact", "Score__c", "text", "custom:SCORE", "text"),
            ("contact", "Note__c", "text", "custom:NOTE", "date"),
            ("contact", "ReportsToId", "text", "custom:BOSS", "text"),
            ("account", "NumberOfEmployees", "text", "custom:SIZE", "text"),
            ("account", "AccountNumber", "text", "custom:NUMBER", "text"),
        ]
        let tenant = try await TestTenant("acme", in: cluster, options)
        tenant.org.addCustomField("Contact", "Score__c", .number(precision: 8, scale: 0))
        tenant.org.addCustomField("Contact", "Note__c", .text(length: 50))
        for tag in ["SCORE", "NOTE", "BOSS"] { tenant.account.addField(title: tag, perstag: tag) }
        tenant.account.addAccountField(label: "Number")
        let findings = try await Self.examine(tenant, cluster)
        func verdict(_ check: String) -> DoctorFinding.Verdict? {
            findings.filter { $0.check == check }.map(\.verdict).max()
        }
        #expect(verdict("salesforce.contact.Score__c") == .failed)
        #expect(verdict("salesforce.contact.Note__c") == nil && verdict("activecampaign.NOTE") == .failed)
        #expect(verdict("salesforce.contact.ReportsToId") == .failed, "R65 leaves lookups out")
        #expect(verdict("salesforce.account.NumberOfEmployees") == .failed)
        #expect(verdict("activecampaign.account.SIZE") == .failed)
        #expect(verdict("salesforce.account.AccountNumber") == .ok)
        #expect(verdict("salesforce.account.SystemModstamp") == .ok)
        await cluster.stop()
    }

    @Test func everyCriterionHasARowOfItsOwn() async throws {
        let cluster = try await TestCluster.start()
        let tenant = try await TestTenant("acme", in: cluster)
        tenant.org.addCustomField("Contact", "Score__c", .number(precision: 8, scale: 0))
        tenant.org.addCustomField("Contact", "Kind__c", .picklist(["A", "B"], restricted: true))
        let rows = [
            ("LastName", "eq", "text", "Lee"), ("Score__c", "ne", "text", "7"), ("Kind__c", "eq", "text", "C"),
            ("LastName", "lt", "text", "M"), ("Nowhere__c", "eq", "text", "x"),
        ]
        for (number, row) in rows.enumerated() {
            try await cluster.run(
                """
                INSERT INTO ferry.selection_criteria (tenant, object, group_no, field, operator, value_type, operands)
                VALUES ('acme', 'contact', \(number + 1), '\(row.0)', '\(row.1)', '\(row.2)', '{\(row.3)}')
                """)
        }
        try await cluster.run("UPDATE ferry.sync_settings SET contact_selection = 'criteria'")
        let findings = try await Self.examine(tenant, cluster)
        func of(_ text: String) -> DoctorFinding.Verdict? { findings.first { $0.message.contains(text) }?.verdict }
        #expect(of("LastName eq") == .ok)
        #expect(of("Score__c ne") == .failed)
        #expect(of("Kind__c eq") == .warning)
        #expect(of("LastName lt") == .warning, "Salesforce orders texts by the org's language")
        #expect(findings.first { $0.check == "salesforce.contact.Nowhere__c" }?.verdict == .failed)
        await cluster.stop()
    }

    @Test func idsThatSettingsNameAreLookedUp() async throws {
        let cluster = try await TestCluster.start()
        var options = TestTenant.Options()
        options.org = { $0.recordTypes = ["Web"] }
        let tenant = try await TestTenant("acme", in: cluster, options)
        let user = try #require(tenant.org.records("User").first).id
        let type = try #require(tenant.org.records("RecordType").first { $0["SobjectType"] == "Lead" }).id
        let list = tenant.account.addList(name: "News")
        func verdicts() async throws -> [String: DoctorFinding.Verdict] {
            let findings = try await Self.examine(tenant, cluster).filter { $0.check.hasPrefix("settings.") }
            return Dictionary(findings.map { ($0.check, $0.verdict) }, uniquingKeysWith: max)
        }
        try await cluster.run(
            """
            UPDATE ferry.sync_settings SET default_owner_id = '\(user)', default_record_type_id = '\(type)',
                default_list_id = \(list)
            """)
        let good: [String: DoctorFinding.Verdict] = [
            "settings.default_owner_id": .ok, "settings.default_record_type_id": .ok, "settings.default_list_id": .ok,
        ]
        #expect(try await verdicts() == good)
        try await cluster.run(
            """
            UPDATE ferry.sync_settings SET default_owner_id = '005000000009999AAA', default_record_type_id = NULL,
                contact_record_type_id = '\(type)', default_list_id = 99
            """)
        let bad: [String: DoctorFinding.Verdict] = [
            "settings.default_owner_id": .failed, "settings.contact_record_type_id": .failed,
            "settings.default_list_id": .failed,
        ]
        #expect(try await verdicts() == bad)
        await cluster.stop()
    }
}
