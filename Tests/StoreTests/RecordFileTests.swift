import Drivers
import Foundation
import Store
import SyncRules
import Testing

@Suite(.timeLimit(.minutes(2))) struct RecordFileTests {
    private let instant = Date(timeIntervalSince1970: 1_800_000_000)

    /// A person with a contact, a lead and something in every table.
    private func fill(_ store: Store, _ tenant: Int32) async throws {
        var commit = RunCommit(tenant: tenant, fence: 1, run: 7)
        commit.links = [link(1, 1), link(1, 2, object: .lead), link(50, 50)]
        commit.deferChange(1, until: instant.addingTimeInterval(60), reason: "import_open")
        commit.fail(
            .inbound, .contact, recordID: recordID(1), code: "no_email", fields: ["Email"], fingerprint: nil,
            now: instant)
        commit.fail(
            .outbound, .contact, recordID: "50", code: "STRING_TOO_LONG", fields: [], fingerprint: [1], now: instant)
        commit.record([
            Decision(.seen, .outbound, .contact, contactID: 1), Decision(.linked, .outbound, .contact, contactID: 1),
            Decision(.accepted, .inbound, .lead, recordID: recordID(2)),
            Decision(.rejected, .outbound, .contact, contactID: 50),
        ])
        commit.openedImports = [
            OpenImport(
                batchID: "b", openedAt: instant, checkAt: instant.addingTimeInterval(2),
                members: [ImportMember(link: link(0, 3), emailHash: [9])])
        ]
        commit.writeBack(link(1, 1), now: instant)
        commit.runRecord = RunRecord(run: 7, direction: .outbound, startedAt: instant, outcome: "done")
        _ = try await store.commit(commit, now: instant)
        try await store.intend(
            tenant: tenant,
            [EchoIntention(side: .salesforce, object: .contact, recordID: "new:1", fingerprint: Fingerprint())],
            now: instant)
    }

    @Test func everyNameOfAPersonFindsTheWholeStoryAndNothingElse() async throws {
        let (store, pool) = try await StoreTestDatabase.make()
        let tenant = try await StoreTestDatabase.onboard("acme", store, pool)
        let other = try await StoreTestDatabase.onboard("brook", store, pool)
        try await fill(store, tenant)
        try await store.exclude(
            tenant: tenant, [(.activeCampaign, "1")], by: Errand(actor: "ann", reason: "twin"), now: instant
        )
        let names: [RecordName] = [.contact(1), .record(recordID(1)), .record(recordID(2)), .email([1, 2, 1])]
        for name in names {
            let file = try await store.recordFile(tenant: tenant, name)
            #expect(file.contactIDs == [1] && file.recordIDs == [recordID(1), recordID(2)], "\(name)")
            #expect(file.links.count == 2 && file.waiting.map(\.errorCode) == ["import_open"])
            #expect(file.failures.map(\.code) == ["no_email"])
            #expect(
                file.decisions.map(\.decision.code) == [.seen, .linked, .accepted], "in the order they were stored")
            #expect(file.runs[7]?.outcome == "done" && file.writebacks.count == 1)
            #expect(file.openWrites.map(\.recordID) == ["new:1"] && file.exclusions.map(\.actor) == ["ann"])
            let stranger = try await store.recordFile(tenant: other, name)
            #expect(stranger.isEmpty, "another tenant sees nothing of it")
        }
        let importing = try await store.recordFile(tenant: tenant, .email([9]))
        #expect(importing.imports.map(\.recordID) == [recordID(3)] && importing.contactIDs.isEmpty)
        #expect(try await store.recordFile(tenant: tenant, .contact(404)).isEmpty)
        await pool.close()
    }

    // MARK: - Failures

    @Test func failuresAreFoundByCodeObjectDirectionAndId() async throws {
        let (store, pool) = try await StoreTestDatabase.make()
        let tenant = try await StoreTestDatabase.onboard("acme", store, pool)
        try await fill(store, tenant)
        #expect(try await store.failures(tenant: nil, FailureFilter(), limit: 10).count == 2)
        var filter = FailureFilter()
        filter.code = "no_email"
        #expect(try await store.failures(tenant: tenant, filter, limit: 10).map(\.recordID) == [recordID(1)])
        filter.direction = .outbound
        #expect(try await store.failures(tenant: tenant, filter, limit: 10).isEmpty)
        filter = FailureFilter()
        filter.recordIDs = ["50", "51"]
        #expect(try await store.failures(tenant: tenant, filter, limit: 10).map(\.code) == ["STRING_TOO_LONG"])
        filter = FailureFilter()
        filter.object = .lead
        #expect(try await store.failures(tenant: tenant, filter, limit: 10).isEmpty)
        #expect(try await store.failureGroups(tenant: tenant, FailureFilter()).map(\.records) == [1, 1])
        await pool.close()
    }

    @Test func aRetriedFailureIsDueOnItsWayAndTheRunIsAskedFor() async throws {
        let (store, pool) = try await StoreTestDatabase.make()
        let tenant = try await StoreTestDatabase.onboard("acme", store, pool)
        try await fill(store, tenant)
        // A webhook without a contact is a failure nobody can try again.
        try await store.reportWebhookFailure(tenant: tenant, code: "webhook_not_form_encoded", now: instant)
        try await pool.query(
            "UPDATE ferry.streams SET next_run_at = $1", [.timestamptz(instant.addingTimeInterval(600))])
        let now = instant.addingTimeInterval(10)
        let retried = try await store.retryFailures(
            tenant: tenant, FailureFilter(), by: Errand(actor: "ann", reason: "mended"), now: now)
        #expect(Set(retried.map(\.recordID)) == ["50", recordID(1)])
        #expect(
            try await store.failuresDue(tenant: tenant, direction: .inbound, now: now, limit: 9).map(\.recordID)
                == [recordID(1)])
        #expect(try await store.pending(tenant: tenant, limit: 9, now: now).map(\.contactID) == [50])
        #expect(
            try await store.refusedFingerprints(tenant: tenant, direction: .outbound, recordIDs: ["50"]).isEmpty,
            "what it held when it was refused keeps it out no more")
        #expect(try await store.streams(tenant: tenant).allSatisfy { $0.nextRunAt <= now && $0.asked == 1 })
        let audit = try #require(try await store.audits(of: "records").first)
        #expect(audit.actor == "ann" && audit.verb == "retry" && audit.reason == "mended")
        await pool.close()
    }

    // MARK: - Exclusions

    @Test func anExcludedRecordKeepsItsPartnerOutToo() async throws {
        let (store, pool) = try await StoreTestDatabase.make()
        let tenant = try await StoreTestDatabase.onboard("acme", store, pool)
        try await fill(store, tenant)
        func excluded() async throws -> Exclusions {
            try await store.exclusions(
                tenant: tenant, contactIDs: [1, 50, 60], recordIDs: [recordID(1), recordID(2), recordID(50)])
        }
        #expect(try await excluded() == Exclusions())
        let errand = Errand(actor: "ann", reason: "their lawyer asked")
        try await store.exclude(tenant: tenant, [(.activeCampaign, "1")], by: errand, now: instant)
        try await store.exclude(tenant: tenant, [(.salesforce, recordID(50))], by: errand, now: instant)
        #expect(
            try await excluded()
                == Exclusions(contacts: [1, 50], records: [recordID(1), recordID(2), recordID(50)]))
        #expect(try await store.excludedRecords(tenant: tenant).count == 2)

        let back = try await store.include(
            tenant: tenant, contactIDs: [1], recordIDs: [recordID(50)], by: errand, now: instant)
        #expect(Set(back) == ["1", recordID(50)])
        #expect(try await excluded() == Exclusions())
        // What changed meanwhile is read again on both sides.
        let later = instant.addingTimeInterval(61)
        #expect(Set(try await store.pending(tenant: tenant, limit: 9, now: later).map(\.contactID)) == [1, 50])
        let due = try await store.failuresDue(tenant: tenant, direction: .inbound, now: later, limit: 9)
        #expect(Set(due.map(\.recordID)) == [recordID(1), recordID(2), recordID(50)])
        #expect(try await store.include(tenant: tenant, contactIDs: [1], recordIDs: [], by: errand, now: later).isEmpty)
        await pool.close()
    }

    @Test func aPurgedTenantLeavesNoExclusion() async throws {
        let (store, pool) = try await StoreTestDatabase.make()
        let tenant = try await StoreTestDatabase.onboard("acme", store, pool)
        let errand = Errand(actor: "ann", reason: "gone")
        try await store.exclude(tenant: tenant, [(.activeCampaign, "1")], by: errand, now: instant)
        try await store.remove("acme", by: errand)
        try await store.purge("acme", by: errand)
        #expect(try await store.excludedRecords(tenant: tenant).isEmpty)
        await pool.close()
    }

    // MARK: - Sentences

    /// A rule that decides about records is explained in words the day it does.
    @Test func everyRuleThatDecidesHasWords() throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../Sources").standardized
        var named: Set<String> = []
        for room in ["SyncRules", "Cluster"] {
            let files = FileManager.default.enumerator(at: root.appending(path: room), includingPropertiesForKeys: nil)
            for case let file as URL in try #require(files) where file.pathExtension == "swift" {
                let text = try String(contentsOf: file, encoding: .utf8)
                named.formUnion(text.matches(of: #/"((?:R|D|T)[0-9]+(?:\.[a-z_]+)?)"/#).map { String($0.output.1) })
                named.formUnion(text.matches(of: #/reason: "([a-z_]+)"/#).map { String($0.output.1) })
            }
        }
        #expect(named.count > 20)
        #expect(named.filter { RuleWords.of($0) == nil } == [])
    }

    @Test(arguments: DecisionCode.allCases)
    func everyDecisionIsASentenceOfItsOwn(code: DecisionCode) {
        for direction in Direction.allCases {
            let decision = Decision(code, direction, .contact, contactID: 1, reason: "R24", fields: ["Phone"])
            #expect(decision.sentence.hasSuffix("(R24).") && decision.sentence.count > 20)
            let others = DecisionCode.allCases.filter { $0 != code }
            #expect(
                !others.contains {
                    Decision($0, direction, .contact, reason: "R24", fields: ["Phone"]).sentence == decision.sentence
                })
        }
        #expect(Decision(code, .inbound, .lead, reason: "INVALID_X").sentence.contains("(INVALID_X)"))
    }
}
