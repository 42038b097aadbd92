extension CampaignState {
    /// `/fields…` (4)
    mutating func routeFields(_ call: CampaignCall) -> CampaignAnswer {
        switch (call.method, call.path.count) {
        case ("GET", 1): return listFields(call)
        case ("POST", 1): return postField(call)
        default: break
        }
        guard call.path.count >= 2, let id = call.pathID(1), fields.contains(id) else {
            return .noResult("Field", call.path.count > 1 ? call.path[1] : "")
        }
        switch (call.method, call.path.count) {
        case ("GET", 2):
            return CampaignAnswer([
                "fieldOptions": .array(optionsJSON(of: [id])), "fieldRels": .array(relationsJSON(of: [id])),
                "field": fieldJSON(id),
            ])
        case ("GET", 3) where call.path[2] == "options":
            return CampaignAnswer(["fieldOptions": .array(optionsJSON(of: [id]))])
        case ("GET", 3) where call.path[2] == "relations":
            return CampaignAnswer(["fieldRels": .array(relationsJSON(of: [id]))])
        case ("PUT", 2), ("PATCH", 2): return putField(id, call)
        case ("DELETE", 2): return deleteField(id)
        default: return .notFound
        }
    }

    private func listFields(_ call: CampaignCall) -> CampaignAnswer {
        guard let page = call.page(options) else { return .emptyObject(400) }
        let perstag = call.value("filters[perstag]")?.uppercased()
        let found = fields.liveIDs.filter { perstag == nil || fields[$0].perstag == perstag }
        let shown = Array(found.page(page))
        return CampaignAnswer([
            "fieldOptions": .array(optionsJSON(of: shown)), "fieldRels": .array(relationsJSON(of: shown)),
            "fields": .array(shown.map { fieldJSON($0) }),
            "meta": ["total": .id(found.count), "selected": .null],
        ])
    }

    private mutating func postField(_ call: CampaignCall) -> CampaignAnswer {
        guard let json = call.wrapped("field"), let title = json["title"]?.text, !title.isEmpty else {
            return .problem(
                "The field title was not provided.", code: "field_missing", pointer: "/data/attributes/title")
        }
        guard let type = json["type"]?.text, ActiveCampaignFieldType(rawValue: type) != nil || type == "NULL" else {
            return .problem("The field type is invalid.", code: "field_invalid", pointer: "/data/attributes/type")
        }
        if fields.find(title: title) != nil {
            return .problem(
                "There is already a field with this title",
                detail: "There is already a field named '\(title)' -- choose another name", code: "duplicate")
        }
        let id = fields.insert(
            title: title, type: type, perstag: json["perstag"]?.text, description: json["descript"]?.text ?? "", at: now
        )
        fields[id].defaultValue = json["defval"]?.text
        let row = fields[id]
        return CampaignAnswer(
            status: 201,
            [
                "field": [
                    "title": .string(title), "type": .string(type), "created_by": "1", "updated_by": "1",
                    "cdate": stamp(now), "udate": stamp(now), "perstag": .string(row.perstag),
                    "ordernum": json["ordernum"] ?? .int(row.order), "links": fieldLinks(id), "id": .id(id),
                ]
            ])
    }

    private mutating func putField(_ id: UInt32, _ call: CampaignCall) -> CampaignAnswer {
        guard let json = call.wrapped("field") else { return .emptyObject(400) }
        if let title = json["title"]?.text, !title.isEmpty { fields[id].title = title }
        if let perstag = json["perstag"]?.text, !perstag.isEmpty {
            fields[id].perstag = CampaignFieldTable.perstag(from: perstag)
        }
        if let description = json["descript"]?.text { fields[id].description = description }
        if options.fieldTypeMayChange, let type = json["type"]?.text, ActiveCampaignFieldType(rawValue: type) != nil {
            fields[id].type = type
        }
        fields[id].udate = now
        return CampaignAnswer(["field": fieldJSON(id)])
    }

    private mutating func deleteField(_ id: UInt32) -> CampaignAnswer {
        removeField(id)
        return .emptyObject()
    }

    /// Deletes a field with all its values. Contacts' `udate`s stay.
    mutating func removeField(_ id: UInt32) {
        fields[id].isDeleted = true
        for value in 1..<(values.count + 1) where values.isLive(value) && values[value].field == id {
            let contact = values[value].contact
            var first = contacts[contact].firstValue
            values.remove(value, fromChain: &first)
            contacts[contact].firstValue = first
            values[value].value = ""
        }
    }

    // MARK: - Relations and options

    /// `POST /fieldRels`: a field without a relation shows nowhere in the product.
    mutating func routeFieldRels(_ call: CampaignCall) -> CampaignAnswer {
        guard call.method == "POST" else {
            return call.method == "GET"
                ? CampaignAnswer(["fieldRels": .array(relationsJSON(of: fields.liveIDs))]) : .notFound
        }
        guard let json = call.wrapped("fieldRel"), let field = json["field"]?.identifier, fields.contains(field) else {
            return .statusProblem(422, "Missing attribute", pointer: "/data/attributes/field")
        }
        let list = UInt32(clamping: json["relid"]?.integer ?? 0)
        let id = fields.relate(field, to: list, at: now)
        return CampaignAnswer(
            status: 201,
            [
                "fieldRel": [
                    "field": json["field"] ?? .id(field), "relid": json["relid"] ?? .int(0), "cdate": stamp(now),
                    "links": [], "id": .id(id),
                ]
            ])
    }

    /// `POST /fieldOption/bulk`; here the wrong shape is answered with `errors` as a string.
    mutating func routeFieldOptions(_ call: CampaignCall) -> CampaignAnswer {
        guard call.method == "POST", call.path == ["fieldOption", "bulk"] else { return .notFound }
        guard let options = call.wrapped("fieldOptions")?.elements,
            options.allSatisfy({ fields.contains($0["field"]?.identifier ?? 0) && $0["value"]?.text != nil })
        else { return CampaignAnswer(status: 422, ["errors": "The fieldOptions provided are not valid."]) }
        let made = options.compactMap { option -> UInt32? in
            guard let field = option["field"]?.identifier, let value = option["value"]?.text else { return nil }
            return fields.addOption(
                to: field, value: value, label: option["label"]?.text ?? value, order: option["orderid"]?.text,
                isDefault: option["isdefault"]?.truth ?? false)
        }
        let all = fields.liveIDs.flatMap { fields[$0].options }.filter { made.contains($0.id) }
        return CampaignAnswer(status: 201, ["fieldOptions": .array(all.map { optionJSON($0) })])
    }

    // MARK: - Shapes

    /// A field as lists show it.
    func fieldJSON(_ id: UInt32) -> CampaignJSON {
        let row = fields[id]
        return [
            "title": .string(row.title), "descript": row.description.isEmpty ? .null : .string(row.description),
            "type": .string(row.type), "isrequired": "0", "perstag": .string(row.perstag),
            "defval": .optional(row.defaultValue), "show_in_list": "0", "rows": "0", "cols": "0", "visible": "1",
            "service": "", "ordernum": .id(row.order), "cdate": stamp(row.cdate), "udate": stamp(row.udate),
            "created_timestamp": naiveStamp(row.cdate), "updated_timestamp": naiveStamp(row.udate),
            "created_by": "1", "updated_by": "1", "options": .array(row.options.map { .id($0.id) }),
            "relations": .array(row.relations.map { .id($0.id) }), "links": fieldLinks(id), "id": .id(id),
        ]
    }

    private func fieldLinks(_ id: UInt32) -> CampaignJSON {
        [
            "options": .string("\(baseURL)/fields/\(id)/options"),
            "relations": .string("\(baseURL)/fields/\(id)/relations"),
        ]
    }

    private func optionsJSON(of ids: [UInt32]) -> [CampaignJSON] {
        ids.flatMap { fields[$0].options }.map { optionJSON($0) }
    }

    private func optionJSON(_ option: CampaignFieldOption) -> CampaignJSON {
        [
            "field": .id(option.field), "orderid": .string(option.order), "value": .string(option.value),
            "label": .string(option.label), "isdefault": option.isDefault ? "1" : "0", "cdate": .null, "udate": .null,
            "links": ["field": .string("\(baseURL)/fieldOptions/\(option.id)/field")], "id": .id(option.id),
        ]
    }

    /// The `links` of a relation are an empty array where all others are objects: PHP's empty map.
    private func relationsJSON(of ids: [UInt32]) -> [CampaignJSON] {
        ids.flatMap { id in
            fields[id].relations.map { relation in
                [
                    "field": .id(id), "relid": .id(relation.list), "dorder": "0", "cdate": stamp(relation.cdate),
                    "links": [], "id": .id(relation.id),
                ]
            }
        }
    }
}
