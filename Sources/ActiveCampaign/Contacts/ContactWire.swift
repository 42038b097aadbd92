import Drivers
import Foundation

/// Contacts and their sideloads as the wire delivers them.
struct ContactsAnswer: Decodable {
    /// Required: a listing without it is not an empty one (trap T20).
    let contacts: [ContactRow]
    let fieldValues: LooseList<FieldValueRow>?
    let contactTags: LooseList<ContactTagRow>?
    let contactLists: LooseList<ContactListRow>?
    let accountContacts: LooseList<AccountPlaceRow>?
    let tags: LooseList<TagRow>?
    let meta: LooseMeta?

    struct ContactRow: Decodable {
        let id: LooseText
        let email: LooseText?
        let firstName: LooseText?
        let lastName: LooseText?
        let phone: LooseText?
        let cdate: LooseText?
        let udate: LooseText?
        let anonymized: LooseText?
        let bouncedHard: LooseText?
        let fieldValues: LooseList<LooseText>?
        let contactTags: LooseList<LooseText>?
        let contactLists: LooseList<LooseText>?

        enum CodingKeys: String, CodingKey {
            case id, email, firstName, lastName, phone, cdate, udate, anonymized, fieldValues, contactTags, contactLists
            case bouncedHard = "bounced_hard"
        }
    }
}

struct ContactListRow: Decodable, Sendable {
    let id: LooseText?
    let contact: LooseText?
    let list: LooseText?
    let status: LooseText?

    /// Nil without the list's number.
    var membership: ListMembership? {
        list?.integer.map {
            ListMembership(listID: $0, status: status?.integer.flatMap { .init(rawValue: Int($0)) })
        }
    }
}

struct FieldValueRow: Decodable, Sendable {
    let id: LooseText?
    let contact: LooseText?
    let field: LooseText?
    let value: LooseText?
}

struct ContactTagRow: Decodable, Sendable {
    let id: LooseText?
    let contact: LooseText?
    let tag: LooseText?
}

/// The names of tags, as far as an answer carries them.
struct TagSideload: Decodable {
    let tags: LooseList<TagRow>?

    var names: [Int64: String?] { Self.names(tags) }

    static func names(_ tags: LooseList<TagRow>?) -> [Int64: String?] {
        Dictionary(
            (tags?.elements ?? []).compactMap { row in row.id?.integer.map { ($0, row.tag?.text) } },
            uniquingKeysWith: { first, _ in first })
    }
}

struct TagRow: Decodable, Sendable {
    let id: LooseText?
    let tag: LooseText?
    let tagType: LooseText?
}

/// One contact with the sideloads it brings unasked (reference 3.5).
struct ContactAnswer: Decodable {
    let contact: ContactsAnswer.ContactRow
    let fieldValues: LooseList<FieldValueRow>
    let contactLists: LooseList<ContactListRow>?
    let accountContacts: LooseList<AccountPlaceRow>?
}

/// The answer to a write; only the number is of interest.
struct WrittenContact: Decodable {
    struct Row: Decodable {
        let id: LooseText
        let cdate: LooseText?
        let udate: LooseText?
    }
    let contact: Row

    /// Whether the contact was made by the write that this answers: a status of 201 alone is documented of updates, too
    /// (reference 3.7), so that it must not have been changed since it was made either.
    func isNew(status: Int) -> Bool { status == 201 && contact.cdate?.text == contact.udate?.text }
}

/// The body of a write.
struct ContactBody: Encodable {
    struct Value: Encodable {
        let field: String
        let value: String
    }

    struct Contact: Encodable {
        let email: String?
        let firstName: String?
        let lastName: String?
        let phone: String?
        /// Inside `contact`: beside it, it would be dropped silently (reference 3.6).
        let fieldValues: [Value]?
    }

    let contact: Contact

    init(_ values: ContactValues) {
        let fields = values.fieldValues.sorted { $0.key < $1.key }.map {
            Value(field: String($0.key), value: $0.value)
        }
        contact = Contact(
            email: values.email, firstName: values.firstName, lastName: values.lastName, phone: values.phone,
            fieldValues: fields.isEmpty ? nil : fields)
    }
}

