extension CampaignState {
    /// `/customObjects…` (7.3)
    mutating func routeCustomObjects(_ call: CampaignCall) -> CampaignAnswer {
        guard call.path.count >= 2 else { return .notFound }
        switch call.path[1] {
        case "schemas": return routeSchemas(call)
        case "records": return routeRecords(call)
        default: return .notFound
        }
    }

    // MARK: - Schemas

    private mutating func routeSchemas(_ call: CampaignCall) -> CampaignAnswer {
        switch (call.method, call.path.count) {
        case ("GET", 2): return listSchemas(call)
        case ("POST", 2): return postSchema(call, visibility: "private")
        case ("POST", 3) where call.path[2] == "public": return postSchema(call, visibility: "public")
        case ("POST", 4) where call.path[3] == "child": return postChildSchema(call)
        default: break
        }
        guard call.path.count == 3, let index = objects.index(of: call.path[2]) else { return .notFound }
        switch call.method {
        case "GET": return CampaignAnswer(["schema": schemaJSON(index)])
        case "PUT": return putSchema(index, call)
        case "DELETE":
            objects.schemas.remove(at: index)
            return .emptyObject(202)
        default: return .notFound
        }
    }

    private func listSchemas(_ call: CampaignCall) -> CampaignAnswer {
        guard let page = call.page(options) else { return .emptyObject(400) }
        let shown = Array(objects.schemas.indices).page(page).map { schemaJSON($0) }
        return CampaignAnswer(["schemas": .array(shown), "meta": objectMeta(objects.schemas.count, shown.count, page)])
    }

    /// Numbers, unlike everywhere else.
    private func objectMeta(_ total: Int, _ count: Int, _ page: (offset: Int, limit: Int)) -> CampaignJSON {
        ["total": .int(total), "count": .int(count), "limit": .int(page.limit), "offset": .int(page.offset)]
    }

    private mutating func postSchema(
        _ call: CampaignCall, visibility: String, parent: Int? = nil
    ) -> CampaignAnswer {
        guard var json = call.wrapped("schema"), json.members != nil else { return Self.badObject }
        guard let slug = json["slug"]?.text, !slug.isEmpty else {
            return Self.unfitObject("schema.slug", "Schema slug is required", "/data/attributes/schema/slug")
        }
        guard !objects.schemas.contains(where: { $0.slug == slug }) else {
            return Self.unfitObject("schema.slug", "Schema slug must be unique", "/data/attributes/schema/slug")
        }
        json = json.setting("visibility", .string(visibility))
        if let parent {
            let inherited = objects.schemas[parent].json
            let fields = (inherited["fields"]?.elements ?? []).map { $0.setting("inherited", .bool(true)) }
            json = json.setting("fields", .array(fields + (json["fields"]?.elements ?? [])))
            json = json.setting("parentId", .string(objects.schemas[parent].id))
        }
        let id = objects.makeID(seed: options.seed)
        objects.schemas.append(CampaignObjectSchema(id: id, json: json, created: now, updated: now))
        return CampaignAnswer(status: 201, ["schema": schemaJSON(objects.schemas.count - 1)])
    }

    private mutating func postChildSchema(_ call: CampaignCall) -> CampaignAnswer {
        guard let parent = objects.index(of: call.path[2]) else { return .notFound }
        return postSchema(call, visibility: "private", parent: parent)
    }

    /// A field that is left out is marked for deletion and not gone at once.
    private mutating func putSchema(_ index: Int, _ call: CampaignCall) -> CampaignAnswer {
        guard let json = call.wrapped("schema"), let members = json.members else { return Self.badObject }
        let before = objects.schemas[index].json["fields"]?.elements ?? []
        for member in members where member.key != "slug" && member.key != "id" {
            objects.schemas[index].json = objects.schemas[index].json.setting(member.key, member.value)
        }
        if let after = json["fields"]?.elements {
            let kept = Set(after.compactMap { $0["id"]?.text })
            let gone = before.filter { !kept.contains($0["id"]?.text ?? "") }
            let marked = gone.map { $0.setting("status", "marked_for_deletion") }
            objects.schemas[index].json = objects.schemas[index].json.setting("fields", .array(after + marked))
        }
        objects.schemas[index].updated = now
        return CampaignAnswer(["schema": schemaJSON(index)])
    }

    private func schemaJSON(_ index: Int) -> CampaignJSON {
        let schema = objects.schemas[index]
        var json: CampaignJSON = ["id": .string(schema.id)]
        for member in schema.json.members ?? [] { json = json.setting(member.key, member.value) }
        if json["relationships"] == nil { json = json.setting("relationships", []) }
        return json.setting("createdTimestamp", nanoStamp(schema.created))
            .setting("updatedTimestamp", nanoStamp(schema.updated))
    }

    /// Custom objects' stamps are Greenwich's with nanoseconds.
    private func nanoStamp(_ epoch: UInt32) -> CampaignJSON {
        .string("\(CampaignZone.named("UTC").stamp(epoch).prefix(19)).000000000Z")
    }

    // MARK: - Records

    private mutating func routeRecords(_ call: CampaignCall) -> CampaignAnswer {
        guard call.path.count >= 3, let index = objects.index(of: call.path[2]) else { return .notFound }
        switch (call.method, call.path.count) {
        case ("POST", 3): return postRecord(index, call)
        case ("GET", 3): return listRecords(index, call)
        case (_, 4): return routeRecord(index, id: call.path[3], call)
        case (_, 5) where call.path[3] == "external":
            return routeRecord(index, id: objects.schemas[index].byExternalID[call.path[4]] ?? "", call)
        default: return .notFound
        }
    }

