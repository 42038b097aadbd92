package import Foundation

/// A value inside a SOQL text; rendering quotes and escapes by type, so no value can become syntax.
package enum SOQLLiteral: Sendable, Hashable {
    case null
    case bool(Bool)
    /// A number's text; anything else is refused when rendered.
    case number(String)
    /// Text, quoted and escaped; also ids and pick-list values.
    case string(String)
    /// A day, `2026-10-01`, never quoted; anything else is refused when rendered.
    case date(String)
    /// An instant, to the second.
    case dateTime(Date)

    /// The literal as SOQL.
    /// - Throws: `ourBug` for a number or date that is none, and for text over `soqlLiteralCharacters`.
    package func render() throws(SalesforceError) -> String {
        switch self {
        case .null: return "null"
        case .bool(let value): return value ? "TRUE" : "FALSE"
        case .dateTime(let date): return SalesforceTime.format(date)
        case .string(let text): return try Self.quote(text)
        case .number(let text):
            guard Self.isNumber(text) else { throw .misuse("SOQL_BAD_NUMBER") }
            return text
        case .date(let text):
            guard Self.isDate(text) else { throw .misuse("SOQL_BAD_DATE") }
            return text
        }
    }

    /// The text for LIKE, with its own `%` and `_` taken literally.
    package static func escapedForLike(_ text: String) -> String {
        text.replacing("\\", with: "\\\\").replacing("%", with: "\\%").replacing("_", with: "\\_")
    }

    private static func quote(_ text: String) throws(SalesforceError) -> String {
        guard text.count <= SalesforceLimits.soqlLiteralCharacters else { throw .misuse("SOQL_LITERAL_TOO_LONG") }
        var quoted = "'"
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\": quoted += "\\\\"
            case "'": quoted += "\\'"
            case "\"": quoted += "\\\""
            case "\n": quoted += "\\n"
            case "\r": quoted += "\\r"
            case "\t": quoted += "\\t"
            case "\u{8}": quoted += "\\b"
            case "\u{c}": quoted += "\\f"
            case "\u{0}"..<"\u{20}", "\u{7f}": throw .misuse("SOQL_CONTROL_CHARACTER")
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "'"
    }

    private static func isNumber(_ text: String) -> Bool {
        let digits = text.hasPrefix("-") ? text.dropFirst() : text[...]
        let parts = digits.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count <= 2 && parts.allSatisfy { !$0.isEmpty && $0.utf8.allSatisfy { (0x30...0x39).contains($0) } }
    }

    private static func isDate(_ text: String) -> Bool {
        text.utf8.count == 10 && SalesforceTime.parse(text + "T00:00:00Z") != nil
    }
}

/// A WHERE clause as a tree. AND and OR are always in parentheses: SOQL refuses to mix them without.
package indirect enum SOQLCondition: Sendable, Hashable {
    /// How a field is compared.
    package enum Comparison: String, Sendable {
        case equal = "="
        case notEqual = "!="
        case less = "<"
        case lessOrEqual = "<="
        case greater = ">"
        case greaterOrEqual = ">="
        case like = "LIKE"
        case includes = "INCLUDES"
        case excludes = "EXCLUDES"
    }

    case compare(String, Comparison, SOQLLiteral)
    case isIn(String, [SOQLLiteral])
    case isNotIn(String, [SOQLLiteral])
    case all([SOQLCondition])
    case any([SOQLCondition])
    case not(SOQLCondition)

    /// Field equals value.
    package static func equals(_ field: String, _ value: SOQLLiteral) -> SOQLCondition {
        .compare(field, .equal, value)
    }

    /// Behind a place in the order of stamp and id: the keyset of a sweep (reference 6.4, trap T2).
    package static func after(stampField: String, _ stamp: Date, id: String) -> SOQLCondition {
        .any([
            .compare(stampField, .greater, .dateTime(stamp)),
            .all([.equals(stampField, .dateTime(stamp)), .compare("Id", .greater, .string(id))]),
        ])
    }

    func render(depth: Int = 0) throws(SalesforceError) -> String {
        guard depth < SalesforceLimits.conditionDepth else { throw .misuse("SOQL_TOO_DEEP") }
        switch self {
        case .compare(let field, let comparison, let literal):
            let name = try SOQL.checked(field)
            let value = try literal.render()
            let isList = comparison == .includes || comparison == .excludes
            return "\(name) \(comparison.rawValue) \(isList ? "(\(value))" : value)"
        case .isIn(let field, let values): return try Self.list(field, "IN", values)
        case .isNotIn(let field, let values): return try Self.list(field, "NOT IN", values)
        case .all(let parts): return try Self.join(parts, " AND ", depth)
        case .any(let parts): return try Self.join(parts, " OR ", depth)
        case .not(let part): return "(NOT \(try part.render(depth: depth + 1)))"
        }
    }

    private static func list(_ field: String, _ word: String, _ values: [SOQLLiteral]) throws(SalesforceError) -> String
    {
        guard !values.isEmpty else { throw .misuse("SOQL_EMPTY_LIST") }
        var texts: [String] = []
        for value in values { texts.append(try value.render()) }
        return "\(try SOQL.checked(field)) \(word) (\(texts.joined(separator: ",")))"
    }

    private static func join(_ parts: [SOQLCondition], _ word: String, _ depth: Int) throws(SalesforceError) -> String {
        guard !parts.isEmpty else { throw .misuse("SOQL_EMPTY_CONDITION") }
        var texts: [String] = []
        for part in parts { texts.append(try part.render(depth: depth + 1)) }
        return texts.count == 1 ? texts[0] : "(\(texts.joined(separator: word)))"
    }
}

