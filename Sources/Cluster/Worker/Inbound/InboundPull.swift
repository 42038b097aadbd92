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
    static let order: [ObjectKind] = [.contact, .lead]
    /// Codes of changes that count as seen but are kept back (R40, R41, R91, D4).
    private static let withholding: Set<DecisionCode> = [.outOfScope, .noEmail, .duplicateMatch, .readonlyObserved]

    /// Runs the pull to its end.
    /// - Returns: what was done.
    func execute() async throws -> RunTally {
        var tally = RunTally()
        let busy = try await ImportSettlement(session: session, run: run).settle(&tally)
        var claims = busy.claims
        try await retryFailures(busy: busy, claims: &claims, &tally)
        try await retryWithheld(busy: busy, claims: &claims, &tally)
        for page in try await ResyncSettlement(session: session, run: run).pages(busy: busy) {
            try await settle(
                page.records, page.object, cursor: nil, busy: busy, claims: &claims, &tally, extras: page.extras,
                decisions: page.decisions)
        }
        var accounts = try AccountPull(session: session, run: run)
        var opportunities = try OpportunityPull(session: session, run: run)
        var cursors: [ObjectKind: InboundCursor] = [:]
        for object in Self.order {
            let stream = try session.stream(.inbound, object)
            guard stream.isDue(at: run.now), isJudgeable(object, &tally) else { continue }
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
                // Only by asking did we learn that the selection names a field the org does not show (R42).
                guard isJudgeable(object, &tally) else {
                    cursors[object] = nil
                    continue
                }
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
        try await ConditionsWatch(session: session, run: run).note(besides: Set(tally.troubles.keys))
        if tally.speaks {
            try await session.store.requestRun(tenant: session.number, direction: .outbound, now: run.now)
        }
        return tally
    }

    /// Whether the selection of an object can be judged; it stops alone when the selection names a field the org lacks.
    private func isJudgeable(_ object: ObjectKind, _ tally: inout RunTally) -> Bool {
        let unknown = session.brokenSelection(of: object)
        if !unknown.isEmpty { tally.troubles[object] = .brokenSelection(object, unknown) }
        return unknown.isEmpty
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
        guard run.may(.retry) else { return }
        let due = try await session.store.failuresDue(
            tenant: session.number, direction: .inbound, now: run.now, limit: ClusterLimits.retriesPerRun)
        tally.hasMore = due.count == ClusterLimits.retriesPerRun
        func ids(_ object: ObjectKind) -> [String] {
            due.filter { $0.object == object && $0.code != MassDeleteBrake.code }.map(\.recordID)
        }
        try await AccountPull(session: session, run: run).settle(ids: ids(.account), &tally)
        try await OpportunityPull(session: session, run: run).settle(ids: ids(.opportunity), &tally)
        for object in Self.order where session.brokenSelection(of: object).isEmpty {
            let own = due.filter { $0.object == object && $0.code != MassDeleteBrake.code }
            guard !own.isEmpty else { continue }
            // Deleted ones too: one that was kept out when it was deleted or merged is not met again otherwise.
            let records = try await session.salesforce.recordsIncludingDeleted(object, ids: own.map(\.recordID))
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

    /// Records whose disappearance was held back, once a person has confirmed it or asked for them by name (T20).
    private func retryWithheld(busy: BusyContacts, claims: inout AddressClaims, _ tally: inout RunTally) async throws {
        let isConfirmed = session.confirmsMissing(at: run.now)
        guard isConfirmed || session.isAlarmed else { return }
        var last = ""
        while true {
            let held = try await session.store.withheldRecords(
                tenant: session.number, after: last, limit: ClusterLimits.inboundPage)
            guard let end = held.last?.recordID else { return }
            last = end
            for object in ObjectKind.allCases where session.brokenSelection(of: object).isEmpty {
                let own = held.filter { $0.object == object }.map(\.recordID)
                guard !own.isEmpty else { continue }
                do {
                    let records = try await MissingSettlement(session: session, run: run).read(own, object)
                    // What is not confirmed stays held back; what is there again goes on.
                    let usable = isConfirmed ? records : records.filter { !$0.isDeleted }
                    switch object {
                    case .contact, .lead:
                        try await settle(usable, object, cursor: nil, busy: busy, claims: &claims, &tally)
                    case .account: try await AccountPull(session: session, run: run).settle(usable, &tally)
                    case .opportunity: try await OpportunityPull(session: session, run: run).settle(usable, &tally)
                    }
                } catch let trouble as StreamTrouble where !Self.order.contains(object) {
                    tally.troubles[object] = trouble
                }
            }
            guard held.count == ClusterLimits.inboundPage else { return }
        }
    }

    /// - Parameters:
    ///   - cursor: where the stream stands behind this page; nil for records read by id.
    ///   - retried: failures this page tries again, with how often they failed.
    ///   - extras: what sets this page apart from one of an ordinary pull.
    ///   - decisions: why the records are read at all, to be stored with the page.
    func settle(
        _ records: [SalesforceRecord], _ object: ObjectKind, cursor: InboundCursor?, busy: BusyContacts,
        retried: [String: Int] = [:], claims: inout AddressClaims, _ tally: inout RunTally,
        extras: PageExtras = PageExtras(), decisions: [Decision] = []
    ) async throws {
        var commit = session.commit(run)
        commit.record(decisions)
        commit.settledResyncs = extras.resyncs
        let before = tally.touched
        tally.seen += records.count
        commit.note(personsAmong: records)
        if session.tenant.settings.syncsAccounts { commit.note(membershipsOf: records) }
        var page = InboundPage(
            rules: extras.rules ?? session.inbound(object), hasStatus: session.acknowledges, claims: claims)
        let excluded = try await session.store.exclusions(tenant: session.number, people: records)
        let (kept, followed) = records.partitioned {
            excluded.records.contains($0.id) || excluded.keepOutPartner(of: $0)
        }
        commit.record(kept.map { Decision(.outOfScope, .inbound, object, recordID: $0.id, reason: Decision.excluded) })
        for record in kept { keepOut(record, isItself: excluded.records.contains(record.id), &commit) }
        let (waiting, free) = followed.partitioned { busy.records[$0.id] != nil }
        let echoes = try await session.echoes(
            of: free.map(\.id) + free.compactMap { $0.contactID.map { "new:\($0)" } })
        let plan = try await InboundPlanning(session: session).plan(free, echoes, &page, reopening: extras.reopening)
        let verdicts = plan.verdicts
        claims = page.claims
        commit.links += plan.reopened
        for contactID in plan.speakers { commit.deferChange(contactID, until: run.now, reason: "looked_at_anew") }
        if !plan.speakers.isEmpty { tally.speaks = true }
        // A failure stands until its record is written, or there is nothing to be written any more.
        let written = Set(verdicts.compactMap(\.writtenRecordID))
        for id in Set(free.map(\.id)).union(retried.keys).subtracting(written) {
            commit.resolveFailure(.inbound, recordID: id)
        }
        deferRecords(waiting, busy: busy, page.rules.projector, &commit)
        let believed = try await MassDeleteCheck(session: session, run: run).free(verdicts, object, &commit, &tally)
        let planned = affordable(apply(believed, object, echoes, to: &commit, &tally), page.rules.projector, &commit)
        let writes = try await LoopBrakeCheck(session: session, run: run).free(planned, &commit, &tally)
        let source = extras.source ?? (cursor == nil ? .retry : .poll)
        if !writes.isEmpty {
            var writer = ContactWriter(session: session, run: run, echoes: echoes, retried: retried, source: source)
            let decided = commit.decisions.count
            do { try await writer.write(writes, into: &commit, &tally) } catch let trouble as StreamTrouble {
                // What was done is stored, or a run that always stops at the same place would never get past it.
                let sent = writer.imported
                commit.leaveForBudget(
                    trouble, writes.filter { !sent.contains($0.recordID) }.map(Self.waiting), after: decided)
                commit.describe(records, seen: source)
                try await run.commit(commit, store: session.store)
                throw trouble
            }
        }
        commit.describe(records, seen: source)
        if let cursor { try commit.advance(.inbound, object, cursor: cursor) }
        if var sweep = extras.sweep {
            sweep.written = tally.touched - before
            commit.sweep = sweep
        }
        try await run.commit(commit, store: session.store)
    }

    private static func waiting(_ write: ContactWrite) -> Decision {
        Decision(
            .budgetWait, .inbound, write.object, contactID: write.contactID, recordID: write.recordID,
            reason: BudgetRefusal.spentCode)
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
                commit.record(decisions)
                report(decisions, object, &commit)
            case .relinked(let link, let acknowledges, let review, let decisions):
                commit.links.append(link)
                commit.record(decisions)
                report(decisions, object, &commit)
                // A change that is withheld settles nothing of what an earlier write may have left behind.
                if !decisions.contains(where: { $0.fields.isEmpty && Self.withholding.contains($0.code) }) {
                    commit.consumedEchoes += echoes.settled(by: [link], side: .activeCampaign)
                }
                if let review { commit.deferChange(review, until: run.now, reason: "review") }
                if acknowledges { commit.writeBack(link, now: run.now) }
            case .write(let write, let review, let decisions):
                commit.record(decisions)
                if let review { commit.deferChange(review, until: run.now, reason: "review") }
                writes.append(write)
            }
        }
        return writes
    }

    /// The writes a scarce allowance still has calls for; the others are tried again as failures that are due, once there
    /// is room for these (sync-traps 2d).
    private func affordable(
        _ writes: [ContactWrite], _ projector: Projector, _ commit: inout RunCommit
    ) -> [ContactWrite] {
        let formulas = Set(projector.mappings.filter(\.salesforceType.isFormula).map(\.salesforceField))
        let (now, later) = writes.partitioned { write in
            run.may(
                WorkCause(
                    isNew: write.contactID == nil || write.tag != nil, fields: write.write.projection.values.keys,
                    formulas: formulas))
        }
        for write in later {
            commit.fail(
                .inbound, write.object, recordID: write.recordID, code: "budget_wait", fields: [], fingerprint: nil,
                now: run.now, retryAt: run.now, kind: .transient)
            commit.decisions.append(
                Decision(
                    .budgetWait, .inbound, write.object, contactID: write.contactID, recordID: write.recordID,
                    reason: BudgetRefusal.scarceCode))
        }
        return now
    }

    /// Records that an open import carries: unchanged since, their outcome comes with the import; changed since, they are
    /// read again when it is settled, so that no contact is in two open imports at once.
    private func deferRecords(
        _ records: [SalesforceRecord], busy: BusyContacts, _ projector: Projector, _ commit: inout RunCommit
    ) {
        for record in records {
            let isSent = busy.records[record.id] == Fingerprint(projector.project(record))
            commit.record([
                Decision(
                    isSent ? .queued : .mergedIntoLater, .inbound, record.object, recordID: record.id,
                    reason: "import_open")
            ])
            if isSent { continue }
            commit.fail(
                .inbound, record.object, recordID: record.id, code: "import_open", fields: [], fingerprint: nil,
                now: run.now, retryAt: busy.checkAgainAt)
        }
    }

    /// A record that somebody keeps out is found again by that when it is taken back; one that is left out for its
    /// partner's sake must be remembered.
    private func keepOut(_ record: SalesforceRecord, isItself: Bool, _ commit: inout RunCommit) {
        guard !isItself, !record.isDeleted else { return commit.resolveFailure(.inbound, recordID: record.id) }
        commit.fail(
            .inbound, record.object, recordID: record.id, code: Exclusions.partnerCode, fields: [], fingerprint: nil,
            now: run.now, kind: .human)
    }

    /// A record that a rule keeps out for its data is an error its owner can see and mend (R7, D3, D4). It is tried again
    /// once whatever is in its way has gone.
    private func report(_ decisions: [Decision], _ object: ObjectKind, _ commit: inout RunCommit) {
        for decision in decisions where [.noEmail, .duplicateMatch].contains(decision.code) {
            guard let recordID = decision.recordID else { continue }
            commit.fail(
                .inbound, object, recordID: recordID, code: decision.code.name, fields: ["Email"], fingerprint: nil,
                now: run.now)
        }
    }
}
