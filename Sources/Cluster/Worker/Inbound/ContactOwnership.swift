import Foundation
import Store
import SyncRules

/// Whether the contact that a write by address turned out to be may be linked to the record it was written for.
///
/// An address tells no more than that a contact holds it now: it may have been given to a contact that is linked to
/// another record, and the link of that one stays (D3, R91).
struct ContactOwnership {
    private var byContact: [Int64: [Link]]

    /// - Parameter links: links of the contacts concerned.
    init(links: [Link]) {
        byContact = Dictionary(grouping: links.filter { $0.state == .active }, by: \.contactID)
    }

    /// Takes the contact for the link.
    /// - Returns: the rule that keeps the contact with another record; nil when the link may be stored.
    mutating func refusal(of link: Link) -> String? {
        for other in byContact[link.contactID] ?? [] where other.recordID != link.recordID {
            if other.object == link.object { return "D3" }
            if other.object == .contact { return "R91" }
        }
        byContact[link.contactID, default: []].append(link)
        return nil
    }
}

extension RunCommit {
    /// Reports a record whose contact belongs to another record.
    mutating func refuseDuplicate(_ link: Link, rule: String, now: Date) {
        fail(
            .inbound, link.object, recordID: link.recordID, code: DecisionCode.duplicateMatch.name, fields: ["Email"],
            fingerprint: nil, now: now)
        decisions.append(
            Decision(
                .duplicateMatch, .inbound, link.object, contactID: link.contactID, recordID: link.recordID,
                reason: rule))
    }
}
