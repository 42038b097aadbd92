/// What came of one record of a write.
struct WriteResult {
    /// 18-character id; `nil` when nothing was written.
    var id: String?
    var errors: [RecordError] = []
    /// Set by upserts only.
    var created: Bool?
    /// Records an ambiguous external id leads to.
    var candidates: [String] = []

    var succeeded: Bool { errors.isEmpty && candidates.isEmpty }

    static func failure(_ errors: [RecordError]) -> WriteResult { WriteResult(errors: errors) }
    static func failure(_ error: RecordError) -> WriteResult { WriteResult(errors: [error]) }
}

/// Single records created, updated, upserted and deleted through the API. Each is a savepoint of its own: what fails
/// leaves nothing behind.
extension OrgRecords {
    private static let reservedOnUpdate: Set<String> = ["attributes", "id", "Id", "ID"]

    /// Creates a record of a table from its JSON members.
    mutating func create(_ record: WireObject, table: Int, context: SaveContext) -> WriteResult {
        if let idName = record.members.first(where: { $0.name.lowercased() == "id" }), !idName.value.isNull {
            return .failure(
                RecordError("INVALID_FIELD_FOR_INSERT_UPDATE", "cannot specify Id in an insert call", fields: ["Id"]))
        }
        return write(context) { records throws(SaveRefusal) in
            try records.checkIsData(table)
            let changes = try records.changes(
                record, table: table, isInsert: true, skipping: Self.reservedOnUpdate, context: context)
            return try records.save(changes, table: table, existing: nil, context: context)
        } as: { records, row in
            WriteResult(id: records.database.id(table, row))
        }
    }

    /// Updates the record of an id from its JSON members.
    mutating func update(_ record: WireObject, id: String, table: Int, context: SaveContext) -> WriteResult {
        write(context) { records throws(SaveRefusal) in
            let row = try records.writableRow(id, table: table)
            let changes = try records.changes(
                record, table: table, isInsert: false, skipping: Self.reservedOnUpdate, context: context)
            return try records.save(changes, table: table, existing: row, context: context)
        } as: { records, row in
            WriteResult(id: records.database.id(table, row))
        }
    }

    /// Creates or updates by an external id; `updateOnly` refuses to create.
    mutating func upsert(
        _ record: WireObject, by field: FieldDefinition, value json: WireJSON, table: Int, updateOnly: Bool = false,
        context: SaveContext
    ) -> WriteResult {
        let key: FieldValue
        do throws(SaveRefusal) {
            key = try externalKey(json, field)
        } catch {
            return .failure(error.errors)
        }
        let rows = field.source == .system(.id) ? idRow(key, table) : liveRows(table, field, key)
        if rows.count > 1 {
            return WriteResult(
                errors: [
                    RecordError(
                        "DUPLICATE_EXTERNAL_ID",
                        "\(field.name): more than one record found for external id field: \(rows.map { database.id(table, $0) })",
                        fields: [field.name])
                ],
                candidates: rows.map { database.id(table, $0) })
        }
        if rows.isEmpty, updateOnly || field.source == .system(.id) {
            return .failure(RecordError("NOT_FOUND", "The requested resource does not exist", status: 404))
        }
        let existing = rows.first
        return write(context) { records throws(SaveRefusal) in
            if let existing { _ = try records.writableRow(records.database.id(table, existing), table: table) }
            var changes = try records.changes(
                record, table: table, isInsert: existing == nil,
                skipping: Self.reservedOnUpdate.union([field.name]), context: context)
            if existing == nil { changes.append(FieldChange(field: field, value: key)) }
            return try records.save(changes, table: table, existing: existing, context: context)
        } as: { records, row in
            WriteResult(id: records.database.id(table, row), created: existing == nil)
        }
    }

    private func externalKey(_ json: WireJSON, _ field: FieldDefinition) throws(SaveRefusal) -> FieldValue {
        let reader = FieldReader(field: field) { _ in nil }
        do throws(RecordError) {
            let value = try reader.read(json)
            guard !value.isNull else {
                throw RecordError("MISSING_ARGUMENT", "\(field.name) not specified", fields: [field.name])
            }
            return value
        } catch {
            throw SaveRefusal(error)
        }
    }

    private func idRow(_ key: FieldValue, _ table: Int) -> [Int] {
        guard case .text(let id) = key, let place = database.locate(id), place.table == table,
            database.row(table, place.row).state == .live
        else { return [] }
        return [place.row]
    }

