import Foundation
import Store
import SyncRules

/// What ActiveCampaign says of a bulk import.
enum ImportProgress: Sendable {
    /// Still queued or running.
    case open
    /// Done; contact ids of those taken, addresses of those refused.
    case completed(contactIDs: [Int64], refused: [EmailAddress])
    /// Failed or unknown as a whole; its members are written again.
    case lost
}

/// Contacts whose values an open import is about to change: not to be read as anybody's edit.
struct BusyContacts {
    var contactIDs: Set<Int64> = []
    var emailHashes: Set<[UInt8]> = []
    /// What the import carries of each Salesforce record, by record id.
    var records: [String: Fingerprint] = [:]
    /// The addresses its members take, which are not linked yet.
    var claims = AddressClaims()
    /// When the imports are looked at again.
    var checkAgainAt = Date.distantPast
    /// When the oldest of them was handed in; nil when there is none.
    var openedAt: Date?

    /// The contacts of open imports.
    init(_ open: [OpenImport] = []) {
        for item in open { add(item, checkAgainAt: item.checkAt) }
    }

    mutating func add(_ open: OpenImport, checkAgainAt next: Date) {
        contactIDs.formUnion(open.members.compactMap(\.contactID))
        emailHashes.formUnion(open.members.map(\.emailHash))
        for member in open.members {
            records[member.recordID] = member.recordFingerprint ?? Fingerprint()
            _ = claims.claim(member.emailHash, for: member.object, member.recordID)
        }
        checkAgainAt = max(checkAgainAt, next)
        openedAt = min(openedAt ?? open.openedAt, open.openedAt)
    }

    func contains(_ contact: ActiveCampaignContact) -> Bool {
        contactIDs.contains(contact.id) || (contact.email.map { emailHashes.contains($0.hash) } ?? false)
    }
}

/// Settles bulk imports: links for what was taken, failures for what was refused, status write-backs for both sides'
/// peace (R18, R43, R52).
struct ImportSettlement {
    let session: TenantSession
    let run: RunContext

    /// Looks at every open import of the tenant and commits those that are done.
    /// - Returns: the contacts that are still on their way.
    func settle(_ tally: inout RunTally) async throws -> BusyContacts {
        var busy = BusyContacts()
        for open in try await session.store.openImports(tenant: session.number) {
            let progress =
                open.checkAt <= run.now ? try await session.activeCampaign.progress(of: open.batchID) : .open
            switch progress {
            case .open where run.now.timeIntervalSince(open.openedAt) > ClusterLimits.importPatience:
                try await writeAgain(open, &tally)
            case .open:
                busy.add(open, checkAgainAt: try await postpone(open))
            case .completed(let contactIDs, let refused):
                try await close(open, contactIDs: contactIDs, refused: refused, &tally)
            case .lost:
                try await writeAgain(open, &tally)
            }
        }
        return busy
    }

    /// The next look comes later each time, up to a minute apart.
    private func postpone(_ open: OpenImport) async throws -> Date {
        guard open.checkAt <= run.now else { return open.checkAt }
        let wait = min(ClusterLimits.firstImportCheck * pow(1.5, Double(open.checks)), ClusterLimits.longestImportCheck)
        let next = run.now.addingTimeInterval(wait)
        try await session.store.postponeImport(tenant: session.number, batchID: open.batchID, checkAt: next)
        return next
    }

    private func close(
        _ open: OpenImport, contactIDs: [Int64], refused: [EmailAddress], _ tally: inout RunTally
    ) async throws {
        var commit = session.commit(run)
        let refusedHashes = Set(refused.map(\.hash))
        let known = Set(open.members.compactMap(\.contactID))
        // The answer lists ids without their addresses: those of new contacts are read to tell whose they are.
        let isFresh = open.members.contains { $0.contactID == nil }
        let fresh =
            isFresh ? try await session.activeCampaign.contacts(ids: contactIDs.filter { !known.contains($0) }) : []
        let ids = Dictionary(
            fresh.compactMap { contact in contact.email.map { ($0.hash, contact.id) } },
            uniquingKeysWith: { first, _ in first })
        var ownership = ContactOwnership(
            links: try await session.store.links(tenant: session.number, contactIDs: Array(ids.values)))
        for member in open.members {
            let contactID = member.contactID ?? ids[member.emailHash]
            if let contactID, !refusedHashes.contains(member.emailHash) {
                let link = member.link(contactID: contactID)
                if member.contactID == nil, let rule = ownership.refusal(of: link) {
                    commit.refuseDuplicate(link, rule: rule, now: run.now)
                    tally.failed += 1
                    continue
                }
                commit.links.append(link)
                commit.resolveFailure(.inbound, recordID: member.recordID)
                if session.acknowledges { commit.writeBack(link, now: run.now) }
                if member.contactID == nil { tally.created += 1 } else { tally.updated += 1 }
                commit.decisions.append(
                    Decision(
                        .accepted, .inbound, member.object, contactID: contactID, recordID: member.recordID,
                        reason: "import"))
            } else if !refusedHashes.contains(member.emailHash) {
                // Neither taken nor refused, or its address was changed since: it is read and written by itself.
                tally.failed += 1
                commit.fail(
                    .inbound, member.object, recordID: member.recordID, code: "import_unknown", fields: [],
                    fingerprint: nil, now: run.now, retryAt: run.now, kind: .transient)
            } else {
                tally.failed += 1
                commit.fail(
                    .inbound, member.object, recordID: member.recordID, code: "import_refused", fields: ["Email"],
                    fingerprint: member.recordFingerprint?.stored, now: run.now)
                commit.decisions.append(
                    Decision(
                        .rejected, .inbound, member.object, recordID: member.recordID, reason: "import_refused"))
            }
        }
        commit.settledImports.append(open.batchID)
        let echoes = try await session.echoes(of: open.members.map(\.recordID))
        commit.consumedEchoes += echoes.settled(by: commit.links, side: .activeCampaign)
        try await run.commit(commit, store: session.store)
    }

    /// An import that ended without a result is forgotten and its records are read again from Salesforce.
    private func writeAgain(_ open: OpenImport, _ tally: inout RunTally) async throws {
        var commit = session.commit(run)
        commit.settledImports.append(open.batchID)
        for member in open.members {
            commit.fail(
                .inbound, member.object, recordID: member.recordID, code: "import_lost", fields: [],
                fingerprint: nil, now: run.now, retryAt: run.now, kind: .transient)
        }
        tally.failed += open.members.count
        try await run.commit(commit, store: session.store)
    }
}

extension ImportMember {
    /// The link once the import has taken this member.
    fileprivate func link(contactID: Int64) -> Link {
        var link = self.link
        link.contactID = contactID
        return link
    }
}
