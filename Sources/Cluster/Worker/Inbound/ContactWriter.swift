import Drivers
import Foundation
import Store
import SyncRules

/// What became of one contact written by itself.
enum ContactOutcome: Sendable {
    /// `isNew` tells one that was made from one that was there.
    case written(contactID: Int64, isNew: Bool)
    /// The linked contact is deleted.
    case gone
    /// This contact's data was refused.
    case refused(code: String, fields: [String])
}

/// Writes planned contacts to ActiveCampaign by the cheapest way that is safe for each: many by bulk import, few by
/// `contact/sync`, and by id whatever an import can't carry (R8, R43, R68).
///
/// What it has put into `commit` when it throws is true and can be stored; only the cursor must not move with it.
struct ContactWriter {
    let session: TenantSession
    let run: RunContext
    /// Earlier writes whose outcome was never committed.
    let echoes: OutstandingEchoes
    /// How often records failed by themselves already, by record id; these are written one by one, whatever their
    /// number, for an import may be what loses them.
    let retried: [String: Int]
    /// How the records were seen.
    let source: ChangeSource
    /// Records that were handed to an import.
    private(set) var imported: Set<String> = []
    /// Records in a row that met a failure of the server's.
    private var streak = 0

    init(
        session: TenantSession, run: RunContext, echoes: OutstandingEchoes, retried: [String: Int], source: ChangeSource
    ) {
        self.session = session
        self.run = run
        self.echoes = echoes
        self.retried = retried
        self.source = source
    }

    /// Writes contacts and records in `commit` what came of each: a link, an open import's member, or a failure.
    mutating func write(_ writes: [ContactWrite], into commit: inout RunCommit, _ tally: inout RunTally) async throws {
        let (linked, fresh) = writes.partitioned { $0.contactID != nil }
        // The ledger comes first: if an answer is lost, both directions know our own write by it (T10, T17).
        try await session.store.intend(tenant: session.number, writes.map(Self.intention), now: run.now)
        try await writeFresh(fresh, into: &commit, &tally)
        try await writeLinked(linked, into: &commit, &tally)
    }

    /// Those an import may carry, and the others; none may when they are too few.
    private func forImport(_ writes: [ContactWrite]) -> (matching: [ContactWrite], rest: [ContactWrite]) {
        let parts = writes.partitioned { $0.fitsImport && retried[$0.recordID] == nil }
        return parts.matching.count >= ClusterLimits.importThreshold ? parts : ([], writes)
    }

    // MARK: - First-time records

    private mutating func writeFresh(
        _ writes: [ContactWrite], into commit: inout RunCommit, _ tally: inout RunTally
    ) async throws {
        let (bulk, single) = forImport(writes)
        if !bulk.isEmpty { try await importAll(bulk, into: &commit, &tally) }
        for write in single { try await writeOne(write, into: &commit, &tally) }
    }

    // MARK: - Linked records

    /// An import goes by address. Before one carries linked contacts their addresses are read, a hundred a call: a contact
    /// whose address was changed in ActiveCampaign would otherwise be made a second time.
    private mutating func writeLinked(
        _ writes: [ContactWrite], into commit: inout RunCommit, _ tally: inout RunTally
    ) async throws {
        let (candidates, others) = forImport(writes)
        let present = try await session.activeCampaign.contacts(ids: candidates.compactMap(\.contactID))
        let emails = Dictionary(present.map { ($0.id, $0.email) }, uniquingKeysWith: { first, _ in first })
        var (safe, moved) = candidates.partitioned { write in
            write.contactID.flatMap { emails[$0] ?? nil } == write.email
        }
        if safe.count < ClusterLimits.importThreshold {
            moved += safe
            safe = []
        }
        if !safe.isEmpty { try await importAll(safe, into: &commit, &tally) }
        for write in others + moved { try await writeOne(write, into: &commit, &tally) }
    }

    // MARK: - One by one

    /// Writes one contact. A failure of the server's that meets this contact alone is the record's: it must not keep the
    /// tenant's other records waiting for ever. Several in a row are the server's, and end the run.
    private mutating func writeOne(
        _ write: ContactWrite, into commit: inout RunCommit, _ tally: inout RunTally
    ) async throws {
        var write = write
        write.call = CallPlace(number: run.account.total(.activeCampaign) + 1)
        do {
            var outcome = try await send(write)
            if case .refused(let code, let names) = outcome, let reduced = reduce(write, code, names, &commit) {
                write = reduced
                write.call = CallPlace(number: run.account.total(.activeCampaign) + 1)
                outcome = try await send(reduced)
            }
            streak = 0
            if case .refused(RecordFailure.addressTaken, _) = outcome,
                try await moveToHolder(of: write, into: &commit, &tally)
            {
                return
            }
            try await settle(write, outcome, into: &commit, &tally)
        } catch let trouble as StreamTrouble where trouble.mayBeOneRecord {
            streak += 1
            guard streak < ClusterLimits.failuresInARow else { throw trouble }
            postpone(write, trouble, into: &commit, &tally)
        }
    }

