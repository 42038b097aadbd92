import Foundation
import Store
import SyncRules

/// The part of an inbound pull that is about accounts (R71, R72): changes of linked accounts, accounts that synced people
/// belong to, and the places of these people.
///
/// An account enters when a synced person belongs to it, so parents are made before anybody is put into them.
struct AccountPull {
    let session: TenantSession
    let run: RunContext
    /// Where the sweep stands; nil when it is whole, not due, or switched off.
    private(set) var cursor: InboundCursor?

    init(session: TenantSession, run: RunContext) throws {
        self.session = session
        self.run = run
        guard session.tenant.settings.syncsAccounts,
            let stream = session.streams(of: .inbound).first(where: { $0.object == .account }),
            stream.isDue(at: run.now)
        else { return }
        cursor = try stream.cursor(default: InboundCursor(start: stream.createdAt))
    }

    /// Ends the sweep where it stands when accounts can't be read or written now: people go on (T5).
    mutating func stop(for trouble: StreamTrouble?) {
        if trouble != nil { cursor = nil }
    }

    private var isOn: Bool { session.tenant.settings.syncsAccounts }

    // MARK: - The sweep

    /// Settles a page of changed accounts.
    mutating func settle(_ page: SalesforceGateway.Page?, _ tally: inout RunTally) async throws {
        guard let cursor, let page else { return }
        guard let next = try InboundPull.cursor(cursor, behind: page) else {
            self.cursor = InboundPull.begun(cursor, page)
            return
        }
        do {
            try await settle(page.records, cursor: next, &tally)
            self.cursor = page.isLast ? nil : next
        } catch let trouble as StreamTrouble {
            tally.troubles[.account] = trouble
            stop(for: trouble)
        }
    }

    /// Reads accounts by id and settles them: those that failed and are due again.
    func settle(ids: [String], _ tally: inout RunTally) async throws {
        guard isOn, !ids.isEmpty else { return }
        do {
            try await settle(
                try await session.salesforce.recordsIncludingDeleted(.account, ids: ids), &tally)
        } catch let trouble as StreamTrouble {
            tally.troubles[.account] = trouble
        }
    }

    /// Settles accounts that were read by id.
    /// - Parameter sweep: what a sweep asks of its page, and how far it is behind it.
    func settle(
        _ records: [SalesforceRecord], sweep: (row: SweepRow, progress: SweepProgress)? = nil, _ tally: inout RunTally
    ) async throws {
        guard sweep != nil || (isOn && !records.isEmpty) else { return }
        try await settle(isOn ? records : [], cursor: nil, sweep: sweep, &tally)
    }

    private func settle(
        _ records: [SalesforceRecord], cursor: InboundCursor?,
        sweep: (row: SweepRow, progress: SweepProgress)? = nil, _ tally: inout RunTally
    ) async throws {
        var commit = session.commit(run)
        let before = tally.touched
        let source = sweep?.row.kind.source ?? (cursor == nil ? ChangeSource.retry : .poll)
        tally.seen += records.count
        let excluded = try await session.store.exclusions(tenant: session.number, recordIDs: records.map(\.id))
        let (kept, followed) = records.partitioned { excluded.records.contains($0.id) }
        commit.record(
            kept.map { Decision(.outOfScope, .inbound, .account, recordID: $0.id, reason: Decision.excluded) })
        for record in kept { commit.resolveFailure(.inbound, recordID: record.id) }
        let echoes = try await session.echoes(of: followed.map(\.id))
        let planned = try await plan(followed, echoes, forgetting: sweep?.row.fields ?? [], &commit, &tally)
        let held = try await LoopBrakeCheck(session: session, run: run).heldAccounts(
            planned.filter { $0.settled != nil }.map(\.record.id), .inbound, &commit, &tally)
        let writes = planned.filter { !held.contains($0.record.id) }
        var writer = AccountWriter(session: session, run: run, echoes: echoes)
        do {
            for (number, write) in writes.enumerated() {
                try await writer.write(write, into: &commit, &tally)
                guard (number + 1).isMultiple(of: ClusterLimits.objectsPerCommit) else { continue }
                commit.describe([], seen: source)
                try await run.commit(commit, store: session.store)
                commit = session.commit(run)
            }
        } catch let trouble as StreamTrouble {
            commit.describe([], seen: source)
            try await run.commit(commit, store: session.store)
            throw trouble
        }
        commit.describe([], seen: source)
        if let cursor { try commit.advance(.inbound, .account, cursor: cursor) }
        if var progress = sweep?.progress {
            progress.written = tally.touched - before
            commit.sweep = progress
        }
        try await run.commit(commit, store: session.store)
    }

