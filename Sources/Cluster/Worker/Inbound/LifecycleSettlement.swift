import Foundation
import Store
import SyncRules

/// Follows linked records through conversions and merges: the link goes on with the record the person became, and the
/// contact's tags say so (R47–R50, R90, D1, T23, T24).
///
/// Committed by itself before the page it came with: what is stored is true whatever becomes of the page, and doing it
/// again changes nothing.
struct LifecycleSettlement {
    let session: TenantSession
    let run: RunContext

    /// Settles the conversions and merges among records just read.
    /// - Parameter busy: contacts on their way in an import; what concerns them waits until it is settled.
    /// - Returns: ids of the records that are done with, or wait.
    func settle(
        _ records: [SalesforceRecord], busy: BusyContacts, _ tally: inout RunTally
    ) async throws -> Set<String> {
        let changed = records.filter { $0.successorID != nil || $0.isConverted }
        guard !changed.isEmpty else { return [] }
        let excluded = try await session.store.exclusions(
            tenant: session.number, recordIDs: changed.flatMap { [$0.id, $0.successorID].compactMap(\.self) })
        // A record that is kept out stays where it is: it is read again when it is taken back.
        let moved = changed.filter { !excluded.records.contains($0.id) }
        guard !moved.isEmpty else { return [] }
        var book = try await book(of: moved)
        var commit = session.commit(run)
        let (waiting, free) = moved.partitioned { record in
            guard let link = book.link(of: record.id), link.isToBeSettled else { return false }
            return busy.contactIDs.contains(link.contactID) || busy.records[record.id] != nil
                || record.successorID.map { busy.records[$0] != nil } ?? false
        }
        for record in waiting {
            commit.fail(
                .inbound, record.object, recordID: record.id, code: "import_open", fields: [], fingerprint: nil,
                now: run.now, retryAt: busy.checkAgainAt, kind: .transient)
        }
        merge(free, &book, &commit)
        let converted = free.filter(\.isConverted)
        do { try await convert(converted, excluded, &book, &commit) } catch let trouble as StreamTrouble {
            try await run.commit(commit, store: session.store)
            throw trouble
        }
        guard !commit.links.isEmpty || !waiting.isEmpty else { return [] }
        tally.updated += commit.decisions.count
        commit.record(
            waiting.map { Decision(.queued, .inbound, $0.object, recordID: $0.id, reason: "import_open") })
        if !commit.deferredContactIDs.isEmpty { tally.leave(until: run.now) }
        try await run.commit(commit, store: session.store)
        return Set(waiting.map(\.id) + commit.decisions.compactMap(\.recordID))
    }

    private func book(of records: [SalesforceRecord]) async throws -> LinkBook {
        let ids = Set(records.map(\.id) + records.compactMap(\.successorID))
        let links = try await session.store.links(tenant: session.number, recordIDs: ids.sorted())
        let siblings = try await session.store.links(tenant: session.number, contactIDs: links.map(\.contactID))
        return LinkBook(links + siblings)
    }

    // MARK: - Merges

    private func merge(_ records: [SalesforceRecord], _ book: inout LinkBook, _ commit: inout RunCommit) {
        let losers = records.filter { $0.isDeleted && $0.masterRecordID != nil }
        let masters = Dictionary(
            losers.compactMap { loser in loser.masterRecordID.map { (loser.id, $0) } },
            uniquingKeysWith: { first, _ in first })
        for loser in losers {
            // A winner may have lost a later merge itself.
            var winner = loser.id
            for _ in 0..<masters.count { winner = masters[winner] ?? winner }
            guard let link = book.link(of: loser.id),
                let plan = MergeRules.plan(for: loser, loser: link, winnerID: winner, winner: book.link(of: winner))
            else { continue }
            book.replace(link, with: plan.link)
            commit.links.append(plan.link)
            note(plan.decision, plan.reason, loser, plan.link, &commit)
            if plan.isRelinked {
                readNext(plan.link, &commit)
            } else {
                // A lead of the same person leads from here on (R91): what passed it by is owed to it, and by it.
                let leads = book.links(of: link.contactID).filter { $0.object == .lead && $0.state == .active }
                for lead in leads where link.object == .contact { readNext(lead, &commit) }
            }
        }
    }

    // MARK: - Conversions

    private func convert(
        _ leads: [SalesforceRecord], _ excluded: Exclusions, _ book: inout LinkBook, _ commit: inout RunCommit
    ) async throws {
        let linked = leads.compactMap { lead in
            book.link(of: lead.id).flatMap { $0.isToBeSettled ? (lead: lead, link: $0) : nil }
        }
        let people = try await session.activeCampaign.people(ids: linked.map(\.link.contactID))
        for (lead, link) in linked {
            let person = people[link.contactID]
            guard
                let plan = session.conversionRules.plan(
                    for: lead, lead: link, person: person?.contact,
                    contact: lead.convertedContactID.flatMap { book.link(of: $0) },
                    siblings: book.links(of: link.contactID).filter { $0.recordID != link.recordID })
            else { continue }
            var contact = plan.contact
            // The link goes to a contact that is kept out, so that it is kept out by it; nothing is written.
            let isKeptOut = lead.convertedContactID.map(excluded.records.contains) ?? false
            if let person, !isKeptOut, session.tenant.settings.direction.writes(to: .activeCampaign),
                try await !session.activeCampaign.retag(person, adding: plan.addedTags, removing: plan.removedTags)
            {
                contact?.state = .contactMissing
            }
            for link in [plan.lead, contact].compactMap(\.self) {
                book.replace(nil, with: link)
                commit.links.append(link)
            }
            note(plan.decision, plan.reason, lead, plan.lead, &commit)
            commit.resolveFailure(.inbound, recordID: lead.id)
            if let contact, contact.state == .active { readNext(contact, &commit) }
        }
    }

    // MARK: - What follows

    /// The record may have been passed by its stream already: it is read by id. What the contact has to say goes through
    /// its new link.
    private func readNext(_ link: Link, _ commit: inout RunCommit) {
        commit.fail(
            .inbound, link.object, recordID: link.recordID, code: "relinked", fields: [], fingerprint: nil,
            now: run.now, retryAt: run.now, kind: .transient)
        commit.deferChange(link.contactID, until: run.now, reason: "relinked")
    }

    private func note(
        _ code: DecisionCode, _ reason: String, _ record: SalesforceRecord, _ link: Link, _ commit: inout RunCommit
    ) {
        commit.decisions.append(
            Decision(
                code, .inbound, record.object, contactID: link.contactID, recordID: record.id, reason: reason))
    }
}

extension Link {
    /// Whether a conversion or merge of its record has still to be followed.
    fileprivate var isToBeSettled: Bool { state != .closed && state != .merged }
}

extension SalesforceRecord {
    /// The record that goes on in this one's place.
    fileprivate var successorID: String? { isConverted ? convertedContactID : isDeleted ? masterRecordID : nil }
}

/// Links as they stand in the middle of a settlement.
private struct LinkBook {
    private var byRecord: [String: Link] = [:]

    init(_ links: [Link]) {
        for link in links { byRecord[link.recordID] = link }
    }

    func link(of recordID: String) -> Link? { byRecord[recordID] }

    func links(of contactID: Int64) -> [Link] {
        byRecord.values.filter { $0.contactID == contactID }.sorted { $0.recordID < $1.recordID }
    }

    mutating func replace(_ old: Link?, with new: Link) {
        if let old { byRecord[old.recordID] = nil }
        byRecord[new.recordID] = new
    }
}