/// An answer that is JSON but not what the call promises.
struct UnexpectedShape: Error {}

extension HTTPResponse {
    /// The body as `type`, whatever the content type says.
    func decoded<Body: Decodable>(as type: Body.Type) throws -> Body {
        try JSONDecoder().decode(type, from: body)
    }

    /// The server's clock.
    var serverDate: Date? { WireDate.parseHeader(headers["Date"]) }
}

// MARK: - Joining

/// Contacts of one answer, joined with their values and tags.
struct JoinedContacts {
    /// Contacts whose values and tags are all there, in the order of the answer.
    private(set) var complete: [ContactRecord] = []
    /// Contacts whose row names values or tags that the answer doesn't carry: read as they are they would look emptied.
    private(set) var incomplete: [Int64] = []

    init(_ answer: ContactsAnswer, serverDate: Date?) throws {
        let values = Dictionary(grouping: answer.fieldValues?.elements ?? []) { $0.contact?.integer }
        let tags = Dictionary(grouping: answer.contactTags?.elements ?? []) { $0.contact?.integer }
        let lists = Dictionary(grouping: answer.contactLists?.elements ?? []) { $0.contact?.integer }
        let places = Dictionary(
            (answer.accountContacts?.elements ?? []).map { ($0.contact?.integer, $0.place) },
            uniquingKeysWith: { first, _ in first })
        let names = TagSideload.names(answer.tags)
        for row in answer.contacts {
            guard let id = row.id.integer else { throw UnexpectedShape() }
            let ownValues = values[id] ?? []
            let ownTags = tags[id] ?? []
            let hasAll =
                Self.holds(ownValues.map(\.id), listed: row.fieldValues, isSideloaded: answer.fieldValues != nil)
                && Self.holds(ownTags.map(\.id), listed: row.contactTags, isSideloaded: answer.contactTags != nil)
            // Of lists half a truth is worse than none: a missing row could be the one that is active (T28).
            let ownLists = lists[id] ?? []
            let hasLists = Self.holds(
                ownLists.map(\.id), listed: row.contactLists, isSideloaded: answer.contactLists != nil)
            guard hasAll else {
                incomplete.append(id)
                continue
            }
            var contact = ContactRecord(
                row, id: id, values: ownValues, tags: ownTags, lists: hasLists ? ownLists : [], names: names,
                serverDate: serverDate)
            contact.place = places[id] ?? nil
            complete.append(contact)
        }
    }

    private static func holds(_ ids: [LooseText?], listed: LooseList<LooseText>?, isSideloaded: Bool) -> Bool {
        guard let listed else { return isSideloaded }
        return Set(listed.elements).isSubset(of: ids.compactMap(\.self))
    }
}

extension ContactRecord {
    /// A row of the wire with what belongs to it.
    init(
        _ row: ContactsAnswer.ContactRow, id: Int64, values: [FieldValueRow], tags: [ContactTagRow],
        lists: [ContactListRow], names: [Int64: String?], serverDate: Date?
    ) {
        let updated = WireDate.parse(row.udate?.text)
        self.init(
            id: id, email: row.email?.orEmpty ?? "", firstName: row.firstName?.orEmpty ?? "",
            lastName: row.lastName?.orEmpty ?? "", phone: row.phone?.orEmpty ?? "",
            fieldValues: Dictionary(
                values.compactMap { value in value.field?.integer.map { ($0, value.value?.orEmpty ?? "") } },
                uniquingKeysWith: { _, last in last }),
            tags: tags.compactMap { ContactTag($0, names: names) }, lists: lists.compactMap(\.membership),
            isHardBounced: (row.bouncedHard?.integer ?? 0) > 0,
            createdAt: WireDate.parse(row.cdate?.text),
            updatedAt: updated.map { update in serverDate.map { min($0, update) } ?? update },
            isAnonymized: row.anonymized?.isTrue ?? false)
    }
}

extension ContactTag {
    /// A row of the wire; nil when it has no numbers.
    init?(_ row: ContactTagRow, names: [Int64: String?] = [:]) {
        guard let associationID = row.id?.integer, let tagID = row.tag?.integer else { return nil }
        self.init(associationID: associationID, tagID: tagID, name: names[tagID] ?? nil)
    }
}
