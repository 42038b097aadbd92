import Foundation

/// `/sobjects/{T}` and single rows by id or external id (reference section 2).
extension OrgState {
    /// `GET` basic information, `POST` create.
    mutating func objectRoot(_ request: APIRequest, table: Int, now: Double) throws(RequestError) -> APIReply {
        let definition = records.database.definition(table)
        switch request.method {
        case "GET":
            return .ok([
                "objectDescribe": DescribeAnswer.summary(definition, version: request.version), "recentItems": [],
            ])
        case "POST":
            let result = records.create(try request.object(), table: table, context: .api(request, now: now))
            guard let id = result.id, result.succeeded else { return APIReply(result.errors) }
            let location = "/services/data/v\(request.version)/sobjects/\(definition.name)/\(id)"
            return APIReply(
                status: 201, headers: [("Location", location)],
                body: ["id": .string(id), "success": true, "errors": []])
        default: throw .methodNotAllowed(request.method)
        }
    }

    /// One row by id.
    mutating func row(
        _ request: APIRequest, id: String, table: Int, now: Double
    ) throws(RequestError) -> APIReply {
        switch request.method {
        case "GET": return try readRow(request, place: try visibleRow(id, table: table), table: table)
        case "PATCH":
            if let refusal = unmodifiedSince(request, id: id) ?? otherTag(request, id: id) { return refusal }
            let result = records.update(try request.object(), id: id, table: table, context: .api(request, now: now))
            return result.succeeded ? .noContent : APIReply(result.errors)
        case "DELETE":
            let result = records.delete(id: id, context: .api(request, now: now))
            return result.succeeded ? .noContent : APIReply(result.errors)
        default: throw .methodNotAllowed(request.method)
        }
    }

    /// One row by the value of an external id.
    mutating func externalRow(
        _ request: APIRequest, field name: String, value: String, table: Int, now: Double
    ) throws(RequestError) -> APIReply {
        let field = try externalField(name, table: table)
        if request.method == "PATCH" { return try upsertRow(request, field, value, table: table, now: now) }
        let rows = records.liveRows(table, field, .text(value))
        guard let found = rows.first else { throw .notFound() }
        guard rows.count == 1 else { return ambiguous(rows.map { records.database.id(table, $0) }, request, table) }
        return try row(request, id: records.database.id(table, found), table: table, now: now)
    }

    private mutating func upsertRow(
        _ request: APIRequest, _ field: FieldDefinition, _ value: String, table: Int, now: Double
    ) throws(RequestError) -> APIReply {
        let record = try request.object()
        if record.members.contains(where: { ["id", field.name.lowercased()].contains($0.name.lowercased()) }) {
            throw RequestError(
                400, "INVALID_FIELD", "The \(field.name) field should not be specified in the sobject data.")
        }
        let result = records.upsert(
            record, by: field, value: .string(value), table: table,
            updateOnly: request.item("updateOnly")?.lowercased() == "true", context: .api(request, now: now))
        if !result.candidates.isEmpty { return ambiguous(result.candidates, request, table) }
        guard let id = result.id, result.succeeded else { return APIReply(result.errors) }
        let created = result.created ?? false
        return APIReply(
            status: created ? 201 : 200,
            body: ["id": .string(id), "success": true, "errors": [], "created": .bool(created)])
    }

    /// 300 with the URLs of every record the external id leads to; nothing was written.
    private func ambiguous(_ ids: [String], _ request: APIRequest, _ table: Int) -> APIReply {
        let object = records.database.definition(table).name
        return APIReply(
            status: 300,
            body: .array(ids.map { .string("/services/data/v\(request.version)/sobjects/\(object)/\($0)") }))
    }

    // MARK: - Reading

    private func visibleRow(_ id: String, table: Int) throws(RequestError) -> (number: Int, row: RecordRow) {
        guard let place = records.database.locate(id), place.table == table,
            let row = records.database.tables[table].visible(place.row), row.state != .purged
        else { throw .notFound() }
        guard row.state == .live else { throw RequestError(404, "ENTITY_IS_DELETED", "entity is deleted") }
        return (place.row, row)
    }

    private func readRow(
        _ request: APIRequest, place: (number: Int, row: RecordRow), table: Int
    ) throws(RequestError) -> APIReply {
        if let since = request.headers["if-modified-since"].flatMap(HTTPDate.epochSeconds),
            place.row.modified <= Int(since)
        {
            return APIReply(status: 304)
        }
        let tag = tag(of: place.row, table: table)
        if let tag, request.headers["if-none-match"] == tag { return APIReply(status: 304) }
        let fields = records.database.definition(table).fields
        let names = request.item("fields")?.split(separator: ",").map(String.init)
        let columns = try columns(names ?? fields.filter(\.isReadable).map(\.name), table: table)
        let renderer = RecordRenderer(columns, table: table, database: records.database, version: request.version)
        var reply = APIReply.ok(renderer.record(place.row, place.number))
        reply.headers.append(
            ("Last-Modified", HTTPDate.string(Date(timeIntervalSince1970: Double(place.row.modified)))))
        if let tag { reply.headers.append(("ETag", tag)) }
        return reply
    }

    /// The entity tag of a row: accounts alone have one.
    private func tag(of row: RecordRow, table: Int) -> String? {
        guard records.database.definition(table).name == "Account" else { return nil }
        return "\"\(String(row.modified, radix: 36))\""
    }

    /// 412 when an account is no longer the one whose tag the caller names.
    private func otherTag(_ request: APIRequest, id: String) -> APIReply? {
        guard let wanted = request.headers["if-match"], let place = records.database.locate(id),
            let tag = tag(of: records.database.row(place.table, place.row), table: place.table), tag != wanted
        else { return nil }
        return APIReply(RequestError(412, "PRECONDITION_FAILED", "The record's entity tag is not that of If-Match"))
    }

    /// 412 when the record was modified after the instant the caller names.
    private func unmodifiedSince(_ request: APIRequest, id: String) -> APIReply? {
        guard let since = request.headers["if-unmodified-since"].flatMap(HTTPDate.epochSeconds),
            let place = records.database.locate(id),
            records.database.row(place.table, place.row).modified > Int(since)
        else { return nil }
        return APIReply(
            RequestError(412, "PRECONDITION_FAILED", "The record was modified after the date of If-Unmodified-Since"))
    }
}
