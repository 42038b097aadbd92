import Foundation

/// `/jobs/ingest` and `/jobs/query` (reference section 11). Codes and texts of refusals are from memory.
extension OrgState {
    mutating func jobs(_ request: APIRequest, now: Double) throws(RequestError) -> APIReply {
        let segments = request.segments.dropFirst().map { $0 }
        guard let kind = segments.first, kind == "ingest" || kind == "query" else { throw .notFound() }
        let isQuery = kind == "query"
        switch (request.method, segments.count) {
        case ("POST", 1): return isQuery ? try createQuery(request, now: now) : try createIngest(request, now: now)
        case ("GET", 1): return list(isQuery: isQuery, request)
        case ("GET", 2): return .ok(try job(segments[1], isQuery: isQuery, request).details)
        case ("PATCH", 2): return try changeState(segments[1], isQuery: isQuery, request, now: now)
        case ("DELETE", 2): return try deleteJob(segments[1], isQuery: isQuery, request)
        case ("PUT", 3) where segments[2] == "batches" && !isQuery:
            return try upload(segments[1], request)
        case ("GET", 3):
            let job = try job(segments[1], isQuery: isQuery, request)
            return try isQuery ? queryResults(job, segments[2], request) : ingestResults(job, segments[2])
        default: throw .methodNotAllowed(request.method)
        }
    }

    private func job(_ id: String, isQuery: Bool, _ request: APIRequest) throws(RequestError) -> BulkJob {
        guard let job = bulk[id], job.operation.isQuery == isQuery else { throw .notFound() }
        guard job.version == request.version else {
            throw RequestError(
                409, "INVALIDVERSION", "The job was created with API version \(job.version), not \(request.version)")
        }
        return job
    }

    // MARK: - Creating

    private mutating func createIngest(_ request: APIRequest, now: Double) throws(RequestError) -> APIReply {
        let (settings, content) = try BulkParts.read(request)
        var job = try newJob(settings, request, now: now)
        guard !job.operation.isQuery else { throw .invalidJob("Unsupported operation for an ingest job") }
        if job.operation == .upsert {
            job.externalField = try externalFieldName(settings, job.object)
        }
        job.assigns = settings["assignmentRuleId"]?.stringValue != nil
        if let content {
            let most = identity.unconfirmed.bulkInlineCharacters
            guard content.count <= most else {
                throw .invalidJob("Inline content may hold at most \(most) characters")
            }
            job.upload = content
            try close(&job, now: now)
        }
        bulk.keep(job)
        return .ok(job.summary)
    }

    private mutating func createQuery(_ request: APIRequest, now: Double) throws(RequestError) -> APIReply {
        let settings = try request.object()
        guard let text = settings["query"]?.stringValue else { throw .invalidJob("query is required") }
        let isAll = settings["operation"]?.stringValue == "queryAll"
        let plan = try plan(text, includesDeleted: isAll, now: now)
        guard !plan.isCount, plan.offset == nil || !identity.unconfirmed.bulkRefusesOffset else {
            throw RequestError(400, "API_ERROR", "Aggregates and OFFSET are not supported in bulk queries")
        }
        guard !plan.columns.contains(where: { $0.path.field.type == .address }) else {
            throw RequestError(
                400, "FUNCTIONALITY_NOT_ENABLED", "Selecting compound data not supported in Bulk Query")
        }
        guard bulk.queries.spend(1, now: now) else { throw .exceededQuota("query jobs") }
        var settled = settings
        settled["object"] = .string(records.database.definition(plan.table).name)
        var job = try newJob(settled, request, now: now)
        guard job.operation.isQuery else { throw .invalidJob("Unsupported operation for a query job") }
        job.query = text
        job.queue(now: now, firstStep: now + bulk.queueSeconds)
        bulk.keep(job)
        return .ok(job.summary)
    }

    private mutating func newJob(
        _ settings: WireObject, _ request: APIRequest, now: Double
    ) throws(RequestError) -> BulkJob {
        guard let operation = settings["operation"]?.stringValue.flatMap(BulkJob.Operation.init) else {
            throw .invalidJob("Unknown operation")
        }
        guard let name = settings["object"]?.stringValue, let table = records.database.table(name) else {
            throw RequestError(
                400, "INVALIDENTITY",
                "InvalidEntity : Entity '\(settings["object"]?.stringValue ?? "")' is not supported by the Bulk API.")
        }
        guard (settings["contentType"]?.stringValue ?? "CSV") == "CSV" else {
            throw .invalidJob("The only content type supported is CSV")
        }
        guard
            let format = DelimitedFormat(
                delimiter: settings["columnDelimiter"]?.stringValue ?? "COMMA",
                lineEnding: settings["lineEnding"]?.stringValue ?? "LF")
        else { throw .invalidJob("Unknown columnDelimiter or lineEnding") }
        return BulkJob(
            id: bulk.makeID(org: identity.number), operation: operation,
            object: records.database.definition(table).name, format: format, version: request.version, now: now,
            createdBy: identity.userID)
    }

    private func externalFieldName(_ settings: WireObject, _ object: String) throws(RequestError) -> String {
        guard let name = settings["externalIdFieldName"]?.stringValue, let table = records.database.table(object),
            let field = records.database.definition(table).field(name), field.isReadable,
            field.isExternalID || field.source == .system(.id)
        else {
            throw .invalidJob("Invalid external id field: \(settings["externalIdFieldName"]?.stringValue ?? "null")")
        }
        return field.name
    }

