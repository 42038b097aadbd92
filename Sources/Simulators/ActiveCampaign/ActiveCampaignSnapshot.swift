import Foundation

/// A contact as it stands, for comparing both sides.
package struct ActiveCampaignContact: Sendable, Equatable, Codable {
    /// The contact's id.
    package var id: Int
    /// Address as it was written.
    package var email: String
    /// First name, empty when there is none.
    package var firstName: String
    /// Last name, empty when there is none.
    package var lastName: String
    /// Telephone, empty when there is none.
    package var phone: String
    /// Values by perstag; a field that was never set is missing.
    package var fields: [String: String]
    /// Names of tags.
    package var tags: Set<String>
    /// Status by list: 0 unconfirmed, 1 active, 2 unsubscribed, 3 bounced.
    package var lists: [Int: Int]
    /// The account the contact belongs to.
    package var accountName: String?
    /// Seconds since 1970.
    package var created: Int
    /// Seconds since 1970.
    package var updated: Int
}

extension ActiveCampaignAccount {
    /// How many contacts live.
    package var contactCount: Int { perform(as: .api) { $0.contacts.count } }

    /// Every living contact by ascending id.
    package func contacts() -> [ActiveCampaignContact] { contacts(after: 0, limit: .max) }

    /// At most `limit` living contacts with ids above `after`, by ascending id.
    package func contacts(after: Int, limit: Int) -> [ActiveCampaignContact] {
        perform(as: .api) { state in
            var all: [ActiveCampaignContact] = []
            all.reserveCapacity(min(limit, state.contacts.count))
            state.contacts.walk(after: UInt32(clamping: after), before: .max, changed: 0...(.max)) {
                guard all.count < limit else { return false }
                all.append(state.snapshot($0))
                return true
            }
            return all
        }
    }

    /// One contact, nil when there is none of that id.
    package func contact(_ id: Int) -> ActiveCampaignContact? {
        perform(as: .api) { state in
            UInt32(exactly: id).flatMap { state.contacts.contains($0) ? state.snapshot($0) : nil }
        }
    }

    /// The contact of an address, case aside.
    package func contact(email: String) -> ActiveCampaignContact? {
        perform(as: .api) { state in state.contacts.find(email: email).map { state.snapshot($0) } }
    }

    // MARK: - Set-up

    /// Adds a custom field that forms and lists show, and gives its id. Title and perstag must be free.
    @discardableResult
    package func addField(
        title: String, type: ActiveCampaignFieldType = .text, options: [String] = [], perstag: String? = nil
    ) -> Int {
        perform(as: .admin) { state in
            let id = state.fields.insert(title: title, type: type.rawValue, perstag: perstag, at: state.now)
            for option in options { _ = state.fields.addOption(to: id, value: option, label: option) }
            _ = state.fields.relate(id, to: 0, at: state.now)
            return Int(id)
        }
    }

    /// Deletes a custom field with all its values.
    package func removeField(_ id: Int) {
        perform(as: .admin) { state in
            guard let id = UInt32(exactly: id), state.fields.contains(id) else { return }
            state.removeField(id)
        }
    }

    /// Adds a mailing list and gives its id.
    @discardableResult
    package func addList(name: String) -> Int {
        perform(as: .admin) { state in
            state.lists.append(
                CampaignListRow(
                    name: name, stringID: name.lowercased().replacingOccurrences(of: " ", with: "-"), cdate: state.now,
                    udate: state.now))
            return state.lists.count
        }
    }

