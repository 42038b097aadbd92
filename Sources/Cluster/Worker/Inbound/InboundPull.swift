import Foundation
import JobQueue
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
        var claims = busy.claims
        try await retryFailures(busy: busy, claims: &claims, &tally)
        var accounts = try AccountPull(session: session, run: run)
        var opportunities = try OpportunityPull(session: session, run: run)
        var cursors: [ObjectKind: InboundCursor] = [:]
        for object in Self.order {
            let stream = try session.stream(.inbound, object)
            guard stream.isDue(at: run.now) else { continue }
            cursors[object] = try stream.cursor(default: InboundCursor(start: stream.createdAt))
        }
        while true {
            var sweeps = cursors
            sweeps[.account] = accounts.cursor
            sweeps[.opportunity] = opportunities.records
            guard !sweeps.isEmpty || opportunities.roles != nil else { break }
            let (read, roles) = try await session.salesforce.pull(sweeps, roles: opportunities.roles)
            let answer = try pages(read, &cursors, &tally)
            accounts.stop(for: tally.troubles[.account])
            opportunities.stop(for: tally.troubles[.opportunity])
            // First of all, so that a contact that was a lead a moment ago is known as that.
            let followed = try await LifecycleSettlement(session: session, run: run).settle(
                Self.order.flatMap { answer[$0]?.records ?? [] }, busy: busy, &tally)
            for object in Self.order {
                guard let cursor = cursors[object], let page = answer[object] else { continue }
                guard let next = try Self.cursor(cursor, behind: page) else {
                    // A deep sweep begins further back than this page does: it is read again from there.
                    cursors[object] = Self.begun(cursor, page)
                    continue
                }
                let records = page.records.filter { !followed.contains($0.id) }
                try await settle(records, object, cursor: next, busy: busy, claims: &claims, &tally)
                cursors[object] = page.isLast ? nil : next
            }
            try await accounts.settle(answer[.account], &tally)
            try await opportunities.settle(answer[.opportunity], roles: roles, &tally)
        }
        // Parents before children: accounts, the people's places in them, and what hangs on people.
        if tally.troubles[.account] == nil { try await accounts.followUp(&tally) }
        if tally.troubles[.opportunity] == nil { try await opportunities.followUp(&tally) }
        try await StatusWriteBack(session: session, run: run).flush(&tally)
        return tally
    }

    /// The pages that could be read. An object that can't stops alone (T5); when none can, the run does.
    private func pages(
        _ answer: [ObjectKind: Result<SalesforceGateway.Page, StreamTrouble>],
        _ cursors: inout [ObjectKind: InboundCursor], _ tally: inout RunTally
    ) throws -> [ObjectKind: SalesforceGateway.Page] {
        let pages = answer.compactMapValues { try? $0.get() }
        for object in ObjectKind.allCases {
            guard case .failure(let trouble) = answer[object] else { continue }
            guard !pages.isEmpty else { throw trouble }
            cursors[object] = nil
            tally.troubles[object] = trouble
        }
        return pages
    }

    // MARK: - Cursors

    static func begun(_ cursor: InboundCursor, _ page: SalesforceGateway.Page) -> InboundCursor {
        var cursor = cursor
        cursor.begin(serverNow: page.serverNow)
        return cursor
    }

    /// The cursor once a page is settled; nil when the page is not the one the sweep begins with.
    static func cursor(
        _ cursor: InboundCursor, behind page: SalesforceGateway.Page
    ) throws -> InboundCursor? {
        var next = begun(cursor, page)
        guard next.from >= cursor.from else { return nil }
        if let last = page.records.last { next.advance(past: .init(stamp: last.modifiedAt, id: last.id)) }
        guard page.isLast || next.position != cursor.position else {
            throw StreamTrouble(
                kind: .bug, code: "sweep_stuck", message: "Salesforce gives the same page of records again and again.")
        }
        if page.isLast { next.finish() }
        return next
    }

    // MARK: - Settling a page

    /// Reads again the records whose failure was a passing one, or whose import was still open when they changed.
    private func retryFailures(busy: BusyContacts, claims: inout AddressClaims, _ tally: inout RunTally) async throws {
        // From 75 % of the allowance on, records that failed wait for their next change.
        guard run.account.step < .sparing else { return }
        let due = try await session.store.failuresDue(
            tenant: session.number, direction: .inbound, now: run.now, limit: ClusterLimits.retriesPerRun)
        tally.hasMore = due.count == ClusterLimits.retriesPerRun
        func ids(_ object: ObjectKind) -> [String] { due.filter { $0.object == object }.map(\.recordID) }
        try await AccountPull(session: session, run: run).settle(ids: ids(.account), &tally)
        try await OpportunityPull(session: session, run: run).settle(ids: ids(.opportunity), &tally)
        for object in Self.order {
            let own = due.filter { $0.object == object }
            guard !own.isEmpty else { continue }
            let records = try await session.salesforce.records(object, ids: own.map(\.recordID))
            let followed = try await LifecycleSettlement(session: session, run: run).settle(
                records, busy: busy, &tally)
            let counts = Dictionary(
                own.filter { !followed.contains($0.recordID) }.map { ($0.recordID, $0.count) },
                uniquingKeysWith: { first, _ in first })
            try await settle(
                records.filter { !followed.contains($0.id) }, object, cursor: nil, busy: busy, retried: counts,
                claims: &claims, &tally)
        }
    }

    /// - Parameters:
    ///   - cursor: where the stream stands behind this page; nil for records read by id.
    ///   - retried: failures this page tries again, with how often they failed.
    private func settle(
        _ records: [SalesforceRecord], _ object: ObjectKind, cursor: InboundCursor?, busy: BusyContacts,
        retried: [String: Int] = [:], claims: inout AddressClaims, _ tally: inout RunTally
    ) async throws {
        var commit = session.commit(run)
        tally.seen += records.count
        commit.note(personsAmong: records)
        if session.tenant.settings.syncsAccounts { commit.note(membershipsOf: records) }
        var page = InboundPage(rules: session.inbound(object), hasStatus: session.hasPackage, claims: claims)
        let excluded = try await session.store.exclusions(tenant: session.number, recordIDs: records.map(\.id))
        let (kept, followed) = records.partitioned { excluded.records.contains($0.id) }
        commit.note(kept.map { Decision(.outOfScope, .inbound, object, recordID: $0.id, reason: Decision.excluded) })
        for record in kept { commit.resolveFailure(.inbound, recordID: record.id) }
        let (waiting, free) = followed.partitioned { busy.records[$0.id] != nil }
        let echoes = try await session.echoes(
            of: free.map(\.id) + free.compactMap { $0.contactID.map { "new:\($0)" } })
        let verdicts = try await verdicts(of: free, echoes, &page)
        claims = page.claims
        // A failure stands until its record is written, or there is nothing to be written any more.
        let written = Set(verdicts.compactMap(\.writtenRecordID))
        for id in Set(free.map(\.id)).union(retried.keys).subtracting(written) {
            commit.resolveFailure(.inbound, recordID: id)
        }
        deferRecords(waiting, busy: busy, page.rules.projector, &commit)
        let writes = apply(verdicts, object, echoes, to: &commit, &tally)
        if !writes.isEmpty {
            var writer = ContactWriter(session: session, run: run, echoes: echoes, retried: retried)
            do { try await writer.write(writes, into: &commit, &tally) } catch let trouble as StreamTrouble {
                // What was done is stored, or a run that always stops at the same place would never get past it.
                try await run.commit(commit, store: session.store)
                throw trouble
            }
        }
        if let cursor { try commit.advance(.inbound, object, cursor: cursor) }
        try await run.commit(commit, store: session.store)
    }

    private func apply(
        _ verdicts: [InboundVerdict], _ object: ObjectKind, _ echoes: OutstandingEchoes, to commit: inout RunCommit,
        _ tally: inout RunTally
    ) -> [ContactWrite] {
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
        return writes
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
        let related = RelatedLinks(byEmail + byContact)
        let entries = page.entries(records, links: linksByRecord, related: related, echoes: echoes)
        let existing = try await existing(entries, page.rules.projector)
        return page.verdicts(records, links: linksByRecord, related: related, echoes: echoes, existing: existing)
    }

    /// What the contacts hold that records are about to enter (R63): those known by id a hundred a call, the others one by
    /// one, for ActiveCampaign finds one address at a time.
    private func existing(_ entries: [InboundPage.Entry], _ projector: Projector) async throws -> [String: Fingerprint]
    {
        guard !entries.isEmpty else { return [:] }
        let read = try await session.activeCampaign.contacts(ids: entries.compactMap(\.contactID))
        let byID = Dictionary(read.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
        var existing: [String: Fingerprint] = [:]
        for entry in entries {
            let contact =
                if let contactID = entry.contactID {
                    byID[contactID]
                } else {
                    try await session.activeCampaign.contact(of: entry.email)
                }
            existing[entry.recordID] = contact.map { Fingerprint(projector.project($0)) } ?? Fingerprint()
        }
        return existing
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
