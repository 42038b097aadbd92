import Drivers
import Foundation
import Simulators
import Store
import SyncRules
import Testing

/// A person asks for one record to be read anew on both sides.
@Suite(.timeLimit(.minutes(5)))
struct ResyncTests {
    @Test(arguments: [true, false])
    func aResyncedRecordGetsSalesforcesValuesAndGivesWhatOnlyItHas(hasPackage: Bool) async throws {
        let cluster = try await TestCluster.start()
        var options = TestTenant.Options()
        options.hasPackage = hasPackage
        let tenant = try await TestTenant("acme", in: cluster, options)
        let record = try tenant.createContact("ann@a.example", last: "Lee", ["Phone": "1"])
        try await cluster.rounds(2)
        // What both sides hold now was never seen to change: as if somebody had mended links or rows by hand.
        let person = try #require(tenant.account.contact(email: "ann@a.example")).id
        try tenant.account.actAsPerson { try $0.edit(person, ActiveCampaignEdit(firstName: "Ann", phone: "2")) }
        try await cluster.run("UPDATE ferry.streams SET enabled = false WHERE direction = 1")
        try await cluster.rounds(1)
        try await cluster.run(
            """
            UPDATE ferry.streams SET enabled = true,
                cursor = jsonb_build_object('since', extract(epoch FROM now()) + 900000, 'walkedTo', 0)
            WHERE direction = 1
            """)
        try await cluster.rounds(2)
        #expect(tenant.org.record(record)?["FirstName"] == .null && person > 0)

        let number = try await tenant.number(in: cluster)
        try await cluster.store.requestResync(
            tenant: number, records: [(record, .contact)], contactIDs: [], direction: nil, by: Errand(actor: "test"),
            now: cluster.wallClock.now)
        let waiting = try await cluster.store.recordFile(tenant: number, .record(record))
        #expect(waiting.resyncs.map(\.recordID) == [record])
        try await cluster.settle()
        let after = try #require(tenant.account.contact(email: "ann@a.example"))
        #expect(after.phone == "1", "Salesforce wins")
        #expect(tenant.org.record(record)?["FirstName"] == "Ann", "Salesforce never had one")
        let file = try await cluster.store.recordFile(tenant: number, .record(record))
        #expect(file.resyncs.isEmpty && file.decisions.contains { $0.decision.reason == "resync" })
        let before = tenant.snapshot()
        try await cluster.rounds(2)
        #expect(tenant.snapshot().changes(since: before).isEmpty)
        await cluster.stop()
    }

    @Test func aResyncOfAHiddenRecordIsAnsweredAndEnds() async throws {
        let cluster = try await TestCluster.start()
        let tenant = try await TestTenant("acme", in: cluster)
        let number = try await tenant.number(in: cluster)
        let missing = "003000000000999AAA"
        try await cluster.store.requestResync(
            tenant: number, records: [(missing, .contact)], contactIDs: [], direction: nil, by: Errand(actor: "test"),
            now: cluster.wallClock.now)
        try await cluster.settle()
        let file = try await cluster.store.recordFile(tenant: number, .record(missing))
        #expect(file.resyncs.isEmpty && file.decisions.contains { $0.decision.reason == "resync_hidden" })
        await cluster.stop()
    }
}
