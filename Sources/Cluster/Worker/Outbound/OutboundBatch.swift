import Foundation
import Store
import SyncRules

/// One outbound batch of one tenant: ActiveCampaign → Salesforce (R9–R30, R53–R56).
///
/// The walk over changed contacts is the truth; pending ids that webhooks brought and the walk did not meet are read by
/// id. A chunk of up to a thousand contacts is planned, written in one counted call, and committed with the cursor under
/// the lease's token before the next one is read: killed at any instant, the batch starts again behind the last commit,
/// and what it repeats changes nothing.
struct OutboundBatch {
    let session: TenantSession
    let run: RunContext

    private var chunkSize: Int { ClusterLimits.outboundChunk }

    /// Runs the batch to its end.
    /// - Returns: what was done; `hasMore` when pending changes are left beyond this run's bound.
    func execute() async throws -> RunTally {
        var tally = RunTally()
        let stream = try session.stream(.outbound, .contact)
        var cursor = try stream.cursor(default: OutboundCursor(start: stream.createdAt))
        // What a scarce allowance has no calls for stays pending: retries from 75 % on, second looks from 90 %.
        let due = try await session.store.pending(tenant: session.number, limit: chunkSize, now: run.now)
            .filter { run.may($0.cause) }
        var pending = Dictionary(due.map { ($0.contactID, $0) }, uniquingKeysWith: { first, _ in first })
        let busy = BusyContacts(try await session.store.openImports(tenant: session.number))
        if let openedAt = busy.openedAt, run.now.timeIntervalSince(openedAt) < ClusterLimits.importCourtesy {
            // Contacts are about to change under our hands; a moment later the walk is over what they will hold.
            tally.leave(until: busy.checkAgainAt)
            return tally
        }
        tally.hasMore = pending.count == chunkSize
        try await walk(&cursor, pending: &pending, busy: busy, &tally)
        try await readLeftOver(pending, cursor: cursor, busy: busy, &tally)
        return tally
    }

    // MARK: - Reading

    /// Walks the contacts changed since the cursor, by id.
    private func walk(
        _ cursor: inout OutboundCursor, pending: inout [Int64: PendingChange], busy: BusyContacts,
        _ tally: inout RunTally
    ) async throws {
        var chunk: [ActiveCampaignContact] = []
        var isWhole = false
        while !isWhole {
            let page = try await session.activeCampaign.changedContacts(since: cursor.since, after: cursor.walkedTo)
            cursor.begin(now: page.serverNow ?? run.now)
            chunk += page.contacts
            if let last = page.contacts.last { cursor.advance(to: last.id) }
            isWhole = page.isLast
            guard isWhole || chunk.count >= chunkSize else { continue }
            if isWhole { cursor.finish() }
            let settled = chunk.compactMap { pending.removeValue(forKey: $0.id) }
            try await settle(chunk, pending: settled, missing: [], cursor: cursor, busy: busy, &tally)
            chunk = []
        }
    }

    /// Reads the pending contacts the walk did not meet: `updated_after` may lag behind a webhook.
    private func readLeftOver(
        _ pending: [Int64: PendingChange], cursor: OutboundCursor, busy: BusyContacts, _ tally: inout RunTally
    ) async throws {
        let ids = pending.keys.sorted()
        guard !ids.isEmpty else { return }
        let contacts = try await session.activeCampaign.contacts(ids: ids)
        let found = Set(contacts.map(\.id))
        let missing = ids.filter { !found.contains($0) }
        let asked = Array(missing.prefix(ClusterLimits.missingPerRun))
        let deleted = try await session.activeCampaign.deleted(among: asked)
        // Those not asked for, and those that are there after all, are left to a later run.
        let settled = pending.values.filter { found.contains($0.contactID) || deleted.contains($0.contactID) }
        try await settle(
            contacts, pending: settled, missing: deleted.sorted(), cursor: cursor, busy: busy, &tally)
        if deleted.count < missing.count {
            tally.hasMore = false
            tally.leave(until: run.now.addingTimeInterval(ClusterLimits.missingPause))
        }
    }

