/// What happens to a record that has just been saved, still within its transaction: assignment (step 9) and the org's
/// own automation (steps 8 to 14).
extension OrgRecords {
    /// Gives a saved record to whom the active assignment rule says.
    mutating func assign(table: Int, _ number: Int, context: SaveContext) {
        guard context.assigns, let owner = assignments[database.definition(table).name],
            let cell = database.definition(table).cell("OwnerId")
        else { return }
        var row = database.row(table, number)
        guard row[cell] != .text(owner) else { return }
        row[cell] = .text(owner)
        database.update(table, number, to: row, now: context.now)
    }

    /// Runs the automation of the saved record's object. What it writes is saved like anything else, in system context
    /// and without a write marker; a refusal of that refuses the record that set it off.
    mutating func automate(
        table: Int, _ number: Int, before: RecordRow?, context: SaveContext
    ) throws(SaveRefusal) {
        let object = database.definition(table).name
        for automation in automations where automation.object == object {
            let call = AutomationCall(
                id: database.id(table, number),
                before: before.map { fieldValues($0, table: table, number: number) },
                after: fieldValues(database.row(table, number), table: table, number: number), pass: context.pass)
            let edits: [AutomationEdit]
            do {
                edits = try automation.run(call)
            } catch {
                throw failure(automation, "\(error)")
            }
            for edit in edits { try apply(edit, of: automation, context: context.nested()) }
        }
    }

    private mutating func apply(
        _ edit: AutomationEdit, of automation: OrgAutomation, context: SaveContext
    ) throws(SaveRefusal) {
        guard context.depth < SimulatorsLimits.automationDepth else {
            throw failure(automation, "maximum trigger depth exceeded")
        }
        guard let place = database.locate(edit.id), database.row(place.table, place.row).state == .live else {
            throw failure(automation, "INVALID_CROSS_REFERENCE_KEY: invalid cross reference id")
        }
        do throws(SaveRefusal) {
            let changes = try changes(edit.fields, table: place.table)
            guard changes.contains(where: { isNew($0, place.table, place.row) }) else { return }
            _ = try save(changes, table: place.table, existing: place.row, context: context)
        } catch {
            throw failure(automation, error.errors.first.map { "\($0.code): \($0.message)" } ?? "")
        }
    }

    private func isNew(_ change: FieldChange, _ table: Int, _ number: Int) -> Bool {
        database.value(change.field, of: database.row(table, number), table: table, number: number) != change.value
    }

    private func failure(_ automation: OrgAutomation, _ inner: String) -> SaveRefusal {
        SaveRefusal(
            RecordError(
                "CANNOT_EXECUTE_FLOW_TRIGGER",
                "We can't save this record because the “\(automation.name)” process failed. Give your Salesforce admin "
                    + "these details. This error occurred when the flow tried to update records: \(inner)"))
    }
}
