/// The tags that tell how a person came to be synced (R46). Names compare without regard to case (R25).
package enum SyncTag: String, Sendable, CaseIterable, Hashable {
    case addedToContact = "added-to-salesforce-contact"
    case createdFromContact = "created-from-salesforce-contact"
    case convertedToContact = "salesforce-lead-converted-to-contact"
    case addedToLead = "added-to-salesforce-lead"
    case createdFromLead = "created-from-salesforce-lead"
    /// R51: names of the three are the help article's, the first one's presumed.
    case addedToPersonAccount = "added-to-salesforce-person-account"
    case createdFromPersonAccount = "created-from-salesforce-person-account"
    case convertedToPersonAccount = "salesforce-lead-converted-to-person-account"

    /// The object the tag stands for.
    package var object: ObjectKind {
        switch self {
        // A person account is known by its contact, and kept in step as one.
        case .addedToContact, .createdFromContact, .convertedToContact, .addedToPersonAccount,
            .createdFromPersonAccount, .convertedToPersonAccount:
            .contact
        case .addedToLead, .createdFromLead: .lead
        }
    }

    /// Whether the tag is a create action (R15, R16, R23, D9).
    package var createsRecord: Bool { [.addedToContact, .addedToLead, .addedToPersonAccount].contains(self) }

    /// The tag a person gets who first came from Salesforce as `object` (R43); nil for objects without one.
    package static func createdFrom(_ object: ObjectKind) -> SyncTag? {
        switch object {
        case .contact: .createdFromContact
        case .lead: .createdFromLead
        case .account, .opportunity: nil
        }
    }

    /// The tag a person gets who first came as this record (R43, R51).
    package static func createdFrom(_ record: SalesforceRecord) -> SyncTag? {
        record.isPersonAccount ? .createdFromPersonAccount : createdFrom(record.object)
    }

    /// The sync tags among a contact's tags.
    package static func among(_ names: some Sequence<String>) -> Set<SyncTag> {
        Set(names.compactMap { SyncTag(rawValue: $0.lowercased()) })
    }
}
