/// `/_control/orgs/NAME/rules`: what an org's administrator sets up, and what the platform does on its own.
enum ControlOrgRules {
    /// Carries out what `do` names.
    static func add(_ body: ControlBody, to org: SalesforceOrg) throws -> WireJSON {
        try body.allow("do", "object", "matchesObject", "fields", "blocks", "field", "message", "ownerId")
        switch try body.requiredText("do") {
        case "duplicate": org.addDuplicateRule(try duplicateRule(body))
        case "required": org.addValidationRule(try requiredRule(body))
        case "assign": org.activateAssignment(of: try body.requiredText("object"), to: try body.text("ownerId"))
        case "maintenance": org.runMaintenance(on: try body.requiredText("object"))
        case "emptyRecycleBin": org.emptyRecycleBin()
        default:
            throw ControlError(
                .badRequest, "do: want duplicate, required, assign, maintenance or emptyRecycleBin")
        }
        return ["done": true]
    }

    /// Records are twins when all of `fields` agree; by default the address.
    private static func duplicateRule(_ body: ControlBody) throws -> DuplicateRule {
        let object = try body.requiredText("object")
        let named = try body.texts("fields")
        let fields = (named.isEmpty ? ["Email"] : named).map { (own: $0, other: $0) }
        return DuplicateRule(
            name: "Standard_\(object)_Duplicate_Rule", object: object, matchesObject: try body.text("matchesObject"),
            fields: fields, blocks: try body.truth("blocks", default: false))
    }

    /// A save that leaves `field` empty is refused with `message`.
    private static func requiredRule(_ body: ControlBody) throws -> ValidationRule {
        let field = try body.requiredText("field")
        return ValidationRule(
            object: try body.requiredText("object"), message: try body.text("message") ?? "\(field) is required",
            field: field
        ) { ($0[field] ?? .null).isNull }
    }
}