/// A SELECT over one object.
package struct SOQLQuery: Sendable, Hashable {
    /// Field names and parent paths; `Id` is not added by itself.
    package var fields: [String]
    /// The object.
    package var object: String
    /// The filter.
    package var condition: SOQLCondition?
    /// Field names in order, ascending; a leading `-` means descending.
    package var order: [String]
    /// The most records.
    package var limit: Int?

    /// Makes a query.
    package init(
        _ fields: [String], from object: String, where condition: SOQLCondition? = nil, orderBy order: [String] = [],
        limit: Int? = nil
    ) {
        self.fields = fields
        self.object = object
        self.condition = condition
        self.order = order
        self.limit = limit
    }

    /// The text of a query that only counts: its answer has no records, and their number as its total.
    /// - Parameter conditions: all of them must hold; none counts everything.
    /// - Throws: as `render()`.
    package static func count(
        of object: String, where conditions: [SOQLCondition]
    ) throws(SalesforceError) -> String {
        var text = "SELECT COUNT() FROM \(try SOQL.checked(object))"
        if !conditions.isEmpty { text += " WHERE \(try SOQLCondition.all(conditions).render())" }
        guard text.count <= SalesforceLimits.soqlCharacters else { throw .misuse("SOQL_TOO_LONG") }
        return text
    }

    /// The query's text.
    /// - Throws: `ourBug` for names that are none, and beyond `SalesforceLimits.soqlCharacters`.
    package func render() throws(SalesforceError) -> String {
        guard !fields.isEmpty else { throw .misuse("SOQL_NO_FIELDS") }
        var names: [String] = []
        for field in fields { names.append(try SOQL.checked(field)) }
        var text = "SELECT \(names.joined(separator: ",")) FROM \(try SOQL.checked(object))"
        if let condition { text += " WHERE \(try condition.render())" }
        var keys: [String] = []
        for key in order {
            keys.append(
                key.hasPrefix("-") ? try SOQL.checked(String(key.dropFirst())) + " DESC" : try SOQL.checked(key))
        }
        if !keys.isEmpty { text += " ORDER BY \(keys.joined(separator: ","))" }
        if let limit { text += " LIMIT \(max(0, limit))" }
        guard text.count <= SalesforceLimits.soqlCharacters else { throw .misuse("SOQL_TOO_LONG") }
        return text
    }
}

/// Checks and arithmetic for SOQL texts.
package enum SOQL {
    /// The name, if it can be an API name or a path of them (`Account.Owner.Email`).
    /// - Throws: `ourBug` otherwise; the name is not part of the error.
    package static func checked(_ name: String) throws(SalesforceError) -> String {
        guard isName(name) else { throw .misuse("SOQL_BAD_NAME") }
        return name
    }

    /// Whether a text can be an API name or a path of at most six.
    package static func isName(_ name: String) -> Bool {
        let parts = name.split(separator: ".", omittingEmptySubsequences: false)
        return !parts.isEmpty && parts.count <= 6 && parts.allSatisfy(isIdentifier)
    }

    private static func isIdentifier(_ part: Substring) -> Bool {
        guard let first = part.utf8.first, isLetter(first), part.utf8.count <= SalesforceLimits.nameCharacters else {
            return false
        }
        return part.utf8.allSatisfy { isLetter($0) || (0x30...0x39).contains($0) || $0 == UInt8(ascii: "_") }
    }

    private static func isLetter(_ byte: UInt8) -> Bool { (0x41...0x5a).contains(byte & 0xdf) }

    /// Splits values so that each list, with `overhead` characters of query around it, stays within one query.
    package static func split(
        _ values: [SOQLLiteral], overhead: Int, limit: Int = SalesforceLimits.soqlCharacters
    ) throws(SalesforceError) -> [[SOQLLiteral]] {
        var lists: [[SOQLLiteral]] = []
        var current: [SOQLLiteral] = []
        var length = overhead
        for value in values {
            let cost = try value.render().count + 1
            guard overhead + cost <= limit else { throw .misuse("SOQL_TOO_LONG") }
            if length + cost > limit {
                lists.append(current)
                current = []
                length = overhead
            }
            current.append(value)
            length += cost
        }
        if !current.isEmpty { lists.append(current) }
        return lists
    }
}
