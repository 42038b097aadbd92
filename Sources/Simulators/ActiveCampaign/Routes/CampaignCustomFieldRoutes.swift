/// Accounts' and deals' custom fields share one API with two names.
struct CampaignCustomFieldFamily {
    /// First part of all keys: `account` or `deal`.
    let prefix: String
    /// The key that names the owner of a value.
    let ownerKey: String
    let table: WritableKeyPath<CampaignState, CampaignCustomFieldTable>

    init(_ call: CampaignCall) {
        let isDeal = call.path.first?.hasPrefix("deal") ?? false
        prefix = isDeal ? "deal" : "account"
        ownerKey = isDeal ? "dealId" : "customerAccountId"
        table = isDeal ? \.deals.fields : \.customers.fields
    }
}

extension CampaignState {
    // MARK: - Definitions

    /// `/accountCustomFieldMeta…` and `/dealCustomFieldMeta…`; here a page has 100 rows unless told otherwise.
    mutating func routeCustomFieldMeta(_ call: CampaignCall) -> CampaignAnswer {
        let family = CampaignCustomFieldFamily(call)
        let single = "\(family.prefix)CustomFieldMetum"
        switch (call.method, call.path.count) {
        case ("GET", 1): return listCustomFieldMeta(call, family)
        case ("POST", 1): return postCustomFieldMeta(call, family)
        default: break
        }
        guard call.path.count == 2, let id = call.pathID(1), self[keyPath: family.table].hasMeta(id) else {
            return .noResult("CustomFieldMeta", call.path.count > 1 ? call.path[1] : "")
        }
        switch call.method {
        case "GET": return CampaignAnswer(object(single, customFieldJSON(id, self[keyPath: family.table])))
        case "PUT", "PATCH":
            let label = call.wrapped(single)?["fieldLabel"]?.text
            self[keyPath: family.table].metas[Int(id - 1)].label =
                label ?? self[keyPath: family.table].metas[Int(id - 1)].label
            self[keyPath: family.table].metas[Int(id - 1)].updated = now
            return CampaignAnswer(object(single, customFieldJSON(id, self[keyPath: family.table])))
        case "DELETE":
            self[keyPath: family.table].metas[Int(id - 1)].isDeleted = true
            return .emptyObject()
        default: return .notFound
        }
    }

    private func listCustomFieldMeta(_ call: CampaignCall, _ family: CampaignCustomFieldFamily) -> CampaignAnswer {
        let rows = SimulatorsLimits.ActiveCampaign.customFieldMetaPageRows
        guard let page = call.page(options, default: rows) else {
            return .emptyObject(400)
        }
        let table = self[keyPath: family.table]
        let found = table.liveMetaIDs
        return CampaignAnswer(
            object("\(family.prefix)CustomFieldMeta", .array(found.page(page).map { customFieldJSON($0, table) }))
                .setting("meta", ["total": .id(found.count)]))
    }

    private mutating func postCustomFieldMeta(_ call: CampaignCall, _ family: CampaignCustomFieldFamily)
        -> CampaignAnswer
    {
        let json = call.wrapped("\(family.prefix)CustomFieldMetum")
        guard let label = json?["fieldLabel"]?.text, !label.isEmpty else {
            return Self.missingMeta("The field label field is required.")
        }
        guard let type = json?["fieldType"]?.text, !type.isEmpty else {
            return Self.missingMeta("The field type field is required.")
        }
        self[keyPath: family.table].metas.append(
            CampaignCustomFieldRow(
                label: label, type: type, options: json?["fieldOptions"]?.elements ?? [],
                defaultValue: json?["fieldDefault"] ?? .null, currency: json?["fieldDefaultCurrency"] ?? .null,
                created: now, updated: now))
        let table = self[keyPath: family.table]
        return CampaignAnswer(
            status: 201, object("\(family.prefix)CustomFieldMetum", customFieldJSON(UInt32(table.metas.count), table)))
    }

