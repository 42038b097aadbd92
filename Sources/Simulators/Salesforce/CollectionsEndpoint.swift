/// `/composite/sobjects`: up to 200 records written, or 2,000 read, in one call (reference section 4).
extension OrgState {
    mutating func collections(_ request: APIRequest, now: Double) throws(RequestError) -> APIReply {
        let segments = request.segments.dropFirst(2).map { $0 }
        switch (request.method, segments.count) {
        case ("POST", 0): return try writeCollection(request, isUpdate: false, now: now)
        case ("PATCH", 0): return try writeCollection(request, isUpdate: true, now: now)
        case ("DELETE", 0): return try deleteCollection(request, now: now)
        case ("GET", 1), ("POST", 1): return try retrieve(request, object: segments[0])
        case ("PATCH", 2): return try upsertCollection(request, object: segments[0], field: segments[1], now: now)
        default: throw .methodNotAllowed(request.method)
        }
    }

    // MARK: - Create and update

    private mutating func writeCollection(
        _ request: APIRequest, isUpdate: Bool, now: Double
    ) throws(RequestError) -> APIReply {
        let (items, allOrNone) = try CollectionItem.read(request, records)
        try checkChunks(items)
        let writes = items.map { item -> RecordWrite in
            isUpdate
                ? .update(table: item.table, id: item.id, record: item.record)
                : .create(table: item.table, record: item.record)
        }
        return try write(writes, allOrNone: allOrNone, request, now: now)
    }

    private func checkChunks(_ items: [CollectionItem]) throws(RequestError) {
        var chunks = items.isEmpty ? 0 : 1
        for (item, next) in zip(items, items.dropFirst()) where item.table != next.table { chunks += 1 }
        guard chunks <= SimulatorsLimits.collectionChunks else {
            throw RequestError(
                400, "INVALID_INPUT",
                "Cannot have more than 10 chunks in a single operation. Please rearrange the data to reduce chunking.")
        }
    }

    // MARK: - Upsert

    private mutating func upsertCollection(
        _ request: APIRequest, object: String, field name: String, now: Double
    ) throws(RequestError) -> APIReply {
        guard let table = records.database.table(object) else { throw .notFound() }
        let field = try externalField(name, table: table)
        let (items, allOrNone) = try CollectionItem.read(request, records)
        let writes = items.map { item -> RecordWrite in
            guard item.table == table else {
                return .refused(RecordError("INVALID_TYPE", "all records of an upsert must be of type \(object)"))
            }
            return .upsert(table: table, field: field, key: item.record.member(field.name), record: item.record)
        }
        return try write(writes, allOrNone: allOrNone, request, now: now)
    }

    /// The field of an upsert path.
    func externalField(_ name: String, table: Int) throws(RequestError) -> FieldDefinition {
        guard let field = records.database.definition(table).field(name), field.isReadable,
            field.isExternalID || field.source == .system(.id)
        else {
            throw RequestError(
                404, "NOT_FOUND", "Provided external ID field does not exist or is not accessible: \(name)")
        }
        return field
    }

    // MARK: - Delete

    private mutating func deleteCollection(_ request: APIRequest, now: Double) throws(RequestError) -> APIReply {
        let ids = (request.item("ids") ?? "").split(separator: ",").map(String.init)
        try Self.checkCount(ids.count, records)
        let allOrNone = request.item("allOrNone")?.lowercased() == "true"
        return try write(ids.map { .delete(id: $0) }, allOrNone: allOrNone, request, now: now)
    }

    // MARK: - All writes

    static func checkCount(_ count: Int, _ records: OrgRecords) throws(RequestError) {
        guard count <= SimulatorsLimits.collectionRecords else {
            throw RequestError(
                400, records.unconfirmed.tooManyRecordsCode,
                "record limit reached. cannot submit more than \(SimulatorsLimits.collectionRecords) records into this call"
            )
        }
    }

    /// Writes in order; a record that cannot even be read refuses the whole call.
    private mutating func write(
        _ writes: [RecordWrite], allOrNone: Bool, _ request: APIRequest, now: Double
    ) throws(RequestError) -> APIReply {
        let savepoint = records.database.savepoint
        let results = records.write(writes, allOrNone: allOrNone, context: .api(request, now: now))
        if let unreadable = results.lazy.flatMap(\.errors).first(where: \.failsRequest) {
            records.database.rollback(to: savepoint)
            throw RequestError(400, unreadable.code, unreadable.message)
        }
        return .ok(Self.answer(results))
    }

