/// Asks a condition of rows.
struct SOQLEvaluator {
    let database: OrgDatabase
    let table: Int

    /// Whether a row meets the condition.
    func meets(_ predicate: SOQLPredicate, _ row: RecordRow, _ number: Int) -> Bool {
        switch predicate {
        case .always: return true
        case .and(let terms): return terms.allSatisfy { meets($0, row, number) }
        case .or(let terms): return terms.contains { meets($0, row, number) }
        case .not(let term): return !meets(term, row, number)
        case .compare(let path, let comparison, let literal):
            return Self.holds(value(path, row, number), comparison, literal, path.field)
        case .among(let path, let values, let negated):
            let value = value(path, row, number)
            let folded = SOQLText.folds(path.field) ? SOQLText.fold(value) : value
            return values.contains(folded) != negated
        }
    }

    /// The value of a field of the row or of a parent; null where there is no parent.
    func value(_ path: SOQLPath, _ row: RecordRow, _ number: Int) -> FieldValue {
        guard !path.references.isEmpty else {
            return database.value(path.field, of: row, table: table, number: number)
        }
        guard let parent = parent(path.references, row, number) else { return .null }
        return database.value(path.field, of: parent.row, table: parent.table, number: parent.number)
    }

    /// The record at the end of a chain of references.
    func parent(
        _ references: [FieldDefinition], _ row: RecordRow, _ number: Int
    ) -> (table: Int, number: Int, row: RecordRow)? {
        var place = (table: table, number: number, row: row)
        for reference in references {
            let id = database.value(reference, of: place.row, table: place.table, number: place.number)
            guard case .text(let id) = id, let next = database.locate(id),
                let row = database.tables[next.table].visible(next.row), row.state != .purged
            else { return nil }
            place = (next.table, next.row, row)
        }
        return place
    }

    private static func holds(
        _ value: FieldValue, _ comparison: SOQLComparison, _ literal: FieldValue, _ field: FieldDefinition
    ) -> Bool {
        if comparison == .like {
            guard let text = value.text, let pattern = literal.text else { return false }
            return LikePattern(pattern).matches(text)
        }
        let value = SOQLText.folds(field) ? SOQLText.fold(value) : value
        switch comparison {
        case .equal: return value == literal
        case .notEqual: return value != literal
        case .less: return order(value, literal).map { $0 < 0 } ?? false
        case .lessOrEqual: return order(value, literal).map { $0 <= 0 } ?? false
        case .greater: return order(value, literal).map { $0 > 0 } ?? false
        case .greaterOrEqual: return order(value, literal).map { $0 >= 0 } ?? false
        case .like: return false
        }
    }

    /// Negative, zero or positive as `left` sorts before, with or after `right`; `nil` when either is null or the types
    /// differ.
    static func order(_ left: FieldValue, _ right: FieldValue) -> Int? {
        switch (left, right) {
        case (.text(let left), .text(let right)): left == right ? 0 : (left < right ? -1 : 1)
        case (.number(let left), .number(let right)): left == right ? 0 : (left < right ? -1 : 1)
        case (.date(let left), .date(let right)), (.dateTime(let left), .dateTime(let right)):
            left == right ? 0 : (left < right ? -1 : 1)
        case (.bool(let left), .bool(let right)): left == right ? 0 : (!left ? -1 : 1)
        default: nil
        }
    }
}

/// A LIKE pattern: `%` is any text, `_` any character, `\` takes the next one as it is; case does not matter.
struct LikePattern {
    private enum Part: Equatable {
        case any
        case one
        case literal(Character)
    }

    private let parts: [Part]

    init(_ pattern: String) {
        var parts: [Part] = []
        var escaped = false
        for character in pattern.lowercased() {
            switch (character, escaped) {
            case ("\\", false):
                escaped = true
                continue
            case ("%", false): parts.append(.any)
            case ("_", false): parts.append(.one)
            default: parts.append(.literal(character))
            }
            escaped = false
        }
        self.parts = parts
    }

    /// Whether the whole text fits, in time linear in text × pattern.
    func matches(_ text: String) -> Bool {
        let characters = Array(text.lowercased())
        var textAt = 0
        var partAt = 0
        var retry: (part: Int, text: Int)?
        while textAt < characters.count {
            if partAt < parts.count, parts[partAt] == .any {
                retry = (partAt + 1, textAt)
                partAt += 1
            } else if partAt < parts.count, parts[partAt] == .one || parts[partAt] == .literal(characters[textAt]) {
                partAt += 1
                textAt += 1
            } else if let last = retry {
                retry = (last.part, last.text + 1)
                (partAt, textAt) = (last.part, last.text + 1)
            } else {
                return false
            }
        }
        return parts[partAt...].allSatisfy { $0 == .any }
    }
}
