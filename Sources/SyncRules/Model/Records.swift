package import Foundation

/// An ActiveCampaign contact as the rules see it.
package struct ActiveCampaignContact: Sendable {
    package var id: Int64
    /// Values by field name (`ActiveCampaignField.description`); a custom field that was never set is missing.
    package var fields: [String: String]
    package var tags: Set<SyncTag>
    /// `udate`, whole seconds; nil when it is not known.
    package var changedAt: Date?
    /// The ActiveCampaign account it belongs to; nil when it has none.
    package var accountID: Int64?
    /// When it was made; nil when nobody told.
    package var createdAt: Date?

    /// Makes a contact.
    package init(
        id: Int64, fields: [String: String], tags: Set<SyncTag>, accountID: Int64? = nil, changedAt: Date? = nil,
        createdAt: Date? = nil
    ) {
        self.changedAt = changedAt
        self.id = id
        self.fields = fields
        self.tags = tags
        self.accountID = accountID
        self.createdAt = createdAt
    }

    /// The normalised address; nil when it is blank or malformed.
    package var email: EmailAddress? { fields["email"].flatMap(EmailAddress.init) }
}

/// An ActiveCampaign account, a company that contacts belong to, as the rules see it.
package struct ActiveCampaignAccount: Sendable {
    package var id: Int64
    /// Texts by field name: `name`, and `custom:TAG` for its own custom fields.
    package var fields: [String: String]

    /// Makes an account.
    package init(id: Int64, fields: [String: String]) {
        self.id = id
        self.fields = fields
    }
}

/// A field of a Salesforce record as the wire delivers it.
package enum SalesforceFieldValue: Sendable, Hashable {
    case null
    case bool(Bool)
    /// A number in the digits it came in.
    case number(String)
    case string(String)
}

/// What the status field of a Salesforce record says (R52, R57).
package enum SyncStatus: String, Sendable {
    case waiting = "Waiting for next sync"
    case synced = "Synced"
}

/// A Salesforce record as the rules see it.
package struct SalesforceRecord: Sendable {
    package var id: String
    package var object: ObjectKind
    /// Values by API name; a field that was not asked for is missing.
    package var fields: [String: SalesforceFieldValue]
    package var createdAt: Date
    /// `SystemModstamp`, whole seconds.
    package var modifiedAt: Date
    package var isDeleted = false
    /// The record that is left of a merge this one lost, while it is in the recycle bin (T24).
    package var masterRecordID: String?
    package var isConverted = false
    /// `ConvertedContactId` of a converted lead.
    package var convertedContactID: String?
    /// Whether a converted lead became a person account (R51).
    package var isConvertedToPerson = false
    /// Nil without the Salesforce package.
    package var status: SyncStatus?
    /// `AC_Change_Seq__c`; nil without the package.
    package var changeSequence: Int64?
    /// `AC_Contact_Id__c`, when the org has the field and it is set.
    package var contactID: Int64?
    /// The marker checkbox of mode *marked*; nil when it was not asked for.
    package var isMarked: Bool?
    /// Whether it is a person account, or the contact of one (R85).
    package var isPersonAccount = false
    /// `Contact.AccountId`; nil when it was not asked for, or has none.
    package var accountID: String?

    /// Makes a record.
    package init(
        id: String, object: ObjectKind, fields: [String: SalesforceFieldValue], createdAt: Date, modifiedAt: Date
    ) {
        self.id = id
        self.object = object
        self.fields = fields
        self.createdAt = createdAt
        self.modifiedAt = modifiedAt
    }

    /// The normalised address; nil when it is blank or malformed.
    package var email: EmailAddress? {
        guard case .string(let text) = fields["Email"] else { return nil }
        return EmailAddress(text)
    }
}
