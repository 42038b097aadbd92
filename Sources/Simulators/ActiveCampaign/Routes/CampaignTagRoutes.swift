extension CampaignState {
    /// `/tags…` (5)
    mutating func routeTags(_ call: CampaignCall) -> CampaignAnswer {
        switch (call.method, call.path.count) {
        case ("GET", 1): return listTags(call)
        case ("POST", 1): return postTag(call)
        default: break
        }
        guard call.path.count == 2, let id = call.pathID(1), tags.contains(id) else {
            return call.path.count == 2 ? .noResult("Tag", call.path[1]) : .notFound
        }
        switch call.method {
        case "GET": return CampaignAnswer(["tag": tagJSON(id)])
        case "PUT", "PATCH": return putTag(id, call)
        case "DELETE":
            deleteTag(id)
            return .emptyObject()
        default: return .notFound
        }
    }

    private func listTags(_ call: CampaignCall) -> CampaignAnswer {
        guard let page = call.page(options) else { return .emptyObject(400) }
        let found = sortedTags(call, tags.liveIDs.filter { isTag($0, wantedBy: call) })
        return CampaignAnswer([
            "tags": .array(found.page(page).map { tagJSON($0) }), "meta": ["total": .id(found.count)],
        ])
    }

    private func isTag(_ id: UInt32, wantedBy call: CampaignCall) -> Bool {
        let name = tags[id].name.lowercased()
        return call.query.allSatisfy { item in
            let text = item.value.lowercased()
            switch item.name {
            case "search": return text.isEmpty || name.contains(text)
            case "filters[search][eq]": return name == text
            case "filters[search][neq]": return name != text
            case "filters[search][lt]": return name < text
            case "filters[search][lte]": return name <= text
            case "filters[search][gt]": return name > text
            case "filters[search][gte]": return name >= text
            case "filters[search][contains]": return text.isEmpty || name.contains(text)
            case "filters[search][starts_with]": return name.hasPrefix(text)
            default: return true
            }
        }
    }

    private func sortedTags(_ call: CampaignCall, _ ids: [UInt32]) -> [UInt32] {
        switch call.value("orders[search]")?.lowercased() {
        case "asc": ids.sorted { tags[$0].name.lowercased() < tags[$1].name.lowercased() }
        case "desc": ids.sorted { tags[$0].name.lowercased() > tags[$1].name.lowercased() }
        case "weight": ids.sorted { tags[$0].name.count < tags[$1].name.count }
        default: ids
        }
    }

    private mutating func postTag(_ call: CampaignCall) -> CampaignAnswer {
        guard let json = call.wrapped("tag"), let name = json["tag"]?.text, !name.isEmpty else {
            return .statusProblem(422, "Missing attribute", pointer: "/data/attributes/tag")
        }
        let kept = String(name.prefix(max(1, options.tagLetters)))
        let tagType = json["tagType"]?.text ?? "contact"
        guard tags.find(kept, tagType: tagType) == nil else { return duplicateTag(kept, tagType) }
        let id = tags.insert(name: kept, tagType: tagType, description: json["description"]?.text ?? "", at: now)
        return CampaignAnswer(status: 201, ["tag": shortTagJSON(id)])
    }

    private mutating func putTag(_ id: UInt32, _ call: CampaignCall) -> CampaignAnswer {
        guard let json = call.wrapped("tag") else { return .emptyObject(400) }
        if let name = json["tag"]?.text, name != tags[id].name {
            if let other = tags.find(name, tagType: tags[id].tagType), other != id {
                return duplicateTag(name, tags[id].tagType)
            }
            tags.rename(id, to: name)
        }
        if let description = json["description"]?.text { tags[id].description = description }
        tags[id].udate = now
        return CampaignAnswer(["tag": tagJSON(id)])
    }

    private func duplicateTag(_ name: String, _ tagType: String) -> CampaignAnswer {
        .databaseError(options.duplicateTagStatus, "Duplicate entry '\(tagType)-\(name)' for key 'typetag'")
    }

    /// A tag as lists show it.
    func tagJSON(_ id: UInt32) -> CampaignJSON {
        let row = tags[id]
        return [
            "tagType": .string(row.tagType), "tag": .string(row.name), "description": .string(row.description),
            "subscriber_count": .id(row.contacts.count), "cdate": stamp(row.cdate),
            "created_timestamp": naiveStamp(row.cdate), "updated_timestamp": naiveStamp(row.udate),
            "created_by": .null, "updated_by": .null, "deleted": "0", "links": tagLinks(id), "id": .id(id),
        ]
    }

    private func shortTagJSON(_ id: UInt32) -> CampaignJSON {
        let row = tags[id]
        return [
            "tag": .string(row.name), "description": .string(row.description), "tagType": .string(row.tagType),
            "cdate": stamp(row.cdate), "links": tagLinks(id), "id": .id(id),
        ]
    }

    private func tagLinks(_ id: UInt32) -> CampaignJSON {
        [
            "contactGoalTags": .string("\(baseURL)/tags/\(id)/contactGoalTags"),
            "templateTags": .string("\(baseURL)/tags/\(id)/templateTags"),
        ]
    }

    // MARK: - Associations

    /// `/contactTags…`
    mutating func routeContactTags(_ call: CampaignCall) -> CampaignAnswer {
        switch (call.method, call.path.count) {
        case ("GET", 1): return listContactTags(call)
        case ("POST", 1): return postContactTag(call)
        default: break
        }
        guard call.path.count >= 2, let id = call.pathID(1), taggings.isLive(id) else {
            return .noResult("SubscriberTag", call.path.count > 1 ? call.path[1] : "")
        }
        switch (call.method, call.path.count) {
        case ("GET", 2): return contactTagAnswer(id, status: 200)
        case ("GET", 3) where call.path[2] == "tag": return CampaignAnswer(["tag": tagJSON(taggings[id].tag)])
        case ("DELETE", 2):
            removeTagging(id)
            return .emptyObject()
        default: return .notFound
        }
    }

    /// The whole account's associations: filters are ignored, as live.
    private func listContactTags(_ call: CampaignCall) -> CampaignAnswer {
        guard let page = call.page(options) else { return .emptyObject(400) }
        var writer = CampaignJSONWriter()
        var seen = 0
        writer.beginObject()
        writer.key("contactTags")
        writer.beginArray()
        for id in 1..<(taggings.count + 1) where taggings.isLive(id) {
            if seen >= page.offset, seen < page.offset + page.limit { writeTagging(id, to: &writer) }
            seen += 1
        }
        writer.endArray()
        writer.member("meta", ["total": .id(seen)])
        writer.endObject()
        return CampaignAnswer(writer)
    }

    private mutating func postContactTag(_ call: CampaignCall) -> CampaignAnswer {
        let json = call.wrapped("contactTag")
        guard let contact = json?["contact"]?.identifier else {
            return .statusProblem(422, "Missing attribute", pointer: "/data/attributes/contact")
        }
        guard let tag = json?["tag"]?.identifier else {
            return .statusProblem(422, "Missing attribute", pointer: "/data/attributes/tag")
        }
        guard contacts.contains(contact) else { return .statusProblem(404, "Not Found", detail: "Contact not found") }
        guard tags.contains(tag) else { return .statusProblem(404, "Not Found", detail: "Tag not found") }
        let (id, isNew) = addTag(tag, to: contact)
        return contactTagAnswer(id, status: isNew ? 201 : 200)
    }

    private func contactTagAnswer(_ id: UInt32, status: Int) -> CampaignAnswer {
        var writer = CampaignJSONWriter()
        writer.beginObject()
        writer.key("contactTag")
        writeTagging(id, to: &writer)
        writer.endObject()
        return CampaignAnswer(status: status, writer)
    }
}
