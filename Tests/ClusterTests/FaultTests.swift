import Cluster
import Drivers
import Foundation
import JobQueue
import Simulators
import Store
import Testing

/// Nothing is lost and nothing is doubled, whatever breaks.
@Suite(.timeLimit(.minutes(5)))
struct FaultTests {
    @Test(arguments: [(true, true), (false, true), (false, false)])
    func aLostAnswerAfterACreationMakesNoDuplicate(hasPackage: Bool, hasExternalID: Bool) async throws {
        let cluster = try await TestCluster.start()
        var options = TestTenant.Options()
        options.hasPackage = hasPackage
        options.hasExternalID = hasExternalID
        let tenant = try await TestTenant("acme", in: cluster, options)
        for number in 1...5 { try tenant.signUp("p\(number)@a.example") }
        // Lookups pass, the write's answer is lost after the records are there.
        tenant.org.addFault(.loseAnswer, callClass: "composite", .times(1, skipping: 1))
        try await cluster.round()
        for _ in 1...4 {
            cluster.advance(900)
            try await cluster.round()
        }
        #expect(tenant.org.count("Contact") == 5)
        let links: Int64 = try await cluster.value("SELECT count(*) AS value FROM ferry.links WHERE state = 1")
        #expect(links == 5)
        await cluster.stop()
    }

    /// Such an answer says nothing of the records: they would wait for ever, and take nothing from ActiveCampaign (R53).
    @Test func writeBacksWhoseCollectionFailedAreMadeAgain() async throws {
        let cluster = try await TestCluster.start()
        let tenant = try await TestTenant("acme", in: cluster)
        let record = try tenant.createContact("ann@a.example")
        // Older than what the next pull reads again.
        cluster.advance(900)
        // The poll passes; of the write-back's call the one collection fails.
        let answer = """
            {"compositeResponse": [{"referenceId": "r0", "httpStatusCode": 503, "httpHeaders": {},
              "body": [{"errorCode": "SERVER_UNAVAILABLE", "message": "Try again later."}]}]}
            """
        tenant.org.addFault(.answer(status: 200, body: .json(answer)), callClass: "composite", .times(1, skipping: 1))
        try await cluster.round()
        #expect(tenant.account.contactCount == 1)
        #expect(tenant.org.record(record)?["AC_Sync_Status__c"] == "Waiting for next sync")
        cluster.advance(3_600)
        try await cluster.round()
        #expect(tenant.org.record(record)?["AC_Sync_Status__c"] == "Synced")
        await cluster.stop()
    }

    @Test func flushAllDelaysButLosesNothing() async throws {
        let cluster = try await TestCluster.start(ownRedis: true)
        let tenant = try await TestTenant("acme", in: cluster)
        for number in 1...40 { try tenant.createContact("p\(number)@a.example") }
        _ = try await cluster.scheduler.runOnce()
        _ = try await cluster.redis.send("FLUSHALL")
        await #expect(throws: JobQueueError.self) { try await cluster.queue.lease(worker: cluster.worker, limit: 1) }
        await cluster.scheduler.watchGeneration()
        try await cluster.settle()
        #expect(tenant.account.contactCount == 40)
        await cluster.stop()
    }

    @Test func aStaleLeaseCommitsNothing() async throws {
        let cluster = try await TestCluster.start()
        let tenant = try await TestTenant("acme", in: cluster)
        try tenant.createContact("p@a.example")
        _ = try await cluster.scheduler.runOnce()
        let stale = try await cluster.queue.lease(worker: cluster.worker, limit: 8).jobs
        // The worker is silent until its leases run out; another one takes over and commits.
        cluster.advance(60)
        _ = try await cluster.queue.sweep()
        try await cluster.settle()
        let before = tenant.snapshot()
        let cursors: String = try await cluster.value(
            "SELECT string_agg(cursor::text, ',') AS value FROM ferry.streams")
        for job in stale { _ = await cluster.runner.run(job, worker: cluster.worker) }
        #expect(tenant.snapshot() == before)
        let after: String = try await cluster.value("SELECT string_agg(cursor::text, ',') AS value FROM ferry.streams")
        #expect(after == cursors)
        await cluster.stop()
    }

    @Test func aJobWhoseWorkersKeepDyingSaysSoAndIsTriedAgainByItself() async throws {
        let cluster = try await TestCluster.start()
        let tenant = try await TestTenant("acme", in: cluster)
        try tenant.createContact("p@a.example")
        // Both directions' jobs, by turns.
        for _ in 0..<20 where try await cluster.queue.dead().isEmpty {
            _ = try await cluster.scheduler.runOnce()
            _ = try await cluster.queue.lease(worker: cluster.worker, limit: 8)
            for _ in 0..<7 {
                cluster.advance(2)
                _ = try await cluster.queue.sweep()
            }
            if try await cluster.queue.dead().isEmpty { cluster.advance(901) }
        }
        #expect(try await cluster.queue.dead().isEmpty == false)
        // A claim just made is left alone.
        cluster.advance(30)
        await cluster.scheduler.audit()
        let states = Set(try await cluster.store.status(tenant: "acme").map(\.state))
        #expect(states.contains("needs attention"))

        cluster.advance(901)
        try await cluster.settle()
        #expect(tenant.account.contactCount == 1)
        #expect(try await cluster.queue.dead().isEmpty)
        await cluster.stop()
    }

    @Test func aTokenRevokedInTheMiddleIsRenewed() async throws {
        let cluster = try await TestCluster.start()
        let tenant = try await TestTenant("acme", in: cluster)
        try tenant.createContact("one@a.example")
        try await cluster.round()
        tenant.org.revokeTokens()
        try tenant.createContact("two@a.example")
        cluster.advance(3_600)
        try await cluster.round()
        #expect(tenant.account.contact(email: "two@a.example") != nil)
        await cluster.stop()
    }
}
