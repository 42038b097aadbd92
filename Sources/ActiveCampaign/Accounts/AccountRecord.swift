package import Foundation

/// An account, a company that contacts belong to (reference 7.1).
package struct AccountRecord: Sendable, Hashable, CustomStringConvertible {
    /// The account's number.
    package let id: Int64
    /// Its name, unlike any other account's.
    package var name: String
    /// When it last changed; nil when ActiveCampaign doesn't tell.
    package var updatedAt: Date?

    /// Makes an account.
    package init(id: Int64, name: String, updatedAt: Date? = nil) {
        self.id = id
        self.name = name
        self.updatedAt = updatedAt
    }

    package var description: String { "account \(id)" }
}

/// A custom field of accounts; its values are written by number.
package struct AccountField: Sendable, Hashable {
    package let id: Int64
    /// Its name for mappings, upper case, without percent signs.
    package let perstag: String
    package let kind: CustomField.Kind
    /// Currency of values that name none, lower case; nil where it is no currency field.
    package let currency: String?

    /// Makes a field.
    package init(id: Int64, perstag: String, kind: CustomField.Kind, currency: String? = nil) {
        self.id = id
        self.perstag = perstag
        self.kind = kind
        self.currency = currency
    }
}

/// A value of an account's custom field: several choices are a list here, and money is in cents.
package enum AccountFieldValue: Sendable, Hashable {
    case text(String)
    case choices([String])
    case money(cents: Int64, currency: String)
}

/// What is written to one account; what is missing stays as it is.
package struct AccountValues: Sendable, Hashable, CustomStringConvertible {
    package var name: String?
    /// By field number.
    package var fields: [Int64: AccountFieldValue]

    /// Makes values.
    package init(name: String? = nil, fields: [Int64: AccountFieldValue] = [:]) {
        self.name = name
        self.fields = fields
    }

    package var description: String { "values of an account (\(fields.count) fields)" }
}

/// What became of one account that was written.
package enum AccountWriteOutcome: Sendable, Hashable {
    case written(accountID: Int64)
    /// There is no such account any more.
    case gone
    /// Another account has the name.
    case duplicateName
    /// This account's data was refused; `fields` are API names as far as the answer told.
    case refused(code: String, fields: [String])
}

/// A contact's place in an account.
package struct AccountPlace: Sendable, Hashable {
    /// The number of the row that says so.
    package let id: Int64
    package let accountID: Int64

    /// Makes a place.
    package init(id: Int64, accountID: Int64) {
        self.id = id
        self.accountID = accountID
    }
}

/// What became of a contact that was put into an account.
package enum AccountPlacing: Sendable, Hashable {
    case done(AccountPlace)
    /// The contact has an account already (reference 7.1: one a contact).
    case taken
    /// The contact or the account is gone.
    case gone
}

/// One page of a walk over accounts.
package struct AccountPage: Sendable {
    package var accounts: [AccountRecord]
    /// Whether the walk is over.
    package var isLast: Bool
    /// The server's clock when it answered; nil when it sent none.
    package var serverDate: Date?
}
