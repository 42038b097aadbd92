import Drivers
import Foundation
import Store
import SyncRules
import Testing

@Suite(.timeLimit(.minutes(2))) struct CommitTests {
    /// A commit with something in every list.
    private func full(_ tenant: Int32, fence: Int64, now: Date) throws -> RunCommit {
        var commit = RunCommit(tenant: tenant, fence: fence, run: 9)
        try commit.advance(.outbound, .contact, cursor: OutboundCursor(start: now))
        commit.links = [link(1, 1), link(2, 2, object: .lead)]
        commit.settled = [PendingChange(contactID: 10, version: 1)]
        commit.deferChange(11, until: now.addingTimeInterval(60), reason: "UNABLE_TO_LOCK_ROW")
        commit.fail(
            .outbound, .contact, recordID: "12", code: "STRING_TOO_LONG", fields: ["Phone", "Title"], fingerprint: [1],
            now: now)
        commit.record([Decision(.accepted, .outbound, .contact, contactID: 1, recordID: recordID(1), reason: "R24")])
        commit.openedImports = [
            OpenImport(
                batchID: "b1", openedAt: now, checkAt: now.addingTimeInterval(2),
                members: [ImportMember(link: link(0, 3), emailHash: [9])])
        ]
        commit.writeBack(link(1, 1), now: now)
        commit.usage = [
            UsageEntry(provider: .salesforce, callClass: 1, at: now, calls: 2),
            UsageEntry(provider: .salesforce, callClass: 1, at: now, calls: 3),
        ]
        var record = RunRecord(run: 9, direction: .outbound, startedAt: now, outcome: "done")
        record.created = 1
        commit.runRecord = record
        return commit
    }

    private let instant = Date(timeIntervalSince1970: 1_800_000_000)

    @Test func aCommitStoresAllOfItAndTwiceIsAsOnce() async throws {
        let (store, pool) = try await StoreTestDatabase.make()
        let number = try await StoreTestDatabase.onboard("acme", store, pool)
        try await store.recordChanges(
            [10, 11, 12].map { SeenChange(tenant: number, contactID: $0) }, now: instant)
        for _ in 0..<2 {
            var commit = try full(number, fence: 100, now: instant)
            commit.usage = []
            #expect(try await store.commit(commit, now: instant) == .committed)
        }
        #expect(try await store.links(tenant: number, contactIDs: [1, 2]).count == 2)
        #expect(try await store.links(tenant: number, recordIDs: [recordID(2)]).first?.object == .lead)
        #expect(try await store.links(tenant: number, emailHashes: [[1, 2, 1]]).first?.contactID == 1)
        #expect(try await store.pending(tenant: number, limit: 10, now: instant).map(\.contactID) == [12])
        let later = try await store.pending(tenant: number, limit: 10, now: instant.addingTimeInterval(61))
        #expect(later.map(\.contactID) == [12, 11])
        #expect(
            try await store.refusedFingerprints(tenant: number, direction: .outbound, recordIDs: ["12", "13"])
                == ["12": [1]])
        #expect(try await store.openImports(tenant: number).map(\.members.count) == [1])
        #expect(try await store.writebacks(tenant: number, limit: 10).count == 1)
        #expect(try await store.runs(tenant: number, since: instant).map(\.created) == [1])
        #expect(try await store.decisions(tenant: number, contactID: 1, since: instant).first?.decision.reason == "R24")
        await pool.close()
    }

    @Test func anOlderTokenChangesNothingAndIsCounted() async throws {
        let (store, pool) = try await StoreTestDatabase.make()
        let number = try await StoreTestDatabase.onboard("acme", store, pool)
        #expect(try await store.commit(RunCommit(tenant: number, fence: 200, run: 1), now: instant) == .committed)
        let before = try await census(pool)
        #expect(try await store.commit(try full(number, fence: 199, now: instant), now: instant) == .fenced)
        #expect(try await census(pool) == before)
        #expect(try await store.fencedCommits(tenant: number) == 1)
        #expect(try await store.commit(try full(number, fence: 200, now: instant), now: instant) == .committed)
        var other = RunCommit(tenant: number, fence: 5, scope: .imports, run: 1)
        other.settledImports = ["b1"]
        #expect(try await store.commit(other, now: instant) == .committed, "scopes have tokens of their own")
        #expect(try await store.openImports(tenant: number).isEmpty)
        await pool.close()
    }

    @Test func ofTwoHoldersOfOneTokenOnlyTheOneThatCameFirstCommits() async throws {
        let (store, pool) = try await StoreTestDatabase.make()
        let number = try await StoreTestDatabase.onboard("acme", store, pool)
        func commit(_ fence: Int64, _ holder: String) async throws -> CommitResult {
            var commit = RunCommit(tenant: number, fence: fence, run: 1)
            commit.holder = holder
            return try await store.commit(commit, now: instant)
        }
        // A Redis that lost its last writes gave the token out twice.
        #expect(try await commit(7, "one~1") == .committed)
        #expect(try await commit(7, "two~1") == .fenced)
        #expect(try await commit(7, "one~2") == .fenced, "the same process, started again")
        #expect(try await commit(7, "one~1") == .committed)
        #expect(try await store.fencedCommits(tenant: number) == 2)
        #expect(try await commit(8, "two~1") == .committed)
        #expect(try await commit(7, "one~1") == .fenced)
        await pool.close()
    }

    @Test func aStreamRefusesAnOlderTokenOfAnotherScope() async throws {
        let (store, pool) = try await StoreTestDatabase.make()
        let number = try await StoreTestDatabase.onboard("acme", store, pool)
        var new = RunCommit(tenant: number, fence: 20, scope: .outbound, run: 1)
        try new.advance(.outbound, .contact, cursor: OutboundCursor(start: instant))
        #expect(try await store.commit(new, now: instant) == .committed)
        var old = RunCommit(tenant: number, fence: 19, scope: .tenant, run: 1)
        try old.advance(.outbound, .contact, cursor: OutboundCursor(start: .distantPast))
        #expect(try await store.commit(old, now: instant) == .fenced)
        await pool.close()
    }

    /// How many rows each table has.
    private func census(_ pool: PostgresPool) async throws -> [Int] {
        let tables = [
            "links", "pending_changes", "record_failures", "record_decisions", "imports", "import_members",
            "writebacks",
            "sync_runs", "api_usage",
        ]
        let sql = tables.map { "SELECT count(*) AS n FROM ferry.\($0)" }.joined(separator: " UNION ALL ")
        return try await pool.query(sql).decode { try $0.get("n", as: Int.self) }
    }

    @Test func aChangeSeenAgainWhileTheBatchRanStaysPending() async throws {
        let (store, pool) = try await StoreTestDatabase.make()
        let change = [SeenChange(tenant: 1, contactID: 10)]
        try await store.recordChanges(change, now: instant)
        let read = try await store.pending(tenant: 1, limit: 10, now: instant)
        try await store.recordChanges(change, now: instant)
        var commit = RunCommit(tenant: 1, fence: 1, run: 1)
        commit.settled = read
        _ = try await store.commit(commit, now: instant)
        let left = try await store.pending(tenant: 1, limit: 10, now: instant)
        #expect(left.map(\.version) == [2])
        commit.settled = left
        _ = try await store.commit(commit, now: instant)
        #expect(try await store.pending(tenant: 1, limit: 10, now: instant).isEmpty)
        await pool.close()
    }

    @Test func aRecordHasOneLinkAndTheNewOneStays() async throws {
        let (store, pool) = try await StoreTestDatabase.make()
        var commit = RunCommit(tenant: 1, fence: 1, run: 1)
        commit.links = [link(1, 1), link(2, 2)]
        _ = try await store.commit(commit, now: instant)
        commit.links = [link(3, 1), link(4, 4), link(3, 1)]
        commit.removedLinks = [link(2, 2)]
        _ = try await store.commit(commit, now: instant)
        let links = try await store.links(tenant: 1, contactIDs: [1, 2, 3, 4])
        #expect(Set(links.map(\.contactID)) == [3, 4])
        #expect(try await store.links(tenant: 2, contactIDs: [3]).isEmpty, "tenants do not see each other's links")
        await pool.close()
    }

    @Test func fingerprintsComeBackAsTheyWent() async throws {
        let (store, pool) = try await StoreTestDatabase.make()
        var stored = link(1, 1)
        var projection = Projection()
        projection.values["FirstName"] = .text("Ada")
        stored.recordFingerprint = Fingerprint(projection)
        stored.changeSequence = 77
        stored.state = .missing
        stored.origin = .outbound
        var commit = RunCommit(tenant: 1, fence: 1, run: 1)
        commit.links = [stored]
        _ = try await store.commit(commit, now: instant)
        #expect(try await store.links(tenant: 1, contactIDs: [1]) == [stored])
        await pool.close()
    }

    @Test func theLedgerKnowsOurWritesUntilTheyAreSettled() async throws {
        let (store, pool) = try await StoreTestDatabase.make()
        var projection = Projection()
        projection.values["Phone"] = .text("1")
        let update = EchoIntention(
            side: .salesforce, object: .contact, recordID: recordID(1), fingerprint: Fingerprint(projection))
        let creation = EchoIntention(
            side: .salesforce, object: .lead, recordID: "new:42", fingerprint: Fingerprint(projection))
        try await store.intend(tenant: 1, [update, creation, update], now: instant)
        try await store.intend(tenant: 1, [update], now: instant)
        let echoes = try await store.echoes(tenant: 1, recordIDs: [recordID(1), recordID(2)])
        #expect(echoes.map(\.fingerprint) == [update.fingerprint])
        #expect(try await store.creationAttempts(tenant: 1, since: instant) == [42: instant])
        #expect(try await store.creationAttempts(tenant: 1, since: instant.addingTimeInterval(1)).isEmpty)
        var commit = RunCommit(tenant: 1, fence: 1, run: 1)
        commit.consumedEchoes = [update.key, creation.key]
        _ = try await store.commit(commit, now: instant)
        #expect(try await store.echoes(tenant: 1, recordIDs: [recordID(1)]).isEmpty)
        #expect(try await store.creationAttempts(tenant: 1, since: instant).isEmpty)
        await pool.close()
    }

    @Test func importsAreClaimedPostponedAndSettled() async throws {
        let (store, pool) = try await StoreTestDatabase.make()
        let number = try await StoreTestDatabase.onboard("acme", store, pool)
        _ = try await store.commit(try full(number, fence: 1, now: instant), now: instant)
        #expect(try await store.dueImports(limit: 10, now: instant).isEmpty)
        let due = instant.addingTimeInterval(3)
        #expect(try await store.dueImports(limit: 10, now: due) == [number])
        #expect(try await store.dueImports(limit: 10, now: due).isEmpty)
        try await store.postponeImports(
            tenant: number, asked: ["b1"], others: [], checkAt: due.addingTimeInterval(1))
        #expect(try await store.openImports(tenant: number).first?.checks == 1)
        #expect(try await store.dueImports(limit: 10, now: due.addingTimeInterval(1)) == [number])
        await pool.close()
    }

    @Test func failuresComeDueAndAreResolved() async throws {
        let (store, pool) = try await StoreTestDatabase.make()
        var commit = RunCommit(tenant: 1, fence: 1, run: 1)
        let due = instant.addingTimeInterval(30)
        for _ in 0..<2 {
            commit.resolveFailure(.inbound, recordID: recordID(1))
            commit.fail(
                .inbound, .lead, recordID: recordID(1), code: "import_lost", fields: [], fingerprint: nil, now: instant,
                retryAt: due)
            _ = try await store.commit(commit, now: instant)
        }
        #expect(try await store.failuresDue(tenant: 1, direction: .inbound, now: instant, limit: 10).isEmpty)
        let failures = try await store.failuresDue(tenant: 1, direction: .inbound, now: due, limit: 10)
        #expect(failures.map(\.count) == [2], "the last word on a record counts, and failures add up")
        #expect(failures.first?.object == .lead)
        commit = RunCommit(tenant: 1, fence: 1, run: 1)
        commit.resolveFailure(.inbound, recordID: recordID(1))
        _ = try await store.commit(commit, now: instant)
        #expect(try await store.failuresDue(tenant: 1, direction: .inbound, now: due, limit: 10).isEmpty)
        await pool.close()
    }

    @Test func aWritebackQueuedAnewOutlivesTheOlderOnesEnd() async throws {
        let (store, pool) = try await StoreTestDatabase.make()
        var commit = RunCommit(tenant: 1, fence: 1, run: 1)
        commit.writeBack(link(1, 1), now: instant)
        _ = try await store.commit(commit, now: instant)
        let first = try await store.writebacks(tenant: 1, limit: 10)
        commit.queuedWritebacks = []
        commit.writeBack(link(1, 1), now: instant.addingTimeInterval(1))
        _ = try await store.commit(commit, now: instant)
        commit.queuedWritebacks = []
        commit.doneWritebacks = first
        _ = try await store.commit(commit, now: instant)
        let left = try await store.writebacks(tenant: 1, limit: 10)
        #expect(left.count == 1)
        commit.doneWritebacks = left
        _ = try await store.commit(commit, now: instant)
        #expect(try await store.writebacks(tenant: 1, limit: 10).isEmpty)
        await pool.close()
    }

    @Test func usageAddsUpByTheHour() async throws {
        let (store, pool) = try await StoreTestDatabase.make()
        for _ in 0..<2 { _ = try await store.commit(try full(1, fence: 1, now: instant), now: instant) }
        let usage = try await store.usage(tenant: 1, since: instant)
        #expect(usage.map(\.calls) == [10])
        #expect(usage.first?.provider == .salesforce)
        await pool.close()
    }

    @Test func concurrentCommitsAndChangesLoseNothing() async throws {
        let (store, pool) = try await StoreTestDatabase.make(connections: 8)
        let number = try await StoreTestDatabase.onboard("acme", store, pool)
        let instant = instant
        try await withThrowingTaskGroup { group in
            for part in 0..<8 {
                group.addTask {
                    for round in 0..<10 {
                        let ids = (0..<30).map { Int64(($0 * 7 + part * 3 + round) % 60) + 1 }.shuffled()
                        try await store.recordChanges(
                            ids.map { SeenChange(tenant: number, contactID: $0) }, now: instant)
                        guard part < 2 else { continue }
                        var commit = RunCommit(tenant: number, fence: 1, run: 1)
                        commit.settled = try await store.pending(tenant: number, limit: 20, now: instant).shuffled()
                        commit.finish(
                            .outbound, .contact,
                            StreamOutcome(
                                state: "waiting", ranAt: instant, nextRunAt: instant.addingTimeInterval(600),
                                isSuccess: true))
                        _ = try await store.commit(commit, now: instant)
                    }
                }
            }
            try await group.waitForAll()
        }
        try await store.recordChanges((1...60).map { SeenChange(tenant: number, contactID: $0) }, now: instant)
        #expect(try await store.pending(tenant: number, limit: 100, now: instant).count == 60)
        await pool.close()
    }
}
