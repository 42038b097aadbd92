/// Runs a plan: which rows meet it, in which order.
struct SOQLRun {
    let plan: SOQLPlan
    /// Whether deleted rows are seen (queryAll).
    let includesDeleted: Bool

    /// The numbers of the rows, ordered and cut by LIMIT and OFFSET.
    func rows(in database: inout OrgDatabase) -> [Int] {
        let wanted = Self.sum(plan.offset ?? 0, plan.limit ?? .max)
        var found = matches(in: &database, atMost: wanted)
        if let offset = plan.offset {
            found.removeFirst(min(offset, found.count))
            // OFFSET, even 0, caps the result.
            found = Array(found.prefix(SimulatorsLimits.queryOffset))
        }
        if let limit = plan.limit { found = Array(found.prefix(limit)) }
        return found
    }

    private func matches(in database: inout OrgDatabase, atMost wanted: Int) -> [Int] {
        let evaluator = SOQLEvaluator(database: database, table: plan.table)
        let unsettled = Set(database.tables[plan.table].unsettledRows)
        var found: [Int] = []
        var isOrdered = false
        func visit(_ number: Int) -> Bool {
            if unsettled.contains(number) { return true }
            if isSeen(number, evaluator) { found.append(number) }
            return !(isOrdered && found.count >= wanted)
        }
        switch SOQLAccess.choose(plan, database) {
        case .rows(let numbers):
            isOrdered = isOrderedByID
            for number in numbers where !visit(number) { break }
        case .stamps(let range):
            isOrdered = isOrderedByStamp
            database.withTable(plan.table) { table in
                table.walk(
                    fromStamp: range.fromStamp, row: range.fromRow, throughStamp: range.throughStamp, visit: visit)
            }
        case .all:
            isOrdered = isOrderedByID
            for number in 0..<database.tables[plan.table].rows.count where !visit(number) { break }
        }
        // Rows under way are seen as they were before, wherever an index has them now.
        let held = unsettled.sorted().filter { isSeen($0, evaluator) }
        if !isOrdered || !held.isEmpty { found = sorted(found + held, evaluator) }
        return found
    }

    private func isSeen(_ number: Int, _ evaluator: SOQLEvaluator) -> Bool {
        guard let row = evaluator.database.tables[plan.table].visible(number) else { return false }
        switch row.state {
        case .live: break
        case .deleted: if !includesDeleted { return false }
        case .purged: return false
        }
        return evaluator.meets(plan.condition, row, number)
    }

    // MARK: - Order

    private var isOrderedByID: Bool {
        plan.order.isEmpty || (plan.order.count == 1 && ascending(0, .id))
    }

    private var isOrderedByStamp: Bool {
        switch plan.order.count {
        case 0: true
        case 1: ascending(0, .systemModstamp)
        default: ascending(0, .systemModstamp) && ascending(1, .id)
        }
    }

    private func ascending(_ index: Int, _ column: SystemColumn) -> Bool {
        plan.order[index].path.isOwn(column) && !plan.order[index].descending
    }

    private func sorted(_ numbers: [Int], _ evaluator: SOQLEvaluator) -> [Int] {
        guard !plan.order.isEmpty else { return numbers }
        let keyed = numbers.map { number -> (number: Int, keys: [FieldValue]) in
            let row = evaluator.database.tables[plan.table].visible(number) ?? RecordRow()
            return (number, plan.order.map { SOQLText.fold(evaluator.value($0.path, row, number)) })
        }
        return keyed.sorted { precedes($0, $1) }.map(\.number)
    }

    private func precedes(_ left: (number: Int, keys: [FieldValue]), _ right: (number: Int, keys: [FieldValue])) -> Bool
    {
        for (index, key) in plan.order.enumerated() {
            let (one, other) = (left.keys[index], right.keys[index])
            if one == other { continue }
            if one.isNull || other.isNull { return one.isNull == key.nullsFirst }
            guard let order = SOQLEvaluator.order(one, other), order != 0 else { continue }
            return (order < 0) != key.descending
        }
        return left.number < right.number
    }

    private static func sum(_ left: Int, _ right: Int) -> Int {
        let (sum, overflow) = left.addingReportingOverflow(right)
        return overflow ? .max : sum
    }
}
