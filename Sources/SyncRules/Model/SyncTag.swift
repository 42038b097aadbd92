/// The tags that tell how a person came to be synced (R46). Names compare without regard to case (R25).
package enum SyncTag: String, Sendable, CaseIterable, Hashable {
    case addedToContact = "added-to-salesforce-contact"
    case createdFromContact = "created-from-salesforce-contact"
    case convertedToContact = "salesforce-lead-converted-to-contact"
    case addedToLead = "added-to-salesforce-lead"
    case createdFromLead = "created-from-salesforce-lead"

    /// The object the tag stands for.
    package var object: ObjectKind {
        switch self {
        case .addedToContact, .createdFromContact, .convertedToContact: .contact
        case .addedToLead, .createdFromLead: .lead
        }
    }

    /// Whether the tag is a create action (R15, R16, R23, D9).
    package var createsRecord: Bool { self == .addedToContact || self == .addedToLead }

    /// The tag a person gets who first came from Salesforce as `object` (R43); nil for objects without one.
    package static func createdFrom(_ object: ObjectKind) -> SyncTag? {
        switch object {
        case .contact: .createdFromContact
        case .lead: .createdFromLead
        case .account, .opportunity: nil
        }
    }

    /// The sync tags among a contact's tags.
    package static func among(_ names: some Sequence<String>) -> Set<SyncTag> {
        Set(names.compactMap { SyncTag(rawValue: $0.lowercased()) })
    }
}
