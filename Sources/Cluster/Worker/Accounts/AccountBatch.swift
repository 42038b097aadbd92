import ActiveCampaign
import Foundation
import Store
import SyncRules

/// The part of an outbound batch that is about accounts: fields of linked accounts that changed in ActiveCampaign go to
/// Salesforce, which wins where both changed (R53, R71). Nothing is created in Salesforce (R73).
///
/// ActiveCampaign has no listing by change, so a walk over all accounts, a hundred a call, is made once an hour; names are
/// compared with what was agreed, custom values are read of those accounts that say they changed.
struct AccountBatch {
    let session: TenantSession
    let run: RunContext

    /// One linked account with what changed in it.
    private struct Change {
        let account: SyncRules.ActiveCampaignAccount
        var link: Link
        let fields: [String]
        /// Fields Salesforce refuses are taken out of it.
        var write: FieldWrite
        /// What the ledger says the record will hold: of the write as it was planned.
        let intended: Fingerprint

        init(account: SyncRules.ActiveCampaignAccount, link: Link, fields: [String], write: FieldWrite) {
            self.account = account
            self.link = link
            self.fields = fields
            self.write = write
            intended = Fingerprint(write.projection)
        }
    }

    private var rules: AccountRules { session.accountRules }

    /// Custom fields of accounts that flow to Salesforce, by tag.
    private var tags: [String] {
        rules.projector.mappings.filter { $0.writes(to: .salesforce) }
            .compactMap(\.activeCampaignField.personalizationTag)
    }

    /// Walks over all accounts, when it is time to.
    func execute(_ tally: inout RunTally) async throws {
        guard session.tenant.settings.syncsAccounts,
            let stream = session.streams(of: .outbound).first(where: { $0.object == .account }),
            stream.isDue(at: run.now)
        else { return }
        var cursor = try stream.cursor(default: OutboundCursor(start: stream.createdAt))
        var isUnsettled = false
        for _ in 0..<ClusterLimits.accountPages {
            let began = cursor
            let page = try await session.activeCampaign.accounts(offset: Int(cursor.walkedTo))
            cursor.begin(now: page.serverDate ?? run.now)
            cursor.advance(to: cursor.walkedTo + Int64(page.accounts.count))
            if page.isLast {
                cursor.finish()
                // What could not be written now is met again by the next walk.
                if isUnsettled { cursor.since = began.since }
            }
            let isWhole = try await settle(page.accounts, since: began.since, cursor: cursor, &tally)
            if !isWhole { isUnsettled = true }
            if page.isLast { return }
        }
    }

    // MARK: - A page

    /// - Returns: whether everything of the page is settled.
    private func settle(
        _ accounts: [AccountRecord], since: Date, cursor: OutboundCursor, _ tally: inout RunTally
    ) async throws -> Bool {
        var commit = session.commit(run)
        let links = Dictionary(
            try await session.store.accountLinks(tenant: session.number, accountIDs: accounts.map(\.id)).map {
                ($0.contactID, $0)
            }, uniquingKeysWith: { first, _ in first })
        let recordIDs = links.values.map(\.recordID)
        let echoes = try await session.echoes(of: recordIDs)
        // What is kept out is looked at again when it is taken back.
        let excluded = try await session.store.exclusions(tenant: session.number, recordIDs: recordIDs)
        let again = try await session.store.accountsDue(tenant: session.number, among: recordIDs, now: run.now)
        for id in again.subtracting(excluded.records) { commit.resolveFailure(.outbound, recordID: id) }
        tally.seen += links.count
        var changes: [Change] = []
        for record in accounts {
            guard let link = links[record.id], link.state == .active else { continue }
            guard !excluded.records.contains(link.recordID) else { continue }
            let isAsked = link.speaks || again.contains(link.recordID)
            let hasChanged = isAsked || record.updatedAt.map { $0 >= since } ?? true
            let account = try await session.activeCampaign.account(record, reading: hasChanged ? tags : [])
            let fields = rules.changedFields(
                in: account, link: link, echoes: echoes.records[link.recordID] ?? [],
                accountEchoes: echoes.contacts[link.recordID] ?? []
            ).filter { !session.pausedAccountFields.contains($0) }
            guard !fields.isEmpty else { continue }
            changes.append(
                Change(
                    account: account, link: link, fields: fields,
                    write: rules.write(fields, of: account, link: link)))
        }
        let isWhole = try await write(changes, echoes, into: &commit, &tally)
        commit.consumedEchoes += echoes.settled(by: commit.accountLinks, side: .salesforce)
        try commit.advance(.outbound, .account, cursor: cursor)
        try await run.commit(commit, store: session.store)
        return isWhole
    }

