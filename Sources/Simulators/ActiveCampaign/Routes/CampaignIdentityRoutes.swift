extension CampaignState {
    /// `GET /users/me`: the credential check.
    func routeUsers(_ call: CampaignCall) -> CampaignAnswer {
        guard call.method == "GET" else { return .notFound }
        let user: CampaignJSON = [
            "username": "admin", "firstName": "Ada", "lastName": "Admin",
            "email": .string("admin@\(options.name).example"), "phone": "", "signature": .null, "links": [:], "id": "1",
        ]
        if call.path == ["users", "me"] { return CampaignAnswer(["user": user]) }
        if call.path == ["users"] { return CampaignAnswer(["users": [user], "meta": ["total": "1"]]) }
        return call.path == ["users", "1"] ? CampaignAnswer(["user": user]) : .noResult("User", call.path[1])
    }

    /// `GET /settings/account`: counters are numbers here.
    func routeSettings(_ call: CampaignCall) -> CampaignAnswer {
        guard call.method == "GET", call.path == ["settings", "account"] else { return .notFound }
        return CampaignAnswer([
            "account": .string("\(options.name).activehosted.com"), "cname": "", "status": "active",
            "subscriber_limit": .int(options.contactLimit ?? 1_000_000), "subscriber_total": .int(contacts.count),
            "trial": .bool(false), "timezone": .string(zone.identifier),
        ])
    }

    /// `GET /automations`; they cannot be made through the API.
    func routeAutomations(_ call: CampaignCall) -> CampaignAnswer {
        guard call.method == "GET" else { return .message(405, "Method Not Allowed") }
        guard let page = call.page(options) else { return .emptyObject(400) }
        let rows = automations.names.indices.map { index -> CampaignJSON in
            ["name": .string(automations.names[index]), "status": "1", "id": .id(index + 1)]
        }
        return CampaignAnswer(["automations": .array(Array(rows.page(page))), "meta": ["total": .id(rows.count)]])
    }

    /// What automations have done with a contact.
    func automationJSON(of contact: UInt32) -> [CampaignJSON] {
        (automations.entries[contact] ?? []).map { entry in
            [
                "contact": .id(entry.contact), "seriesid": .id(entry.automation), "startid": "0", "status": "2",
                "adddate": stamp(entry.entered), "remdate": stamp(entry.entered), "completed": .int(1),
                "automation": .id(entry.automation), "links": [:], "id": .id(entry.id),
            ]
        }
    }

    // MARK: - Notes

    /// `POST /notes`: a note moves the contact's `udate` (3.3).
    mutating func routeNotes(_ call: CampaignCall) -> CampaignAnswer {
        guard call.method == "POST", call.path.count == 1 else { return .notFound }
        let json = call.wrapped("note")
        guard let contact = json?["relid"]?.identifier, contacts.contains(contact),
            json?["reltype"]?.text ?? "Subscriber" == "Subscriber"
        else { return .noResult("Subscriber", json?["relid"]?.text ?? "") }
        notes.append(CampaignNoteRow(contact: contact, text: json?["note"]?.text ?? "", cdate: now))
        contacts.touch(contact, at: now)
        emit(.note, contact: contact)
        var writer = CampaignJSONWriter(capacity: 4_000)
        writer.beginObject()
        writer.key("contacts")
        writer.beginArray()
        writeContact(contact, to: &writer)
        writer.endArray()
        writer.member("note", noteJSON(notes.count))
        writer.endObject()
        return CampaignAnswer(status: 201, writer)
    }

    /// The notes on a contact, by number from 1.
    func noteIDs(of contact: UInt32) -> [Int] {
        notes.indices.filter { notes[$0].contact == contact }.map { $0 + 1 }
    }

    func noteJSON(_ id: Int) -> CampaignJSON {
        let row = notes[id - 1]
        return [
            "note": .string(row.text), "relid": .id(row.contact), "reltype": "Subscriber", "userid": "1",
            "cdate": stamp(row.cdate), "mdate": stamp(row.cdate), "owner": ["type": "contact", "id": .id(row.contact)],
            "links": [:], "id": .id(id),
        ]
    }
}
