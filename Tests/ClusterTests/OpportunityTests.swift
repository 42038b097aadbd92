import Drivers
import Foundation
import Simulators
import Testing

import enum SyncRules.Direction

/// Opportunities, one way, through real queue, PostgreSQL and HTTP (R74–R78).
@Suite(.timeLimit(.minutes(5)))
struct OpportunityTests {
    private static func start(
        _ settings: [String: String] = [:], contacts: String = "new", currencies: [String] = []
    ) async throws -> (cluster: TestCluster, tenant: TestTenant) {
        let cluster = try await TestCluster.start()
        var options = TestTenant.Options()
        options.settings = settings.merging(["sync_opportunities": "true"]) { given, _ in given }
        options.contactSelection = contacts
        options.org = { $0.currencies = currencies }
        return (cluster, try await TestTenant("acme", in: cluster, options))
    }

    private static func rounds(_ cluster: TestCluster, _ count: Int = 2) async throws {
        for _ in 1...count {
            cluster.advance(3_700)
            try await cluster.round()
        }
    }

    private static func create(
        _ tenant: TestTenant, _ name: String, of contacts: [(id: String, isPrimary: Bool)],
        _ more: [String: FieldValue] = [:]
    ) throws -> String {
        try tenant.org.actAsUser { actions in
            let fields: [String: FieldValue] = [
                "Name": .text(name), "StageName": "Prospecting", "CloseDate": .date(20_818), "Amount": .number(1234.5),
            ]
            let id = try actions.create("Opportunity", fields.merging(more) { _, new in new })
            for contact in contacts {
                _ = try actions.create(
                    "OpportunityContactRole",
                    ["OpportunityId": .text(id), "ContactId": .text(contact.id), "IsPrimary": .bool(contact.isPrimary)])
            }
            return id
        }
    }

    private static func records(_ tenant: TestTenant) -> [ActiveCampaignObjectRecord] {
        tenant.account.objectRecords("salesforce-opportunity")
    }

    @Test func R74_R76_anOpportunityHangsOnItsPrimaryContactWithFourFields() async throws {
        let (cluster, tenant) = try await Self.start()
        let other = try tenant.createContact("other@a.example")
        let primary = try tenant.createContact("ann@a.example")
        let id = try Self.create(tenant, "Big", of: [(other, false), (primary, true)])
        try await Self.rounds(cluster)
        let person = try #require(tenant.account.contact(email: "ann@a.example")).id
        #expect(
            Self.records(tenant) == [
                ActiveCampaignObjectRecord(
                    externalID: id,
                    fields: [
                        "name": "Big", "amount": "1234.5", "stage": "Prospecting", "close-date": "2026-12-31",
                    ], contacts: [person])
            ])
        try tenant.update("Opportunity", id, ["StageName": "Closed Won", "Amount": .null, "Description": "x"])
        try await Self.rounds(cluster)
        let after = try #require(Self.records(tenant).first)
        #expect(after.fields["stage"] == "Closed Won" && after.fields["amount"] == nil)

