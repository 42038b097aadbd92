import Drivers
import Foundation
import Simulators
import Store
import Testing

/// One-way mode: the other side is read, never written to, and nothing stale is replayed when both ways go again.
@Suite(.timeLimit(.minutes(5)))
struct OneWayTests {
    private static func start(hasPackage: Bool) async throws -> (cluster: TestCluster, tenant: TestTenant) {
        let cluster = try await TestCluster.start()
        var options = TestTenant.Options()
        options.hasPackage = hasPackage
        let tenant = try await TestTenant("acme", in: cluster, options)
        try tenant.createContact("ann@a.example", last: "Lee", ["Phone": "1"])
        try await cluster.rounds(2)
        return (cluster, tenant)
    }

    private static func turn(_ direction: String, _ cluster: TestCluster) async throws {
        try await cluster.run("UPDATE ferry.sync_settings SET sync_direction = '\(direction)'")
        try await cluster.rounds(1)
    }

    @Test(arguments: [true, false])
    func towardActiveCampaignOnlyNothingIsWrittenToSalesforce(hasPackage: Bool) async throws {
        let (cluster, tenant) = try await Self.start(hasPackage: hasPackage)
        try await Self.turn("sf_to_ac", cluster)
        let person = try #require(tenant.account.contact(email: "ann@a.example")).id
        try tenant.account.actAsPerson { try $0.edit(person, ActiveCampaignEdit(phone: "old")) }
        try tenant.signUp("new@a.example")
        let record = try tenant.createContact("theirs@a.example")
        let before = tenant.snapshot().records
        try await cluster.rounds(2)
        #expect(tenant.snapshot().records == before, "not even a status")
        #expect(tenant.account.contact(email: "theirs@a.example") != nil)
        #expect(try await cluster.decisions(24, reason: "one_way") >= 2)

        // Both ways again: what was kept back is not replayed over what is newer.
        let ann = try #require(tenant.record("Contact", "ann@a.example")).id
        try tenant.update("Contact", ann, ["Phone": "newer"])
        try await Self.turn("both", cluster)
        try await cluster.rounds(2)
        #expect(tenant.org.record(ann)?["Phone"] == "newer")
        #expect(tenant.account.contact(email: "ann@a.example")?.phone == "newer")
        let other = try #require(tenant.account.contact(email: "theirs@a.example")).id
        try tenant.account.actAsPerson { try $0.edit(other, ActiveCampaignEdit(phone: "9")) }
        try await cluster.rounds(2)
        #expect(tenant.org.record(record)?["Phone"] == "9", "the link was kept, and goes both ways again")
        await cluster.stop()
    }

    @Test(arguments: [true, false])
    func towardSalesforceOnlyNothingIsWrittenToActiveCampaignAndItsValuesCount(hasPackage: Bool) async throws {
        let (cluster, tenant) = try await Self.start(hasPackage: hasPackage)
        try await Self.turn("ac_to_sf", cluster)
        let ann = try #require(tenant.record("Contact", "ann@a.example")).id
        try tenant.update("Contact", ann, ["FirstName": "Stale", "Phone": "theirs"])
        try tenant.createContact("theirs@a.example")
        let before = tenant.account.contacts()
        try await cluster.rounds(2)
        #expect(tenant.account.contacts() == before)
        #expect(try await cluster.decisions(24, reason: "one_way") >= 2)

        let person = try #require(tenant.account.contact(email: "ann@a.example")).id
        try tenant.update("Contact", ann, ["Phone": "theirs again"])
        try tenant.account.actAsPerson { try $0.edit(person, ActiveCampaignEdit(phone: "ours")) }
        try await cluster.rounds(2)
        #expect(tenant.org.record(ann)?["Phone"] == "ours", "nobody wins against the only side that is heard")

        try tenant.account.actAsPerson { try $0.edit(person, ActiveCampaignEdit(firstName: "Newer")) }
        try await Self.turn("both", cluster)
        try await cluster.rounds(2)
        #expect(tenant.account.contact(email: "ann@a.example")?.firstName == "Newer")
        #expect(tenant.org.record(ann)?["FirstName"] == "Newer")
        await cluster.stop()
    }

    @Test func aPausedTenantKeepsItsCursorsAndGoesOnWhereItStood() async throws {
        let (cluster, tenant) = try await Self.start(hasPackage: true)
        let errand = Errand(actor: "test", reason: "maintenance")
        try await cluster.store.pause("acme", by: errand)
        try tenant.createContact("late@a.example")
        let before = tenant.account.contacts()
        try await cluster.rounds(2)
        #expect(tenant.account.contacts() == before)
        try await cluster.store.resume("acme", by: errand)
        try await cluster.rounds(1)
        #expect(tenant.account.contact(email: "late@a.example") != nil)
        await cluster.stop()
    }
}
