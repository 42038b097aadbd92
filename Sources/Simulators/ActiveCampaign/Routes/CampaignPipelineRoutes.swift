extension CampaignState {
    /// `/dealGroups…`: pipelines. A new one comes with three stages.
    mutating func routeDealGroups(_ call: CampaignCall) -> CampaignAnswer {
        switch (call.method, call.path.count) {
        case ("GET", 1):
            guard let page = call.page(options) else { return .emptyObject(400) }
            let found = deals.groupIDs
            return CampaignAnswer([
                "dealGroups": .array(found.page(page).map { dealGroupJSON($0) }),
                "dealStages": .array(deals.stageIDs.map { dealStageJSON($0) }), "meta": ["total": .int(found.count)],
            ])
        case ("POST", 1): return postDealGroup(call)
        default: break
        }
        guard call.path.count == 2, let id = call.pathID(1), deals.hasGroup(id) else {
            return .noResult("DealGroup", call.path.count > 1 ? call.path[1] : "")
        }
        switch call.method {
        case "GET": return CampaignAnswer(["dealGroup": dealGroupJSON(id)])
        case "PUT", "PATCH":
            if let title = call.wrapped("dealGroup")?["title"]?.text { deals.groups[Int(id - 1)].title = title }
            touchGroup(id)
            return CampaignAnswer(["dealGroup": dealGroupJSON(id)])
        case "DELETE":
            deals.groups[Int(id - 1)].isDeleted = true
            return .emptyObject()
        default: return .notFound
        }
    }

    private mutating func postDealGroup(_ call: CampaignCall) -> CampaignAnswer {
        let json = call.wrapped("dealGroup")
        guard let title = json?["title"]?.text, !title.isEmpty else {
            return .problem("The title was not provided.", code: "field_missing", pointer: "/data/attributes/title")
        }
        deals.groups.append(
            CampaignDealGroupRow(title: title, currency: json?["currency"]?.text ?? "usd", created: now, updated: now))
        let id = UInt32(deals.groups.count)
        for (index, title) in ["To Contact", "In Contact", "Follow Up"].enumerated() {
            deals.stages.append(
                CampaignDealStageRow(
                    title: title, group: id, order: .id(index + 1), color: "696969", created: now, updated: now))
        }
        return CampaignAnswer(status: 201, ["dealGroup": dealGroupJSON(id)])
    }

    private mutating func touchGroup(_ id: UInt32) {
        deals.groups[Int(id - 1)].updated = now
        deals.groups[Int(id - 1)].isStampedAhead = false
    }

    func dealGroupJSON(_ id: UInt32) -> CampaignJSON {
        let row = deals.groups[Int(id - 1)]
        let offset = zone.offset(at: Int(row.updated))
        // Greenwich's wall clock with the account's offset: hours in the future west of Greenwich (3.2).
        let updated =
            row.isStampedAhead
            ? CampaignJSON.string(zone.stamp(Int(row.updated) - offset, offset: offset)) : stamp(row.updated)
        return [
            "title": .string(row.title), "currency": .string(row.currency), "autoassign": "1",
            "stages": .array(deals.stageIDs(of: id).map { .id($0) }), "cdate": stamp(row.created), "udate": updated,
            "links": [:], "id": .id(id),
        ]
    }

    // MARK: - Stages

    /// `/dealStages…`
    mutating func routeDealStages(_ call: CampaignCall) -> CampaignAnswer {
        switch (call.method, call.path.count) {
        case ("GET", 1):
            guard let page = call.page(options) else { return .emptyObject(400) }
            let group = call.value("filters[d_groupid]").flatMap { UInt32($0) }
            let found = group.map { deals.stageIDs(of: $0) } ?? deals.stageIDs
            return CampaignAnswer([
                "dealStages": .array(found.page(page).map { dealStageJSON($0) }), "meta": ["total": .int(found.count)],
            ])
        case ("POST", 1): return postDealStage(call)
        default: break
        }
        guard call.path.count == 2, let id = call.pathID(1), deals.hasStage(id) else {
            return .noResult("DealStage", call.path.count > 1 ? call.path[1] : "")
        }
        switch call.method {
        case "GET": return CampaignAnswer(["dealStage": dealStageJSON(id)])
        case "PUT", "PATCH":
            if let title = call.wrapped("dealStage")?["title"]?.text { deals.stages[Int(id - 1)].title = title }
            deals.stages[Int(id - 1)].updated = now
            return CampaignAnswer(["dealStage": dealStageJSON(id)])
        case "DELETE": return deleteDealStage(id)
        default: return .notFound
        }
    }

    private mutating func postDealStage(_ call: CampaignCall) -> CampaignAnswer {
        let json = call.wrapped("dealStage")
        guard let title = json?["title"]?.text, !title.isEmpty else {
            return .problem("The title was not provided.", code: "field_missing", pointer: "/data/attributes/title")
        }
        guard let group = json?["group"]?.identifier, deals.hasGroup(group) else {
            return .noResult("DealGroup", json?["group"]?.text ?? "")
        }
        deals.stages.append(
            CampaignDealStageRow(
                title: title, group: group, order: json?["order"] ?? .id(deals.stageIDs(of: group).count + 1),
                color: json?["color"]?.text ?? "696969", created: now, updated: now))
        return CampaignAnswer(status: 201, ["dealStage": dealStageJSON(UInt32(deals.stages.count))])
    }

    private mutating func deleteDealStage(_ id: UInt32) -> CampaignAnswer {
        let group = deals.stages[Int(id - 1)].group
        deals.stages[Int(id - 1)].isDeleted = true
        if deals.hasGroup(group) {
            deals.groups[Int(group - 1)].updated = now
            deals.groups[Int(group - 1)].isStampedAhead = true
        }
        return .emptyObject()
    }

    func dealStageJSON(_ id: UInt32) -> CampaignJSON {
        let row = deals.stages[Int(id - 1)]
        return [
            "title": .string(row.title), "group": .id(row.group), "order": row.order.asStoredScalar,
            "color": .string(row.color), "cdate": stamp(row.created), "udate": stamp(row.updated), "links": [:],
            "id": .id(id),
        ]
    }
}