        let mark = tenant.account.mark()
        try tenant.update("Opportunity", id, ["Description": "only this"])
        try await Self.rounds(cluster)
        #expect(Self.records(tenant) == [after] && tenant.account.calls(since: mark).total <= 8, "nothing written")
        await cluster.stop()
    }

    @Test func R76_R77_itWaitsForARoleAndForItsContactToBeSynced() async throws {
        let (cluster, tenant) = try await Self.start(contacts: "none")
        let contact = try tenant.createContact("ann@a.example")
        let roleless = try Self.create(tenant, "No role", of: [])
        let unsynced = try Self.create(tenant, "Unsynced", of: [(contact, false)])
        try await Self.rounds(cluster)
        #expect(Self.records(tenant).isEmpty)
        let why: [String] = try await cluster.pool.query(
            "SELECT detail FROM ferry.record_decisions WHERE object = 4 ORDER BY detail"
        ).decode { try $0.get("detail") }
        #expect(why == ["R76", "R77"])

        // The person enters by a create action, which finds the record that is there (R19).
        try tenant.signUp("ann@a.example")
        try await Self.rounds(cluster)
        #expect(Self.records(tenant).map(\.externalID) == [unsynced])
        // A role moves no stamp of the opportunity's.
        try tenant.org.actAsUser { actions in
            _ = try actions.create(
                "OpportunityContactRole", ["OpportunityId": .text(roleless), "ContactId": .text(contact)])
        }
        try await Self.rounds(cluster)
        #expect(Set(Self.records(tenant).map(\.externalID)) == [unsynced, roleless])
        await cluster.stop()
    }

    @Test func R77_aDeletedOpportunityStaysAndComesBackIntoStepWhenUndeleted() async throws {
        let (cluster, tenant) = try await Self.start()
        let contact = try tenant.createContact("ann@a.example")
        let id = try Self.create(tenant, "Big", of: [(contact, true)])
        try await Self.rounds(cluster)
        let before = Self.records(tenant)
        try tenant.org.actAsUser { try $0.delete(id) }
        try await Self.rounds(cluster)
        #expect(Self.records(tenant) == before && !before.isEmpty)
        let state: Int16 = try await cluster.value("SELECT state AS value FROM ferry.opportunity_links")
        #expect(state == 2)
        let roles = tenant.org.records("OpportunityContactRole", includingDeleted: true).map(\.id)
        try tenant.org.actAsUser { actions in
            // The simulator brings back what it is asked for, and no children.
            for id in [id] + roles { try actions.undelete(id) }
        }
        try tenant.update("Opportunity", id, ["Name": "Back"])
        try await Self.rounds(cluster)
        #expect(Self.records(tenant).map { $0.fields["name"] } == ["Back"])
        await cluster.stop()
    }

    @Test func R78_aDealHasCentsAndTheRecordsCurrencyAndIsMadeOnce() async throws {
        let (cluster, tenant) = try await Self.start(["opportunity_target": "'deal'"], currencies: ["EUR", "USD"])
        let contact = try tenant.createContact("ann@a.example")
        let id = try Self.create(tenant, "Big", of: [(contact, true)], ["CurrencyIsoCode": "USD"])
        try await Self.rounds(cluster)
        let person = try #require(tenant.account.contact(email: "ann@a.example")).id
        #expect(
            tenant.account.deals() == [
                ActiveCampaignDeal(
                    title: "Big", cents: 123_450, currency: "usd", stage: "Prospecting", contact: person)
            ])
        // As if the answer to the creation had been lost: the ledger knows of it, the row does not.
        try await cluster.pool.query(
            "UPDATE ferry.opportunity_links SET target_id = NULL, state = 3, fingerprint = NULL")
        try await cluster.pool.query(
            """
            INSERT INTO ferry.echo_ledger (tenant_no, side, object, record_id, digest, value_hash, written_at)
            SELECT tenant_no, 1, 4, sf_id, decode('00', 'hex'), decode('01', 'hex'), now() FROM ferry.opportunity_links
            """)
        try tenant.update("Opportunity", id, ["StageName": "Closed Won"])
        try await Self.rounds(cluster)
        #expect(tenant.account.deals().map(\.stage) == ["Closed Won"])
        await cluster.stop()
    }

    /// Issue 6: an idle poll of four objects and their deletions is one counted call.
    @Test func anIdlePullOfAllObjectsIsOneCall() async throws {
        let (cluster, tenant) = try await Self.start(["sync_accounts": "true"])
        let contact = try tenant.createContact("ann@a.example")
        _ = try Self.create(tenant, "Big", of: [(contact, true)])
        try await Self.rounds(cluster)
        // Before the next outbound batch is due.
        cluster.advance(300)
        let (before, mark) = (tenant.org.apiUsage.used, tenant.account.mark())
        try await tenant.request(.inbound, in: cluster)
        try await cluster.settle()
        #expect(tenant.org.apiUsage.used - before == 1)
        #expect(tenant.account.calls(since: mark).total == 0)
        await cluster.stop()
    }

    @Test func T5_opportunitiesThatCantBeReadKeepNobodyElseWaiting() async throws {
        let (cluster, tenant) = try await Self.start()
        tenant.org.setFieldAccess("OpportunityContactRole", "OpportunityId", isReadable: false)
        try tenant.createContact("ann@a.example")
        try await Self.rounds(cluster, 1)
        #expect(tenant.account.contact(email: "ann@a.example") != nil)
        let states: [String] = try await cluster.pool.query(
            "SELECT object || ' ' || state AS name FROM ferry.sync_status WHERE direction = 'inbound' ORDER BY 1"
        ).decode { try $0.get("name") }
        #expect(states == ["contact waiting", "lead waiting", "opportunity needs attention"])
        tenant.org.setFieldAccess("OpportunityContactRole", "OpportunityId")
        let contact = try #require(tenant.record("Contact", "ann@a.example")).id
        _ = try Self.create(tenant, "Big", of: [(contact, true)])
        try await Self.rounds(cluster)
        #expect(Self.records(tenant).count == 1)
        await cluster.stop()
    }

    @Test func R74_offByDefaultAndNothingOfItIsAsked() async throws {
        let cluster = try await TestCluster.start()
        let tenant = try await TestTenant("acme", in: cluster)
        let contact = try tenant.createContact("ann@a.example")
        _ = try Self.create(tenant, "Big", of: [(contact, true)])
        try await Self.rounds(cluster)
        #expect(Self.records(tenant).isEmpty && tenant.account.companies().isEmpty)
        let streams: Int64 = try await cluster.value("SELECT count(*) AS value FROM ferry.streams")
        #expect(streams == 3)
        await cluster.stop()
    }
}
