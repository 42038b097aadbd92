import Foundation

/// One contact of a bulk import; what is nil or missing stays as it is.
///
/// Whether an empty text clears a field is not documented: clear with `upsert` or `update` (reference 6).
package struct ImportRow: Sendable, Hashable, CustomStringConvertible {
    /// The address, the import's key.
    package var email: String
    /// First name.
    package var firstName: String?
    /// Last name.
    package var lastName: String?
    /// Phone.
    package var phone: String?
    /// Values by field number, encoded as the field's type wants.
    package var fieldValues: [Int64: String]
    /// Names of tags to add; made if missing. An import removes none.
    package var tags: [String]
    /// Lists the contact gets on, unless the person left them before: an import never overrides that.
    package var lists: [Int64]

    /// Makes a row.
    package init(
        email: String, firstName: String? = nil, lastName: String? = nil, phone: String? = nil,
        fieldValues: [Int64: String] = [:], tags: [String] = [], lists: [Int64] = []
    ) {
        self.email = email
        self.firstName = firstName
        self.lastName = lastName
        self.phone = phone
        self.fieldValues = fieldValues
        self.tags = tags
        self.lists = lists
    }

    package var description: String { "a contact to import (\(fieldValues.count) fields, \(tags.count) tags)" }
}

/// An import that was accepted and runs on its own from now on.
package struct QueuedImport: Sendable, Hashable {
    /// What `importState` is asked with.
    package let batchID: String
    /// Which of the rows given it carries.
    package let rows: [Int]
}

/// A row that no import takes.
package struct RefusedImportRow: Sendable, Hashable {
    /// Which of the rows given.
    package let row: Int
    /// Why, as an allow-listed code.
    package let code: String
    /// Fields the importer named.
    package let fields: [String]
}

/// What became of the rows given to `importContacts`; each is in exactly one of the three lists.
package struct ImportOutcome: Sendable, Hashable {
    /// Accepted imports, in the order they were accepted.
    package var queued: [QueuedImport] = []
    /// Rows refused for their data.
    package var refused: [RefusedImportRow] = []
    /// Rows not tried to the end because `error` came first. With fate `unknown` some of them may be on their way;
    /// importing them again does no harm. With code `import_unresolved` the importer won't say within the bound which
    /// of them it refuses: write these one by one.
    package var unsent: [Int] = []
    /// What stopped the rest; nil exactly when `unsent` is empty.
    package var error: ActiveCampaignError?
}

/// What ActiveCampaign says of an import.
package enum ImportState: Sendable, Hashable {
    /// Queued or running.
    case open
    /// Done: numbers of the contacts taken, in no promised order, and addresses of those refused.
    case completed(contactIDs: [Int64], failedEmails: [String])
    /// It ended without a result.
    case failed
    /// ActiveCampaign doesn't know it.
    case unknown
}
