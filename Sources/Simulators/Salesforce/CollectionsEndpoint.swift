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
        let context = SaveContext.api(now: now)
        let repeated = isUpdate ? Self.repeatedIDs(items) : []
        let results = try write(items, allOrNone: allOrNone) { records, item in
            guard isUpdate else { return records.create(item.record, table: item.table, context: context) }
            guard let id = item.id else {
                return .failure(RecordError("MISSING_ARGUMENT", "Id not specified in an update call", fields: ["Id"]))
            }
            if let normal = RecordID.normalise(id), repeated.contains(normal) {
                return .failure(RecordError("DUPLICATE_VALUE", "Duplicate id specified: \(id)"))
            }
            return records.update(item.record, id: id, table: item.table, context: context)
        }
        return .ok(Self.answer(results))
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

    private static func repeatedIDs(_ items: [CollectionItem]) -> Set<String> {
        var seen: Set<String> = []
        var repeated: Set<String> = []
        for id in items.compactMap({ $0.id.flatMap(RecordID.normalise) }) where !seen.insert(id).inserted {
            repeated.insert(id)
        }
        return repeated
    }

    // MARK: - Upsert

    private mutating func upsertCollection(
        _ request: APIRequest, object: String, field name: String, now: Double
    ) throws(RequestError) -> APIReply {
        guard let table = records.database.table(object) else { throw .notFound() }
        let field = try externalField(name, table: table)
        let (items, allOrNone) = try CollectionItem.read(request, records)
        let context = SaveContext.api(now: now)
        let repeated = Self.repeatedKeys(items, field)
        let results = try write(items, allOrNone: allOrNone) { records, item in
            guard item.table == table else {
                return .failure(RecordError("INVALID_TYPE", "all records of an upsert must be of type \(object)"))
            }
            let key = item.record.members.last { $0.name.lowercased() == field.name.lowercased() }?.value ?? .null
            if let text = Self.keyText(key), repeated.contains(text.lowercased()) {
                return .failure(
                    RecordError("DUPLICATE_VALUE", "Duplicate external id specified: \(text)", fields: [field.name]))
            }
            return records.upsert(item.record, by: field, value: key, table: table, context: context)
        }
        return .ok(Self.answer(results))
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

    private static func repeatedKeys(_ items: [CollectionItem], _ field: FieldDefinition) -> Set<String> {
        var seen: Set<String> = []
        var repeated: Set<String> = []
        for item in items {
            guard let text = keyText(item.record[field.name] ?? .null)?.lowercased() else { continue }
            if !seen.insert(text).inserted { repeated.insert(text) }
        }
        return repeated
    }

    private static func keyText(_ json: WireJSON) -> String? {
        json.stringValue ?? json.intValue.map(String.init)
    }

    // MARK: - Delete

    private mutating func deleteCollection(_ request: APIRequest, now: Double) throws(RequestError) -> APIReply {
        let ids = (request.item("ids") ?? "").split(separator: ",").map(String.init)
        try Self.checkCount(ids.count)
        let allOrNone = request.item("allOrNone")?.lowercased() == "true"
        let context = SaveContext.api(now: now)
        return .ok(
            Self.answer(try write(ids, allOrNone: allOrNone) { $0.delete(id: $1, context: context) }))
    }

    // MARK: - All writes

    static func checkCount(_ count: Int) throws(RequestError) {
        guard count <= SimulatorsLimits.collectionRecords else {
            throw RequestError(
                400, "EXCEEDED_MAX_SIZE_REQUEST",
                "record limit reached. cannot submit more than \(SimulatorsLimits.collectionRecords) records into this call"
            )
        }
    }

    /// Writes one by one in order; with `allOrNone` a failure takes the others back.
    private mutating func write<Item>(
        _ items: [Item], allOrNone: Bool, _ body: (inout OrgRecords, Item) -> WriteResult
    ) throws(RequestError) -> [WriteResult] {
        let savepoint = records.database.savepoint
        var results = items.map { body(&records, $0) }
        if let unreadable = results.lazy.flatMap(\.errors).first(where: \.failsRequest) {
            records.database.rollback(to: savepoint)
            throw RequestError(400, unreadable.code, unreadable.message)
        }
        if allOrNone, results.contains(where: { !$0.succeeded }) {
            records.database.rollback(to: savepoint)
            results = results.map { $0.succeeded ? .failure(.rolledBack()) : $0 }
        }
        return results
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
        try OrgState.checkCount(entries.count)
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