    /// The only place where a code is a number.
    private static func missingMeta(_ title: String) -> CampaignAnswer {
        CampaignAnswer(status: 422, ["errors": [["title": .string(title), "detail": "", "code": .int(422)]]])
    }

    private func customFieldJSON(_ id: UInt32, _ table: CampaignCustomFieldTable) -> CampaignJSON {
        let row = table.metas[Int(id - 1)]
        return [
            "fieldLabel": .string(row.label), "fieldType": .string(row.type), "fieldOptions": .array(row.options),
            "fieldDefault": row.defaultValue, "fieldDefaultCurrency": row.currency, "isFormVisible": .int(0),
            "isRequired": .int(0), "displayOrder": .int(Int(id)),
            "personalization": .string(CampaignFieldTable.perstag(from: row.label)), "knownFieldId": .null,
            "hideFieldFlag": "0", "createdTimestamp": naiveStamp(row.created),
            "updatedTimestamp": naiveStamp(row.updated),
            "links": [:], "id": .id(id),
        ]
    }

    private func object(_ key: String, _ value: CampaignJSON) -> CampaignJSON {
        .object([CampaignJSON.Member(key: key, value: value)])
    }

    // MARK: - Values

    /// `/accountCustomFieldData…` and `/dealCustomFieldData…`
    mutating func routeCustomFieldData(_ call: CampaignCall) -> CampaignAnswer {
        let family = CampaignCustomFieldFamily(call)
        switch (call.method, call.path.count, call.path.last) {
        case ("GET", 1, _): return listCustomData(call, family)
        case ("POST", 1, _): return postCustomDatum(call, family)
        case ("POST", 2, "bulkCreate"): return bulkCreateCustomData(call, family)
        case ("PATCH", 2, "bulkUpdate"): return bulkUpdateCustomData(call, family)
        default: break
        }
        guard call.path.count == 2, let id = call.pathID(1), self[keyPath: family.table].hasDatum(id) else {
            return .noResult("CustomFieldData", call.path.count > 1 ? call.path[1] : "")
        }
        switch call.method {
        case "GET": return datumAnswer(id, family, status: 200)
        case "PUT", "PATCH": return putCustomDatum(id, call, family)
        case "DELETE":
            self[keyPath: family.table].data[Int(id - 1)].isDeleted = true
            return .emptyObject()
        default: return .notFound
        }
    }

    private func listCustomData(_ call: CampaignCall, _ family: CampaignCustomFieldFamily) -> CampaignAnswer {
        guard let page = call.page(options) else { return .emptyObject(400) }
        let table = self[keyPath: family.table]
        let owner = call.value("filters[\(family.ownerKey)]").flatMap { UInt32($0) }
        let found = owner.map { table.dataIDs(of: $0) } ?? table.liveDataIDs
        return CampaignAnswer(
            object("\(family.prefix)CustomFieldData", .array(found.page(page).map { datumJSON($0, family) }))
                .setting("meta", ["total": .id(found.count)]))
    }

    private mutating func postCustomDatum(_ call: CampaignCall, _ family: CampaignCustomFieldFamily) -> CampaignAnswer {
        guard let json = call.wrapped("\(family.prefix)CustomFieldDatum") else { return .emptyObject(400) }
        switch storeDatum(json, family) {
        case .success(let id): return datumAnswer(id, family, status: 200)
        case .failure(let refusal): return refusal.answer
        }
    }

    private mutating func putCustomDatum(
        _ id: UInt32, _ call: CampaignCall, _ family: CampaignCustomFieldFamily
    ) -> CampaignAnswer {
        guard let json = call.wrapped("\(family.prefix)CustomFieldDatum") else { return .emptyObject(400) }
        if let refusal = updateDatum(id, json, family) { return refusal }
        return datumAnswer(id, family, status: 200)
    }

