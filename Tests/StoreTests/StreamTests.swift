import Drivers
import Foundation
import Store
import SyncRules
import Testing

@Suite(.timeLimit(.minutes(2))) struct StreamTests {
    private func waiting(_ at: Date) -> StreamOutcome {
        StreamOutcome(state: "waiting", ranAt: at, nextRunAt: at.addingTimeInterval(600), isSuccess: true)
    }

    @Test func aNewTenantIsDueAtOnceAndSaysSo() async throws {
        let (store, pool) = try await StoreTestDatabase.make()
        let number = try await StoreTestDatabase.onboard("acme", store, pool)
        let due = try await store.claimDue(limit: 10, now: Date(timeIntervalSinceNow: 1))
        #expect(
            Set(due.map { "\($0.direction.name) \($0.object.name)" }) == [
                "outbound contact", "inbound contact", "inbound lead",
            ])
        #expect(due.allSatisfy { $0.tenant == number })
        let status = try await store.status(tenant: "acme")
        #expect(status.count == 3)
        #expect(status.allSatisfy { $0.state == "new" && $0.cursor == "nothing read yet" && $0.pendingCount == 0 })
        await pool.close()
    }

    @Test func severalSchedulersNeverClaimTwice() async throws {
        let (store, pool) = try await StoreTestDatabase.make(connections: 8)
        for number in 0..<100 { try await pool.script(StoreTestDatabase.onboarding("tenant\(number)")) }
        let now = Date(timeIntervalSinceNow: 1)
        let claimed = try await withThrowingTaskGroup(of: [DueStream].self) { group in
            for _ in 0..<8 {
                group.addTask {
                    var mine: [DueStream] = []
                    while true {
                        let page = try await store.claimDue(limit: 7, now: now)
                        if page.isEmpty { return mine }
                        mine += page
                    }
                }
            }
            return try await group.reduce(into: []) { $0 += $1 }
        }
        #expect(claimed.count == 300)
        #expect(Set(claimed).count == 300)
        #expect(try await store.claimDue(limit: 10, now: now).isEmpty)
        #expect(try await store.claimDue(limit: 1_000, now: now.addingTimeInterval(61)).count == 300, "claims run out")
        let again = try await store.releaseClaims(of: claimed, now: now.addingTimeInterval(62))
        #expect(again == 300)
        #expect(
            try await store.claimDue(limit: 1_000, now: now.addingTimeInterval(62)).count == 300,
            "claims are taken back")
        await pool.close()
    }

    @Test func pagesOfClaimedStreamsMeetEveryOneOnce() async throws {
        let (store, pool) = try await StoreTestDatabase.make()
        for number in 0..<5 { try await pool.script(StoreTestDatabase.onboarding("tenant\(number)")) }
        let now = Date(timeIntervalSinceNow: 1)
        #expect(try await store.claimedPage(after: nil, limit: 4, now: now).isEmpty, "nobody has claimed them yet")
        _ = try await store.claimDue(limit: 100, leaseSeconds: 60, now: now)
        var seen: [DueStream] = []
        while true {
            let page = try await store.claimedPage(after: seen.last, limit: 4, now: now)
            if page.isEmpty { break }
            seen += page
        }
        let young = try await store.claimedPage(
            after: nil, limit: 4, claimEndsBy: now.addingTimeInterval(59), now: now)
        #expect(young.isEmpty, "a claim just made may not have reached the queue yet")
        #expect(seen.count == 15)
        #expect(Set(seen).count == 15)
        #expect(seen.map(\.dueAt) == seen.map(\.dueAt).sorted())
        await pool.close()
    }

    @Test func theHundredthDistinctContactMakesABatchLeave() async throws {
        let (store, pool) = try await StoreTestDatabase.make()
        let number = try await StoreTestDatabase.onboard("acme", store, pool)
        let now = Date()
        var commit = RunCommit(tenant: number, fence: 1, run: 1)
        for (direction, object) in [(Direction.outbound, ObjectKind.contact), (.inbound, .contact), (.inbound, .lead)] {
            commit.finish(direction, object, waiting(now))
        }
        #expect(try await store.commit(commit, now: now) == .committed)
        try await store.recordChanges((1...99).map { SeenChange(tenant: number, contactID: $0) }, now: now)
        try await store.recordChanges((1...99).map { SeenChange(tenant: number, contactID: $0) }, now: now)
        #expect(try await store.claimDue(limit: 10, now: now).isEmpty, "edits of one contact count once")
        try await store.recordChanges([SeenChange(tenant: number, contactID: 100)], now: now)
        let due = try await store.claimDue(limit: 10, now: now)
        #expect(due.map(\.direction) == [.outbound])
        #expect(try await store.status(tenant: "acme").first?.pendingCount == 100)
        await pool.close()
    }

    @Test func groupsStoredAtOnceReachTheThresholdTogether() async throws {
        let (store, pool) = try await StoreTestDatabase.make(connections: 8)
        let number = try await StoreTestDatabase.onboard("acme", store, pool)
        let now = Date()
        var commit = RunCommit(tenant: number, fence: 1, run: 1)
        commit.finish(.outbound, .contact, waiting(now))
        _ = try await store.commit(commit, now: now)
        try await withThrowingTaskGroup { group in
            for part in 0..<10 {
                group.addTask {
                    try await store.recordChanges(
                        (1...10).map { SeenChange(tenant: number, contactID: Int64(part * 10 + $0)) }, now: now)
                }
            }
            try await group.waitForAll()
        }
        let outbound = try #require(try await store.streams(tenant: number).first { $0.direction == .outbound })
        #expect(outbound.isDue(at: now.addingTimeInterval(1)))
        await pool.close()
    }

    @Test func aFailingStreamIsNotWokenByChanges() async throws {
        let (store, pool) = try await StoreTestDatabase.make()
        let number = try await StoreTestDatabase.onboard("acme", store, pool)
        let now = Date()
        var commit = RunCommit(tenant: number, fence: 1, run: 1)
        commit.finish(
            .outbound, .contact,
            StreamOutcome(
                state: "retrying", ranAt: now, nextRunAt: now.addingTimeInterval(300), isSuccess: false, failures: 2,
                errorCode: "SERVER_UNAVAILABLE", error: "Salesforce does not answer"))
        _ = try await store.commit(commit, now: now)
        try await store.recordChanges((1...200).map { SeenChange(tenant: number, contactID: $0) }, now: now)
        let outbound = try #require(try await store.streams(tenant: number).first { $0.direction == .outbound })
        #expect(!outbound.isDue(at: now))
        let status = try #require(try await store.status(tenant: "acme").first)
        #expect(status.state == "retrying")
        #expect(status.lastError == "Salesforce does not answer")
        // New credentials are a reason to try again.
        try await pool.script("UPDATE ferry.connections SET secret = 'ferry1.k2.bmV3'")
        let woken = try #require(try await store.streams(tenant: number).first { $0.direction == .outbound })
        #expect(woken.isDue(at: Date(timeIntervalSinceNow: 1)))
        await pool.close()
    }

    @Test func aRunAskedForWhileOneIsUnderWayIsNotLostWithItsEnd() async throws {
        let (store, pool) = try await StoreTestDatabase.make()
        let number = try await StoreTestDatabase.onboard("acme", store, pool)
        let now = Date(timeIntervalSinceNow: 1)
        func outbound() async throws -> StreamRow {
            try #require(try await store.streams(tenant: number).first { $0.direction == .outbound })
        }
        func end(serving served: Int64) async throws {
            var commit = RunCommit(tenant: number, fence: 1, run: 1)
            let next = now.addingTimeInterval(600)
            commit.finish(
                .outbound, .contact,
                StreamOutcome(state: "waiting", ranAt: now, nextRunAt: next, isSuccess: true, served: served))
            _ = try await store.commit(commit, now: now)
        }
        let first = try #require(try await store.requestRun(tenant: number, direction: .outbound, now: now).first)
        _ = try await store.claimDue(limit: 10, now: now)
        let second = try #require(try await store.requestRun(tenant: number, direction: .outbound, now: now).first)
        try await end(serving: first.number)
        #expect(try await outbound().isDue(at: now))
        #expect(try await outbound().served < second.number)
        #expect(try await store.claimDue(limit: 10, now: now).contains { $0.direction == .outbound })

        try await end(serving: second.number)
        #expect(try await !outbound().isDue(at: now))
        #expect(try await outbound().served == second.number)
        await pool.close()
    }

    @Test func pausedTenantsCostNothingAndGoOnWhereTheyStood() async throws {
        let (store, pool) = try await StoreTestDatabase.make()
        let number = try await StoreTestDatabase.onboard("acme", store, pool)
        let now = Date(timeIntervalSinceNow: 1)
        try await store.pause("acme", by: Errand(actor: "test", reason: "import running"))
        #expect(try await store.claimDue(limit: 10, now: now).isEmpty)
        #expect(try await store.requestRun(tenant: number, now: now).isEmpty)
        let paused = try await store.status(tenant: "acme")
        #expect(
            paused.allSatisfy { $0.state == "paused" && $0.lastError == "paused: import running" && $0.nextRun == nil })
        try await store.resume("acme", by: Errand(actor: "test"))
        #expect(try await store.claimDue(limit: 10, now: now).count == 3)
        let unknown = try await storeError { try await store.pause("nobody", by: Errand(actor: "test")) }
        #expect(unknown.code == .unknownTenant)
        #expect(try await store.audits(of: "tenant nobody").isEmpty)
        await pool.close()
    }

    @Test func aRemovedTenantStopsAndKeepsItsRowsUntilPurged() async throws {
        let (store, pool) = try await StoreTestDatabase.make()
        let number = try await StoreTestDatabase.onboard("acme", store, pool)
        let hash = [UInt8](repeating: 7, count: 32)
        try await store.registerWebhook(tenant: number, tokenHash: hash, webhookID: "12", now: Date())
        #expect(try await store.tenant(forTokenHash: hash)?.tenant == number)
        var commit = RunCommit(tenant: number, fence: 1, run: 1)
        commit.links = [link(1, 1)]
        _ = try await store.commit(commit, now: Date())
        try await store.remove("acme", by: Errand(actor: "test"))
        #expect(try await store.tenant(forTokenHash: hash) == nil)
        #expect(try await store.claimDue(limit: 10, now: Date(timeIntervalSinceNow: 1)).isEmpty)
        #expect(try await store.links(tenant: number, contactIDs: [1]).count == 1)
        try await store.purge("acme", by: Errand(actor: "test"))
        #expect(try await store.links(tenant: number, contactIDs: [1]).isEmpty)
        #expect(try await store.tenant("acme") == nil)
        #expect(try await store.audits(of: "tenant acme").map(\.verb) == ["purge", "remove"])
        await pool.close()
    }

    @Test func cursorsAreShownInWords() async throws {
        let (store, pool) = try await StoreTestDatabase.make()
        let number = try await StoreTestDatabase.onboard("acme", store, pool)
        let start = Date(timeIntervalSince1970: 1_800_000_000)
        var outbound = OutboundCursor(start: start)
        var inbound = InboundCursor(start: start)
        inbound.begin(serverNow: start.addingTimeInterval(60))
        inbound.advance(past: .init(stamp: start.addingTimeInterval(30), id: recordID(7)))
        var commit = RunCommit(tenant: number, fence: 5, run: 1)
        try commit.advance(.outbound, .contact, cursor: outbound)
        try commit.advance(.inbound, .contact, cursor: inbound)
        _ = try await store.commit(commit, now: start)
        let words = Dictionary(
            uniqueKeysWithValues: try await store.status(tenant: "acme").map {
                ("\($0.direction) \($0.object)", $0.cursor)
            })
        #expect(words["outbound contact"] == "read up to 2027-01-15 08:00:00 UTC")
        #expect(words["inbound contact"] == "read up to 2027-01-15 08:00:30 UTC, now at record \(recordID(7))")
        let rows = try await store.streams(tenant: number)
        let stored = try #require(rows.first { $0.direction == .inbound && $0.object == .contact })
        #expect(try stored.cursor(default: InboundCursor(start: .distantPast)) == inbound)
        outbound.begin(now: start)
        outbound.advance(to: 42)
        var second = RunCommit(tenant: number, fence: 6, run: 2)
        try second.advance(.outbound, .contact, cursor: outbound)
        _ = try await store.commit(second, now: start)
        #expect(
            try await store.status(tenant: "acme").first?.cursor
                == "read up to 2027-01-15 08:00:00 UTC, now at contact 42")
        await pool.close()
    }

    @Test func epochsOnlyGrow() async throws {
        let (store, pool) = try await StoreTestDatabase.make(connections: 8)
        let epochs = try await withThrowingTaskGroup(of: Int64.self) { group in
            for _ in 0..<20 { group.addTask { try await store.nextEpoch() } }
            return try await group.reduce(into: Set<Int64>()) { $0.insert($1) }
        }
        #expect(epochs.count == 20)
        #expect(try await store.nextEpoch(atLeast: 500) == 500)
        #expect(try await store.nextEpoch(atLeast: 3) == 501)
        await pool.close()
    }
}
