import Foundation
import Store
import SyncRules

/// How a page's records were seen, added to everything that was decided about them in one place; and a quiet decision for
/// each that nothing was said of, so that every record seen has a code (invariant 1).
extension RunCommit {
    /// Tells of a batch's decisions how the contacts were seen, and what they held.
    /// - Parameters:
    ///   - links: the contacts' links, by contact id.
    ///   - pending: changes that waited for the contacts; the others were met by the poll.
    mutating func describe(
        _ contacts: [ActiveCampaignContact], links known: [Int64: [Link]], pending: [PendingChange]
    ) {
        let byID = Dictionary(contacts.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
        let sources = Dictionary(pending.map { ($0.contactID, $0.source) }, uniquingKeysWith: { first, _ in first })
        let stored = Dictionary(links.map { ($0.contactID, $0) }, uniquingKeysWith: { _, last in last })
        for index in decisions.indices where decisions[index].direction == .outbound && decisions[index].source == nil {
            guard let id = decisions[index].contactID else { continue }
            decisions[index].source = sources[id] ?? .poll
            if let link = stored[id] ?? known[id]?.first {
                decisions[index].projection = link.contactFingerprint?.digest
            } else {
                decisions[index].emailHash = byID[id]?.email?.hash
            }
        }
    }

    /// Tells of a pull's decisions how the records were seen, and what they held.
    mutating func describe(_ records: [SalesforceRecord], seen source: ChangeSource) {
        let byID = Dictionary(records.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
        let stored = Dictionary(links.map { ($0.recordID, $0) }, uniquingKeysWith: { _, last in last })
        for index in decisions.indices where decisions[index].direction == .inbound && decisions[index].source == nil {
            guard let id = decisions[index].recordID else { continue }
            decisions[index].source = source
            if let link = stored[id] {
                decisions[index].projection = link.recordFingerprint?.digest
            } else if decisions[index].contactID == nil {
                decisions[index].emailHash = byID[id]?.email?.hash
            }
        }
    }

    /// Says of contacts nothing else was said of that they are as they were.
    /// - Parameter planned: those whose present values were not refused before.
    mutating func nameUnchanged(_ contacts: [ActiveCampaignContact], planned: [ActiveCampaignContact]) {
        let named = Set(decisions.compactMap(\.contactID))
        let planned = Set(planned.map(\.id))
        for contact in contacts where !named.contains(contact.id) {
            record([
                planned.contains(contact.id)
                    ? Decision(.unchangedProjection, .outbound, .contact, contactID: contact.id, reason: "R29")
                    : Decision(.rejected, .outbound, .contact, contactID: contact.id, reason: "refused_before")
            ])
        }
    }

    /// Says of writes that no call could be made for any more that they wait (R11).
    /// - Parameter count: decisions there were before the writes began.
    mutating func leaveForBudget(_ trouble: StreamTrouble, _ writes: [Decision], after count: Int) {
        guard case .budget = trouble.kind else { return }
        let answered = decisions[count...]
        let contacts = Set(answered.compactMap(\.contactID))
        let records = Set(answered.compactMap(\.recordID))
        record(
            writes.filter { write in
                !(write.contactID.map(contacts.contains) ?? false) && !(write.recordID.map(records.contains) ?? false)
            })
    }
}
