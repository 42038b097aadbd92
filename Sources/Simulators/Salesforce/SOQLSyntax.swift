/// A parsed query; names are as written, nothing is looked up yet.
struct SOQLQuery {
    enum Selection {
        case fields([SOQLName])
        /// `COUNT()`.
        case count
        /// `FIELDS(ALL)`, `FIELDS(STANDARD)` or `FIELDS(CUSTOM)`.
        case all(SOQLFieldSet)
    }

    var selection: Selection
    var object: SOQLName
    var condition: SOQLCondition?
    var order: [SOQLOrder] = []
    var limit: Int?
    var offset: Int?
}

/// A set `FIELDS()` names.
enum SOQLFieldSet: String {
    case all = "ALL"
    case standard = "STANDARD"
    case custom = "CUSTOM"
}

/// A name and where it stood.
struct SOQLName {
    let text: String
    let column: Int
}

/// A WHERE clause.
indirect enum SOQLCondition {
    case and([SOQLCondition])
    case or([SOQLCondition])
    case not(SOQLCondition)
    case compare(SOQLName, SOQLComparison, SOQLLiteral)
    case isIn(SOQLName, [SOQLLiteral], negated: Bool)
    case semiJoin(SOQLName, SOQLQuery, negated: Bool)
}

/// How a field and a literal are compared.
enum SOQLComparison: String {
    case equal = "="
    case notEqual = "!="
    case less = "<"
    case lessOrEqual = "<="
    case greater = ">"
    case greaterOrEqual = ">="
    case like = "LIKE"
}

/// A literal of a query.
enum SOQLLiteral: Equatable {
    case null
    case string(String)
    case number(Double)
    case bool(Bool)
    case date(Int)
    case dateTime(Int)
    /// `TODAY`, `LAST_N_DAYS:3`: a span of days, to be placed when the query runs.
    case period(SOQLPeriod)
}

/// A date literal that is relative to the day the query runs.
struct SOQLPeriod: Equatable {
    /// First and last day, relative to today.
    let days: ClosedRange<Int>

    init?(_ word: String) {
        let parts = word.uppercased().split(separator: ":")
        switch (parts.first, parts.count) {
        case ("TODAY", 1): days = 0...0
        case ("YESTERDAY", 1): days = -1 ... -1
        case ("TOMORROW", 1): days = 1...1
        case ("LAST_N_DAYS", 2), ("NEXT_N_DAYS", 2):
            guard let count = Int(parts[1]), (1...100_000).contains(count) else { return nil }
            days = parts[0] == "LAST_N_DAYS" ? -count...0 : 1...count
        default: return nil
        }
    }
}

/// One key of ORDER BY.
struct SOQLOrder {
    let field: SOQLName
    var descending = false
    /// `nil` takes the org's default.
    var nullsFirst: Bool?
}