    private mutating func bulkCreateCustomData(_ call: CampaignCall, _ family: CampaignCustomFieldFamily)
        -> CampaignAnswer
    {
        guard let rows = CampaignJSONParser.parse(call.body)?.elements else { return .emptyObject(400) }
        for row in rows {
            if case .failure(let refusal) = storeDatum(row, family) { return refusal.answer }
        }
        return .message(200, "the bulk insert was successful")
    }

    private mutating func bulkUpdateCustomData(_ call: CampaignCall, _ family: CampaignCustomFieldFamily)
        -> CampaignAnswer
    {
        guard let rows = CampaignJSONParser.parse(call.body)?.elements else { return .emptyObject(400) }
        var done: [String] = []
        for row in rows {
            guard let id = row["id"]?.identifier, self[keyPath: family.table].hasDatum(id) else {
                return .noResult("CustomFieldData", row["id"]?.text ?? "")
            }
            if let refusal = updateDatum(id, row, family) { return refusal }
            done.append(String(id))
        }
        let kind = family.prefix == "deal" ? "DealCustomFieldDatas" : "AccountCustomFieldDatas"
        return .message(200, "\(kind) with ID(s): \(done.joined(separator: ", ")) successfully bulk updated.")
    }

    private struct Refusal: Error {
        let answer: CampaignAnswer
    }

    private mutating func storeDatum(
        _ json: CampaignJSON, _ family: CampaignCustomFieldFamily
    ) -> Result<UInt32, Refusal> {
        let ownerJSON = json[family.ownerKey] ?? (family.prefix == "account" ? json["accountId"] : nil)
        guard let owner = ownerJSON?.identifier,
            family.prefix == "deal" ? deals.contains(owner) : customers.contains(owner)
        else {
            return .failure(
                Refusal(answer: .noResult(family.prefix == "deal" ? "Deal" : "CustomerAccount", ownerJSON?.text ?? "")))
        }
        guard let field = json["customFieldId"]?.identifier, self[keyPath: family.table].hasMeta(field) else {
            return .failure(Refusal(answer: .noResult("CustomFieldMeta", json["customFieldId"]?.text ?? "")))
        }
        let value = json["fieldValue"] ?? .null
        guard self[keyPath: family.table].accepts(value, for: field) else {
            return .failure(Refusal(answer: unfitValue(value, field, self[keyPath: family.table])))
        }
        let id = self[keyPath: family.table].set(
            owner: owner, field: field, value: value, currency: json["fieldCurrency"] ?? .null, at: now)
        return .success(id)
    }

    private mutating func updateDatum(
        _ id: UInt32, _ json: CampaignJSON, _ family: CampaignCustomFieldFamily
    ) -> CampaignAnswer? {
        let row = self[keyPath: family.table].data[Int(id - 1)]
        let value = json["fieldValue"] ?? row.value
        guard self[keyPath: family.table].accepts(value, for: row.field) else {
            return unfitValue(value, row.field, self[keyPath: family.table])
        }
        self[keyPath: family.table].data[Int(id - 1)].value = value
        self[keyPath: family.table].data[Int(id - 1)].currency = json["fieldCurrency"] ?? row.currency
        self[keyPath: family.table].data[Int(id - 1)].updated = now
        return nil
    }

    private func datumAnswer(_ id: UInt32, _ family: CampaignCustomFieldFamily, status: Int) -> CampaignAnswer {
        CampaignAnswer(status: status, object("\(family.prefix)CustomFieldDatum", datumJSON(id, family)))
    }

    private func datumJSON(_ id: UInt32, _ family: CampaignCustomFieldFamily) -> CampaignJSON {
        let row = self[keyPath: family.table].data[Int(id - 1)]
        return object(family.ownerKey, .id(row.owner))
            .setting("customFieldId", .id(row.field)).setting("fieldValue", row.value.asStoredScalar)
            .setting("fieldCurrency", row.currency).setting("createdTimestamp", naiveStamp(row.created))
            .setting("updatedTimestamp", naiveStamp(row.updated)).setting("links", [:]).setting("id", .id(id))
    }

}
