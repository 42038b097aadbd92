/// Person accounts: an account and a contact that are one person (reference section 14). The person's fields live in the
/// contact's row; the account shows them as `LastName`, `PersonEmail`, `Tier__pc`, and only through it they are written.
enum PersonAccounts {
    /// Contact fields the account shows under a name of its own, the others under `Person` and theirs.
    private static let ownNames: Set<String> = ["LastName", "FirstName", "Salutation"]
    /// Contact fields an account has no counterpart of.
    private static let hidden: Set<String> = [
        "Name", "AccountId", "OwnerId", "Phone", "Fax", "Description", "ReportsToId", "IsPersonAccount",
    ]

    /// Adds what person accounts bring to Contact, Lead and Account.
    static func install(contact: inout ObjectDefinition, lead: inout ObjectDefinition, account: inout ObjectDefinition)
    {
        contact.add(StandardFields.checkbox("IsPersonAccount", "Is Person Account").readOnly)
        lead.change("Company") { $0.isNillable = true }
        account.add(StandardFields.checkbox("IsPersonAccount", "Is Person Account").readOnly)
        account.add(
            FieldDefinition("PersonContactId", .reference, length: 18).readOnly.with {
                $0.referenceTo = "Contact"
                $0.relationshipName = "PersonContact"
            })
        account.add(
            FieldDefinition("RecordTypeId", .reference, length: 18).with {
                $0.referenceTo = "RecordType"
                $0.relationshipName = "RecordType"
                $0.isDefaultedOnCreate = true
            })
        for field in contact.fields { mirror(field, in: &account) }
    }

    /// Shows a contact's field in the account.
    static func mirror(_ field: FieldDefinition, in account: inout ObjectDefinition) {
        guard case .cell(let cell) = field.source, let link = account.cell("PersonContactId"),
            !hidden.contains(field.name)
        else { return }
        var shown = field
        shown.name = name(of: field)
        shown.source = .personContact(link: link, cell: cell)
        shown.isNillable = true
        shown.isUnique = false
        if let relationship = field.relationshipName { shown.relationshipName = "Person" + relationship }
        account.add(shown)
    }

    private static func name(of field: FieldDefinition) -> String {
        if field.isCustom { return field.name.dropLast(1) + "pc" }
        return ownNames.contains(field.name) ? field.name : "Person" + field.name
    }
}

extension OrgRecords {
    /// Saves an account that may be a person: what is the person's goes to the contact.
    mutating func saveAccount(
        _ changes: [FieldChange], _ person: PersonLink, table: Int, existing: Int?, context: SaveContext
    ) throws(SaveRefusal) -> Int {
        var own: [FieldChange] = []
        var personal: [FieldChange] = []
        for change in changes {
            if case .personContact(_, let cell) = change.field.source {
                personal.append(FieldChange(field: contactField(cell) ?? change.field, value: change.value))
            } else {
                own.append(change)
            }
        }
        guard isPerson(changes, person, table: table, existing: existing) else {
            if let stranger = personal.first(where: { !$0.value.isNull }) { throw badNames([stranger.field.name]) }
            return try saveRow(own, table: table, existing: existing, context: context)
        }
        if own.contains(where: { $0.field.name == "Name" && !$0.value.isNull }) { throw badNames(["Name"]) }
        return try savePerson(own, personal, person, table: table, existing: existing, context: context)
    }

    private mutating func savePerson(
        _ own: [FieldChange], _ personal: [FieldChange], _ person: PersonLink, table: Int, existing: Int?,
        context: SaveContext
    ) throws(SaveRefusal) -> Int {
        guard let contacts = database.table("Contact") else { return 0 }
        let contact = existing.flatMap { database.row(table, $0)[person.link].text }.flatMap(database.locate)?.row
        var own = own.filter { $0.field.name != "Name" }
        if let name = database.definition(table).field("Name") {
            own.append(FieldChange(field: name, value: fullName(personal, contact: contact, contacts)))
        }
        if let flag = database.definition(table).field("IsPersonAccount") {
            own.append(FieldChange(field: flag, value: true))
        }
        let account = try saveRow(own, table: table, existing: existing, context: context)
        guard contact == nil || !personal.isEmpty else { return account }
        var changes = personal
        for (name, value) in [("AccountId", FieldValue.text(database.id(table, account))), ("IsPersonAccount", true)] {
            if let field = database.definition(contacts).field(name) {
                changes.append(FieldChange(field: field, value: value))
            }
        }
        // The contact is the same record to the caller: his write marker and rights count for it.
        let saved = try saveRow(changes, table: contacts, existing: contact, context: context)
        if contact == nil {
            var row = database.row(table, account)
            row[person.link] = .text(database.id(contacts, saved))
            database.update(table, account, to: row, now: context.now)
        }
        return account
    }

    /// Whether the account is, or is about to be, a person: it has a last name, or a record type of persons.
    private func isPerson(_ changes: [FieldChange], _ person: PersonLink, table: Int, existing: Int?) -> Bool {
        if let existing { return database.row(table, existing)[person.flag] == true }
        if let type = changes.first(where: { $0.field.name == "RecordTypeId" })?.value.text {
            return database.locate(type)?.row == RecordTypes.person
        }
        return changes.contains { $0.field.name == "LastName" && !$0.value.isNull }
    }

    private func contactField(_ cell: Int) -> FieldDefinition? {
        database.table("Contact").flatMap { table in
            database.definition(table).fields.first { $0.source == .cell(cell) }
        }
    }

    private func fullName(_ personal: [FieldChange], contact: Int?, _ contacts: Int) -> FieldValue {
        func part(_ name: String) -> String? {
            if let change = personal.last(where: { $0.field.name == name }) { return change.value.text }
            guard let contact, let cell = database.definition(contacts).cell(name) else { return nil }
            return database.row(contacts, contact)[cell].text
        }
        let parts = [part("FirstName"), part("LastName")].compactMap { $0 }
        return parts.isEmpty ? .null : .text(parts.joined(separator: " "))
    }

    private func badNames(_ names: [String]) -> SaveRefusal {
        SaveRefusal(
            RecordError(
                "INVALID_FIELD_FOR_INSERT_UPDATE",
                "Account: bad field names on insert/update call: \(names.joined(separator: ", "))", fields: names))
    }

    /// Refuses a direct write to the contact of a person account.
    func checkNotPerson(_ changes: [FieldChange], table: Int, existing: Int?) throws(SaveRefusal) {
        guard let existing, database.definition(table).name == "Contact",
            let flag = database.definition(table).cell("IsPersonAccount"), database.row(table, existing)[flag] == true
        else { return }
        let names = changes.map(\.field.name)
        throw SaveRefusal(
            RecordError(
                "INVALID_FIELD_FOR_INSERT_UPDATE",
                "Unable to create/update fields: \(names.joined(separator: ", ")). Please check the security settings "
                    + "of this field and verify that it is read/write for your profile or permission set.",
                fields: names))
    }
}

/// Where an account keeps its person.
struct PersonLink {
    /// Cell of `PersonContactId`.
    let link: Int
    /// Cell of `IsPersonAccount`.
    let flag: Int

    /// The link of an object; `nil` where there are no person accounts.
    init?(_ definition: ObjectDefinition) {
        guard let link = definition.cell("PersonContactId"), let flag = definition.cell("IsPersonAccount") else {
            return nil
        }
        self.link = link
        self.flag = flag
    }
}