    private mutating func routeRecord(_ index: Int, id: String, _ call: CampaignCall) -> CampaignAnswer {
        guard let record = objects.schemas[index].records[id] else { return .notFound }
        switch call.method {
        case "GET": return CampaignAnswer(["record": recordJSON(record, index)])
        case "DELETE":
            objects.schemas[index].records[id] = nil
            objects.schemas[index].order.removeAll { $0 == id }
            if let external = record.externalID { objects.schemas[index].byExternalID[external] = nil }
            return .emptyObject(202)
        default: return .notFound
        }
    }

    private func listRecords(_ index: Int, _ call: CampaignCall) -> CampaignAnswer {
        guard let page = call.page(options) else { return .emptyObject(400) }
        let found = objects.schemas[index].order.compactMap { objects.schemas[index].records[$0] }.filter { record in
            call.query.allSatisfy { item in
                guard item.name.hasPrefix("filters[relationships."), item.name.hasSuffix("][eq]") else { return true }
                let name = String(item.name.dropFirst(22).dropLast(5))
                return record.relationships[name]?.elements?.contains { $0.text == item.value } ?? false
            }
        }
        let shown = found.page(page).map { recordJSON($0, index) }
        return CampaignAnswer(["records": .array(shown), "meta": objectMeta(found.count, shown.count, page)])
    }

    /// Creates or updates by external id, or by id.
    private mutating func postRecord(_ index: Int, _ call: CampaignCall) -> CampaignAnswer {
        guard let json = call.wrapped("record"), json.members != nil else { return Self.badObject }
        if let refusal = refusalOfRecord(json, index) { return refusal }
        let external = json["externalId"]?.text
        // Looked up in place: a copy of the schema held here would make every write copy all records.
        let known =
            external.flatMap { objects.schemas[index].byExternalID[$0] }
            ?? json["id"]?.text.flatMap { objects.schemas[index].records[$0]?.id }
        let fields = (json["fields"]?.elements ?? []).map {
            CampaignJSON.Member(key: $0["id"]?.text ?? "", value: $0["value"] ?? .null)
        }
        guard let known, var record = objects.schemas[index].records[known] else {
            let record = CampaignObjectRecord(
                id: objects.makeID(seed: options.seed), externalID: external, fields: fields,
                relationships: json["relationships"] ?? [:], created: now, updated: now)
            store(record, in: index, isNew: true)
            return CampaignAnswer(status: 201, ["record": recordJSON(record, index)])
        }
        record.fields = options.recordUpdateIsPartial ? Self.merged(record.fields, with: fields) : fields
        record.relationships = json["relationships"] ?? record.relationships
        record.externalID = external ?? record.externalID
        record.updated = now
        store(record, in: index, isNew: false)
        return CampaignAnswer(status: options.recordUpdateStatus, ["record": recordJSON(record, index)])
    }

    private mutating func store(_ record: CampaignObjectRecord, in index: Int, isNew: Bool) {
        objects.schemas[index].records[record.id] = record
        if isNew { objects.schemas[index].order.append(record.id) }
        if let external = record.externalID { objects.schemas[index].byExternalID[external] = record.id }
    }

    private static func merged(
        _ old: [CampaignJSON.Member], with new: [CampaignJSON.Member]
    ) -> [CampaignJSON.Member] {
        new.reduce(CampaignJSON.object(old)) { $0.setting($1.key, $1.value) }.members ?? []
    }

    private func refusalOfRecord(_ json: CampaignJSON, _ index: Int) -> CampaignAnswer? {
        let defined = objects.schemas[index].json["fields"]?.elements ?? []
        for field in json["fields"]?.elements ?? [] {
            guard let id = field["id"]?.text else { return Self.badObject }
            guard let definition = defined.first(where: { $0["id"]?.text == id }),
                Self.fits(field["value"] ?? .null, type: definition["type"]?.text ?? "text")
            else {
                return Self.unfitObject(id, "The value does not fit the schema", "/data/attributes/record/fields/\(id)")
            }
        }
        let missing = defined.first { definition in
            definition["required"]?.truth ?? false
                && !(json["fields"]?.elements ?? []).contains { $0["id"]?.text == definition["id"]?.text }
        }
        return missing.flatMap { $0["id"]?.text }.map {
            Self.unfitObject($0, "The field is required", "/data/attributes/record/fields/\($0)")
        }
    }

    private static func fits(_ value: CampaignJSON, type: String) -> Bool {
        if value == .null || value.text == "" { return true }
        switch type {
        case "number", "decimal", "currency": return value.text.map { Double($0) != nil } ?? (value.members != nil)
        case "date", "datetime":
            return value.text.map {
                CampaignInstant.parse($0, zone: CampaignZone.named("UTC"), naiveIsUTC: true) != nil
            } ?? false
        case "multiselect": return value.elements != nil
        default: return value.text != nil
        }
    }

    private func recordJSON(_ record: CampaignObjectRecord, _ index: Int) -> CampaignJSON {
        [
            "id": .string(record.id), "externalId": .optional(record.externalID),
            "schemaId": .string(objects.schemas[index].id),
            "fields": .array(record.fields.map { ["id": .string($0.key), "value": $0.value] }),
            "relationships": record.relationships, "createdTimestamp": nanoStamp(record.created),
            "updatedTimestamp": nanoStamp(record.updated),
        ]
    }

    private static let badObject = CampaignAnswer.statusProblem(400, "Bad Request")

    private static func unfitObject(_ field: String, _ detail: String, _ pointer: String) -> CampaignAnswer {
        CampaignAnswer(
            status: 422,
            [
                "errors": [
                    [
                        "title": .string("Invalid value for field \"\(field)\""), "detail": .string(detail),
                        "source": ["type": "pointer", "value": .string(pointer)],
                    ]
                ]
            ])
    }
}
