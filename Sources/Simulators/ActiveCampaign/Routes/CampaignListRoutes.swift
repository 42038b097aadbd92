extension CampaignState {
    /// `/lists…` (3.10)
    mutating func routeLists(_ call: CampaignCall) -> CampaignAnswer {
        switch (call.method, call.path.count) {
        case ("GET", 1): return listLists(call)
        case ("POST", 1): return postList(call)
        default: break
        }
        guard call.path.count == 2, let id = call.pathID(1), hasList(id) else {
            return .noResult("List", call.path.count > 1 ? call.path[1] : "")
        }
        switch call.method {
        case "GET": return CampaignAnswer(["list": listJSON(id)])
        case "PUT", "PATCH":
            if let name = call.wrapped("list")?["name"]?.text { lists[Int(id - 1)].name = name }
            lists[Int(id - 1)].udate = now
            return CampaignAnswer(["list": listJSON(id)])
        case "DELETE":
            lists[Int(id - 1)].isDeleted = true
            return .emptyObject()
        default: return .notFound
        }
    }

    private func listLists(_ call: CampaignCall) -> CampaignAnswer {
        guard let page = call.page(options) else { return .emptyObject(400) }
        let name = call.value("filters[name]")?.lowercased()
        let found = listIDs.filter { name == nil || lists[Int($0 - 1)].name.lowercased().contains(name ?? "") }
        return CampaignAnswer([
            "lists": .array(found.page(page).map { listJSON($0) }), "meta": ["total": .id(found.count)],
        ])
    }

    private mutating func postList(_ call: CampaignCall) -> CampaignAnswer {
        let json = call.wrapped("list")
        for key in ["name", "stringid", "sender_url", "sender_reminder"] {
            guard let text = json?[key]?.text, !text.isEmpty else {
                return .problem(
                    "The list \(key) was not provided.", code: "field_missing", pointer: "/data/attributes/\(key)")
            }
        }
        lists.append(
            CampaignListRow(
                name: json?["name"]?.text ?? "", stringID: json?["stringid"]?.text ?? "",
                senderURL: json?["sender_url"]?.text ?? "", senderReminder: json?["sender_reminder"]?.text ?? "",
                cdate: now, udate: now))
        return CampaignAnswer(status: 201, ["list": listJSON(UInt32(lists.count))])
    }

    private func listJSON(_ id: UInt32) -> CampaignJSON {
        let row = lists[Int(id - 1)]
        return [
            "stringid": .string(row.stringID), "userid": "1", "name": .string(row.name), "cdate": stamp(row.cdate),
            "sender_url": .string(row.senderURL), "sender_reminder": .string(row.senderReminder),
            "udate": stamp(row.udate), "created_timestamp": naiveStamp(row.cdate),
            "updated_timestamp": naiveStamp(row.udate), "channel": "email",
            "non_deleted_subscribers": .id(subscribers(of: id) { _ in true }),
            "active_subscribers": .id(subscribers(of: id) { $0 == 1 }), "id": .id(id), "user": "1",
        ]
    }

    private func subscribers(of list: UInt32, _ isCounted: (UInt8) -> Bool) -> Int {
        guard memberships.count > 0 else { return 0 }
        return (1...memberships.count).reduce(0) { total, id in
            let row = memberships[id]
            return row.contact != 0 && row.list == list && isCounted(row.status) ? total + 1 : total
        }
    }

    // MARK: - Memberships

    /// `/contactLists…`
    mutating func routeContactLists(_ call: CampaignCall) -> CampaignAnswer {
        switch (call.method, call.path.count) {
        case ("GET", 1): return listContactLists(call)
        case ("POST", 1): return postContactList(call)
        case ("GET", 2):
            guard let id = call.pathID(1), memberships.isLive(id) else {
                return .noResult("SubscriberList", call.path[1])
            }
            return CampaignAnswer(["contactList": membershipJSON(id)])
        default: return .notFound
        }
    }

    /// The whole account's memberships: every filter is ignored, as live.
    private func listContactLists(_ call: CampaignCall) -> CampaignAnswer {
        guard let page = call.page(options) else { return .emptyObject(400) }
        let all = (1..<(memberships.count + 1)).filter { memberships.isLive($0) }
        return CampaignAnswer([
            "contactLists": .array(all.page(page).map { membershipJSON($0) }), "meta": ["total": .id(all.count)],
        ])
    }

    private mutating func postContactList(_ call: CampaignCall) -> CampaignAnswer {
        let json = call.wrapped("contactList")
        guard let contact = json?["contact"]?.identifier, contacts.contains(contact) else {
            return .noResult("Subscriber", json?["contact"]?.text ?? "")
        }
        guard let list = json?["list"]?.identifier, hasList(list) else {
            return .noResult("List", json?["list"]?.text ?? "")
        }
        guard let status = json?["status"]?.integer, status == 1 || status == 2 else {
            return .problem("The status is invalid.", code: "field_invalid", pointer: "/data/attributes/status")
        }
        let id = setMembership(of: contact, list: list, status: UInt8(status))
        // The status is echoed with the type it came with; a later GET has a string.
        return CampaignAnswer(["contactList": membershipJSON(id).setting("status", json?["status"] ?? .int(status))])
    }

    /// A membership as lists show it.
    func membershipJSON(_ id: UInt32) -> CampaignJSON {
        let row = memberships[id]
        return [
            "contact": .id(row.contact), "list": .id(row.list), "form": .null, "seriesid": "0",
            "sdate": stamp(row.sdate),
            "udate": row.udate == row.sdate ? .null : stamp(row.udate), "status": .id(row.status), "responder": "1",
            "sync": "0", "unsubreason": "", "campaign": .null, "message": .null, "first_name": "", "last_name": "",
            "ip4Sub": "0", "sourceid": .id(row.source), "autosyncLog": .null, "ip4_last": "0", "ip4Unsub": "0",
            "created_timestamp": naiveStamp(row.sdate), "updated_timestamp": naiveStamp(row.udate),
            "created_by": .null, "updated_by": .null, "unsubscribeAutomation": .null, "links": [:], "id": .id(id),
            "automation": .null,
        ]
    }
}
