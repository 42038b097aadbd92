import Foundation
import Store
import SyncRules

/// One inbound pull of one tenant: Salesforce → ActiveCampaign, all objects that are due in one counted call a page
/// (R31–R43).
///
/// Pages are read by keyset on (SystemModstamp, Id), planned, written, and committed with their cursor under the lease's
/// token: killed at any instant, the pull starts again behind the last commit.
struct InboundPull {
    let session: TenantSession
    let run: RunContext

    /// Contacts first: where a contact and a lead share an address the contact owns it (R91).
    private static let order: [ObjectKind] = [.contact, .lead]
    /// Codes of changes that count as seen but are kept back (R40, R41, R91, D4).
    private static let withholding: Set<DecisionCode> = [.outOfScope, .noEmail, .duplicateMatch]

    /// Runs the pull to its end.
    /// - Returns: what was done.
    func execute() async throws -> RunTally {
        var tally = RunTally()
        let busy = try await ImportSettlement(session: session, run: run).settle(&tally)
        try await retryFailures(busy: busy, &tally)
        var cursors: [ObjectKind: InboundCursor] = [:]
        for object in Self.order {
            let stream = try session.stream(.inbound, object)
            guard stream.isDue(at: run.now) else { continue }
            cursors[object] = try stream.cursor(default: InboundCursor(start: stream.createdAt))
        }
        var claimed: [EmailAddress: (object: ObjectKind, recordID: String)] = [:]
        while !cursors.isEmpty {
            let answer = try await session.salesforce.pull(cursors)
            for object in Self.order {
                guard var cursor = cursors[object], let page = answer[object] else { continue }
                cursor.begin(serverNow: page.serverNow)
                if let last = page.records.last {
                    cursor.advance(past: .init(stamp: last.modifiedAt, id: last.id))
                }
                if page.isLast { cursor.finish() }
                try await settle(page.records, object, cursor: cursor, busy: busy, claimed: &claimed, &tally)
                cursors[object] = page.isLast ? nil : cursor
            }
        }
        try await StatusWriteBack(session: session, run: run).flush(&tally)
        return tally
    }

    // MARK: - Settling a page

    /// Reads again the records whose failure was a passing one, or whose import was still open when they changed.
    private func retryFailures(busy: BusyContacts, _ tally: inout RunTally) async throws {
        let due = try await session.store.failuresDue(
            tenant: session.number, direction: .inbound, now: run.now, limit: ClusterLimits.retriesPerRun)
        var claimed: [EmailAddress: (object: ObjectKind, recordID: String)] = [:]
        for (object, failures) in Dictionary(grouping: due, by: \.object) {
            let records = try await session.salesforce.records(object, ids: failures.map(\.recordID))
            try await settle(
                records, object, cursor: nil, busy: busy, retried: failures.map(\.recordID), claimed: &claimed, &tally)
        }
    }

    /// - Parameters:
    ///   - cursor: where the stream stands behind this page; nil for records read by id.
    ///   - retried: ids of failures this page tries again; those that pass are resolved.
    private func settle(
        _ records: [SalesforceRecord], _ object: ObjectKind, cursor: InboundCursor?, busy: BusyContacts,
        retried: [String] = [], claimed: inout [EmailAddress: (object: ObjectKind, recordID: String)],
        _ tally: inout RunTally
    ) async throws {
        var commit = session.commit(run)
        if let cursor { try commit.advance(.inbound, object, cursor: cursor) }
        retried.forEach { commit.resolveFailure(.inbound, recordID: $0) }
        tally.seen += records.count
        var page = InboundPage(
            rules: session.inbound(object), hasStatus: session.hasPackage, claimed: claimed)
        let (waiting, free) = records.partitioned { busy.records[$0.id] != nil }
        deferRecords(waiting, busy: busy, page.rules.projector, &commit)
        let echoes = try await session.echoes(
            of: free.map(\.id) + free.compactMap { $0.contactID.map { "new:\($0)" } })
        let verdicts = try await verdicts(of: free, echoes, &page)
        claimed = page.claimed
        var writes: [ContactWrite] = []
        for verdict in verdicts {
            switch verdict {
            case .dropped(let decisions):
                tally.count(decisions)
                commit.note(decisions)
                report(decisions, object, &commit)
            case .relinked(let link, let acknowledges, let review, let decisions):
                commit.links.append(link)
                commit.note(decisions)
                // A change that is withheld settles nothing of what an earlier write may have left behind.
                if !decisions.contains(where: { Self.withholding.contains($0.code) }) {
                    commit.consumedEchoes += echoes.settled(by: [link], side: .activeCampaign)
                }
                if let review { commit.deferChange(review, until: run.now, reason: "review") }
                if acknowledges { commit.writeBack(link, now: run.now) }
            case .write(let write, let review, let decisions):
                commit.note(decisions)
                if let review { commit.deferChange(review, until: run.now, reason: "review") }
                writes.append(write)
            }
        }
        if !writes.isEmpty {
            try await ContactWriter(session: session, run: run, echoes: echoes).write(writes, into: &commit, &tally)
        }
        try await run.commit(commit, store: session.store)
    }

    private func verdicts(
        of records: [SalesforceRecord], _ echoes: OutstandingEchoes, _ page: inout InboundPage
    ) async throws -> [InboundVerdict] {
        guard !records.isEmpty else { return [] }
        let links = try await session.store.links(tenant: session.number, recordIDs: records.map(\.id))
        let linksByRecord = Dictionary(links.map { ($0.recordID, $0) }, uniquingKeysWith: { first, _ in first })
        let byEmail = try await session.store.links(
            tenant: session.number, emailHashes: records.compactMap { $0.email?.hash })
        let byContact = try await session.store.links(
            tenant: session.number, contactIDs: links.map(\.contactID) + records.compactMap(\.contactID))
        return page.verdicts(
            records, links: linksByRecord, related: RelatedLinks(byEmail + byContact),
            echoes: echoes)
    }

    /// Records that an open import carries: unchanged since, their outcome comes with the import; changed since, they are
    /// read again when it is settled, so that no contact is in two open imports at once.
    private func deferRecords(
        _ records: [SalesforceRecord], busy: BusyContacts, _ projector: Projector, _ commit: inout RunCommit
    ) {
        for record in records where busy.records[record.id] != Fingerprint(projector.project(record)) {
            commit.fail(
                .inbound, record.object, recordID: record.id, code: "import_open", fields: [], fingerprint: nil,
                now: run.now, retryAt: busy.checkAgainAt)
        }
    }

    /// A record that a rule keeps out for its data is an error its owner can see and mend (R7, D3, D4).
    private func report(_ decisions: [Decision], _ object: ObjectKind, _ commit: inout RunCommit) {
        for decision in decisions where [.noEmail, .duplicateMatch].contains(decision.code) {
            guard let recordID = decision.recordID else { continue }
            commit.fail(
                .inbound, object, recordID: recordID, code: decision.code.name, fields: ["Email"], fingerprint: nil,
                now: run.now)
        }
    }
}
