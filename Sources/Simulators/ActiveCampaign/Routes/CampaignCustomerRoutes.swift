extension CampaignState {
    /// `/accounts…` (7.1)
    mutating func routeAccounts(_ call: CampaignCall) -> CampaignAnswer {
        switch (call.method, call.path.count) {
        case ("GET", 1): return listAccounts(call)
        case ("POST", 1): return postAccount(call)
        case ("DELETE", 2) where call.path[1] == "bulk_delete": return bulkDeleteAccounts(call)
        default: break
        }
        guard call.path.count == 2, let id = call.pathID(1), customers.contains(id) else {
            return .noResult("CustomerAccount", call.path.count > 1 ? call.path[1] : "")
        }
        switch call.method {
        case "GET": return CampaignAnswer(["account": accountJSON(id, countsDeals: true)])
        case "PUT", "PATCH": return putAccount(id, call)
        case "DELETE":
            customers.remove(id)
            return .emptyObject()
        default: return .notFound
        }
    }

    private func listAccounts(_ call: CampaignCall) -> CampaignAnswer {
        guard let page = call.page(options) else { return .emptyObject(400) }
        let part = call.value("search")?.lowercased()
        let found = customers.liveIDs.filter {
            part == nil || customers.accounts[$0].name.lowercased().contains(part ?? "")
        }
        let countsDeals = call.value("count_deals") == "true"
        return CampaignAnswer([
            "accounts": .array(found.page(page).map { accountJSON($0, countsDeals: countsDeals) }),
            "meta": ["total": .id(found.count)],
        ])
    }

    private mutating func postAccount(_ call: CampaignCall) -> CampaignAnswer {
        guard let json = call.wrapped("account") else { return .emptyObject(400) }
        guard let name = json["name"]?.text, !name.isEmpty else {
            return .problem(
                "The account name was not provided.", code: "field_missing", pointer: "/data/attributes/name")
        }
        guard customers.find(name) == nil else { return Self.duplicateAccount(name) }
        if let refusal = refusalOfCustomValues(json["fields"], in: customers.fields) { return refusal }
        let id = customers.insert(
            CampaignCustomerRow(
                name: name, url: json["accountUrl"]?.text ?? "", owner: json["owner"]?.text ?? "1", created: now,
                updated: now))
        setCustomValues(json["fields"], of: id, in: \.customers.fields)
        emitAccount(.accountAdd, id)
        return CampaignAnswer(
            status: 201,
            [
                "account": accountJSON(id, countsDeals: false)
                    .setting("customFieldSaveStatus", ["status": "success"])
                    .setting("fields", .array(customValues(of: id, in: customers.fields)))
            ])
    }

    private mutating func putAccount(_ id: UInt32, _ call: CampaignCall) -> CampaignAnswer {
        guard let json = call.wrapped("account") else { return .emptyObject(400) }
        if let name = json["name"]?.text, let other = customers.find(name), other != id {
            return Self.duplicateAccount(name)
        }
        if let refusal = refusalOfCustomValues(json["fields"], in: customers.fields) { return refusal }
        let stamp = now
        customers.update(id) { row in
            if let name = json["name"]?.text, !name.isEmpty { row.name = name }
            if let url = json["accountUrl"]?.text { row.url = url }
            if let owner = json["owner"]?.text { row.owner = owner }
            row.updated = stamp
        }
        setCustomValues(json["fields"], of: id, in: \.customers.fields)
        emitAccount(.accountUpdate, id)
        return CampaignAnswer(["account": accountJSON(id, countsDeals: false)])
    }

    private mutating func bulkDeleteAccounts(_ call: CampaignCall) -> CampaignAnswer {
        for item in call.query where item.name == "ids[]" {
            if let id = UInt32(item.value), customers.contains(id) { customers.remove(id) }
        }
        return .emptyObject()
    }

    private static func duplicateAccount(_ name: String) -> CampaignAnswer {
        .problem(
            "An account named \"\(name)\" already exists. Please choose a new name.", code: "duplicate",
            pointer: "/data/attributes/name")
    }

    private func accountJSON(_ id: UInt32, countsDeals: Bool) -> CampaignJSON {
        let row = customers.accounts[id]
        let people =
            countsDeals ? customers.associationIDs.filter { customers.associations[$0].account == id }.count : 0
        let dealCount = countsDeals ? deals.ids(ofAccount: id).count : 0
        return [
            "name": .string(row.name), "accountUrl": row.url.isEmpty ? .null : .string(row.url),
            "createdTimestamp": stamp(row.created), "updatedTimestamp": stamp(row.updated), "owner": .string(row.owner),
            "contactCount": .id(people), "dealCount": .id(dealCount),
            "links": ["notes": .string("\(baseURL)/accounts/\(id)/notes")], "id": .id(id),
        ]
    }

    // MARK: - Associations

    /// `/accountContacts…`
    mutating func routeAccountContacts(_ call: CampaignCall) -> CampaignAnswer {
        switch (call.method, call.path.count) {
        case ("GET", 1): return listAccountContacts(call)
        case ("POST", 1): return postAccountContact(call)
        default: break
        }
        guard call.path.count == 2, let id = call.pathID(1), customers.hasAssociation(id) else {
            return .noResult("CustomerAccountSubscriber", call.path.count > 1 ? call.path[1] : "")
        }
        switch call.method {
        case "GET": return CampaignAnswer(["accountContact": accountContactJSON(id)])
        case "PUT", "PATCH":
            let title = call.wrapped("accountContact")?["jobTitle"]?.text
            customers.setJobTitle(id, to: title ?? customers.associations[id].jobTitle, at: now)
            emitAccountContact(.accountContactUpdate, id)
            return CampaignAnswer(["accountContact": accountContactJSON(id)])
        case "DELETE":
            customers.removeAssociation(id)
            contacts.touch(customers.associations[id].contact, at: now)
            return .emptyObject()
        default: return .notFound
        }
    }

    private func listAccountContacts(_ call: CampaignCall) -> CampaignAnswer {
        guard let page = call.page(options) else { return .emptyObject(400) }
        let contact = call.value("filters[contact]")
        let account = call.value("filters[account]")
        let found = customers.associationIDs.filter { id in
            let row = customers.associations[id]
            return (contact ?? String(row.contact)) == String(row.contact)
                && (account ?? String(row.account)) == String(row.account)
        }
        return CampaignAnswer([
            "accountContacts": .array(found.page(page).map { accountContactJSON($0) }),
            "meta": ["total": .id(found.count)],
        ])
    }

    private mutating func postAccountContact(_ call: CampaignCall) -> CampaignAnswer {
        let json = call.wrapped("accountContact")
        guard let account = json?["account"]?.identifier, customers.contains(account) else {
            return .noResult("CustomerAccount", json?["account"]?.text ?? "")
        }
        guard let contact = json?["contact"]?.identifier, contacts.contains(contact) else {
            return .noResult("Subscriber", json?["contact"]?.text ?? "")
        }
        guard customers.association(of: contact) == nil else {
            return .problem(
                "This contact is already associated with an account. "
                    + "We currently do not support contacts on multiple accounts.",
                code: "field_invalid", pointer: "/data/attributes/account,contact")
        }
        let id = customers.link(contact: contact, to: account, jobTitle: json?["jobTitle"]?.text ?? "", at: now)
        contacts.touch(contact, at: now)
        emitAccountContact(.accountContactAdd, id)
        return CampaignAnswer(status: 201, ["accountContact": accountContactJSON(id)])
    }

    /// A contact's place in an account as lists show it.
    func accountContactJSON(_ id: UInt32) -> CampaignJSON {
        let row = customers.associations[id]
        return [
            "account": .id(row.account), "contact": .id(row.contact), "jobTitle": .string(row.jobTitle),
            "createdTimestamp": stamp(row.created), "updatedTimestamp": stamp(row.updated),
            "links": [
                "account": .string("\(baseURL)/accountContacts/\(id)/account"),
                "contact": .string("\(baseURL)/accountContacts/\(id)/contact"),
            ], "id": .id(id),
        ]
    }
}
