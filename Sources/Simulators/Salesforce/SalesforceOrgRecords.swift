/// A record as tests see it: every field that has a value, by API name.
package struct SalesforceRecord: Sendable, Equatable {
    /// 18-character id.
    package let id: String
    /// API name of its object.
    package let object: String
    /// Values by API name; empty fields are absent.
    package let fields: [String: FieldValue]

    /// The value of a field; null when it has none.
    package subscript(_ field: String) -> FieldValue { fields[field] ?? .null }

    /// Whether it is in the recycle bin.
    package var isDeleted: Bool { self["IsDeleted"] == true }
}

/// What a person at the screen does, within one transaction.
package struct SalesforceUserActions {
    fileprivate var state: OrgState
    fileprivate let context: SaveContext

    /// Creates a record and returns its id.
    package mutating func create(_ object: String, _ fields: [String: FieldValue]) throws -> String {
        let table = try table(object)
        let changes = try state.records.changes(fields, table: table)
        let row = try state.records.save(changes, table: table, existing: nil, context: context)
        return state.records.database.id(table, row)
    }

    /// Changes fields of a record.
    package mutating func update(_ object: String, _ id: String, _ fields: [String: FieldValue]) throws {
        let table = try table(object)
        let row = try state.records.writableRow(id, table: table)
        let changes = try state.records.changes(fields, table: table)
        _ = try state.records.save(changes, table: table, existing: row, context: context)
    }

    /// Moves a record to the recycle bin.
    package mutating func delete(_ id: String) throws {
        let result = state.records.delete(id: id, context: context)
        if let error = result.errors.first { throw error }
    }

    /// Restores a record from the recycle bin.
    package mutating func undelete(_ id: String) throws {
        try state.records.undelete(id: id, context: context)
    }

    /// Merges up to two losers into the winner.
    package mutating func merge(_ winner: String, _ losers: [String]) throws {
        try state.records.merge(winner: winner, losers: losers, context: context)
    }

    /// Puts products into an opportunity: their total is its amount from now on, whatever the API sets.
    package mutating func addProducts(_ opportunity: String, total: Double) throws {
        try update("Opportunity", opportunity, ["HasOpportunityLineItem": true, "Amount": .number(total)])
    }

    /// Converts a lead into a contact and an account, new ones unless named, and an opportunity if it gets a name.
    @discardableResult
    package mutating func convertLead(
        _ id: String, intoContact: String? = nil, intoAccount: String? = nil, opportunityName: String? = nil
    ) throws -> (contactID: String, accountID: String, opportunityID: String?) {
        let made = try state.records.convert(
            lead: id, intoContact: intoContact, intoAccount: intoAccount, opportunityName: opportunityName,
            context: context)
        return (made.contact, made.account, made.opportunity)
    }

    private func table(_ object: String) throws -> Int {
        guard let table = state.records.database.table(object) else {
            throw RecordError("INVALID_TYPE", "sObject type '\(object)' is not supported.")
        }
        return table
    }
}

extension SalesforceOrg {
    /// Acts as a person of the org, in one transaction: all of it happens, or nothing when `body` throws.
    @discardableResult
    package func actAsUser<Result: Sendable>(
        _ body: (inout SalesforceUserActions) throws -> Result
    ) throws -> Result {
        try transaction { state, now in
            // Moved, not copied: a second owner would make the first write copy every record of the org.
            var actions = SalesforceUserActions(state: consume state, context: .human(now: now))
            do {
                let result = try body(&actions)
                state = actions.state
                return result
            } catch {
                state = actions.state
                throw error
            }
        }
    }

    // MARK: - Reading

    /// Every live record of an object, deleted ones too if asked, by id; what is not committed yet is included.
    package func records(_ object: String, includingDeleted: Bool = false) -> [SalesforceRecord] {
        transaction { state, _ in
            guard let table = state.records.database.table(object) else { return [] }
            return state.records.database.tables[table].rows.indices.compactMap {
                Self.record(state.records, table, $0, includingDeleted: includingDeleted)
            }
        }
    }