    /// Decides every account; what needs no write is settled at once.
    private func plan(
        _ records: [SalesforceRecord], _ echoes: OutstandingEchoes, forgetting fields: [String],
        _ commit: inout RunCommit, _ tally: inout RunTally
    ) async throws -> [AccountWriter.Write] {
        guard !records.isEmpty else { return [] }
        let ids = records.map(\.id)
        var links = Dictionary(
            try await session.store.accountLinks(
                tenant: session.number, recordIDs: ids + records.compactMap(\.masterRecordID)
            ).map { ($0.recordID, $0) }, uniquingKeysWith: { first, _ in first })
        let inhabited = try await session.store.inhabitedAccounts(tenant: session.number, among: ids)
        merge(records, &links, &commit)
        if !fields.isEmpty {
            links = links.mapValues { $0.forgetting(fields) }
            commit.accountLinks += links.values
        }
        let intents = records.map { record in
            session.accountRules.intent(
                for: record, link: links[record.id], isWanted: inhabited.contains(record.id),
                echoes: echoes.records[record.id] ?? [], accountEchoes: echoes.contacts[record.id] ?? [])
        }
        let vanished = zip(records, intents).filter { $0.1.isMissing }.map { ($0.0.id, contactID: Int64?.none) }
        let isHeldBack = try await MassDeleteCheck(session: session, run: run).holdsBack(
            vanished, .account, .inbound, &commit, &tally)
        return zip(records, intents).compactMap { record, intent in
            isHeldBack && intent.isMissing ? nil : write(for: intent, record, links[record.id], &commit)
        }
    }

    /// R90: the account of a loser goes on with the winner, unless that has one of its own. Comes first, or the winner
    /// would be taken for a newcomer.
    private func merge(_ records: [SalesforceRecord], _ links: inout [String: Link], _ commit: inout RunCommit) {
        for loser in records where loser.isDeleted {
            guard let winner = loser.masterRecordID, var link = links[loser.id], link.state == .active,
                links[winner] == nil
            else { continue }
            link.recordID = winner
            links[loser.id] = nil
            links[winner] = link
            commit.accountLinks.append(link)
            commit.decisions.append(Decision(.relinked, .inbound, .account, recordID: loser.id, reason: "R90"))
        }
    }

    private func write(
        for intent: AccountIntent, _ record: SalesforceRecord, _ link: Link?, _ commit: inout RunCommit
    ) -> AccountWriter.Write? {
        switch intent {
        case .drop(let code, let reason):
            commit.record([Decision(code, .inbound, .account, recordID: record.id, reason: reason)])
            if code == .invalidBeforeSend {
                commit.fail(
                    .inbound, .account, recordID: record.id, code: "unnamed_account", fields: ["Name"],
                    fingerprint: nil, now: run.now)
            } else if link != nil {
                commit.resolveFailure(.inbound, recordID: record.id)
            }
            return nil
        case .acknowledge(let settled, let code, let reason):
            commit.accountLinks.append(settled)
            commit.resolveFailure(.inbound, recordID: record.id)
            commit.record([Decision(code, .inbound, .account, recordID: record.id, reason: reason)])
            return nil
        case .markMissing(let missing):
            commit.accountLinks.append(missing)
            commit.resolveFailure(.inbound, recordID: record.id)
            commit.decisions.append(Decision(.tombstoned, .inbound, .account, recordID: record.id, reason: "R89"))
            return nil
        case .update(let settled, let fields):
            commit.record(
                session.accountRules.projector.decisions(of: fields, .inbound, .account, recordID: record.id))
            if !fields.isEmpty {
                return AccountWriter.Write(
                    record: record, fields: fields, settled: settled, known: link?.contactFingerprint)
            }
            commit.accountLinks.append(settled)
            commit.resolveFailure(.inbound, recordID: record.id)
            return nil
        case .create(let fields):
            commit.record(
                session.accountRules.projector.decisions(of: fields, .inbound, .account, recordID: record.id))
            return AccountWriter.Write(record: record, fields: fields, settled: nil)
        }
    }

    // MARK: - What people bring along

    /// Makes the accounts that synced people belong to, and puts the people into them.
    /// What stops it is the stream of accounts' trouble alone.
    func followUp(_ tally: inout RunTally) async throws {
        guard isOn else { return }
        do {
            if run.may(.upkeep) { try await readMissingMemberships() }
            try await enrol(&tally)
            if run.may(.upkeep) { try await AccountPlaces(session: session, run: run).settle(&tally) }
        } catch let trouble as StreamTrouble {
            tally.troubles[.account] = trouble
        }
    }

    /// People who were linked before accounts were synced, or by a batch since the last pull.
    private func readMissingMemberships() async throws {
        var last = ""
        for _ in 0..<ClusterLimits.membershipCalls {
            let ids = try await session.store.homelessRecords(
                tenant: session.number, after: last, limit: ClusterLimits.inboundPage)
            guard let end = ids.last else { return }
            var commit = session.commit(run)
            commit.memberships = try await session.salesforce.memberships(of: ids)
            try await run.commit(commit, store: session.store)
            last = end
        }
    }

    private func enrol(_ tally: inout RunTally) async throws {
        let wanted = try await session.store.wantedAccounts(
            tenant: session.number, limit: ClusterLimits.accountsPerRun)
        guard !wanted.isEmpty else { return }
        try await settle(try await session.salesforce.records(.account, ids: wanted), cursor: nil, &tally)
        if wanted.count == ClusterLimits.accountsPerRun { tally.hasMore = true }
    }
}

extension AccountIntent {
    /// Whether the account's link is taken for missing.
    fileprivate var isMissing: Bool { if case .markMissing = self { true } else { false } }
}
