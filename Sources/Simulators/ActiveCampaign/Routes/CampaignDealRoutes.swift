import Foundation

extension CampaignState {
    /// `/deals…` (7.2)
    mutating func routeDeals(_ call: CampaignCall) -> CampaignAnswer {
        switch (call.method, call.path.count) {
        case ("GET", 1): return listDeals(call)
        case ("POST", 1): return postDeal(call)
        case ("PATCH", 2) where call.path[1] == "bulkUpdate": return bulkUpdateDeals(call)
        default: break
        }
        guard call.path.count == 2, let id = call.pathID(1), deals.contains(id) else {
            return .noResult("Deal", call.path.count > 1 ? call.path[1] : "")
        }
        switch call.method {
        case "GET": return CampaignAnswer(["deal": dealJSON(id)])
        case "PUT", "PATCH": return putDeal(id, call)
        case "DELETE":
            deals[id].isDeleted = true
            return .emptyObject()
        default: return .notFound
        }
    }

    // MARK: - Reading

    private func listDeals(_ call: CampaignCall) -> CampaignAnswer {
        guard let page = call.page(options) else { return .emptyObject(400) }
        guard let range = dealTimes(call) else { return .emptyObject(400) }
        let found = sortedDeals(call, deals.liveIDs.filter { isDeal($0, wantedBy: call, range) })
        let shown = found.page(page)
        var answer: CampaignJSON = ["deals": .array(shown.map { dealJSON($0) })]
        if call.value("include")?.contains("dealCustomFieldData") == true {
            let rows = shown.flatMap { deals.fields.dataIDs(of: $0) }
            answer = answer.setting(
                "dealCustomFieldData",
                .array(
                    rows.map { id in
                        let row = deals.fields.data[Int(id - 1)]
                        return [
                            "dealId": .id(row.owner), "customFieldId": .id(row.field),
                            "fieldValue": row.value.asStoredScalar, "id": .id(id),
                        ]
                    }))
        }
        // This total is a number.
        return CampaignAnswer(
            answer.setting("meta", ["currencies": dealCurrencies(found), "total": .int(found.count)]))
    }

    /// The times of creation and update that a list asks for; deals' "after" includes the instant, "before" does not.
    private func dealTimes(_ call: CampaignCall) -> (created: Range<Int>, updated: Range<Int>)? {
        func instant(_ name: String, _ missing: Int) -> Int? {
            guard let text = call.value("filters[\(name)]") else { return missing }
            return CampaignInstant.parse(text, zone: zone, naiveIsUTC: options.naiveFilterTimesAreUTC)
        }
        guard let createdAfter = instant("created_after", 0), let createdBefore = instant("created_before", .max),
            let updatedAfter = instant("updated_after", 0), let updatedBefore = instant("updated_before", .max)
        else { return nil }
        return (createdAfter..<max(createdAfter, createdBefore), updatedAfter..<max(updatedAfter, updatedBefore))
    }

    private func isDeal(
        _ id: UInt32, wantedBy call: CampaignCall, _ range: (created: Range<Int>, updated: Range<Int>)
    ) -> Bool {
        let row = deals[id]
        guard range.created.contains(Int(row.created)), range.updated.contains(Int(row.modified)) else { return false }
        return call.query.allSatisfy { item in
            switch item.name {
            case "filters[search]": return row.title.lowercased().contains(item.value.lowercased())
            case "filters[title]": return row.title == item.value
            case "filters[stage]": return String(row.stage) == item.value
            case "filters[group]": return String(row.group) == item.value
            case "filters[status]": return String(row.status) == item.value
            case "filters[owner]": return row.owner == item.value
            // Whole units of money here, cents everywhere else.
            case "filters[minimum_value]": return row.value >= (Int(item.value) ?? 0) * 100
            case "filters[maximum_value]": return row.value <= (Int(item.value) ?? 0) * 100
            default: return true
            }
        }
    }

