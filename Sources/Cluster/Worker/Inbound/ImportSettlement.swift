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

    /// An import that ActiveCampaign has worked off.
    private struct Finished {
        let open: OpenImport
        let contactIDs: [Int64]
        let refused: Set<[UInt8]>
    }

    /// Imports that are not done.
    private struct Waiting {
        /// The one that ActiveCampaign is at.
        var first: OpenImport?
        /// Those that wait for their turn behind it.
        var behind: [OpenImport] = []
        /// Those found open again and again: nobody waits for them any more.
        var hanging: [OpenImport] = []

        mutating func add(_ open: OpenImport) {
            if open.checks < ClusterLimits.hangingImportChecks { first = open } else { hanging.append(open) }
        }
    }

    /// Looks at the tenant's open imports, oldest first, and commits those that are done.
    ///
    /// ActiveCampaign works them off one after the other, so the look ends at the first that is not done: the ones behind
    /// it wait with it. One that hangs holds nobody up for long: after a few looks those behind it are looked at too.
    /// - Returns: the contacts that are still on their way.
    func settle(_ tally: inout RunTally) async throws -> BusyContacts {
        var busy = BusyContacts()
        var finished: [Finished] = []
        var waiting = Waiting()
        for open in try await session.store.openImports(tenant: session.number) {
            let isPatienceOver = run.now.timeIntervalSince(open.openedAt) > ClusterLimits.importPatience
            guard waiting.first == nil || isPatienceOver else {
                waiting.behind.append(open)
                continue
            }
            guard open.checkAt <= run.now else {
                busy.add(open, checkAgainAt: open.checkAt)
                if open.checks < ClusterLimits.hangingImportChecks { waiting.first = open }
                continue
            }
            switch try await session.activeCampaign.progress(of: open.batchID) {
            case .open where !isPatienceOver:
                waiting.add(open)
            case .completed(let contactIDs, let refused):
                finished.append(Finished(open: open, contactIDs: contactIDs, refused: Set(refused.map(\.hash))))
            case .lost, .open: try await writeAgain(open, &tally)
            }
            if finished.count == ClusterLimits.importsSettledAtOnce { try await close(&finished, &tally) }
        }
        try await close(&finished, &tally)
        try await postpone(waiting, &busy)
        return busy
    }

    /// Every look is a call: the more wait, the later the next one, so that it finds some of them done.
    private func postpone(_ waiting: Waiting, _ busy: inout BusyContacts) async throws {
        if let first = waiting.first {
            // Of one whose time has not come nobody was asked.
            let isAsked = first.checkAt <= run.now
            let wait = max(
                ClusterLimits.firstImportCheck * pow(1.5, Double(first.checks)),
                ClusterLimits.importTurn * Double(1 + waiting.behind.count))
            let next =
                isAsked
                ? run.now.addingTimeInterval(min(wait, ClusterLimits.longestImportCheck)) : first.checkAt
            try await postpone(isAsked ? [first] : [], waiting.behind, until: next, &busy)
        }
        let later = run.now.addingTimeInterval(ClusterLimits.longestImportCheck)
        try await postpone(waiting.hanging, [], until: later, &busy)
    }

    private func postpone(
        _ asked: [OpenImport], _ behind: [OpenImport], until next: Date, _ busy: inout BusyContacts
    ) async throws {
        guard !asked.isEmpty || !behind.isEmpty else { return }
        try await session.store.postponeImports(
            tenant: session.number, asked: asked.map(\.batchID), others: behind.map(\.batchID), checkAt: next)
        for open in asked + behind { busy.add(open, checkAgainAt: next) }
    }

    /// Links what finished imports have taken. Their new contacts are read together, a hundred a call.
    private func close(_ finished: inout [Finished], _ tally: inout RunTally) async throws {
        guard !finished.isEmpty else { return }
        var commit = session.commit(run)
        let newcomers = try await newcomers(finished)
        var ownership = ContactOwnership(
            links: try await session.store.links(tenant: session.number, contactIDs: newcomers.values.map(\.id)))
        for item in finished {
            for member in item.open.members {
                let newcomer = newcomers[member.emailHash]
                settle(
                    member, contactID: member.contactID ?? newcomer?.id,
                    isRefused: item.refused.contains(member.emailHash), &ownership, &commit, &tally)
                if member.contactID == nil, let newcomer { tellOrigin(of: newcomer, member, item.open, &commit) }
            }
            commit.settledImports.append(item.open.batchID)
        }
        let echoes = try await session.echoes(of: finished.flatMap { $0.open.members.map(\.recordID) })
        commit.consumedEchoes += echoes.settled(by: commit.links, side: .activeCampaign)
        try await run.commit(commit, store: session.store)
        finished = []
    }

    /// The answers list ids without their addresses: those of new contacts are read to tell whose they are.
    private func newcomers(_ finished: [Finished]) async throws -> [[UInt8]: ActiveCampaignContact] {
        let unknown = finished.filter { $0.open.members.contains { $0.contactID == nil } }.flatMap { item in
            let known = Set(item.open.members.compactMap(\.contactID))
            return item.contactIDs.filter { !known.contains($0) }
        }
        let contacts = try await session.activeCampaign.contacts(ids: unknown)
        return Dictionary(
            contacts.compactMap { contact in contact.email.map { ($0.hash, contact) } },
            uniquingKeysWith: { first, _ in first })
    }

    /// An answer does not tell the contacts an import has made from those it has met: these were there before it.
    private func tellOrigin(
        of contact: ActiveCampaignContact, _ member: ImportMember, _ open: OpenImport, _ commit: inout RunCommit
    ) {
        guard commit.decisions.last?.code == .accepted, let createdAt = contact.createdAt,
            createdAt < open.openedAt.addingTimeInterval(-ClusterLimits.importClockSlack)
        else { return }
        commit.record([
            Decision(
                .linked, .inbound, member.object, contactID: contact.id, recordID: member.recordID, reason: "R43.met")
        ])
    }

    private func settle(
        _ member: ImportMember, contactID: Int64?, isRefused: Bool, _ ownership: inout ContactOwnership,
        _ commit: inout RunCommit, _ tally: inout RunTally
    ) {
        if isRefused {
            tally.failed += 1
            commit.fail(
                .inbound, member.object, recordID: member.recordID, code: "import_refused", fields: ["Email"],
                fingerprint: member.recordFingerprint?.stored, now: run.now)
            commit.decisions.append(
                Decision(.rejected, .inbound, member.object, recordID: member.recordID, reason: "import_refused"))
        } else if let contactID {
            link(member, to: contactID, &ownership, &commit, &tally)
        } else {
            // Neither taken nor refused, or its address was changed since: it is read and written by itself.
            tally.failed += 1
            commit.fail(
                .inbound, member.object, recordID: member.recordID, code: "import_unknown", fields: [],
                fingerprint: nil, now: run.now, retryAt: run.now, kind: .transient)
        }
    }

    private func link(
        _ member: ImportMember, to contactID: Int64, _ ownership: inout ContactOwnership, _ commit: inout RunCommit,
        _ tally: inout RunTally
    ) {
        let link = member.link(contactID: contactID)
        if member.contactID == nil, let rule = ownership.refusal(of: link) {
            commit.refuseDuplicate(link, rule: rule, now: run.now)
            tally.failed += 1
            return
        }
        commit.links.append(link)
        commit.resolveFailure(.inbound, recordID: member.recordID)
        if session.acknowledges { commit.writeBack(link, now: run.now) }
        if member.contactID == nil { tally.created += 1 } else { tally.updated += 1 }
        commit.decisions.append(
            Decision(
                .accepted, .inbound, member.object, contactID: contactID, recordID: member.recordID, reason: "import"))
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