    // MARK: - Settling a chunk

    private func settle(
        _ contacts: [ActiveCampaignContact], pending: [PendingChange], missing: [Int64], cursor: OutboundCursor,
        busy: BusyContacts, _ tally: inout RunTally
    ) async throws {
        var commit = session.commit(run)
        let links = try await session.store.links(tenant: session.number, contactIDs: contacts.map(\.id) + missing)
        let linksByContact = Dictionary(grouping: links, by: \.contactID)
        // A contact in an open import holds neither its old nor its new values for certain (activecampaign-api 6).
        let excluded = try await session.store.exclusions(tenant: session.number, contactIDs: contacts.map(\.id))
        let (kept, followed) = contacts.partitioned { excluded.contacts.contains($0.id) }
        commit.record(
            kept.map { Decision(.outOfScope, .outbound, .contact, contactID: $0.id, reason: Decision.excluded) })
        let (waiting, free) = followed.partitioned { busy.contains($0) }
        for contact in waiting { commit.deferChange(contact.id, until: busy.checkAgainAt, reason: "import_open") }
        commit.record(
            waiting.map { Decision(.queued, .outbound, .contact, contactID: $0.id, reason: "import_open") })
        settleMissing(missing, links: linksByContact, &commit)

        let plan: OutboundPlan
        do {
            plan = try await OutboundPlanning(session: session, now: run.now).plan(free, links: linksByContact)
        } catch let trouble as StreamTrouble {
            // Only those that carry a tag have anything to do with Salesforce.
            let asked = free.filter { !$0.tags.isEmpty }
            commit.leaveForBudget(trouble, asked.map { waits($0.id, .contact) }, after: commit.decisions.count)
            commit.describe(contacts, links: linksByContact, pending: pending)
            try await run.commit(commit, store: session.store)
            throw trouble
        }
        try await follow(plan.answers.held.values.filter(\.isConverted), busy: busy, &tally)
        commit.note(personsAmong: plan.answers.found + plan.answers.held.values)
        let believed = try await MassDeleteCheck(session: session, run: run).free(plan.verdicts, &tally)
        tally.seen += contacts.count

        let planned = try await withoutExcluded(apply(believed, to: &commit, &tally), &commit)
        let writes = try await LoopBrakeCheck(session: session, run: run).free(planned, &commit, &tally)
        waitForMappings(free, links: linksByContact, &commit)
        let decided = commit.decisions.count
        do {
            if !writes.isEmpty {
                let converted = try await RecordWriter(session: session, run: run).write(writes, into: &commit, &tally)
                try await follow(
                    try await session.salesforce.records(.lead, ids: converted), busy: busy, &tally)
            }
        } catch let trouble as StreamTrouble {
            // What Salesforce has answered is stored; the chunk's other contacts are read again.
            commit.consumedEchoes += plan.settledEchoes(by: commit.links)
            commit.leaveForBudget(
                trouble, writes.map { waits($0.contactID, $0.object, $0.recordID) }, after: decided)
            commit.describe(contacts, links: linksByContact, pending: pending)
            try await run.commit(commit, store: session.store)
            throw trouble
        }
        commit.nameUnchanged(contacts, planned: plan.chunk.intents.map(\.contact))
        commit.describe(contacts, links: linksByContact, pending: pending)
        commit.consumedEchoes += plan.settledEchoes(by: commit.links)
        try commit.advance(.outbound, .contact, cursor: cursor)
        let deferred = commit.deferredContactIDs
        commit.deferred.forEach { tally.leave(until: $0.until) }
        commit.settled += pending.filter { !deferred.contains($0.contactID) }
        try await run.commit(commit, store: session.store)
    }