    private func write(
        _ changes: [Change], _ echoes: OutstandingEchoes, into commit: inout RunCommit, _ tally: inout RunTally
    ) async throws -> Bool {
        guard !changes.isEmpty else { return true }
        let held = Dictionary(
            try await session.salesforce.records(.account, ids: changes.map(\.link.recordID)).map { ($0.id, $0) },
            uniquingKeysWith: { first, _ in first })
        let gone = changes.filter { change in held[change.link.recordID].map(\.isDeleted) ?? true }
        let isHeldBack = try await MassDeleteCheck(session: session, run: run).holdsBack(
            gone.map { ($0.link.recordID, contactID: nil) }, .account, .outbound, &commit, &tally)
        var writes: [Change] = []
        for change in changes {
            let own = echoes.records[change.link.recordID] ?? []
            let projection = rules.projector.project(change.account, of: change.link.recordID)
            commit.record(
                rules.projector.decisions(of: change.write, .outbound, .account, recordID: change.link.recordID))
            switch rules.verdict(of: change.write, link: change.link, held: held[change.link.recordID], echoes: own) {
            case .write where !change.write.isEmpty:
                writes.append(change)
            case .write, .alreadyThere:
                commit.accountLinks.append(
                    change.link.settled(writing: change.write, of: projection, email: nil, echoes: own))
            case .salesforceWins:
                tally.conflicts += 1
                commit.accountLinks.append(change.link.settled(losing: change.fields, of: projection))
                commit.record([decision(.conflictLost, change, reason: "R53", fields: change.fields)])
            case .missing where isHeldBack: continue
            case .missing:
                var gone = change.link
                gone.state = .missing
                commit.accountLinks.append(gone)
                commit.decisions.append(decision(.tombstoned, change, reason: "R89"))
            }
        }
        let braked = try await LoopBrakeCheck(session: session, run: run).heldAccounts(
            writes.map(\.link.recordID), .outbound, &commit, &tally)
        let isWhole = try await send(
            writes.filter { !braked.contains($0.link.recordID) }, echoes, into: &commit, &tally)
        return isWhole && !isHeldBack
    }

    private func send(
        _ changes: [Change], _ echoes: OutstandingEchoes, into commit: inout RunCommit, _ tally: inout RunTally
    ) async throws -> Bool {
        guard !changes.isEmpty else { return true }
        try await session.store.intend(tenant: session.number, changes.map(intention), now: run.now)
        var (isWhole, remaining) = (true, changes)
        // The second round carries what is left of accounts some of whose fields were refused (D6).
        for round in 1...ClusterLimits.fieldDropRounds where !remaining.isEmpty {
            let outcomes = try await session.salesforce.writeAccounts(
                remaining.map { ($0.link.recordID, rules.projector.salesforceValues(of: $0.write)) })
            let answers = Array(zip(remaining, outcomes))
            remaining = []
            for (change, outcome) in answers {
                if round < ClusterLimits.fieldDropRounds, case .refused(let refusal) = outcome,
                    let reduced = reduce(change, after: refusal, &commit)
                {
                    remaining.append(reduced)
                } else if try !settle(change, outcome, echoes, into: &commit, &tally) {
                    isWhole = false
                }
            }
        }
        return isWhole
    }

    /// - Returns: false when the change is to be met again by the next walk.
    private func settle(
        _ change: Change, _ outcome: RowOutcome, _ echoes: OutstandingEchoes, into commit: inout RunCommit,
        _ tally: inout RunTally
    ) throws -> Bool {
        let projection = rules.projector.project(change.account, of: change.link.recordID)
        switch outcome {
        case .written:
            tally.updated += 1
            commit.consumedEchoes.append(intention(change).key)
            commit.accountLinks.append(
                change.link.settled(
                    writing: change.write, of: projection, email: nil,
                    echoes: echoes.records[change.link.recordID] ?? []))
            commit.resolveFailure(.outbound, recordID: change.link.recordID)
            commit.decisions.append(decision(.accepted, change, reason: "R71.update"))
        case .refused(let refusal):
            if !refusal.isUnknown { commit.consumedEchoes.append(intention(change).key) }
            refuse(change, refusal, projection, into: &commit, &tally)
            return !refusal.mayPass
        case .failed(let trouble):
            throw trouble
        }
        return true
    }

    private func refuse(
        _ change: Change, _ refusal: RowRefusal, _ projection: Projection, into commit: inout RunCommit,
        _ tally: inout RunTally
    ) {
        commit.decisions.append(decision(refusal.mayPass ? .lockedRetry : .rejected, change, reason: refusal.code))
        // What may pass is left as it is, and is a change again for the next walk.
        guard !refusal.mayPass else { return }
        tally.failed += 1
        var link = change.link
        link.note(projection)
        if refusal.kind == .gone { link.state = .missing }
        commit.accountLinks.append(link)
        commit.fail(
            .outbound, .account, recordID: change.link.recordID, code: refusal.code, fields: refusal.fields,
            fingerprint: nil, now: run.now)
    }

    /// The change without the fields that were refused; nil when they can't be left out (D6).
    private func reduce(_ change: Change, after refusal: RowRefusal, _ commit: inout RunCommit) -> Change? {
        let isDroppable = refusal.fields.allSatisfy { $0 != "Name" && change.write.projection[$0] != .absent }
        guard refusal.kind == .permanent, !refusal.fields.isEmpty, isDroppable else { return nil }
        var reduced = change
        reduced.write = change.write.without(refusal.fields)
        commit.record([decision(.rejected, change, reason: refusal.code, fields: refusal.fields)])
        return reduced
    }

    private func intention(_ change: Change) -> EchoIntention {
        EchoIntention(
            side: .salesforce, object: .account, recordID: change.link.recordID,
            fingerprint: change.intended)
    }

    private func decision(
        _ code: DecisionCode, _ change: Change, reason: String, fields: [String] = []
    ) -> Decision {
        var decision = Decision(
            code, .outbound, .account, recordID: change.link.recordID, reason: reason, fields: fields)
        decision.source = .poll
        return decision
    }
}
