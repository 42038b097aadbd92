/// Formula fields: read-only, and recalculated without anybody's edit, so that no stamp moves.
extension SalesforceOrg {
    /// Adds a formula field that yields text.
    package func addFormulaField(_ object: String, _ name: String) {
        addCustomField(object, name, .text(length: 255))
        transaction { state, now in
            guard let table = state.records.database.table(object) else { return }
            state.records.database.withTable(table) { table in
                table.changeField(name, now: Int(now)) { field in
                    field = field.readOnly
                    field.isCalculated = true
                }
            }
        }
    }

    /// Gives a formula field another value, as when something it is calculated from changes elsewhere.
    package func recalculate(_ id: String, _ name: String, to value: FieldValue) {
        transaction { state, now in
            guard let place = state.records.database.locate(id),
                let cell = state.records.database.definition(place.table).cell(name)
            else { return }
            var row = state.records.database.row(place.table, place.row)
            row[cell] = value
            state.records.database.update(place.table, place.row, to: row, now: now)
        }
    }
}
