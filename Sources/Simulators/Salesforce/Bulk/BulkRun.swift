/// What jobs do as time passes: every step runs at the instant it was due, so that stamps and order are those of an org
/// that was never idle. Each call to the org first catches up with what was due before it.
extension OrgState {
    /// Runs every step due by `now`.
    mutating func runJobs(now: Double) {
        bulk.expire(now: now)
        while let id = bulk.next(now: now), var job = bulk.take(id) {
            let instant = job.due
            job.start(now: instant)
            if job.operation.isQuery { runQuery(&job, now: instant) } else { runChunk(&job, now: instant) }
            bulk.keep(job)
            records.database.commit()
        }
    }

    // MARK: - Ingest

    /// Writes the next 200 rows of an upload, as one transaction.
    private mutating func runChunk(_ job: inout BulkJob, now: Double) {
        guard let table = records.database.table(job.object) else {
            return job.end(.failed, now: now, message: "InvalidEntity : Entity '\(job.object)' is not supported")
        }
        do throws(DelimitedTextError) {
            if job.columns.isEmpty { try readHeader(&job, table: table) }
            var reader = DelimitedReader(job.upload, format: job.format, at: job.position)
            var positions: [Int] = []
            var writes: [RecordWrite] = []
            while writes.count < SimulatorsLimits.bulkChunkRows {
                let position = reader.position
                guard let fields = try reader.row() else { break }
                positions.append(position)
                writes.append(write(fields, job, table: table))
            }
            job.position = reader.position
            guard !writes.isEmpty else { return job.end(.complete, now: now) }
            var context = SaveContext.api(now: now)
            context.assigns = job.assigns
            store(records.write(writes, allOrNone: false, context: context), positions, &job)
            job.schedule(now + bulk.stepSeconds)
        } catch {
            job.end(.failed, now: now, message: error.message)
        }
    }

    private func store(_ results: [WriteResult], _ positions: [Int], _ job: inout BulkJob) {
        for (result, position) in zip(results, positions) {
            if !result.succeeded { job.failures += 1 }
            job.outcomes.append(BulkOutcome(result, position: position, isInsert: job.operation == .insert))
        }
    }

    /// Reads the first row: the columns, every one of which must be a field.
    private func readHeader(_ job: inout BulkJob, table: Int) throws(DelimitedTextError) {
        var reader = DelimitedReader(job.upload, format: job.format)
        try reader.checkLineEnding()
        guard let columns = try reader.row() else {
            throw DelimitedTextError(message: "InvalidBatch : No header row")
        }
        if job.operation == .delete || job.operation == .hardDelete, columns.map({ $0.lowercased() }) != ["id"] {
            throw DelimitedTextError(
                message: "InvalidBatch : The '\(job.operation.rawValue)' batch must contain only ids")
        }
        for column in columns where !isField(column, table: table) {
            throw DelimitedTextError(message: "InvalidBatch : Field name not found : \(column)")
        }
        guard Set(columns.map { $0.lowercased() }).count == columns.count else {
            throw DelimitedTextError(message: "InvalidBatch : Field names are duplicated")
        }
        job.columns = columns
        job.position = reader.position
    }

    /// Whether a column is a field, or `Parent.External_Id__c`.
    private func isField(_ column: String, table: Int) -> Bool {
        let definition = records.database.definition(table)
        let parts = column.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        if parts.count == 1 { return definition.field(column)?.isReadable == true }
        guard parts.count == 2, let reference = definition.reference(parts[0]), let parent = reference.referenceTo,
            let target = records.database.table(parent)
        else { return false }
        return records.database.definition(target).field(parts[1])?.isExternalID == true
    }

    /// What a row asks for. An empty field leaves the record's value and `#N/A` clears it, unless switched.
    private func write(_ fields: [String], _ job: BulkJob, table: Int) -> RecordWrite {
        guard fields.count == job.columns.count else {
            return .refused(RecordError("INVALID_FIELD", "Failed to parse row: \(fields.count) fields"))
        }
        var record = WireObject()
        var id: String?
        let unconfirmed = identity.unconfirmed
        for (column, text) in zip(job.columns, fields) where !text.isEmpty || unconfirmed.bulkEmptyClears {
            if column.lowercased() == "id" {
                if !text.isEmpty { id = text }
                continue
            }
            let value: WireJSON = text.isEmpty || text == unconfirmed.bulkNullText ? .null : .string(text)
            let parts = column.split(separator: ".").map(String.init)
            record.members.append(parts.count == 2 ? (parts[0], [parts[1]: value].json) : (column, value))
        }
        switch job.operation {
        case .insert:
            if let id { record.members.append(("Id", .string(id))) }
            return .create(table: table, record: record)
        case .update: return .update(table: table, id: id, record: record)
        case .delete: return .delete(id: id ?? "")
        case .hardDelete: return .hardDelete(id: id ?? "")
        default: return upsert(record, id: id, job, table: table)
        }
    }

    private func upsert(_ record: WireObject, id: String?, _ job: BulkJob, table: Int) -> RecordWrite {
        let definition = records.database.definition(table)
        guard let field = job.externalField.flatMap(definition.field) else {
            return .refused(RecordError("MISSING_ARGUMENT", "externalIdFieldName not specified"))
        }
        guard field.source == .system(.id) else {
            return .upsert(table: table, field: field, key: record.member(field.name), record: record)
        }
        // By id: a row without one is a new record.
        guard let id else { return .create(table: table, record: record) }
        return .upsert(table: table, field: field, key: .string(id), record: record)
    }

    // MARK: - Query

    /// The first step runs the query, the second shows it as done.
    private mutating func runQuery(_ job: inout BulkJob, now: Double) {
        guard !job.isRun else { return job.end(.complete, now: now) }
        do throws(RequestError) {
            let plan = try plan(job.query ?? "", includesDeleted: job.operation == .queryAll, now: now)
            for table in records.database.tables.indices {
                records.database.withTable(table) { $0.settle(now: now) }
            }
            let rows = SOQLRun(plan: plan, includesDeleted: job.operation == .queryAll).rows(in: &records.database)
            collect(rows, plan, into: &job)
            job.isRun = true
            job.schedule(now + bulk.stepSeconds)
        } catch {
            job.end(.failed, now: now, message: "\(error.code) : \(error.message)")
        }
    }

    private func collect(_ rows: [Int], _ plan: SOQLPlan, into job: inout BulkJob) {
        let names = plan.columns.map { ($0.relationships + [$0.path.field.name]).joined(separator: ".") }
        job.results.begin(names, format: job.format)
        let evaluator = SOQLEvaluator(database: records.database, table: plan.table)
        let table = records.database.tables[plan.table]
        for number in rows {
            let row = table.visible(number) ?? table.rows[number]
            let fields = plan.columns.map { column in
                evaluator.value(column.path, row, number).bulkText(column.path.field.type)
            }
            job.results.add(fields, format: job.format)
        }
    }
}

extension [String: WireJSON] {
    fileprivate var json: WireJSON { .object(WireObject(map { ($0.key, $0.value) })) }
}

extension FieldValue {
    /// The value as bulk results show it: nothing for null, instants in UTC with `Z`.
    func bulkText(_ type: FieldType) -> String {
        switch self {
        case .null: ""
        case .text(let text): text
        case .number(let number):
            type == .int ? "\(Int(number))" : "\(number)"
        case .bool(let truth): truth ? "true" : "false"
        case .date(let day): Timestamp.date(day)
        case .dateTime(let seconds): Timestamp.json(seconds).replacing("+0000", with: "Z")
        }
    }
}