    /// The record of an id, deleted or not; `nil` when there is none.
    package func record(_ id: String) -> SalesforceRecord? {
        transaction { state, _ in
            state.records.database.locate(id).flatMap {
                Self.record(state.records, $0.table, $0.row, includingDeleted: true)
            }
        }
    }

    /// Number of live records of an object.
    package func count(_ object: String) -> Int {
        transaction { state, _ in
            guard let table = state.records.database.table(object) else { return 0 }
            return state.records.database.tables[table].rows.count { $0.state == .live }
        }
    }

    private static func record(
        _ records: OrgRecords, _ table: Int, _ number: Int, includingDeleted: Bool
    ) -> SalesforceRecord? {
        let row = records.database.row(table, number)
        guard row.state == .live || (includingDeleted && row.state == .deleted) else { return nil }
        return SalesforceRecord(
            id: records.database.id(table, number), object: records.database.definition(table).name,
            fields: records.fieldValues(row, table: table, number: number))
    }

    // MARK: - Seeding

    /// Makes many records at once, all with the present stamp, and returns their ids. Required fields, formats and
    /// automation are not looked at; with the package the records start out `Synced`, without an ActiveCampaign id.
    @discardableResult
    package func seed(
        _ object: String, count: Int, _ fields: (Int) -> [String: FieldValue]
    ) -> [String] {
        transaction { state, now in
            guard let table = state.records.database.table(object) else { return [] }
            let context = SaveContext.human(now: now)
            return (0..<count).map { index in
                // In two steps: an id asked of the database while a seed changes it would copy every record.
                let row = state.records.seed(fields(index), table: table, context: context)
                // Seeds are never taken back; what a million of them would need to be is a lot.
                if index % SimulatorsLimits.undoKept == 0 { state.records.database.commit() }
                return state.records.database.id(table, row)
            }
        }
    }

    // MARK: - Metadata

    /// Adds a custom field to an object, readable and writable for everybody.
    package func addCustomField(
        _ object: String, _ name: String, _ type: CustomFieldType, label: String? = nil, isRequired: Bool = false
    ) {
        transaction { state, now in
            guard let table = state.records.database.table(object) else { return }
            let field = type.field(name, label: label, isRequired: isRequired)
            state.records.database.withTable(table) { $0.addField(field, now: Int(now)) }
            guard object == "Contact", let added = state.records.database.definition(table).field(name),
                let accounts = state.records.database.table("Account")
            else { return }
            state.records.database.withTable(accounts) { $0.mirror(added, now: Int(now)) }
        }
    }

    /// Sets what the integration user may do with a field: see it, write it.
    package func setFieldAccess(_ object: String, _ name: String, isReadable: Bool = true, isWritable: Bool = true) {
        transaction { state, now in
            guard let table = state.records.database.table(object) else { return }
            state.records.database.withTable(table) { table in
                table.changeField(name, now: Int(now)) { field in
                    field.isReadable = isReadable
                    field.isCreateable = isWritable
                    field.isUpdateable = isWritable
                }
            }
        }
    }

    /// Seconds between a write's stamp and its visibility to readers, from now on.
    package func setCommitDelay(_ seconds: Double) {
        transaction { state, _ in state.records.database.commitDelay = seconds }
    }

    /// Probability that a record of an API write fails with UNABLE_TO_LOCK_ROW, from now on.
    package func setLockErrorRate(_ rate: Double) {
        transaction { state, _ in state.records.lockErrorRate = rate }
    }

    /// Calls allowed per 24 hours, and how many more still succeed, from now on.
    package func setAPILimit(_ limit: Int, overage: Int = 0) {
        transaction { state, _ in
            state.allocation.limit = limit
            state.allocation.overage = overage
        }
    }
}

extension OrgRecords {
    /// Stores a record without rules or automation.
    mutating func seed(_ values: [String: FieldValue], table: Int, context: SaveContext) -> Int {
        let definition = database.definition(table)
        var row = newRow(definition, context)
        for (name, value) in values {
            if let cell = definition.cell(name) { row[cell] = value }
        }
        row.created = context.stamp
        row.modified = context.stamp
        row.stamp = context.stamp
        row.createdBy = context.userRow
        row.modifiedBy = context.userRow
        return database.insert(row, into: table, now: context.now)
    }
}
