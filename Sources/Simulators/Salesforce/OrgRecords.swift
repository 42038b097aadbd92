/// The records of one org and the rules they are saved under; no HTTP, no tokens, no clock of its own.
struct OrgRecords {
    var database: OrgDatabase
    /// Facts nobody could confirm, as this org has them.
    let unconfirmed: SalesforceUnconfirmed
    /// Whether the sync package (reference section 13) is installed on Contact and Lead.
    let hasPackage: Bool
    /// The org's own validation rules.
    var validationRules: [ValidationRule] = []
    /// Its duplicate rules.
    var duplicateRules: [DuplicateRule] = []
    /// Its automation.
    var automations: [OrgAutomation] = []
    /// Owners active assignment rules give, by object.
    var assignments: [String: String] = [:]
    /// Lead conversion copies the lead's `AC_Contact_Id__c` to the contact.
    var convertsContactID: Bool
    /// Whether a field the org does not have fails a whole collections request rather than its row (unverified which).
    var unknownFieldFailsRequest = false
    /// Probability that a record of an API write cannot be locked.
    var lockErrorRate: Double = 0
    var random: SeededRandom

    /// The integration user's and the human user's rows of the User table.
    static let integrationUser: Int32 = 0
    static let humanUser: Int32 = 1

    /// Ids of the two users, made once: every record has one as its owner.
    var userIDs: [String] = []

    /// Id of a row of the User table.
    func userID(_ row: Int32) -> String {
        if userIDs.indices.contains(Int(row)) { return userIDs[Int(row)] }
        return database.table("User").map { database.id($0, Int(row)) } ?? ""
    }
}

/// A validation rule of the org's administrator.
package struct ValidationRule: Sendable {
    /// Object it watches.
    package let object: String
    /// The text a refused save shows.
    package let message: String
    /// Field the message is shown at; `nil` for the page.
    package let field: String?
    /// Whether a record (values by API name) is refused.
    package let refuses: @Sendable ([String: FieldValue]) -> Bool

    /// Makes a rule.
    package init(
        object: String, message: String, field: String? = nil,
        refuses: @escaping @Sendable ([String: FieldValue]) -> Bool
    ) {
        self.object = object
        self.message = message
        self.field = field
        self.refuses = refuses
    }
}

/// One field of a record about to be written.
struct FieldChange {
    let field: FieldDefinition
    let value: FieldValue
}

// MARK: - Reading what is to be written

extension OrgRecords {
    /// Reads the fields of a JSON record; `skipping` names members that are no fields (`attributes`, `id`, …).
    ///
    /// - Throws: every field's error, in the order of the members.
    func changes(
        _ record: WireObject, table: Int, isInsert: Bool, skipping: Set<String>, context: SaveContext
    ) throws(SaveRefusal) -> [FieldChange] {
        var changes: [FieldChange] = []
        var errors: [RecordError] = []
        changes.reserveCapacity(record.members.count)
        for (name, json) in record.members where !skipping.contains(name) {
            do throws(RecordError) {
                changes.append(try change(name, json, table: table, isInsert: isInsert, context: context))
            } catch {
                errors.append(error)
            }
        }
        guard errors.isEmpty else { throw SaveRefusal(errors) }
        return changes
    }

    private func change(
        _ name: String, _ json: WireJSON, table: Int, isInsert: Bool, context: SaveContext
    ) throws(RecordError) -> FieldChange {
        let definition = database.definition(table)
        if let reference = definition.reference(name), case .object(let key) = json {
            try checkWritable(reference, isInsert: isInsert, context: context)
            return FieldChange(field: reference, value: try foreignKey(key, reference))
        }
        guard let field = definition.field(name), field.isReadable || !context.enforcesAccess else {
            throw RecordError(
                "INVALID_FIELD", "No such column '\(name)' on sobject of type \(definition.name)",
                failsRequest: unknownFieldFailsRequest)
        }
        try checkWritable(field, isInsert: isInsert, context: context)
        let value = try reader(field).read(json)
        try checkRecordType(value, field, of: definition.name)
        return FieldChange(field: field, value: value)
    }

    /// Checks values given from Swift, where the platform or a person at the screen writes.
    func changes(_ values: [String: FieldValue], table: Int) throws(SaveRefusal) -> [FieldChange] {
        var changes: [FieldChange] = []
        for (name, value) in values.sorted(by: { $0.key < $1.key }) {
            do throws(RecordError) {
                guard let field = database.definition(table).field(name) else {
                    throw .unknownField(name, database.definition(table).name)
                }
                changes.append(FieldChange(field: field, value: try reader(field).check(value)))
            } catch {
                throw SaveRefusal(error)
            }
        }
        return changes
    }

    private func reader(_ field: FieldDefinition) -> FieldReader {
        FieldReader(field: field, keepsEmptyText: !unconfirmed.emptyTextIsNull) { id in
            database.locate(id).map { place in
                let row = database.row(place.table, place.row)
                return (database.definition(place.table).name, row.state == .live)
            }
        }
    }

    private func checkWritable(
        _ field: FieldDefinition, isInsert: Bool, context: SaveContext
    ) throws(RecordError) {
        guard context.enforcesAccess, !(isInsert ? field.isCreateable : field.isUpdateable) else { return }
        throw RecordError(
            "INVALID_FIELD_FOR_INSERT_UPDATE",
            "Unable to create/update fields: \(field.name). Please check the security settings of this field and "
                + "verify that it is read/write for your profile or permission set.", fields: [field.name])
    }

    private func foreignKey(_ key: WireObject, _ reference: FieldDefinition) throws(RecordError) -> FieldValue {
        let members = key.members.filter { $0.name != "attributes" }
        guard members.count == 1, let member = members.first, let object = reference.referenceTo,
            let table = database.table(object), let field = database.definition(table).field(member.name),
            field.isExternalID
        else {
            throw RecordError("INVALID_FIELD", "Nested object must name one external id field for \(reference.name)")
        }
        let value = try reader(field).read(member.value)
        let rows = liveRows(table, field, value)
        guard let row = rows.first, rows.count == 1 else {
            let text = value.text ?? value.number.map { "\($0)" } ?? ""
            throw RecordError(
                "INVALID_FIELD",
                "Foreign key external ID: \(text) not found for field \(field.name) in entity \(object)")
        }
        return .text(database.id(table, row))
    }

    /// Live rows with that value in an indexed field.
    func liveRows(_ table: Int, _ field: FieldDefinition, _ value: FieldValue) -> [Int] {
        guard !value.isNull else { return [] }
        switch field.source {
        case .cell(let cell):
            return (database.tables[table].rows(cell: cell, value: value) ?? [])
                .filter { database.row(table, $0).state == .live }
        case .personContact(_, let cell):
            return persons(table, contactCell: cell, value)
        case .system, .personName, .address: return []
        }
    }

    /// Person accounts whose contact has that value.
    private func persons(_ accounts: Int, contactCell cell: Int, _ value: FieldValue) -> [Int] {
        guard let contacts = database.table("Contact"), let parent = database.definition(contacts).cell("AccountId"),
            let flag = database.definition(contacts).cell("IsPersonAccount")
        else { return [] }
        return (database.tables[contacts].rows(cell: cell, value: value) ?? []).compactMap { number in
            let row = database.row(contacts, number)
            guard row.state == .live, row[flag] == true, let account = row[parent].text else { return nil }
            return database.locate(account)?.row
        }
    }
}
