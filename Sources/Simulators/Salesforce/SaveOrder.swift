/// One record through the save order of the platform (reference section 13.1). The steps keep that section's numbers;
/// those between them (triggers, assignment, workflow) have no counterpart here.
extension OrgRecords {
    /// Saves a new record, or new values of an existing one, and returns its row.
    mutating func save(
        _ changes: [FieldChange], table: Int, existing: Int?, context: SaveContext
    ) throws(SaveRefusal) -> Int {
        if let person = database.definition(table).person {
            return try saveAccount(changes, person, table: table, existing: existing, context: context)
        }
        try checkNotPerson(changes, table: table, existing: existing)
        return try saveRow(changes, table: table, existing: existing, context: context)
    }

    /// Saves one row through every step.
    mutating func saveRow(
        _ changes: [FieldChange], table: Int, existing: Int?, context: SaveContext
    ) throws(SaveRefusal) -> Int {
        let definition = database.definition(table)
        // 1: the row as it is, which PRIORVALUE sees.
        let before = existing.map { database.row(table, $0) }
        // 2: the new values over it; their formats were checked when they were read.
        var after = before ?? newRow(definition, context)
        for change in changes {
            guard case .cell(let cell) = change.field.source else { continue }
            if change.field.name == "Amount", context.enforcesAccess, hasProducts(after, definition) { continue }
            after[cell] = change.value
        }
        AddressPicklists.align(&after, before: before, definition.addressPairs)
        // 3: before-save flows.
        if hasPackage { definition.syncPackage?.flag(&after, before: before) }
        // 5: system validation again, then validation rules; every failing rule is reported.
        var errors = missingFields(after, definition)
        if errors.isEmpty { errors = failedRules(after, before: before, table: table, number: existing) }
        // 6: duplicate rules.
        if errors.isEmpty,
            let refusal = duplicateRefusal(after, before: before, table: table, number: existing, context: context)
        {
            errors = [refusal]
        }
        if errors.isEmpty { errors = duplicateValues(after, table: table, except: existing) }
        guard errors.isEmpty else { throw SaveRefusal(errors) }
        // 7: save; the commit makes it visible.
        let number = store(after, table: table, existing: existing, context: context)
        // 8 to 14: what the org has put behind a save.
        if !assignments.isEmpty { assign(table: table, number, context: context) }
        if !automations.isEmpty { try automate(table: table, number, before: before, context: context) }
        return number
    }

    /// An opportunity with products has their sum as its amount: a call that sets another is not refused, but ignored.
    private func hasProducts(_ row: RecordRow, _ definition: ObjectDefinition) -> Bool {
        definition.cell("HasOpportunityLineItem").map { row[$0] == true } ?? false
    }

    func newRow(_ definition: ObjectDefinition, _ context: SaveContext) -> RecordRow {
        var row = definition.template
        row.reserve(SimulatorsLimits.cellsReserved)
        if let owner = definition.owner { row[owner] = .text(userID(context.userRow)) }
        return row
    }

    private mutating func store(
        _ row: RecordRow, table: Int, existing: Int?, context: SaveContext
    ) -> Int {
        var row = row
        deriveStage(&row, definition: database.definition(table))
        row.modified = context.stamp
        row.stamp = context.stamp
        row.modifiedBy = context.userRow
        if let existing {
            database.update(table, existing, to: row, now: context.now)
            return existing
        }
        row.created = context.stamp
        row.createdBy = context.userRow
        return database.insert(row, into: table, now: context.now)
    }

    /// StageName drives Probability, IsClosed and IsWon.
    private func deriveStage(_ row: inout RecordRow, definition: ObjectDefinition) {
        guard definition.name == "Opportunity", let stageCell = definition.cell("StageName"),
            let stage = OpportunityStage.all.first(where: { $0.name == row[stageCell].text }),
            let probability = definition.cell("Probability"), let closed = definition.cell("IsClosed"),
            let won = definition.cell("IsWon")
        else { return }
        row[probability] = .number(stage.probability)
        row[closed] = .bool(stage.isClosed)
        row[won] = .bool(stage.isWon)
    }

    // MARK: - Validation

    private func missingFields(_ row: RecordRow, _ definition: ObjectDefinition) -> [RecordError] {
        let missing = definition.required.filter { row[$0.cell].isNull }
        guard !missing.isEmpty else { return [] }
        let names = missing.map(\.name)
        return [
            RecordError(
                "REQUIRED_FIELD_MISSING", "Required fields are missing: [\(names.joined(separator: ", "))]",
                fields: names)
        ]
    }

    private func failedRules(
        _ after: RecordRow, before: RecordRow?, table: Int, number: Int?
    ) -> [RecordError] {
        let definition = database.definition(table)
        var errors: [RecordError] = []
        if hasPackage, let refusal = definition.syncPackage?.refusal(after, before: before) { errors.append(refusal) }
        let rules = validationRules.filter { $0.object == definition.name }
        guard !rules.isEmpty else { return errors }
        let values = fieldValues(after, table: table, number: number ?? database.tables[table].rows.count)
        for rule in rules where rule.refuses(values) {
            errors.append(
                RecordError(
                    "FIELD_CUSTOM_VALIDATION_EXCEPTION", rule.message, fields: rule.field.map { [$0] } ?? []))
        }
        return errors
    }

    /// The unique values of a row that another one has.
    func duplicateValues(_ row: RecordRow, table: Int, except own: Int?) -> [RecordError] {
        database.definition(table).unique.compactMap { field in
            guard case .cell(let cell) = field.source else { return nil }
            var twins = liveRows(table, field, row[cell])
            if unconfirmed.binHoldsUniqueValues { twins += binnedRows(table, cell, row[cell]) }
            guard let twin = twins.first(where: { $0 != own }) else { return nil }
            return RecordError(
                "DUPLICATE_VALUE",
                "duplicate value found: \(field.name) duplicates value on record with id: \(database.id(table, twin))")
        }
    }

    /// Rows in the recycle bin with that value in an indexed cell.
    private func binnedRows(_ table: Int, _ cell: Int, _ value: FieldValue) -> [Int] {
        guard !value.isNull else { return [] }
        return (database.tables[table].rows(cell: cell, value: value) ?? [])
            .filter { database.row(table, $0).state == .deleted }
    }

    /// Every field that has a value, by API name.
    func fieldValues(_ row: RecordRow, table: Int, number: Int) -> [String: FieldValue] {
        var values: [String: FieldValue] = [:]
        for field in database.definition(table).fields {
            let value = database.value(field, of: row, table: table, number: number)
            if !value.isNull { values[field.name] = value }
        }
        return values
    }
}
