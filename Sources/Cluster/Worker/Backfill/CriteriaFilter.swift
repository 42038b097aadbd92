import Foundation
import Salesforce
import SyncRules

/// Renders selection criteria as a SOQL condition, for walks that would otherwise read records only to refuse them (R42).
///
/// Names are checked by describe, literals are rendered by the field's type. A row that SOQL could judge otherwise than the
/// rules do is left out: the condition lets through what the rules then refuse, never the other way round.
struct CriteriaFilter {
    let description: ObjectDescription

    /// The condition; nil when every record must be looked at.
    func condition(_ criteria: SelectionCriteria) -> SOQLCondition? {
        var groups: [SOQLCondition] = []
        for group in criteria.groups {
            let rows = group.compactMap(condition)
            guard !rows.isEmpty else { return nil }
            groups.append(.all(rows))
        }
        return groups.isEmpty ? nil : .any(groups)
    }

    private func condition(_ row: SelectionCriteria.Row) -> SOQLCondition? {
        guard let field = description.fields[row.field], field.isFilterable else { return nil }
        switch row.comparison {
        case .isBlank: return .equals(row.field, .null)
        case .isNotBlank: return .compare(row.field, .notEqual, .null)
        case .contains: return like(row, field) { "%\($0)%" }
        case .startsWith: return like(row, field) { "\($0)%" }
        case .equals, .isOneOf: return compare(row, field, .equal)
        case .notEquals: return compare(row, field, .notEqual)
        case .lessThan: return compare(row, field, .less)
        case .greaterThan: return compare(row, field, .greater)
        }
    }

    private func like(
        _ row: SelectionCriteria.Row, _ field: ObjectDescription.Field, _ pattern: (String) -> String
    ) -> SOQLCondition? {
        guard Self.texts.contains(field.type), case .text(let text)? = row.values.first else { return nil }
        return .compare(row.field, .like, .string(pattern(SOQLLiteral.escapedForLike(text))))
    }

    private func compare(
        _ row: SelectionCriteria.Row, _ field: ObjectDescription.Field, _ comparison: SOQLCondition.Comparison
    ) -> SOQLCondition? {
        if field.type == "datetime" { return compareDay(row, comparison) }
        let literals = row.values.compactMap { Self.literal($0, field, comparison) }
        guard literals.count == row.values.count, let first = literals.first else { return nil }
        if literals.count == 1 { return .compare(row.field, comparison, first) }
        return comparison == .equal ? .isIn(row.field, literals) : nil
    }

    /// A literal of the field's own type; nil when the two can't be compared in SOQL as the rules do.
    private static func literal(
        _ value: SelectionCriteria.Value, _ field: ObjectDescription.Field, _ comparison: SOQLCondition.Comparison
    ) -> SOQLLiteral? {
        switch value {
        // Order of texts depends on the org's language.
        case .text(let text) where texts.contains(field.type):
            comparison == .equal || comparison == .notEqual ? .string(text) : nil
        case .number(let digits) where numbers.contains(field.type): .number(digits)
        // Checkboxes have no order.
        case .bool(let on) where field.type == "boolean":
            comparison == .equal || comparison == .notEqual ? .bool(on) : nil
        case .date(let day) where field.type == "date": .date(day)
        case .text, .number, .bool, .date: nil
        }
    }

    /// A day against an instant: the instant's day in UTC is what counts.
    private func compareDay(
        _ row: SelectionCriteria.Row, _ comparison: SOQLCondition.Comparison
    ) -> SOQLCondition? {
        guard row.values.count == 1, case .date(let day)? = row.values.first,
            let start = SalesforceTime.parse(day + "T00:00:00Z")
        else { return nil }
        let end = start.addingTimeInterval(86_400)
        switch comparison {
        case .equal:
            return .all([
                .compare(row.field, .greaterOrEqual, .dateTime(start)), .compare(row.field, .less, .dateTime(end)),
            ])
        case .less: return .compare(row.field, .less, .dateTime(start))
        case .greater: return .compare(row.field, .greaterOrEqual, .dateTime(end))
        default: return nil
        }
    }

    private static let texts: Set<String> = ["string", "picklist", "combobox", "email", "phone", "url"]
    private static let numbers: Set<String> = ["double", "int", "long", "currency", "percent"]
}
