import Foundation
import SyncRules

/// Why Salesforce refused one record, as far as the batch must tell cases apart.
struct RowRefusal: Sendable {
    enum Kind: Sendable {
        /// The package's own rule: changed in Salesforce since the last pull (R53).
        case changedInSalesforce
        /// This record's data; tried again when it changes.
        case permanent
        /// The record is deleted.
        case gone
        /// A converted lead (R49).
        case converted
        /// An automation of the org failed, or no result came: tried again a few times.
        case passing
        /// Somebody else holds the record: tried again for as long as an approval may take.
        case locked
        /// The mapping names a field the org does not have, or does not let us write.
        case mapping
        /// The org or our user as a whole: an administrator must act, and then the record goes through as it is.
        case blocked
    }

    var kind: Kind
    /// The provider's stable code, `STRING_TOO_LONG`.
    var code: String
    /// API names of the fields concerned, when the provider names them.
    var fields: [String]
    /// Whether the record may have been written all the same.
    var isUnknown = false

    /// Whether another record has a value that must be unique.
    var isValueTaken: Bool { code == "DUPLICATE_VALUE" }

    /// Whether the same write may pass later.
    var mayPass: Bool { [.passing, .locked, .blocked].contains(kind) }
}

/// What became of one record of a write.
enum RowOutcome: Sendable {
    case written(id: String)
    case refused(RowRefusal)
    /// The call failed for a whole collection: it says nothing of this record, and settles nothing.
    case failed(StreamTrouble)
}