    private func list(isQuery: Bool, _ request: APIRequest) -> APIReply {
        let shown = bulk.all.filter { $0.operation.isQuery == isQuery }.map(\.summary)
        return .ok(["done": true, "records": .array(shown), "nextRecordsUrl": .null])
    }

    // MARK: - Changing

    private mutating func upload(_ id: String, _ request: APIRequest) throws(RequestError) -> APIReply {
        var job = try job(id, isQuery: false, request)
        guard job.state == .open, job.upload.isEmpty || !identity.unconfirmed.bulkTakesOneUpload else {
            throw .invalidState("Data may be uploaded once, while the job is Open; it is \(job.state.rawValue)")
        }
        guard request.headers["content-type"]?.lowercased().hasPrefix("text/csv") == true else {
            throw RequestError(415, "UNSUPPORTED_MEDIA_TYPE", "The content type of job data is text/csv")
        }
        guard job.upload.count + request.payload.count <= SimulatorsLimits.bulkUploadBytes else {
            throw RequestError(413, "REQUEST_ENTITY_TOO_LARGE", "Job data may have at most 150 MB in base64")
        }
        job.upload.append(request.payload)
        bulk.keep(job)
        return APIReply(status: identity.unconfirmed.bulkUploadStatus)
    }

    private mutating func changeState(
        _ id: String, isQuery: Bool, _ request: APIRequest, now: Double
    ) throws(RequestError) -> APIReply {
        var job = try job(id, isQuery: isQuery, request)
        switch try request.object()["state"]?.stringValue {
        case "UploadComplete" where !isQuery:
            guard job.state == .open else {
                throw .invalidState("Closing a job that is \(job.state.rawValue) is not allowed")
            }
            try close(&job, now: now)
        case "Aborted":
            guard !job.state.isFinal else {
                throw .invalidState("Aborting a job that is \(job.state.rawValue) is not allowed")
            }
            job.end(.aborted, now: now)
        default: throw .invalidState("A job's state may be set to UploadComplete or Aborted")
        }
        bulk.keep(job)
        return .ok(job.summary)
    }

    /// Queues an ingest job, if today's limits allow its rows.
    private mutating func close(_ job: inout BulkJob, now: Double) throws(RequestError) {
        // An estimate: quoted line breaks count too.
        let rows = max(job.upload.count { $0 == UInt8(ascii: "\n") } - 1, 1)
        let batches = (rows + SimulatorsLimits.bulkBatchRows - 1) / SimulatorsLimits.bulkBatchRows
        guard bulk.rows.spend(rows, now: now) else { throw .exceededQuota("rows") }
        guard bulk.batches.spend(batches, now: now) else { throw .exceededQuota("batches") }
        job.queue(now: now, firstStep: now + bulk.queueSeconds)
    }

    private mutating func deleteJob(
        _ id: String, isQuery: Bool, _ request: APIRequest
    ) throws(RequestError) -> APIReply {
        let job = try job(id, isQuery: isQuery, request)
        guard job.state.isFinal || (job.state == .uploadComplete && !isQuery) else {
            throw .invalidState("A job that is \(job.state.rawValue) cannot be deleted")
        }
        bulk.forget(job.id)
        return .noContent
    }

    // MARK: - Results

    private func ingestResults(_ job: BulkJob, _ kind: String) throws(RequestError) -> APIReply {
        guard job.state.isFinal else { throw .invalidState("The job is \(job.state.rawValue); it has no results yet") }
        switch kind.lowercased() {
        case "successfulresults": return .csv(BulkReport(job).successes)
        case "failedresults": return .csv(BulkReport(job).failures)
        case "unprocessedrecords": return .csv(BulkReport(job).unprocessed)
        default: throw .notFound()
        }
    }

    private func queryResults(_ job: BulkJob, _ kind: String, _ request: APIRequest) throws(RequestError) -> APIReply {
        guard kind == "results" else { throw .notFound() }
        guard job.state == .complete else {
            throw .invalidState("The job is \(job.state.rawValue); it has no results")
        }
        var first = 0
        if let locator = request.item("locator") {
            guard let row = Self.row(ofLocator: locator), row > 0, row < job.results.count else {
                throw RequestError(400, "INVALID_QUERY_LOCATOR", "invalid query locator")
            }
            first = row
        }
        let asked = request.item("maxRecords").flatMap(Int.init) ?? SimulatorsLimits.bulkPageRows
        guard asked > 0 else { throw .invalidJob("maxRecords must be positive") }
        let page = job.results.page(from: first, atMost: min(asked, SimulatorsLimits.bulkPageRows))
        var reply = APIReply.csv(page.text)
        reply.headers.append(("Sforce-NumberOfRecords", String(page.count)))
        reply.headers.append(("Sforce-Locator", page.next.map(Self.locator) ?? "null"))
        return reply
    }

    private static func locator(_ row: Int) -> String { Data(String(row).utf8).base64EncodedString() }

    private static func row(ofLocator text: String) -> Int? {
        Data(base64Encoded: text).flatMap { Int(String(decoding: $0, as: UTF8.self)) }
    }
}

extension RequestError {
    fileprivate static func invalidJob(_ text: String) -> RequestError {
        RequestError(400, "INVALIDJOB", "InvalidJob : \(text)")
    }

    fileprivate static func invalidState(_ text: String) -> RequestError {
        RequestError(400, "INVALIDJOBSTATE", text)
    }

    fileprivate static func exceededQuota(_ what: String) -> RequestError {
        RequestError(400, "EXCEEDEDQUOTA", "ExceededQuota : Too many \(what) in the last 24 hours")
    }
}