    private func send(_ write: ContactWrite) async throws -> ContactOutcome {
        guard let contactID = write.contactID else { return try await session.activeCampaign.upsert(write) }
        // Nothing may be left once what was refused is taken out.
        if write.write.isEmpty { return .written(contactID: contactID, isNew: false) }
        return try await session.activeCampaign.update(contactID, with: write)
    }

    /// The write without the fields that were refused; nil when they can't be left out (D6).
    private func reduce(
        _ write: ContactWrite, _ code: String, _ names: [String], _ commit: inout RunCommit
    ) -> ContactWrite? {
        let projector = session.inbound(write.object).projector
        let fields = projector.droppable(names, of: write.write)
        guard !fields.isEmpty else { return nil }
        commit.record([decision(.rejected, write, reason: code, fields: fields)])
        return write.without(fields, by: projector)
    }

    /// R8: the record's new address is another contact's. When that contact belongs to no record the link moves to it; all
    /// the record's values go there with the next look, and the contact's own to the record after it. The contact that is
    /// left is one like any other without a record: a create action it carries counts with its next change (R14).
    /// - Returns: false when another record has the contact (D3, R91).
    private func moveToHolder(
        of write: ContactWrite, into commit: inout RunCommit, _ tally: inout RunTally
    ) async throws -> Bool {
        guard write.contactID != nil, let holder = try await session.activeCampaign.contact(of: write.email) else {
            return false
        }
        let left = write.settled
        let projector = session.inbound(write.object).projector
        let link = left.moved(to: holder.id, holding: projector.project(holder), by: projector)
        guard try await refusal(of: link, commit) == nil else { return false }
        if let tag = SyncTag.createdFrom(write.object) {
            guard try await session.activeCampaign.tag(holder.id, with: tag) else { return false }
        }
        commit.links.append(link)
        commit.removedLinks.append(left)
        commit.consumedEchoes.append(Self.intention(write).key)
        commit.fail(
            .inbound, write.object, recordID: write.recordID, code: "address_moved", fields: ["Email"],
            fingerprint: nil, now: run.now, retryAt: run.now, kind: .transient)
        tally.leave(until: run.now)
        commit.decisions.append(decision(.relinked, write, contactID: holder.id, reason: "R8"))
        commit.record([decision(.relinked, write, contactID: left.contactID, reason: "R8.left")])
        return true
    }

    private func postpone(
        _ write: ContactWrite, _ trouble: StreamTrouble, into commit: inout RunCommit, _ tally: inout RunTally
    ) {
        let attempt = retried[write.recordID] ?? 0
        let isLast = attempt + 1 >= ClusterLimits.recordAttempts
        let next = run.now.addingTimeInterval(ClusterLimits.recordRetry.delay(attempt: attempt).seconds)
        if !isLast { tally.leave(until: next) }
        tally.failed += 1
        commit.fail(
            .inbound, write.object, recordID: write.recordID, code: trouble.code, fields: [], fingerprint: nil,
            now: run.now, retryAt: isLast ? nil : next, kind: isLast ? .bug : .transient)
        commit.decisions.append(decision(.rejected, write, reason: trouble.code))
    }

    // MARK: - Importing

    private mutating func importAll(
        _ writes: [ContactWrite], into commit: inout RunCommit, _ tally: inout RunTally
    ) async throws {
        let result = await session.activeCampaign.importContacts(writes)
        let opened = result.batches.map { batch in
            OpenImport(
                batchID: batch.id, openedAt: run.now,
                checkAt: run.now.addingTimeInterval(ClusterLimits.firstImportCheck),
                members: batch.writes.map(ImportMember.init))
        }
        // What is under way is stored at once, whatever becomes of the rest of the page: until it is settled no other
        // write of these contacts may be made, and no batch may take what it leaves behind for somebody's edit.
        var opening = session.commit(run)
        opening.openedImports = opened
        for batch in result.batches {
            tally.imported += batch.writes.count
            imported.formUnion(batch.writes.map(\.recordID))
            opening.record(
                batch.writes.map { write in
                    var sent = decision(.sent, write, reason: "import")
                    sent.fields = write.write.fields
                    sent.importID = batch.id
                    return sent
                })
        }
        if !opened.isEmpty { try await run.commit(opening, store: session.store) }
        if let trouble = result.trouble { throw trouble }
        // By itself each says which of its fields is refused, and goes without it (D6).
        for write in result.refused + result.unresolved { try await writeOne(write, into: &commit, &tally) }
    }

