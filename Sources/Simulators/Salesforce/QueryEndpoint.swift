/// Open cursors of one org: what `nextRecordsUrl` leads to.
struct QueryCursors {
    /// The rows a query found, fetched page by page.
    struct Cursor {
        let plan: SOQLPlan
        let rows: [Int]
        let pageRows: Int
        let opened: Double
    }

    private var cursors: [String: Cursor] = [:]
    private var oldestFirst: [String] = []
    private var nextNumber = 1

    /// Keeps a cursor and returns its id.
    mutating func open(_ cursor: Cursor, org: Int) -> String {
        let id = RecordID.make(prefix: "01g", org: org, sequence: nextNumber)
        nextNumber += 1
        cursors[id] = cursor
        oldestFirst.append(id)
        if oldestFirst.count > SimulatorsLimits.locators { cursors[oldestFirst.removeFirst()] = nil }
        return id
    }

    /// The cursor of an id.
    subscript(_ id: String) -> Cursor? { cursors[id] }

    /// Drops cursors older than two days.
    mutating func expire(now: Double) {
        while let id = oldestFirst.first, (cursors[id]?.opened ?? 0) + SimulatorsLimits.locatorSeconds <= now {
            cursors[id] = nil
            oldestFirst.removeFirst()
        }
    }
}

/// `/query`, `/queryAll` and the pages that follow (reference section 6.1).
extension OrgState {
    mutating func query(_ request: APIRequest, now: Double) throws(RequestError) -> APIReply {
        guard request.method == "GET" else { throw .methodNotAllowed(request.method) }
        if request.segments.count == 2 { return try nextPage(request) }
        guard let text = request.item("q") else {
            throw RequestError(400, "MALFORMED_QUERY", "A query string has to be specified")
        }
        let includesDeleted = request.segments[0] == "queryAll"
        let plan = try plan(text, includesDeleted: includesDeleted, now: now)
        let rows = SOQLRun(plan: plan, includesDeleted: includesDeleted).rows(in: &records.database)
        if plan.isCount { return .ok(["totalSize": .int(rows.count), "done": true, "records": []]) }
        let cursor = QueryCursors.Cursor(
            plan: plan, rows: rows, pageRows: try pageRows(request, plan), opened: now)
        return .ok(page(of: cursor, id: nil, from: 0, version: request.version))
    }

    /// Plans a query; semi-joins are run at once.
    func plan(
        _ text: String, includesDeleted: Bool, now: Double
    ) throws(RequestError) -> SOQLPlan {
        let planner = SOQLPlanner(records: records, today: Int((now / 86_400).rounded(.down)), text: text)
        var database = records.database
        return try planner.plan(try SOQLParser.parse(text)) { inner throws(RequestError) in
            guard let column = inner.columns.first, inner.columns.count == 1 else {
                throw RequestError(400, "MALFORMED_QUERY", "semi join sub-selects must select one field")
            }
            let rows = SOQLRun(plan: inner, includesDeleted: includesDeleted).rows(in: &database)
            let evaluator = SOQLEvaluator(database: database, table: inner.table)
            let values = rows.map { number in
                evaluator.value(column.path, database.tables[inner.table].visible(number) ?? RecordRow(), number)
            }
            return Set(values.filter { !$0.isNull })
        }
    }

    private func pageRows(_ request: APIRequest, _ plan: SOQLPlan) throws(RequestError) -> Int {
        var rows = SimulatorsLimits.queryPageRows
        if let options = request.headers["sforce-query-options"] {
            let size = options.split(separator: "=").last.flatMap { Int($0.trimmingPrefix(" ")) }
            guard let size else { throw RequestError(400, "INVALID_QUERY_OPTION", "invalid batchSize: \(options)") }
            rows = min(max(size, SimulatorsLimits.queryPageRowsLeast), SimulatorsLimits.queryPageRows)
        }
        // Two or more long texts shrink the page to the least.
        let longTexts = plan.columns.count { $0.path.field.type == .textarea && $0.path.field.length > 255 }
        if longTexts >= 2 { rows = SimulatorsLimits.queryPageRowsLeast }
        return min(rows, queryPageRows)
    }

    private mutating func nextPage(_ request: APIRequest) throws(RequestError) -> APIReply {
        let parts = request.segments[1].split(separator: "-")
        guard parts.count == 2, let offset = Int(parts[1]), let cursor = cursors[String(parts[0])],
            offset > 0, offset < cursor.rows.count
        else { throw RequestError(400, "INVALID_QUERY_LOCATOR", "invalid query locator") }
        return .ok(page(of: cursor, id: String(parts[0]), from: offset, version: request.version))
    }

    private mutating func page(of cursor: QueryCursors.Cursor, id: String?, from: Int, version: String) -> WireJSON {
        let end = min(from + cursor.pageRows, cursor.rows.count)
        let table = records.database.tables[cursor.plan.table]
        let renderer = RecordRenderer(
            cursor.plan.columns, table: cursor.plan.table, database: records.database, version: version)
        let shown = cursor.rows[from..<end].map { number in
            renderer.record(table.visible(number) ?? table.rows[number], number)
        }
        let done = end == cursor.rows.count
        var answer = WireObject([("totalSize", .int(cursor.rows.count)), ("done", .bool(done))])
        if !done {
            let locator = id ?? cursors.open(cursor, org: identity.number)
            answer["nextRecordsUrl"] = .string("/services/data/v\(version)/query/\(locator)-\(end)")
        }
        answer["records"] = .array(shown)
        return .object(answer)
    }
}
