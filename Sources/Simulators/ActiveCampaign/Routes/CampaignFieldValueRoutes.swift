extension CampaignState {
    /// `/fieldValues…` (4)
    mutating func routeFieldValues(_ call: CampaignCall) -> CampaignAnswer {
        switch (call.method, call.path.count) {
        case ("GET", 1): return listFieldValues(call)
        case ("POST", 1): return postFieldValue(call)
        default: break
        }
        guard call.path.count == 2, let id = call.pathID(1), values.isLive(id) else {
            return .noResult("FieldValue", call.path.count > 1 ? call.path[1] : "")
        }
        switch call.method {
        case "GET": return fieldValueAnswer(id)
        case "PUT", "PATCH": return putFieldValue(id, call)
        case "DELETE":
            removeValue(id)
            return .emptyObject()
        default: return .notFound
        }
    }

    private func listFieldValues(_ call: CampaignCall) -> CampaignAnswer {
        guard let page = call.page(options) else { return .emptyObject(400) }
        let field = call.value("filters[fieldid]").flatMap { UInt32($0) }
        let text = call.value("filters[val]")
        var writer = CampaignJSONWriter()
        var seen = 0
        writer.beginObject()
        writer.key("fieldValues")
        writer.beginArray()
        for id in 1..<(values.count + 1) where values.isLive(id) {
            let row = values[id]
            guard field == nil || row.field == field, text == nil || row.value == text else { continue }
            if seen >= page.offset, seen < page.offset + page.limit { writeValue(id, to: &writer) }
            seen += 1
        }
        writer.endArray()
        writer.member("meta", ["total": .id(seen)])
        writer.endObject()
        return CampaignAnswer(writer)
    }

    private mutating func postFieldValue(_ call: CampaignCall) -> CampaignAnswer {
        guard let json = call.wrapped("fieldValue"), let contact = json["contact"]?.identifier,
            let field = json["field"]?.identifier
        else { return .statusProblem(422, "Missing attribute", pointer: "/data/attributes/contact") }
        guard contacts.contains(contact) else { return .noResult("Subscriber", String(contact)) }
        guard fields.contains(field) else { return .noResult("Field", String(field)) }
        let money = money(json) ?? CampaignMoney(text: "")
        let id = writeFieldValue(of: contact, field: field, money)
        var writer = CampaignJSONWriter(capacity: 4_000)
        writer.beginObject()
        writer.key("contacts")
        writer.beginArray()
        writeContact(contact, to: &writer)
        writer.endArray()
        writer.key("fieldValue")
        writeValue(id, to: &writer)
        writer.endObject()
        return CampaignAnswer(writer)
    }

    private mutating func putFieldValue(_ id: UInt32, _ call: CampaignCall) -> CampaignAnswer {
        guard let json = call.wrapped("fieldValue") else { return .emptyObject(400) }
        if let money = money(json) {
            _ = writeFieldValue(of: values[id].contact, field: values[id].field, money)
        }
        return fieldValueAnswer(id)
    }

    private mutating func writeFieldValue(of contact: UInt32, field: UInt32, _ money: CampaignMoney) -> UInt32 {
        let id = setValue(of: contact, field: field, to: money.text, currency: money.currency).id
        contacts.touch(contact, at: now)
        emit(.update, contact: contact)
        return id
    }

    private func fieldValueAnswer(_ id: UInt32) -> CampaignAnswer {
        var writer = CampaignJSONWriter()
        writer.beginObject()
        writer.key("fieldValue")
        writeValue(id, to: &writer)
        writer.endObject()
        return CampaignAnswer(writer)
    }
}

/// A value as a request has it: text, and the currency where it is money.
struct CampaignMoney {
    var text: String
    var currency: String?
}

extension CampaignState {
    /// Reads `value` of a row with its currency, in the account's shape; nil leaves what is there.
    func money(_ row: CampaignJSON) -> CampaignMoney? {
        let value = row["value"]
        if options.currencyShape == .nested, value?.members != nil, let text = text(value?["value"]) {
            return CampaignMoney(text: text, currency: value?["currency"]?.text)
        }
        guard let text = text(value) else { return nil }
        switch options.currencyShape {
        case .currency: return CampaignMoney(text: text, currency: row["currency"]?.text)
        case .fieldCurrency: return CampaignMoney(text: text, currency: row["fieldCurrency"]?.text)
        case .nested, .none: return CampaignMoney(text: text)
        }
    }
}
