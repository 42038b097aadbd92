/// How a query reaches its rows: what of its condition an index can answer.
enum SOQLAccess {
    /// Only these rows can meet the condition.
    case rows([Int])
    /// Only rows within these bounds of (SystemModstamp, Id).
    case stamps(StampRange)
    /// Any row.
    case all

    /// Bounds of SystemModstamp, the lower one refined by Id, as a keyset walk states them.
    struct StampRange: Equatable {
        var fromStamp = Int.min
        /// First row within `fromStamp`.
        var fromRow = 0
        var throughStamp = Int.max

        static let everything = StampRange()

        /// Both bounds hold.
        func intersection(_ other: StampRange) -> StampRange {
            var result = self
            if (other.fromStamp, other.fromRow) > (fromStamp, fromRow) {
                (result.fromStamp, result.fromRow) = (other.fromStamp, other.fromRow)
            }
            result.throughStamp = min(throughStamp, other.throughStamp)
            return result
        }

        /// Either bound holds.
        func hull(_ other: StampRange) -> StampRange {
            var result = self
            if (other.fromStamp, other.fromRow) < (fromStamp, fromRow) {
                (result.fromStamp, result.fromRow) = (other.fromStamp, other.fromRow)
            }
            result.throughStamp = max(throughStamp, other.throughStamp)
            return result
        }
    }

    /// The best way to the rows of a plan.
    static func choose(_ plan: SOQLPlan, _ database: OrgDatabase) -> SOQLAccess {
        if let rows = indexedRows(plan.condition, plan.table, database) { return .rows(rows) }
        let range = stampRange(plan.condition, database)
        if range != .everything || plan.order.first?.path.isOwn(.systemModstamp) == true { return .stamps(range) }
        return .all
    }

    // MARK: - Equality

    /// Rows that can meet the condition, found by id or an indexed field; `nil` when no index helps.
    private static func indexedRows(
        _ predicate: SOQLPredicate, _ table: Int, _ database: OrgDatabase
    ) -> [Int]? {
        switch predicate {
        case .compare(let path, .equal, let value): return rows(path, [value], table, database)
        case .among(let path, let values, false): return rows(path, values, table, database)
        case .and(let terms):
            return terms.lazy.compactMap { indexedRows($0, table, database) }.min { $0.count < $1.count }
        case .or(let terms):
            var union: Set<Int> = []
            for term in terms {
                guard let rows = indexedRows(term, table, database) else { return nil }
                union.formUnion(rows)
            }
            return union.sorted()
        default: return nil
        }
    }

    private static func rows(
        _ path: SOQLPath, _ values: Set<FieldValue>, _ table: Int, _ database: OrgDatabase
    ) -> [Int]? {
        guard path.references.isEmpty, !values.contains(.null) else { return nil }
        if path.isOwn(.id) {
            return values.compactMap { value in
                guard case .text(let id) = value, let place = database.locate(id), place.table == table else {
                    return nil
                }
                return place.row
            }.sorted()
        }
        guard case .cell(let cell) = path.field.source else { return nil }
        var found: Set<Int> = []
        for value in values {
            guard let rows = database.tables[table].rows(cell: cell, value: value) else { return nil }
            found.formUnion(rows)
        }
        return found.sorted()
    }

    // MARK: - Stamps

    /// Bounds every row that meets the condition lies within.
    private static func stampRange(_ predicate: SOQLPredicate, _ database: OrgDatabase) -> StampRange {
        switch predicate {
        case .and(let terms):
            var range = terms.reduce(StampRange.everything) { $0.intersection(stampRange($1, database)) }
            if range.fromStamp == range.throughStamp, let row = terms.compactMap({ firstRow($0, database) }).max() {
                range.fromRow = max(range.fromRow, row)
            }
            return range
        case .or(let terms):
            guard let first = terms.first else { return .everything }
            return terms.dropFirst().reduce(stampRange(first, database)) { $0.hull(stampRange($1, database)) }
        case .compare(let path, let comparison, .dateTime(let stamp)) where path.isOwn(.systemModstamp):
            return range(comparison, stamp)
        default: return .everything
        }
    }

    private static func range(_ comparison: SOQLComparison, _ stamp: Int) -> StampRange {
        switch comparison {
        case .equal: StampRange(fromStamp: stamp, throughStamp: stamp)
        case .greater: StampRange(fromStamp: stamp + 1)
        case .greaterOrEqual: StampRange(fromStamp: stamp)
        case .less: StampRange(throughStamp: stamp - 1)
        case .lessOrEqual: StampRange(throughStamp: stamp)
        case .notEqual, .like: .everything
        }
    }

    /// The first row a bound on Id leaves.
    private static func firstRow(_ predicate: SOQLPredicate, _ database: OrgDatabase) -> Int? {
        guard case .compare(let path, let comparison, .text(let id)) = predicate, path.isOwn(.id),
            let place = database.locate(id)
        else { return nil }
        switch comparison {
        case .greater: return place.row + 1
        case .greaterOrEqual: return place.row
        default: return nil
        }
    }
}