    // MARK: - Settlements

    private func settle(
        _ write: ContactWrite, _ outcome: ContactOutcome, into commit: inout RunCommit, _ tally: inout RunTally
    ) async throws {
        switch outcome {
        case .written(let contactID, let isNew):
            try await link(write, to: contactID, isNew: isNew, into: &commit, &tally)
        case .gone:
            guard let contactID = write.contactID else {
                // It was made, and deleted before it got its tag.
                return fail(write, code: "contact_gone", fields: [], into: &commit, &tally)
            }
            var link = write.link(contactID: contactID)
            link.state = .contactMissing
            commit.links.append(link)
            commit.consumedEchoes += echoes.settled(by: [link], side: .activeCampaign) + [Self.intention(write).key]
            commit.resolveFailure(.inbound, recordID: write.recordID)
            commit.decisions.append(decision(.tombstoned, write, contactID: contactID, reason: "R89"))
        case .refused(let code, let fields):
            fail(write, code: code, fields: fields, into: &commit, &tally)
        }
    }

    /// The rule by which the link's contact stays with another record; nil when the link may be stored (D3, R91).
    private func refusal(of link: Link, _ commit: RunCommit) async throws -> String? {
        let others = try await session.store.links(tenant: session.number, contactIDs: [link.contactID])
        var ownership = ContactOwnership(links: others + commit.links.filter { $0.contactID == link.contactID })
        return ownership.refusal(of: link)
    }

    private func link(
        _ write: ContactWrite, to contactID: Int64, isNew: Bool, into commit: inout RunCommit,
        _ tally: inout RunTally
    ) async throws {
        let link = write.link(contactID: contactID)
        commit.consumedEchoes += echoes.settled(by: [link], side: .activeCampaign) + [Self.intention(write).key]
        if write.contactID == nil, let rule = try await refusal(of: link, commit) {
            tally.failed += 1
            return commit.refuseDuplicate(link, rule: rule, now: run.now)
        }
        commit.links.append(link)
        if let replaced = write.replaced, replaced.contactID != contactID { commit.removedLinks.append(replaced) }
        commit.resolveFailure(.inbound, recordID: write.recordID)
        if session.acknowledges { commit.writeBack(link, now: run.now) }
        if write.contactID == nil { tally.created += 1 } else { tally.updated += 1 }
        let reason = write.contactID != nil ? "R40" : isNew ? "R43.created" : "R43.met"
        if reason == "R43.met" { commit.record([decision(.linked, write, contactID: contactID, reason: reason)]) }
        var accepted = decision(.accepted, write, contactID: contactID, reason: reason)
        accepted.fields = write.write.fields
        commit.record([accepted])
    }

    private static func intention(_ write: ContactWrite) -> EchoIntention {
        EchoIntention(
            side: .activeCampaign, object: write.object, recordID: write.recordID, fingerprint: write.intended)
    }

    /// ActiveCampaign refused the data: nothing of it was written.
    private func fail(
        _ write: ContactWrite, code: String, fields: [String], into commit: inout RunCommit, _ tally: inout RunTally
    ) {
        tally.failed += 1
        commit.consumedEchoes.append(Self.intention(write).key)
        commit.fail(
            .inbound, write.object, recordID: write.recordID, code: code, fields: fields,
            fingerprint: write.settled.recordFingerprint?.stored, now: run.now)
        commit.decisions.append(decision(.rejected, write, reason: code))
    }

    private func decision(
        _ code: DecisionCode, _ write: ContactWrite, contactID: Int64? = nil, reason: String, fields: [String] = []
    ) -> Decision {
        var decision = Decision(
            code, .inbound, write.object, contactID: contactID ?? write.contactID, recordID: write.recordID,
            reason: reason, fields: fields)
        decision.source = source
        decision.ground = write.ground
        decision.call = write.call
        decision.projection = write.settled.recordFingerprint?.digest
        if decision.contactID == nil { decision.emailHash = write.email.hash }
        return decision
    }
}

extension ImportMember {
    /// What must be remembered of a write until its import is settled.
    init(_ write: ContactWrite) {
        self.init(link: write.settled, emailHash: write.email.hash, replacedContactID: write.replaced?.contactID)
    }
}
