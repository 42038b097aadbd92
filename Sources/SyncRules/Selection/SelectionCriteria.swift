import Foundation

/// Rows of `selection_criteria`: field, operator and typed value, in and/or groups (R42). Values, never query text: SOQL
/// is rendered from them where describe has checked the names.
package struct SelectionCriteria: Sendable, Hashable {
    /// How a field is compared. Raw values are the words config rows use.
    package enum Operator: String, Sendable, CaseIterable, Hashable {
        case equals = "eq"
        case notEquals = "ne"
        case contains
        case startsWith = "starts"
        case isOneOf = "in"
        case lessThan = "lt"
        case greaterThan = "gt"
        case isBlank = "blank"
        case isNotBlank = "not_blank"
    }

    /// A value of one type; text that only looks like a number is text.
    package enum Value: Sendable, Hashable {
        case text(String)
        case number(String)
        case bool(Bool)
        /// `YYYY-MM-DD`.
        case date(String)
    }

    /// One row.
    package struct Row: Sendable, Hashable {
        package var field: String
        package var comparison: Operator
        /// None for the blank operators, several for `in`, one for the others.
        package var values: [Value]

        /// Makes a row.
        package init(_ field: String, _ comparison: Operator, _ values: [Value] = []) {
            self.field = field
            self.comparison = comparison
            self.values = values
        }
    }

    /// A record meets the criteria when it meets every row of at least one group.
    package var groups: [[Row]]

    /// Makes criteria; nil when a row has the wrong number of values, a group is empty, or there are too many rows.
    package init?(anyOf groups: [[Row]]) {
        let rows = groups.joined()
        guard !groups.isEmpty, groups.allSatisfy({ !$0.isEmpty }), rows.count <= SyncRulesLimits.criteriaRows,
            rows.allSatisfy(\.isWellFormed)
        else { return nil }
        self.groups = groups
    }

    /// The fields a query must ask for, sorted.
    package var fields: [String] { Set(groups.joined().map(\.field)).sorted() }

    /// Whether a record meets the criteria, compared as SOQL compares: text without regard to case, empty text as blank, and
    /// nothing but `ne` and `blank` true of a blank field. What SOQL would refuse to compare, a text with a number, meets
    /// nothing.
    package func matches(_ record: [String: SalesforceFieldValue]) -> Bool {
        groups.contains { $0.allSatisfy { $0.matches(record[$0.field] ?? .null) } }
    }
}

extension SelectionCriteria.Row {
    fileprivate var isWellFormed: Bool {
        switch comparison {
        case .isBlank, .isNotBlank: values.isEmpty
        case .isOneOf: !values.isEmpty
        case .contains, .startsWith: values.count == 1 && values.allSatisfy(\.isText)
        case .equals, .notEquals, .lessThan, .greaterThan: values.count == 1
        }
    }

    fileprivate func matches(_ held: SalesforceFieldValue) -> Bool {
        switch comparison {
        case .isBlank: held.isBlank
        case .isNotBlank: !held.isBlank
        case .equals, .isOneOf: values.contains { $0.order(of: held) == .orderedSame }
        case .notEquals: values.allSatisfy { $0.differs(from: held) }
        case .lessThan: values.first?.order(of: held) == .orderedAscending
        case .greaterThan: values.first?.order(of: held) == .orderedDescending
        case .contains: compare(held) { $1.isEmpty || $0.contains($1) }
        case .startsWith: compare(held) { $0.hasPrefix($1) }
        }
    }

    private func compare(_ held: SalesforceFieldValue, _ test: (String, String) -> Bool) -> Bool {
        guard case .string(let text) = held, case .text(let wanted)? = values.first else { return false }
        return test(text.lowercased(), wanted.lowercased())
    }
}

extension SelectionCriteria.Value {
    fileprivate var isText: Bool {
        if case .text = self { true } else { false }
    }

    /// Whether a held value is another one; a blank is other than everything but empty text.
    fileprivate func differs(from held: SalesforceFieldValue) -> Bool {
        if held.isBlank { return self != .text("") }
        if case .bool(let on) = held, case .bool(let wanted) = self { return on != wanted }
        return order(of: held).map { $0 != .orderedSame } ?? false
    }

    /// How a held value lies to this one; nil when they can't be compared.
    fileprivate func order(of held: SalesforceFieldValue) -> ComparisonResult? {
        switch (self, held) {
        case (.text(""), .null):
            return .orderedSame
        case (.text(let wanted), .string(let text)):
            return Self.order(text.lowercased(), wanted.lowercased())
        case (.bool(let wanted), .bool(let on)):
            return on == wanted ? .orderedSame : nil
        case (.number(let wanted), .number(let digits)):
            guard let left = Decimal(string: digits), let right = Decimal(string: wanted) else { return nil }
            return Self.order(left, right)
        case (.date(let wanted), .string(let text)):
            guard let left = CanonicalForm.day(text), let right = CanonicalForm.day(wanted) else { return nil }
            return Self.order(left, right)
        default:
            return nil
        }
    }

    private static func order<T: Comparable>(_ left: T, _ right: T) -> ComparisonResult {
        left < right ? .orderedAscending : left > right ? .orderedDescending : .orderedSame
    }
}

extension SalesforceFieldValue {
    /// Null and empty text; Salesforce stores both as null.
    fileprivate var isBlank: Bool { self == .null || self == .string("") }
}
