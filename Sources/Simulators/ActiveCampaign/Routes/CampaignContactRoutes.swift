extension CampaignState {
    /// `/contacts…` (3.4–3.6, 3.8, 3.9)
    mutating func routeContacts(_ call: CampaignCall) -> CampaignAnswer {
        switch (call.method, call.path.count) {
        case ("GET", 1): return listContacts(call)
        case ("POST", 1): return postContact(call)
        case (_, 2...) where call.path[1] == "sync": return .notFound
        case ("GET", 2): return getContact(call)
        case ("PUT", 2), ("PATCH", 2): return putContact(call)
        case ("DELETE", 2): return removeContact(call)
        case ("GET", 3): return getContactRelation(call)
        default: return .notFound
        }
    }

    // MARK: - Reading

    private mutating func listContacts(_ call: CampaignCall) -> CampaignAnswer {
        guard var query = CampaignContactQuery(call, state: self) else { return .emptyObject(400) }
        if let segment = query.segment { query.members = membersOfSegment(segment, starts: query.forcesQuery) }
        return listAnswer(query, call)
    }

    private func listAnswer(_ query: CampaignContactQuery, _ call: CampaignCall) -> CampaignAnswer {
        let (page, total) = select(query)
        var writer = CampaignJSONWriter(capacity: page.count * (query.sideloads.isEmpty ? 3_000 : 5_000) + 1_000)
        writer.beginObject()
        writer.member("scoreValues", [])
        writer.key("contacts")
        writer.beginArray()
        for id in page { writeContact(id, query.sideloads, to: &writer) }
        writer.endArray()
        writeSideloads(query.sideloads, of: page, to: &writer)
        writer.member("meta", listMeta(query, total: total, call))
        writer.endObject()
        return CampaignAnswer(writer)
    }

    private func listMeta(_ query: CampaignContactQuery, total: Int, _ call: CampaignCall) -> CampaignJSON {
        [
            "page_input": [
                "segmentid": query.segment.map { .id($0) } ?? .null, "formid": .int(0),
                "listid": .int(Int(query.list ?? 0)),
                "tagid": .int(Int(query.tag ?? 0)), "limit": .int(query.page.limit), "offset": .int(query.page.offset),
                "search": .optional(call.value("search")), "sort": .null, "seriesid": .int(Int(query.automation ?? 0)),
                "waitid": .int(0),
                "status": .int(query.status.map { Int($0) } ?? -1), "forceQuery": .int(query.forcesQuery ? 1 : 0),
                "cacheid": .string(CampaignRandom.hex(options.seed, UInt64(now))),
            ],
            "total": .id(total), "sortable": .bool(true),
        ]
    }

    private func getContact(_ call: CampaignCall) -> CampaignAnswer {
        guard let id = call.pathID(1), contacts.contains(id) else { return .noResult("Subscriber", call.path[1]) }
        var writer = CampaignJSONWriter(capacity: 4_000)
        writer.beginObject()
        writer.member("contactAutomations", .array(automationJSON(of: id)))
        writeMemberships(of: [id], to: &writer)
        writer.member("deals", .array(deals.ids(ofContact: id).map { dealJSON($0) }))
        writeValues(of: [id], to: &writer)
        writer.member("geoIps", [])
        writer.member("accountContacts", .array(customers.association(of: id).map { [accountContactJSON($0)] } ?? []))
        writer.key("contact")
        writeContact(id, [.fieldValues, .contactLists, .contactAutomations], to: &writer)
        writer.endObject()
        return CampaignAnswer(writer)
    }

    private func getContactRelation(_ call: CampaignCall) -> CampaignAnswer {
        guard let id = call.pathID(1), contacts.contains(id) else { return .noResult("Subscriber", call.path[1]) }
        guard let page = call.page(options) else { return .emptyObject(400) }
        var writer = CampaignJSONWriter()
        writer.beginObject()
        writer.key(of: call.path[2])
        writer.beginArray()
        writeRelation(call.path[2], of: id, page, to: &writer)
        writer.endArray()
        writer.endObject()
        return CampaignAnswer(writer)
    }

    private func writeRelation(
        _ name: String, of id: UInt32, _ page: (offset: Int, limit: Int), to writer: inout CampaignJSONWriter
    ) {
        switch name {
        case "contactTags":
            for row in Array(taggings.chain(from: contacts[id].firstTag)).page(page) { writeTagging(row, to: &writer) }
        case "fieldValues":
            for row in Array(values.chain(from: contacts[id].firstValue)).page(page) { writeValue(row, to: &writer) }
        case "contactLists":
            let rows = Array(memberships.chain(from: contacts[id].firstMembership)).page(page)
            for row in rows { writer.value(membershipJSON(row)) }
        case "contactAutomations": for row in automationJSON(of: id).page(page) { writer.value(row) }
        case "accountContacts": if let row = customers.association(of: id) { writer.value(accountContactJSON(row)) }
        case "deals": for row in deals.ids(ofContact: id).page(page) { writer.value(dealJSON(row)) }
        case "notes": for row in noteIDs(of: id).page(page) { writer.value(noteJSON(row)) }
        // Everything else exists on the wire and is never filled here.
        default: break
        }
    }

    // MARK: - Writing

    private mutating func postContact(_ call: CampaignCall) -> CampaignAnswer {
        guard let json = call.wrapped("contact"), json.members != nil else { return .emptyObject(400) }
        let draft = draft(from: json)
        if let fault = faultOfCreating(draft) { return answer(to: fault) }
        if let refusal = refusalOfOptions(draft) { return refusal }
        // Two statements: a reading call would take hold of the state before its argument changed it.
        let id = createContact(draft)
        return shortAnswer(id)
    }

    private mutating func putContact(_ call: CampaignCall) -> CampaignAnswer {
        guard let id = call.pathID(1), contacts.contains(id) else { return .noResult("Subscriber", call.path[1]) }
        guard let json = call.wrapped("contact"), json.members != nil else { return .emptyObject(400) }
        var draft = draft(from: json)
        switch faultOfChanging(id, to: draft) {
        case .duplicateEmail? where !options.putRefusesDuplicateEmail: draft.email = nil
        case let fault?: return answer(to: fault)
        case nil: break
        }
        if let refusal = refusalOfOptions(draft) { return refusal }
        changeContact(id, to: draft)
        return longAnswer(id)
    }

    private mutating func removeContact(_ call: CampaignCall) -> CampaignAnswer {
        guard let id = call.pathID(1), contacts.contains(id) else {
            // Other words than GET and PUT have.
            return .message(404, "No result found for contact with id \(call.path[1])")
        }
        deleteContact(id)
        return .emptyObject()
    }

    /// `/contact/sync` (3.7): singular, upsert by e-mail.
    mutating func routeSync(_ call: CampaignCall) -> CampaignAnswer {
        guard call.path == ["contact", "sync"], call.method == "POST" else { return .notFound }
        guard let json = call.wrapped("contact"), json.members != nil else { return .emptyObject(400) }
        var draft = draft(from: json)
        if let refusal = refusalOfOptions(draft) { return refusal }
        let tags = options.syncTakesTags ? (json["tags"]?.elements ?? []).compactMap(\.text) : []
        guard let id = draft.email.flatMap({ contacts.find(email: $0) }) else {
            if let fault = faultOfCreating(draft) { return answer(to: fault) }
            let id = createContact(draft)
            for tag in tags { addTag(named: tag, to: id) }
            return shortAnswer(id)
        }
        // The address is the key here: a different letter case renames nobody.
        draft.email = nil
        changeContact(id, to: draft, movesUpdateTime: options.idleSyncMovesUpdateTime)
        for tag in tags { addTag(named: tag, to: id) }
        return longAnswer(id, status: options.syncExistingStatus)
    }

    private func draft(from json: CampaignJSON) -> CampaignContactDraft {
        var draft = CampaignContactDraft()
        draft.email = text(json["email"]).map { $0.filter { !$0.isWhitespace } }
        draft.firstName = text(json["firstName"])
        draft.lastName = text(json["lastName"])
        draft.phone = text(json["phone"])
        draft.values = (json["fieldValues"]?.elements ?? []).compactMap { value in
            guard let field = value["field"]?.identifier, let money = money(value) else { return nil }
            draft.currencies[field] = money.currency
            return (field, money.text)
        }
        return draft
    }

    /// The refusal of a value that is none of its field's options, where the account refuses such.
    private func refusalOfOptions(_ draft: CampaignContactDraft) -> CampaignAnswer? {
        guard options.refusesUnknownOptions else { return nil }
        for value in draft.values where fields.contains(value.field) {
            let known = Set(fields[value.field].options.map(\.value))
            let chosen =
                fields[value.field].isMultiple
                ? value.value.split(separator: "|").map { String($0) } : [value.value].filter { !$0.isEmpty }
            if !known.isEmpty, !known.isSuperset(of: chosen) {
                return .problem(
                    "The value is not an option of the field", code: "field_invalid",
                    pointer: "/data/attributes/fieldValues")
            }
        }
        return nil
    }

    /// The text to store for a JSON value; nil leaves what is there. Arrays become piped text.
    func text(_ value: CampaignJSON?) -> String? {
        switch value {
        case nil: nil
        case .null?: options.nullClears ? "" : nil
        case .array(let elements)?: "||" + elements.compactMap(\.text).joined(separator: "||") + "||"
        case let value?: value.text
        }
    }

    // MARK: - Answers

    private func shortAnswer(_ id: UInt32) -> CampaignAnswer {
        var writer = CampaignJSONWriter(capacity: 3_000)
        writer.beginObject()
        writeValues(of: [id], to: &writer)
        writer.key("contact")
        writeShortContact(id, to: &writer)
        writer.endObject()
        return CampaignAnswer(status: 201, writer)
    }

    private func longAnswer(_ id: UInt32, status: Int = 200) -> CampaignAnswer {
        var writer = CampaignJSONWriter(capacity: 4_000)
        writer.beginObject()
        writeValues(of: [id], to: &writer)
        writer.key("contact")
        writeContact(id, .fieldValues, to: &writer)
        writer.endObject()
        return CampaignAnswer(status: status, writer)
    }

    private func answer(to fault: CampaignContactFault) -> CampaignAnswer {
        let pointer = "/data/attributes/email"
        switch fault {
        case .missingEmail:
            return .problem(options.missingEmailTitle, code: options.missingEmailCode, pointer: pointer)
        case .invalidEmail:
            return .problem(options.invalidEmailTitle, code: options.invalidEmailCode, pointer: pointer)
        case .duplicateEmail:
            return .problem("Email address already exists in the system", code: "duplicate", pointer: pointer)
        case .contactLimit:
            return .statusProblem(
                options.contactLimitStatus, "Forbidden", detail: "The contact limit of this account is reached.")
        }
    }
}