    private func sortedDeals(_ call: CampaignCall, _ ids: [UInt32]) -> [UInt32] {
        guard let item = call.query.first(where: { $0.name.hasPrefix("orders[") }) else { return ids }
        let isDescending = item.value.uppercased() == "DESC"
        func sorted(_ isBefore: (CampaignDealRow, CampaignDealRow) -> Bool) -> [UInt32] {
            ids.sorted { isDescending ? isBefore(deals[$1], deals[$0]) : isBefore(deals[$0], deals[$1]) }
        }
        switch item.name {
        case "orders[title]": return sorted { $0.title < $1.title }
        case "orders[value]": return sorted { $0.value < $1.value }
        case "orders[cdate]": return sorted { $0.created < $1.created }
        default: return ids
        }
    }

    private func dealCurrencies(_ ids: [UInt32]) -> CampaignJSON {
        let groups = Dictionary(grouping: ids) { deals[$0].currency.uppercased() }
        return .object(
            groups.keys.sorted().map { currency in
                let rows = groups[currency] ?? []
                return CampaignJSON.Member(
                    key: currency,
                    value: [
                        "total": .id(rows.count), "value": .id(rows.reduce(0) { $0 + deals[$1].value }),
                        "currency": .string(currency),
                    ])
            })
    }

    // MARK: - Writing

    private mutating func postDeal(_ call: CampaignCall) -> CampaignAnswer {
        guard let json = call.wrapped("deal") else { return .emptyObject(400) }
        if let refusal = refusalOfDeal(json) { return refusal }
        let stage = json["stage"]?.identifier
        let group = stage.map { deals.stages[Int($0 - 1)].group } ?? json["group"]?.identifier ?? 0
        deals.rows.append(
            CampaignDealRow(
                title: json["title"]?.text ?? "", description: json["description"]?.text ?? "",
                contact: json["contact"]?.identifier, account: json["account"]?.identifier,
                value: json["value"]?.integer ?? 0, currency: json["currency"]?.text?.lowercased() ?? "usd",
                group: group,
                stage: stage ?? deals.stageIDs(of: group).first ?? 0, owner: json["owner"]?.text ?? "1",
                status: json["status"]?.integer ?? 0, percent: json["percent"]?.text, created: now, modified: now))
        let id = UInt32(deals.rows.count)
        setCustomValues(json["fields"], of: id, in: \.deals.fields)
        if let contact = deals[id].contact { contacts.touch(contact, at: now) }
        emitDeal(.dealAdd, id)
        return createdDeal(id, json)
    }

    private func refusalOfDeal(_ json: CampaignJSON) -> CampaignAnswer? {
        if json["title"]?.text?.isEmpty ?? true { return Self.missingInDeal("title") }
        guard let value = json["value"]?.integer, value >= 0 else { return Self.missingInDeal("value") }
        guard json["currency"]?.text?.count == 3 else { return Self.missingInDeal("currency") }
        let contact = json["contact"]?.identifier
        let account = json["account"]?.identifier
        guard contact != nil || account != nil else { return Self.missingInDeal("contact") }
        if let contact, !contacts.contains(contact) { return .noResult("Subscriber", String(contact)) }
        if let account, !customers.contains(account) { return .noResult("CustomerAccount", String(account)) }
        let group = json["group"]?.identifier
        let stage = json["stage"]?.identifier
        guard group != nil || stage != nil else { return Self.missingInDeal("group") }
        if let group, !deals.hasGroup(group) { return .noResult("DealGroup", String(group)) }
        if let stage, !deals.hasStage(stage) { return .noResult("DealStage", String(stage)) }
        guard json["owner"]?.text?.isEmpty == false else { return Self.missingInDeal("owner") }
        return refusalOfCustomValues(json["fields"], in: deals.fields)
    }

    private static func missingInDeal(_ key: String) -> CampaignAnswer {
        .problem("The deal \(key) was not provided.", code: "field_missing", pointer: "/data/attributes/\(key)")
    }