    /// Adds many contacts fast: `prefixN@DOMAIN` with names, a telephone and, for each perstag named, a value. No
    /// webhook fires.
    /// - Parameters:
    ///   - domain: by default made of the account's name.
    ///   - age: seconds over which creation and update times are spread into the past.
    /// - Returns: the ids.
    @discardableResult
    package func seed(
        count: Int, prefix: String = "person", domain: String? = nil, fields: [String] = [], tags: [String] = [],
        age: Int = 86_400
    ) throws -> ClosedRange<Int> {
        let domain = domain ?? "\(name).example"
        return try perform(as: nil) { state in
            let known = try fields.map { try state.knownField($0) }
            let tags = tags.map { state.tags.find($0) ?? state.tags.insert(name: $0, at: state.now) }
            let first = Int(state.contacts.lastID) + 1
            for number in 0..<count {
                state.addSeed(first + number, prefix: prefix, domain: domain, fields: known, tags: tags, age: age)
            }
            return first...max(first, first + count - 1)
        }
    }
}

extension CampaignState {
    fileprivate static let firstNames = [
        "Ada", "Ben", "Cleo", "Dora", "Emil", "Fay", "Gus", "Hana", "Igor", "Jane", "Kai", "Lena", "Max", "Nora",
        "Otto",
        "Pia", "Quin", "Rosa", "Sam", "Tess",
    ]
    fileprivate static let lastNames = [
        "Adler", "Brook", "Costa", "Diaz", "Egger", "Frost", "Garcia", "Huber", "Ivanov", "Jensen", "Kim", "Lopez",
        "Meyer", "Novak", "Ortiz", "Park", "Quist", "Rossi", "Silva", "Tanaka",
    ]

    fileprivate mutating func addSeed(
        _ number: Int, prefix: String, domain: String, fields: [UInt32], tags: [UInt32], age: Int
    ) {
        let email = "\(prefix)\(number)@\(domain)"
        guard contacts.find(email: email) == nil else { return }
        let mixed = CampaignRandom.mixed(options.seed &+ UInt64(number))
        let present = now
        // The stamps of seeded people lie in the past, so that they do not look like changes.
        if age > 0 { instant -= Double(mixed % UInt64(age)) }
        defer { instant = Double(present) }
        var draft = CampaignContactDraft(email: email)
        draft.firstName = Self.firstNames[Int(mixed % 20)]
        draft.lastName = Self.lastNames[Int((mixed >> 8) % 20)]
        draft.phone = "+1312" + String(1_000_000 + (mixed >> 16) % 9_000_000)
        draft.values = fields.map { ($0, Self.seedValue(type: self.fields[$0], number, mixed)) }
        let id = createContact(draft)
        for tag in tags { _ = addTag(tag, to: id) }
    }

    private static func seedValue(type field: CampaignFieldRow, _ number: Int, _ mixed: UInt64) -> String {
        if !field.options.isEmpty {
            let value = field.options[Int(mixed % UInt64(field.options.count))].value
            return field.isMultiple ? "||\(value)||" : value
        }
        switch ActiveCampaignFieldType(rawValue: field.type) {
        case .date: return "20\(10 + mixed % 10)-0\(1 + mixed % 9)-1\(mixed % 10)"
        case .datetime: return "20\(10 + mixed % 10)-0\(1 + mixed % 9)-1\(mixed % 10)T10:00:00Z"
        case .number, .currency: return String(mixed % 100_000)
        default: return "value \(number)"
        }
    }

    fileprivate func snapshot(_ id: UInt32) -> ActiveCampaignContact {
        let row = contacts[id]
        var contact = ActiveCampaignContact(
            id: Int(id), email: row.email, firstName: row.firstName, lastName: row.lastName, phone: row.phone,
            fields: [:], tags: [], lists: [:],
            accountName: customers.account(of: id).map { customers.accounts[$0].name },
            created: Int(row.cdate), updated: Int(contacts.udate(of: id)))
        for value in values.chain(from: row.firstValue) {
            contact.fields[fields[values[value].field].perstag] = values[value].value
        }
        contact.tags = Set(taggings.chain(from: row.firstTag).map { tags[taggings[$0].tag].name })
        for membership in memberships.chain(from: row.firstMembership) {
            contact.lists[Int(memberships[membership].list)] = Int(memberships[membership].status)
        }
        return contact
    }
}
