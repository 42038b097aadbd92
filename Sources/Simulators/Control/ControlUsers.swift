/// `/_control/orgs/NAME/users`: what a Salesforce user does at the screen, in one transaction.
///
/// An action may keep the id it made under a name (`"as": "boss"`); later texts that are `$boss` stand for it.
struct ControlUsers {
    private var names: [String: String] = [:]

    /// Carries out `actions`: all of them, or none when one is refused.
    static func act(_ body: ControlBody, in org: SalesforceOrg) throws -> WireJSON {
        try body.allow("actions")
        let actions = try body.objects("actions", limit: SimulatorsLimits.Control.actions)
        let results = try org.transaction { state, now throws -> [WireJSON] in
            var users = ControlUsers()
            let context = SaveContext.human(now: now)
            return try actions.map { try users.act($0, &state.records, context) }
        }
        return ["results": .array(results)]
    }

    private mutating func act(
        _ action: ControlBody, _ records: inout OrgRecords, _ context: SaveContext
    ) throws -> WireJSON {
        switch try action.requiredText("do") {
        case "create": return try create(action, &records, context)
        case "update": return try update(action, &records, context)
        case "delete":
            try action.allow("do", "id")
            let id = try id(action)
            if let error = records.delete(id: id, context: context).errors.first { throw error }
            return ["id": .string(id)]
        case "undelete":
            try action.allow("do", "id")
            let id = try id(action)
            try records.undelete(id: id, context: context)
            return ["id": .string(id)]
        case "merge":
            try action.allow("do", "id", "losers")
            let id = try id(action)
            try records.merge(winner: id, losers: try action.texts("losers").map(resolved), context: context)
            return ["id": .string(id)]
        case "convert": return try convert(action, &records, context)
        default: throw ControlError(.badRequest, "do: want create, update, delete, undelete, merge or convert")
        }
    }

    private mutating func create(
        _ action: ControlBody, _ records: inout OrgRecords, _ context: SaveContext
    ) throws -> WireJSON {
        try action.allow("do", "object", "fields", "as")
        let table = try table(action, records)
        let changes = try changes(action, records, table, isInsert: true, context)
        let row = try records.save(changes, table: table, existing: nil, context: context)
        let id = records.database.id(table, row)
        if let name = try action.text("as") { names[name] = id }
        return ["id": .string(id)]
    }

    private func update(
        _ action: ControlBody, _ records: inout OrgRecords, _ context: SaveContext
    ) throws -> WireJSON {
        try action.allow("do", "id", "fields")
        let id = try id(action)
        guard let place = records.database.locate(id) else {
            throw ControlError(.notFound, "no record of that id in this org")
        }
        let row = try records.writableRow(id, table: place.table)
        let changes = try changes(action, records, place.table, isInsert: false, context)
        _ = try records.save(changes, table: place.table, existing: row, context: context)
        return ["id": .string(id)]
    }

    private mutating func convert(
        _ action: ControlBody, _ records: inout OrgRecords, _ context: SaveContext
    ) throws -> WireJSON {
        try action.allow("do", "id", "intoContact", "intoAccount", "opportunityName")
        let made = try records.convert(
            lead: try id(action), intoContact: try action.text("intoContact").map(resolved),
            intoAccount: try action.text("intoAccount").map(resolved),
            opportunityName: try action.text("opportunityName"), context: context)
        return [
            "contactId": .string(made.contact), "accountId": .string(made.account),
            "opportunityId": made.opportunity.map(WireJSON.string) ?? .null,
        ]
    }

    // MARK: - Parts

    private func table(_ action: ControlBody, _ records: OrgRecords) throws -> Int {
        let object = try action.requiredText("object")
        guard let table = records.database.table(object) else {
            throw ControlError(.notFound, "no object '\(object)'")
        }
        return table
    }

    private func changes(
        _ action: ControlBody, _ records: OrgRecords, _ table: Int, isInsert: Bool, _ context: SaveContext
    ) throws -> [FieldChange] {
        var fields = try action.object("fields")
        for index in fields.members.indices {
            if let text = fields.members[index].value.stringValue {
                fields.members[index].value = .string(resolved(text))
            }
        }
        return try records.changes(fields, table: table, isInsert: isInsert, skipping: [], context: context)
    }

    private func id(_ action: ControlBody) throws -> String { resolved(try action.requiredText("id")) }

    private func resolved(_ text: String) -> String {
        text.hasPrefix("$") ? names[String(text.dropFirst())] ?? text : text
    }
}