    /// Moves a record, and what hangs on it, to the recycle bin.
    mutating func delete(id: String, isHard: Bool = false, context: SaveContext) -> WriteResult {
        guard let place = database.locate(id) else {
            return .failure(
                RecordID.normalise(id) == nil
                    ? .malformedID("Record", id)
                    : RecordError("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", status: 404))
        }
        return write(context) { records throws(SaveRefusal) in
            let row = try records.writableRow(id, table: place.table)
            try records.checkNotPerson([], table: place.table, existing: row)
            records.bin(place.table, row, master: nil, context: context)
            if isHard { records.purge(place.table, row, context: context) }
            return row
        } as: { records, row in
            WriteResult(id: records.database.id(place.table, row))
        }
    }

    // MARK: - Steps

    /// Runs one record's write; what it changed before it failed is taken back.
    private mutating func write(
        _ context: SaveContext, _ body: (inout OrgRecords) throws(SaveRefusal) -> Int,
        as result: (OrgRecords, Int) -> WriteResult
    ) -> WriteResult {
        let savepoint = database.savepoint
        do throws(SaveRefusal) {
            let row = try body(&self)
            let written = result(self, row)
            if lockErrorRate > 0, context.pass == 1, Double.random(in: 0..<1, using: &random) < lockErrorRate {
                throw SaveRefusal(lockError(written.id ?? ""))
            }
            return written
        } catch {
            database.rollback(to: savepoint)
            return .failure(error.errors)
        }
    }

    /// The parent account is what writers fight over, where there is one.
    private func lockError(_ id: String) -> RecordError {
        var locked = id
        if let place = database.locate(id), let cell = database.definition(place.table).cell("AccountId"),
            let parent = database.row(place.table, place.row)[cell].text
        {
            locked = parent
        }
        return RecordError(
            "UNABLE_TO_LOCK_ROW", "unable to obtain exclusive access to this record or 1 records: \(locked)")
    }

    /// Refuses to write rows that describe the org.
    private func checkIsData(_ table: Int) throws(SaveRefusal) {
        let definition = database.definition(table)
        guard definition.isMetadata else { return }
        throw SaveRefusal(
            RecordError("INVALID_TYPE_FOR_OPERATION", "entity type \(definition.name) does not support this operation"))
    }

    /// The row of an id that may be written through the API.
    func writableRow(_ id: String, table: Int) throws(SaveRefusal) -> Int {
        let name = database.definition(table).name
        try checkIsData(table)
        guard let parsed = RecordID.parse(id), parsed.prefix == database.definition(table).keyPrefix else {
            throw SaveRefusal(.malformedID(name, id))
        }
        guard let place = database.locate(id), database.row(place.table, place.row).state != .purged else {
            throw SaveRefusal(
                RecordError("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", status: 404))
        }
        let row = database.row(table, place.row)
        if row.state == .deleted { throw SaveRefusal(.deleted()) }
        if row.isReadOnly { throw SaveRefusal(.convertedLead()) }
        return place.row
    }

    /// Deletes a row and its dependants: an account takes its contacts and opportunities along, both take their roles.
    mutating func bin(_ table: Int, _ number: Int, master: Int?, context: SaveContext) {
        var row = database.row(table, number)
        guard row.state == .live else { return }
        row.state = .deleted
        if unconfirmed.deleteMovesStamp { row.stamp = context.stamp }
        row.modified = context.stamp
        row.modifiedBy = context.userRow
        if let master { row.master = Int32(master) }
        database.update(table, number, to: row, now: context.now)
        let name = database.definition(table).name
        guard name != "Account" || unconfirmed.accountDeleteCascades else { return }
        for (child, field) in Self.dependants(of: name) {
            guard let childTable = database.table(child) else { continue }
            for dependant in children(childTable, field, of: database.id(table, number)) {
                bin(childTable, dependant, master: nil, context: context)
            }
        }
    }

    /// Empties a row from the recycle bin: no query finds it any more.
    mutating func purge(_ table: Int, _ number: Int, context: SaveContext) {
        var row = RecordRow()
        row.state = .purged
        row.stamp = context.stamp
        database.update(table, number, to: row, now: context.now)
    }

    private static func dependants(of object: String) -> [(object: String, field: String)] {
        switch object {
        case "Account": [("Contact", "AccountId"), ("Opportunity", "AccountId")]
        case "Contact": [("OpportunityContactRole", "ContactId")]
        case "Opportunity": [("OpportunityContactRole", "OpportunityId")]
        default: []
        }
    }

    /// Live rows whose reference leads to an id.
    func children(_ table: Int, _ reference: String, of id: String) -> [Int] {
        guard let field = database.definition(table).field(reference), case .cell(let cell) = field.source else {
            return []
        }
        let candidates =
            database.tables[table].rows(cell: cell, value: .text(id)) ?? Array(database.tables[table].rows.indices)
        return candidates.filter {
            database.row(table, $0).state == .live && database.row(table, $0)[cell] == .text(id)
        }
    }
}