    /// The writes but those to a record that somebody keeps out, which the contact's address led to. They are tried when it
    /// is taken back.
    private func withoutExcluded(_ writes: [RecordWrite], _ commit: inout RunCommit) async throws -> [RecordWrite] {
        let excluded = try await session.store.exclusions(
            tenant: session.number, recordIDs: writes.compactMap(\.recordID))
        let (kept, free) = writes.partitioned { $0.recordID.map(excluded.records.contains) ?? false }
        for write in kept {
            commit.fail(
                .outbound, write.object, recordID: String(write.contactID), code: Exclusions.partnerCode, fields: [],
                fingerprint: nil, now: run.now, kind: .human)
        }
        commit.record(
            kept.map {
                Decision(
                    .outOfScope, .outbound, $0.object, contactID: $0.contactID, recordID: $0.recordID,
                    reason: Decision.excluded)
            })
        return free
    }

    private func waits(_ contactID: Int64, _ object: ObjectKind, _ recordID: String? = nil) -> Decision {
        Decision(
            .budgetWait, .outbound, object, contactID: contactID, recordID: recordID, reason: BudgetRefusal.spentCode)
    }

    /// T23: leads that were converted since the last pull; their contacts' changes stay pending, and go to the contact
    /// record with the next batch.
    private func follow(_ leads: [SalesforceRecord], busy: BusyContacts, _ tally: inout RunTally) async throws {
        _ = try await LifecycleSettlement(session: session, run: run).settle(leads, busy: busy, &tally)
    }

    /// A pending id that ActiveCampaign does not have any more: deleted there; nothing is deleted here (R89).
    private func settleMissing(_ ids: [Int64], links: [Int64: [Link]], _ commit: inout RunCommit) {
        for id in ids {
            if links[id] == nil {
                commit.record([Decision(.tombstoned, .outbound, .contact, contactID: id, reason: "contact_deleted")])
            }
            for var link in links[id] ?? [] where link.state == .active {
                link.state = .contactMissing
                commit.links.append(link)
                commit.decisions.append(
                    Decision(
                        .tombstoned, .outbound, link.object, contactID: id, recordID: link.recordID, reason: "R89"))
            }
        }
    }

    /// A change in a field whose mapping is being re-evaluated stays pending until that is through (T21).
    private func waitForMappings(
        _ contacts: [ActiveCampaignContact], links: [Int64: [Link]], _ commit: inout RunCommit
    ) {
        let rules = session.outboundRules
        guard rules.paused.values.contains(where: { !$0.isEmpty }) else { return }
        let until = run.now.addingTimeInterval(ClusterLimits.pausedMappingLook)
        for contact in contacts where !contact.tags.isEmpty {
            guard let link = OutboundRules.leading(links[contact.id] ?? []) else { continue }
            let fields = rules.pausedFields(of: link, contact: contact)
            guard !fields.isEmpty else { continue }
            commit.deferChange(contact.id, until: until, reason: "mapping_paused")
            commit.record([
                Decision(
                    .driftPaused, .outbound, link.object, contactID: contact.id, recordID: link.recordID,
                    reason: "mapping_paused", fields: fields)
            ])
        }
    }

    private func apply(
        _ verdicts: [(contactID: Int64, verdict: OutboundVerdict)], to commit: inout RunCommit, _ tally: inout RunTally
    ) -> [RecordWrite] {
        var writes: [RecordWrite] = []
        for (contactID, verdict) in verdicts {
            switch verdict {
            case .dropped(let decisions):
                tally.count(decisions)
                commit.record(decisions)
                commit.resolveFailure(.outbound, recordID: String(contactID))
            case .relinked(let link, let decisions):
                tally.count(decisions)
                commit.links.append(link)
                commit.record(decisions)
                commit.resolveFailure(.outbound, recordID: String(contactID))
            case .deferred(let link, let until, let reason, let decisions):
                if let link { commit.links.append(link) }
                commit.deferChange(contactID, until: until, reason: reason)
                commit.record(decisions)
            case .write(let write, let decisions):
                commit.record(decisions)
                writes.append(write)
            }
        }
        return writes
    }
}

extension Sequence {
    /// The elements that match, and those that don't, in order.
    func partitioned(_ matches: (Element) -> Bool) -> (matching: [Element], rest: [Element]) {
        var result: (matching: [Element], rest: [Element]) = ([], [])
        for element in self {
            if matches(element) { result.matching.append(element) } else { result.rest.append(element) }
        }
        return result
    }
}
