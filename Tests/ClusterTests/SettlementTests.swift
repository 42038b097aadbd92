import Cluster
import Drivers
import Foundation
import JobQueue
import Simulators
import Store
import Testing

import enum SyncRules.Direction

/// Each change is settled once, by the right link, and nothing of it is left behind.
@Suite(.timeLimit(.minutes(5)))
struct SettlementTests {
    @Test func aRunThatIsNotTheNewestWritesNothingAtAll() async throws {
        let cluster = try await TestCluster.start()
        let tenant = try await TestTenant("acme", in: cluster)
        try tenant.createContact("p@a.example")
        _ = try await cluster.scheduler.runOnce()
        let stale = try await cluster.queue.lease(worker: cluster.worker, limit: 8).jobs
        // A newer run has only begun: it has read what the older one is about to change.
        let number = try await tenant.number(in: cluster)
        let newer = RunCommit(tenant: number, fence: .max, run: 1)
        #expect(try await cluster.store.commit(newer, now: cluster.wallClock.now) == .committed)
        for job in stale { _ = await cluster.runner.run(job, worker: cluster.worker) }
        #expect(tenant.account.contactCount == 0)
        await cluster.stop()
    }

    @Test func aValueThatOnlyFillsBlanksLeavesAnExistingContactAlone() async throws {
        let cluster = try await TestCluster.start()
        var options = TestTenant.Options()
        options.customFields = ["Note"]
        let tenant = try await TestTenant("acme", in: cluster, options)
        try await cluster.pool.query("UPDATE ferry.field_mappings SET update_mode = 'fill_blank'")
        try tenant.account.actAsPerson { person in
            _ = try person.addContact(email: "full@a.example", fields: ["NOTE": "mine"])
            _ = try person.addContact(email: "blank@a.example")
        }
        for name in ["full", "blank", "new"] {
            try tenant.createContact("\(name)@a.example", last: "Person", ["Note__c": "theirs"])
        }
        try await cluster.round()
        #expect(tenant.account.contact(email: "full@a.example")?.fields["NOTE"] == "mine")
        #expect(tenant.account.contact(email: "blank@a.example")?.fields["NOTE"] == "theirs")
        #expect(tenant.account.contact(email: "new@a.example")?.fields["NOTE"] == "theirs")
        await cluster.stop()
    }

    @Test func anImportThatHangsHoldsThoseBehindItUpForMinutesOnly() async throws {
        let cluster = try await TestCluster.start()
        let tenant = try await TestTenant("acme", in: cluster)
        for (name, latency) in [("old", 9_000.0), ("new", 30.0)] {
            tenant.account.change {
                $0.importLatency = latency...latency
                $0.importsKeepOrder = false
            }
            for number in 1...15 { try tenant.createContact("\(name)\(number)@a.example") }
            cluster.advance(60)
            try await tenant.request(.inbound, in: cluster)
            for _ in 1...2 { try await cluster.runDue() }
        }
        let open: Int64 = try await cluster.value("SELECT count(*) AS value FROM ferry.imports")
        try #require(open == 2)
        for _ in 1...10 {
            cluster.advance(60)
            try await cluster.runDue()
        }
        let linked: [String] = try await cluster.pool.query("SELECT sf_id FROM ferry.links").decode {
            try $0.get("sf_id")
        }
        let new = tenant.org.records("Contact").filter { $0["Email"].text?.hasPrefix("new") ?? false }.map(\.id)
        #expect(Set(linked) == Set(new), "the later import is settled, the hanging one is not given up yet")
        await cluster.stop()
    }

