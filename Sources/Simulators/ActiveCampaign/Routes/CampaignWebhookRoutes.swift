import Foundation

extension CampaignState {
    /// `/webhooks…` (8.1)
    mutating func routeWebhooks(_ call: CampaignCall) -> CampaignAnswer {
        switch (call.method, call.path.count) {
        case ("GET", 1): return listWebhooks(call)
        case ("POST", 1): return postWebhook(call)
        default: break
        }
        guard call.path.count == 2, let id = call.pathID(1), webhooks.liveIDs.contains(id) else {
            return .noResult("Webhook", call.path.count > 1 ? call.path[1] : "")
        }
        switch call.method {
        case "GET": return CampaignAnswer(["webhook": webhookJSON(id)])
        case "PUT", "PATCH": return putWebhook(id, call)
        case "DELETE":
            webhooks.rows[Int(id - 1)].isDeleted = true
            return .emptyObject()
        default: return .notFound
        }
    }

    /// `GET /webhook/events`, singular; the total is a number here.
    func routeWebhookEvents(_ call: CampaignCall) -> CampaignAnswer {
        guard call.method == "GET", call.path == ["webhook", "events"] else { return .notFound }
        let names = CampaignEvent.allCases.filter(\.isListed).map(\.rawValue).sorted()
        return CampaignAnswer([
            "webhookEvents": .array(names.map { .string($0) }), "meta": ["total": .int(names.count)],
        ])
    }

    private func listWebhooks(_ call: CampaignCall) -> CampaignAnswer {
        guard let page = call.page(options) else { return .emptyObject(400) }
        let found = webhooks.liveIDs.filter { id in
            let row = webhooks.rows[Int(id - 1)]
            return (call.value("filters[name]") ?? row.name) == row.name
                && (call.value("filters[url]") ?? row.url) == row.url
                && (call.value("filters[listid]") ?? String(row.list)) == String(row.list)
        }
        return CampaignAnswer([
            "webhooks": .array(found.page(page).map { webhookJSON($0) }), "meta": ["total": .id(found.count)],
        ])
    }

    private mutating func postWebhook(_ call: CampaignCall) -> CampaignAnswer {
        guard let json = call.wrapped("webhook"), let url = json["url"]?.text, isWebhookURL(url) else {
            return .problem("The webhook url is invalid.", code: "field_invalid", pointer: "/data/attributes/url")
        }
        guard let name = json["name"]?.text, !name.isEmpty else {
            return .problem(
                "The webhook name was not provided.", code: "field_missing", pointer: "/data/attributes/name")
        }
        guard webhooks.liveIDs.count < SimulatorsLimits.ActiveCampaign.webhooks else {
            return .statusProblem(422, "Too many webhooks")
        }
        webhooks.rows.append(
            CampaignWebhookRow(
                name: name, url: url, events: names(json["events"]), sources: names(json["sources"]),
                list: UInt32(clamping: json["listid"]?.integer ?? 0), cdate: now))
        return CampaignAnswer(status: 201, ["webhook": webhookJSON(UInt32(webhooks.rows.count))])
    }

    private mutating func putWebhook(_ id: UInt32, _ call: CampaignCall) -> CampaignAnswer {
        guard let json = call.wrapped("webhook") else { return .emptyObject(400) }
        let index = Int(id - 1)
        if let name = json["name"]?.text { webhooks.rows[index].name = name }
        if let url = json["url"]?.text {
            guard isWebhookURL(url) else {
                return .problem("The webhook url is invalid.", code: "field_invalid", pointer: "/data/attributes/url")
            }
            webhooks.rows[index].url = url
        }
        if json["events"] != nil { webhooks.rows[index].events = names(json["events"]) }
        if json["sources"] != nil { webhooks.rows[index].sources = names(json["sources"]) }
        if let list = json["listid"]?.integer { webhooks.rows[index].list = UInt32(clamping: list) }
        return CampaignAnswer(["webhook": webhookJSON(id)])
    }

    private func names(_ json: CampaignJSON?) -> [String] {
        (json?.elements ?? []).compactMap(\.text)
    }

    private func isWebhookURL(_ text: String) -> Bool {
        guard let url = URL(string: text), url.host != nil else { return false }
        if options.refusesOddWebhookPorts, url.scheme == "https", (url.port ?? 443) != 443 { return false }
        return url.scheme == "https" || url.scheme == "http"
    }

    private func webhookJSON(_ id: UInt32) -> CampaignJSON {
        let row = webhooks.rows[Int(id - 1)]
        return [
            "cdate": stamp(row.cdate), "listid": .id(row.list), "name": .string(row.name), "url": .string(row.url),
            "events": .array(row.events.map { .string($0) }), "sources": .array(row.sources.map { .string($0) }),
            "links": [], "id": .id(id),
        ]
    }
}
