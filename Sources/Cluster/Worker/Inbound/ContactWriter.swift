import Foundation
import Store
import SyncRules

/// What became of one contact written by itself.
enum ContactOutcome: Sendable {
    case written(contactID: Int64)
    /// The linked contact is deleted.
    case gone
    /// This contact's data was refused.
    case refused(code: String, fields: [String])
}

/// Writes planned contacts to ActiveCampaign by the cheapest way that is safe for each: many by bulk import, few by
/// `contact/sync`, and by id whatever an import can't carry (R8, R43, R68).
struct ContactWriter {
    let session: TenantSession
    let run: RunContext
    /// Earlier writes whose outcome was never committed.
    let echoes: OutstandingEchoes

    /// Writes contacts and records in `commit` what came of each: a link, an open import's member, or a failure.
    func write(_ writes: [ContactWrite], into commit: inout RunCommit, _ tally: inout RunTally) async throws {
        let (linked, fresh) = writes.partitioned { $0.contactID != nil }
        try await session.store.intend(tenant: session.number, writes.map(Self.intention), now: run.now)
        try await writeFresh(fresh, into: &commit, &tally)
        try await writeLinked(linked, into: &commit, &tally)
    }

    // MARK: - First-time records

    private func writeFresh(_ writes: [ContactWrite], into commit: inout RunCommit, _ tally: inout RunTally)
        async throws
    {
        if writes.count >= ClusterLimits.importThreshold {
            return try await importAll(writes, into: &commit, &tally)
        }
        for write in writes {
            let outcome = try await session.activeCampaign.upsert(write)
            settle(write, outcome, into: &commit, &tally)
        }
    }

    // MARK: - Linked records

    /// An import goes by address. Before one carries linked contacts their addresses are read, a hundred a call: a contact
    /// whose address was changed in ActiveCampaign would otherwise be made a second time.
    private func writeLinked(_ writes: [ContactWrite], into commit: inout RunCommit, _ tally: inout RunTally)
        async throws
    {
        var single = writes
        if writes.count >= ClusterLimits.importThreshold {
            let candidates = writes.filter(\.fitsImport)
            let present = try await session.activeCampaign.contacts(ids: candidates.compactMap(\.contactID))
            let emails = Dictionary(present.map { ($0.id, $0.email) }, uniquingKeysWith: { first, _ in first })
            let safe = candidates.filter { write in write.contactID.flatMap { emails[$0] ?? nil } == write.email }
            if safe.count >= ClusterLimits.importThreshold {
                try await importAll(safe, into: &commit, &tally)
                let carried = Set(safe.map(\.recordID))
                single = writes.filter { !carried.contains($0.recordID) }
            }
        }
        for write in single {
            guard let contactID = write.contactID else { continue }
            let outcome = try await session.activeCampaign.update(contactID, with: write)
            settle(write, outcome, into: &commit, &tally)
        }
    }

    // MARK: - Settlements

    private func importAll(_ writes: [ContactWrite], into commit: inout RunCommit, _ tally: inout RunTally) async throws
    {
        let result = await session.activeCampaign.importContacts(writes)
        let opened = result.batches.map { batch in
            OpenImport(
                batchID: batch.id, openedAt: run.now,
                checkAt: run.now.addingTimeInterval(ClusterLimits.firstImportCheck),
                members: batch.writes.map(ImportMember.init))
        }
        if let trouble = result.trouble {
            // What is under way must not be forgotten, and the page is read again: no cursor moves with this commit.
            var partial = session.commit(run)
            partial.openedImports = opened
            try await run.commit(partial, store: session.store)
            throw trouble
        }
        commit.openedImports += opened
        for batch in result.batches {
            tally.imported += batch.writes.count
            commit.decisions += batch.writes.map { decision(.sent, $0, reason: "import") }
        }
        for refused in result.refused {
            fail(refused.write, code: refused.code, fields: ["Email"], into: &commit, &tally)
        }
        for write in result.unresolved {
            let outcome =
                if let contactID = write.contactID {
                    try await session.activeCampaign.update(contactID, with: write)
                } else {
                    try await session.activeCampaign.upsert(write)
                }
            settle(write, outcome, into: &commit, &tally)
        }
    }

    private func settle(
        _ write: ContactWrite, _ outcome: ContactOutcome, into commit: inout RunCommit, _ tally: inout RunTally
    ) {
        switch outcome {
        case .written(let contactID):
            let link = write.link(contactID: contactID)
            commit.links.append(link)
            commit.consumedEchoes += echoes.settled(by: [link], side: .activeCampaign) + [Self.intention(write).key]
            if let replaced = write.replaced, replaced.contactID != contactID { commit.removedLinks.append(replaced) }
            commit.resolveFailure(.inbound, recordID: write.recordID)
            if session.hasPackage { commit.writeBack(link, now: run.now) }
            if write.contactID == nil { tally.created += 1 } else { tally.updated += 1 }
            commit.decisions.append(decision(.accepted, write, contactID: contactID, reason: "R40"))
        case .gone:
            guard let contactID = write.contactID else { return }
            var link = write.link(contactID: contactID)
            link.state = .contactMissing
            commit.links.append(link)
            commit.decisions.append(decision(.tombstoned, write, contactID: contactID, reason: "R89"))
        case .refused(let code, let fields):
            fail(write, code: code, fields: fields, into: &commit, &tally)
        }
    }

    private static func intention(_ write: ContactWrite) -> EchoIntention {
        EchoIntention(
            side: .activeCampaign, object: write.object, recordID: write.recordID,
            fingerprint: Fingerprint(write.write.projection))
    }

    private func fail(
        _ write: ContactWrite, code: String, fields: [String], into commit: inout RunCommit, _ tally: inout RunTally
    ) {
        tally.failed += 1
        commit.fail(
            .inbound, write.object, recordID: write.recordID, code: code, fields: fields,
            fingerprint: write.settled.recordFingerprint?.stored, now: run.now)
        commit.decisions.append(decision(.rejected, write, reason: code))
    }

    private func decision(
        _ code: DecisionCode, _ write: ContactWrite, contactID: Int64? = nil, reason: String
    ) -> Decision {
        Decision(
            code, .inbound, write.object, contactID: contactID ?? write.contactID, recordID: write.recordID,
            reason: reason)
    }
}

extension ImportMember {
    /// What must be remembered of a write until its import is settled.
    init(_ write: ContactWrite) {
        self.init(link: write.settled, emailHash: write.email.hash, replacedContactID: write.replaced?.contactID)
    }
}
