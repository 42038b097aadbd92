package import Foundation

/// A contact as ActiveCampaign holds it, with its custom field values and its tags.
package struct ContactRecord: Sendable, Hashable, CustomStringConvertible {
    /// The contact's number.
    package let id: Int64
    /// Address as stored; empty when it has none.
    package var email: String
    /// First name, empty for none.
    package var firstName: String
    /// Last name, empty for none.
    package var lastName: String
    /// Phone, empty for none.
    package var phone: String
    /// Raw values by field number (`||a||b||` for several); a field that was never set is missing, null is empty.
    package var fieldValues: [Int64: String]
    /// Its tags.
    package var tags: [ContactTag]
    /// Its standing with every list it ever was on.
    package var lists: [ListMembership]
    /// Whether mail to its address came back for good.
    package var isHardBounced: Bool
    /// When it was made; nil when ActiveCampaign doesn't tell.
    package var createdAt: Date?
    /// When anything about it last changed: tags, notes, opens and clicks count, too (reference 3.3). Never later than
    /// the answer that carries it, since ActiveCampaign at times stamps the future (3.2).
    package var updatedAt: Date?
    /// Erased on its person's request: what is left are placeholders.
    package var isAnonymized: Bool
    /// Its place in an account; nil when it has none.
    package var place: AccountPlace?

    /// Makes a contact.
    package init(
        id: Int64, email: String, firstName: String = "", lastName: String = "", phone: String = "",
        fieldValues: [Int64: String] = [:], tags: [ContactTag] = [],
        lists: [ListMembership] = [], isHardBounced: Bool = false, createdAt: Date? = nil, updatedAt: Date? = nil,
        isAnonymized: Bool = false
    ) {
        self.id = id
        self.email = email
        self.firstName = firstName
        self.lastName = lastName
        self.phone = phone
        self.fieldValues = fieldValues
        self.tags = tags
        self.lists = lists
        self.isHardBounced = isHardBounced
        self.createdAt = createdAt
        self.updatedAt = updatedAt
        self.isAnonymized = isAnonymized
    }

    package var description: String { "contact \(id)" }
}

/// A tag on a contact.
package struct ContactTag: Sendable, Hashable {
    /// Number of the association, by which it is removed; not the tag's number.
    package let associationID: Int64
    /// The tag's number.
    package let tagID: Int64
    /// The tag's name; nil only when the tag itself is gone by now.
    package let name: String?

    /// Makes a tag of a contact.
    package init(associationID: Int64, tagID: Int64, name: String?) {
        self.associationID = associationID
        self.tagID = tagID
        self.name = name
    }
}

/// Values to write to one contact; what is nil or missing stays as it is, an empty text clears.
package struct ContactValues: Sendable, Hashable, CustomStringConvertible {
    /// The address: the key of an upsert, an ordinary value of an update.
    package var email: String?
    /// First name.
    package var firstName: String?
    /// Last name.
    package var lastName: String?
    /// Phone.
    package var phone: String?
    /// Values by field number, encoded as the field's type wants (reference 4).
    package var fieldValues: [Int64: String]

    /// Makes values.
    package init(
        email: String? = nil, firstName: String? = nil, lastName: String? = nil, phone: String? = nil,
        fieldValues: [Int64: String] = [:]
    ) {
        self.email = email
        self.firstName = firstName
        self.lastName = lastName
        self.phone = phone
        self.fieldValues = fieldValues
    }

    package var description: String { "values of a contact (\(fieldValues.count) fields)" }
}

/// What became of one contact that was written.
package enum ContactWriteOutcome: Sendable, Hashable {
    /// Written; the contact's number, and whether it was made by this write.
    case written(contactID: Int64, isNew: Bool = false)
    /// There is no such contact any more: ActiveCampaign itself said so.
    case gone
    /// The address belongs to another contact.
    case duplicateEmail
    /// This contact's data was refused; `fields` are API names as far as the answer told.
    case refused(code: String, fields: [String])
}

/// One page of a walk over contacts by number.
package struct ContactPage: Sendable {
    /// The contacts, numbers ascending.
    package var contacts: [ContactRecord]
    /// Whether the walk is over.
    package var isLast: Bool
    /// Rows of the whole walk as far as ActiveCampaign tells; moves while one walks.
    package var total: Int?
    /// The server's clock when it answered; nil when it sent none.
    package var serverDate: Date?
}