    @Test func anAddressInAnOpenImportIsTaken() async throws {
        let cluster = try await TestCluster.start()
        let tenant = try await TestTenant("acme", in: cluster)
        tenant.account.change { $0.importLatency = 60...60 }
        let first = try tenant.createContact("p0@a.example", last: "First")
        for number in 1...15 { try tenant.createContact("p\(number)@a.example") }
        // A tenant runs one job at a time: one for each direction.
        for _ in 1...2 { try await cluster.runDue() }
        let open: Int64 = try await cluster.value("SELECT count(*) AS value FROM ferry.imports")
        try #require(open == 1)
        let second = try tenant.createContact("p0@a.example", last: "Second")
        try await tenant.request(.inbound, in: cluster)
        try await cluster.runDue()
        try await cluster.round()
        let linked: String = try await cluster.value(
            "SELECT string_agg(sf_id, ',') AS value FROM ferry.links WHERE sf_id IN ('\(first)', '\(second)')")
        #expect(linked == first)
        let code: String = try await cluster.value(
            "SELECT code AS value FROM ferry.record_failures WHERE record_id = '\(second)'")
        #expect(code == "duplicate_match")
        await cluster.stop()
    }

    @Test func aContactThatTookOverAnAddressKeepsItsLink() async throws {
        let cluster = try await TestCluster.start()
        let tenant = try await TestTenant("acme", in: cluster)
        let first = try tenant.createContact("old@a.example")
        try await cluster.round()
        let contact = try #require(tenant.account.contact(email: "old@a.example"))
        try tenant.account.actAsPerson { try $0.edit(contact.id, ActiveCampaignEdit(email: "new@a.example")) }
        let second = try tenant.createContact("new@a.example")
        cluster.advance(3_600)
        try await tenant.request(.inbound, in: cluster)
        try await cluster.pool.query("UPDATE ferry.streams SET enabled = false WHERE direction = 1")
        try await cluster.settle()
        let links = try await cluster.store.links(
            tenant: try await tenant.number(in: cluster), contactIDs: [Int64(contact.id)])
        #expect(links.map(\.recordID) == [first])
        let code: String = try await cluster.value(
            "SELECT code AS value FROM ferry.record_failures WHERE record_id = '\(second)'")
        #expect(code == "duplicate_match")
        await cluster.stop()
    }

    @Test func aDeepSweepFindsWhatTheCursorHasPassed() async throws {
        let cluster = try await TestCluster.start()
        let tenant = try await TestTenant("acme", in: cluster)
        try await cluster.round()
        try tenant.createContact("late@a.example")
        // As if the record had become visible long after its stamp (T1).
        try await cluster.pool.query(
            """
            UPDATE ferry.streams SET cursor = jsonb_set(cursor, '{from}', to_jsonb((cursor ->> 'from')::float8 + 3000))
            WHERE direction = 2 AND object = 1
            """)
        cluster.advance(3_500)
        try await cluster.round()
        try #require(tenant.account.contactCount == 0)
        cluster.advance(6 * 3_600)
        try await cluster.round()
        #expect(tenant.account.contact(email: "late@a.example") != nil)
        await cluster.stop()
    }

    @Test func aFailureEndsWhenThereIsNothingToWriteAnyMore() async throws {
        let cluster = try await TestCluster.start()
        let tenant = try await TestTenant("acme", in: cluster)
        let contact = try tenant.signUp("long@a.example", last: String(repeating: "x", count: 100))
        try await cluster.round()
        let code: String = try await cluster.value("SELECT code AS value FROM ferry.record_failures")
        try #require(code == "STRING_TOO_LONG")
        // The create action is taken back: the contact has nothing to do with Salesforce any more.
        let tag = ActiveCampaignAutomation.createContactInSalesforce.tag
        try tenant.account.actAsPerson { person in
            try person.removeTag(contact, tag)
            try person.edit(contact, ActiveCampaignEdit(lastName: "Short"))
        }
        cluster.advance(700)
        try await cluster.round()
        let left: Int64 = try await cluster.value("SELECT count(*) AS value FROM ferry.record_failures")
        #expect(left == 0)
        await cluster.stop()
    }

    @Test func aJobAskedForWhileItRanDoesNotRunForNothing() async throws {
        let cluster = try await TestCluster.start()
        let tenant = try await TestTenant("acme", in: cluster)
        try await cluster.round()
        let before = tenant.account.calls.total
        _ = try await cluster.queue.enqueue(
            EnqueueRequest(JobKey(tenant: try await tenant.number(in: cluster), kind: JobKind.outbound.rawValue)))
        try await cluster.settle()
        #expect(tenant.account.calls.total == before)
        await cluster.stop()
    }
}
