/// `/_control/orgs/NAME/seed`: many records from one template.
///
/// Texts of the template may hold `{n}` (the number, from `first` on), `{first}` and `{last}` (names that repeat).
struct ControlOrgSeed {
    private enum Part {
        case fixed(FieldValue)
        /// Text between and around the placeholders.
        case text([Piece])
    }

    private enum Piece {
        case literal(String), number, firstName, lastName
    }

    private let fields: [(name: String, part: Part)]

    /// Seeds `count` records of `object`.
    static func run(_ body: ControlBody, in org: SalesforceOrg) throws -> WireJSON {
        try body.allow("object", "count", "first", "fields")
        let object = try body.requiredText("object")
        let count = try body.int("count", in: 1...SimulatorsLimits.Control.seeded, default: 1)
        let first = try body.int("first", in: 0...Int(Int32.max), default: 1)
        let template = try ControlOrgSeed(try body.object("fields"), object: object, in: org)
        var ids: (first: String, last: String)?
        for start in stride(from: 0, to: count, by: SimulatorsLimits.Control.seedStep) {
            let step = min(SimulatorsLimits.Control.seedStep, count - start)
            let made = org.seed(object, count: step) { template.values(first + start + $0) }
            if let low = made.first, let high = made.last { ids = (ids?.first ?? low, high) }
        }
        return ["firstId": .string(ids?.first ?? ""), "lastId": .string(ids?.last ?? ""), "count": .int(count)]
    }

    private init(_ template: WireObject, object: String, in org: SalesforceOrg) throws {
        // The first record is read as the platform reads one, so that a name or type that does not fit is told.
        var sample = template
        for index in sample.members.indices {
            if let text = sample.members[index].value.stringValue {
                sample.members[index].value = .string(Self.fill(Self.pieces(of: text), number: 1))
            }
        }
        let checked = try org.transaction { [sample] state, now throws -> [FieldChange] in
            guard let table = state.records.database.table(object) else {
                throw ControlError(.notFound, "no object '\(object)'")
            }
            return try state.records.changes(
                sample, table: table, isInsert: true, skipping: [], context: .human(now: now))
        }
        fields = zip(template.members, checked).map { member, change in
            guard let text = member.value.stringValue, text.contains("{"), change.value.text != nil else {
                return (change.field.name, .fixed(change.value))
            }
            return (change.field.name, .text(Self.pieces(of: text)))
        }
    }

    private func values(_ number: Int) -> [String: FieldValue] {
        var values: [String: FieldValue] = [:]
        for (name, part) in fields {
            switch part {
            case .fixed(let value): values[name] = value
            case .text(let pieces): values[name] = .text(Self.fill(pieces, number: number))
            }
        }
        return values
    }

    // MARK: - Templates

    private static func pieces(of text: String) -> [Piece] {
        var pieces: [Piece] = []
        var rest = text[...]
        while let open = rest.firstIndex(of: "{"), let close = rest[open...].firstIndex(of: "}") {
            if open > rest.startIndex { pieces.append(.literal(String(rest[..<open]))) }
            switch rest[rest.index(after: open)..<close] {
            case "n": pieces.append(.number)
            case "first": pieces.append(.firstName)
            case "last": pieces.append(.lastName)
            default: pieces.append(.literal(String(rest[open...close])))
            }
            rest = rest[rest.index(after: close)...]
        }
        if !rest.isEmpty { pieces.append(.literal(String(rest))) }
        return pieces
    }

    private static func fill(_ pieces: [Piece], number: Int) -> String {
        var text = ""
        for piece in pieces {
            switch piece {
            case .literal(let literal): text += literal
            case .number: text += String(number)
            case .firstName: text += firstNames[number % firstNames.count]
            case .lastName: text += lastNames[number / firstNames.count % lastNames.count]
            }
        }
        return text
    }

    private static let firstNames = [
        "Ada", "Bo", "Cleo", "Dora", "Emil", "Fatma", "Gil", "Hana", "Ivo", "Jun", "Kofi", "Lena", "Musa",
    ]
    private static let lastNames = [
        "Abel", "Brandt", "Chen", "Diaz", "Eriksen", "Fuchs", "Gupta", "Haddad", "Ito", "Jones", "Kim",
    ]
}