    private func createdDeal(_ id: UInt32, _ json: CampaignJSON) -> CampaignAnswer {
        let row = deals[id]
        var writer = CampaignJSONWriter(capacity: 4_000)
        writer.beginObject()
        writer.key("contacts")
        writer.beginArray()
        if let contact = row.contact { writeContact(contact, to: &writer) }
        writer.endArray()
        writer.member("dealGroups", [dealGroupJSON(row.group)])
        writer.member("dealStages", deals.hasStage(row.stage) ? [dealStageJSON(row.stage)] : [])
        // The value is echoed with the type it came with.
        writer.member(
            "deal",
            dealJSON(id).setting("value", json["value"] ?? .null).setting(
                "customFieldSaveStatus", ["status": "success"]))
        writer.endObject()
        return CampaignAnswer(status: 201, writer)
    }

    private mutating func putDeal(_ id: UInt32, _ call: CampaignCall) -> CampaignAnswer {
        guard let json = call.wrapped("deal") else { return .emptyObject(400) }
        if let refusal = refusalOfCustomValues(json["fields"], in: deals.fields) { return refusal }
        if let stage = json["stage"]?.identifier {
            guard deals.hasStage(stage) else { return .noResult("DealStage", String(stage)) }
            deals[id].stage = stage
            deals[id].group = deals.stages[Int(stage - 1)].group
        }
        if let title = json["title"]?.text { deals[id].title = title }
        if let description = json["description"]?.text { deals[id].description = description }
        if let value = json["value"]?.integer { deals[id].value = value }
        if let currency = json["currency"]?.text { deals[id].currency = currency.lowercased() }
        if let owner = json["owner"]?.text { deals[id].owner = owner }
        if let status = json["status"]?.integer { deals[id].status = status }
        if let contact = json["contact"]?.identifier, contacts.contains(contact) { deals[id].contact = contact }
        if let account = json["account"]?.identifier, customers.contains(account) { deals[id].account = account }
        if let percent = json["percent"]?.text { deals[id].percent = percent }
        setCustomValues(json["fields"], of: id, in: \.deals.fields)
        deals[id].modified = now
        if let contact = deals[id].contact, contacts.contains(contact) { contacts.touch(contact, at: now) }
        emitDeal(.dealUpdate, id)
        return CampaignAnswer(["deal": dealJSON(id)])
    }

    /// `PATCH /deals/bulkUpdate` changes owners and nothing else.
    private mutating func bulkUpdateDeals(_ call: CampaignCall) -> CampaignAnswer {
        var (success, nochange, failed): ([CampaignJSON], [CampaignJSON], [CampaignJSON]) = ([], [], [])
        for row in call.wrapped("deals")?.elements ?? [] {
            guard let id = row["id"]?.identifier, deals.contains(id), let owner = row["ownerId"]?.text else {
                failed.append(.string(row["id"]?.text ?? ""))
                continue
            }
            if deals[id].owner == owner {
                nochange.append(.id(id))
            } else {
                deals[id].owner = owner
                deals[id].modified = now
                success.append(.id(id))
            }
        }
        return CampaignAnswer(["success": .array(success), "nochange": .array(nochange), "failed": .array(failed)])
    }

    /// A deal as lists show it.
    func dealJSON(_ id: UInt32) -> CampaignJSON {
        let row = deals[id]
        return [
            "hash": .string(String(CampaignRandom.hex(options.seed ^ 0xdea1, UInt64(id)).prefix(8))),
            "title": .string(row.title), "description": .string(row.description),
            "contact": .optional(row.contact.map { String($0) }), "organization": .null,
            "account": .optional(row.account.map { String($0) }),
            "customerAccount": .optional(row.account.map { String($0) }), "value": .id(row.value),
            "currency": .string(row.currency), "group": .id(row.group), "stage": .id(row.stage),
            "owner": .string(row.owner), "percent": .optional(row.percent), "status": .id(row.status),
            "winProbability": .null, "nextdate": .null, "cdate": stamp(row.created), "mdate": stamp(row.modified),
            "fields": .array(customValues(of: id, in: deals.fields)), "isDisabled": .bool(false), "links": [:],
            "id": .id(id),
        ]
    }
}
