import Drivers
import Foundation
import Simulators
import Testing

import enum SyncRules.Direction

/// The options of creation, through real queue, PostgreSQL and HTTP (R21, T29).
@Suite(.timeLimit(.minutes(5)))
struct CreationOptionTests {
    private static func start(
        _ settings: (SalesforceOrg) -> [String: String]
    ) async throws -> (cluster: TestCluster, tenant: TestTenant) {
        let cluster = try await TestCluster.start()
        var options = TestTenant.Options()
        options.contactSelection = "none"
        options.leadSelection = "none"
        options.org = { $0.recordTypes = ["Standard", "Special"] }
        let tenant = try await TestTenant("acme", in: cluster, options)
        let changes = settings(tenant.org).sorted { $0.key < $1.key }.map { "\($0.key) = \($0.value)" }
        try await cluster.pool.query("UPDATE ferry.sync_settings SET " + changes.joined(separator: ", "))
        return (cluster, tenant)
    }

    private static func type(_ org: SalesforceOrg, _ object: String) -> String {
        org.records("RecordType").first { $0["Name"] == "Special" && $0["SobjectType"] == .text(object) }?.id ?? ""
    }

    @Test func R21_createdRecordsGetOwnerAndRecordTypeAndUpdatesLeaveThemAlone() async throws {
        let (cluster, tenant) = try await Self.start { org in
            [
                "default_owner_id": "'\(org.humanUserID)'", "default_record_type_id": "'\(Self.type(org, "Lead"))'",
                "contact_record_type_id": "'\(Self.type(org, "Contact"))'",
            ]
        }
        try tenant.signUp("ann@a.example")
        let bo = try tenant.signUp("bo@a.example", automation: .createLeadInSalesforce)
        try await cluster.round()
        for (object, email) in [("Contact", "ann@a.example"), ("Lead", "bo@a.example")] {
            let record = try #require(tenant.record(object, email))
            #expect(record["OwnerId"] == .text(tenant.org.humanUserID))
            #expect(record["RecordTypeId"] == .text(Self.type(tenant.org, object)))
        }
        cluster.advance(700)
        let lead = try #require(tenant.record("Lead", "bo@a.example")).id
        try tenant.update("Lead", lead, ["OwnerId": .text(tenant.org.integrationUserID)])
        cluster.advance(3_700)
        try await cluster.round()
        try tenant.account.actAsPerson { try $0.edit(bo, ActiveCampaignEdit(phone: "5")) }
        try await cluster.round()
        let after = try #require(tenant.org.record(lead))
        #expect(after["Phone"] == "5" && after["OwnerId"] == .text(tenant.org.integrationUserID))
        await cluster.stop()
    }

    @Test(arguments: [true, false])
    func R21_T29_theAssignmentRuleRunsOnCreationWhenAskedAndNeverOnUpdates(asked: Bool) async throws {
        let (cluster, tenant) = try await Self.start { _ in ["use_assignment_rule": "\(asked)"] }
        let person = try tenant.signUp("ann@a.example", automation: .createLeadInSalesforce)
        tenant.org.activateAssignment(of: "Lead")
        try await cluster.round()
        let lead = try #require(tenant.record("Lead", "ann@a.example"))
        #expect(lead["OwnerId"] == .text(asked ? tenant.org.humanUserID : tenant.org.integrationUserID))
        cluster.advance(3_700)
        try tenant.update("Lead", lead.id, ["OwnerId": .text(tenant.org.integrationUserID)])
        try await cluster.round()
        cluster.advance(700)
        try tenant.account.actAsPerson { try $0.edit(person, ActiveCampaignEdit(phone: "5")) }
        try await cluster.round()
        let after = try #require(tenant.org.record(lead.id))
        #expect(after["Phone"] == "5" && after["OwnerId"] == .text(tenant.org.integrationUserID), "T29")
        await cluster.stop()
    }
}