    private static func answer(_ results: [WriteResult]) -> WireJSON {
        .array(
            results.map { result in
                var object = WireObject()
                if let id = result.id { object["id"] = .string(id) }
                object["success"] = .bool(result.succeeded)
                object["errors"] = .array(result.errors.map(\.collectionJSON))
                if let created = result.created { object["created"] = .bool(created) }
                return .object(object)
            })
    }

    // MARK: - Retrieve

    private mutating func retrieve(_ request: APIRequest, object: String) throws(RequestError) -> APIReply {
        guard let table = records.database.table(object) else { throw .notFound() }
        let (ids, names) = try retrieveInput(request)
        guard ids.count <= SimulatorsLimits.retrieveRecords else {
            throw RequestError(400, "EXCEEDED_MAX_SIZE_REQUEST", "cannot retrieve more than 2000 records in one call")
        }
        let columns = try columns(names, table: table)
        let renderer = RecordRenderer(columns, table: table, database: records.database, version: request.version)
        let shown: [WireJSON] = ids.map { id in
            guard let place = records.database.locate(id), place.table == table,
                let row = records.database.tables[table].visible(place.row), row.state == .live
            else { return .null }
            return renderer.record(row, place.row)
        }
        return .ok(.array(shown))
    }

    private func retrieveInput(_ request: APIRequest) throws(RequestError) -> (ids: [String], fields: [String]) {
        if request.method == "GET" {
            let split = { (name: String) in (request.item(name) ?? "").split(separator: ",").map(String.init) }
            return (split("ids"), split("fields"))
        }
        let body = try request.object()
        guard let ids = body["ids"]?.arrayValue, let fields = body["fields"]?.arrayValue else {
            throw RequestError(400, "INVALID_INPUT", "ids and fields are required")
        }
        return (ids.map { $0.stringValue ?? "" }, fields.compactMap(\.stringValue))
    }

    /// Columns of field names, any of which may be wrong.
    func columns(_ names: [String], table: Int) throws(RequestError) -> [SOQLColumn] {
        let definition = records.database.definition(table)
        var columns: [SOQLColumn] = []
        for name in names {
            guard let field = definition.field(name), field.isReadable else {
                throw RequestError(
                    400, "INVALID_FIELD", "No such column '\(name)' on sobject of type \(definition.name)")
            }
            columns.append(SOQLColumn(relationships: [], path: SOQLPath(references: [], field: field)))
        }
        return columns
    }
}

/// One record of a collections write.
struct CollectionItem {
    let table: Int
    let id: String?
    let record: WireObject

    /// Reads `{"allOrNone":…,"records":[…]}`; each record must name its type.
    static func read(
        _ request: APIRequest, _ records: OrgRecords
    ) throws(RequestError) -> (items: [CollectionItem], allOrNone: Bool) {
        let body = try request.object()
        guard let entries = body["records"]?.arrayValue else {
            throw RequestError(400, "INVALID_INPUT", "records is required")
        }
        try OrgState.checkCount(entries.count, records)
        var items: [CollectionItem] = []
        for entry in entries {
            guard case .object(let record) = entry else { throw .json("a record must be an object") }
            guard let type = record["attributes"]?["type"]?.stringValue else {
                throw RequestError(400, "INVALID_INPUT", "The sObject type is missing: attributes.type is required")
            }
            guard let table = records.database.table(type) else {
                throw RequestError(400, "INVALID_TYPE", "sObject type '\(type)' is not supported.")
            }
            let id = record.members.first { $0.name.lowercased() == "id" }?.value.stringValue
            items.append(CollectionItem(table: table, id: id, record: record))
        }
        return (items, body["allOrNone"]?.boolValue ?? false)
    }
}

extension WireObject {
    /// The last member of that name in any case; null when there is none.
    func member(_ name: String) -> WireJSON {
        if let exact = self[name] { return exact }
        let lowercased = name.lowercased()
        return members.last { $0.name.lowercased() == lowercased }?.value ?? .null
    }
}
