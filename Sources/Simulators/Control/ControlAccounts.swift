import Foundation

/// `/_control/accounts…`: the accounts of ActiveCampaign.
extension ControlProvider {
    func account(_ name: String) throws -> ActiveCampaignAccount {
        guard let account = activeCampaign.account(named: name) else {
            throw ControlError(.notFound, "no account '\(name)'")
        }
        return account
    }

    /// Makes accounts, or lists them.
    func accounts(_ call: ControlCall) throws -> WireJSON {
        switch call.method {
        case "GET":
            return try page(call, of: activeCampaign.accounts.map(\.name), named: "accounts") { name in
                summary(try account(name))
            }
        case "POST":
            try call.body.allow("name", "count", "options")
            let options = try call.body.object("options")
            let names = try newNames(call) { activeCampaign.account(named: $0) != nil }
            // Read once before any is made, so that a bad switch makes nothing.
            let template = try ControlSwitches.applying(options, to: ActiveCampaignOptions(name: "template"))
            let made = names.map { name in
                var options = template
                options.name = name
                return summary(activeCampaign.makeAccount(options))
            }
            return ["accounts": .array(made)]
        default: throw Self.unknownRoute(call)
        }
    }

    /// `NAME`, or `NAME-1` … `NAME-COUNT`; none may be taken.
    func newNames(_ call: ControlCall, isTaken: (String) -> Bool) throws -> [String] {
        let name = try call.body.requiredText("name")
        let isName = !name.isEmpty && name.utf8.count <= 63 && name.utf8.allSatisfy(Self.isNameByte)
        guard isName else { throw ControlError(.badRequest, "name: want letters, digits and dashes, at most 63") }
        let names: [String]
        if call.body.object["count"] == nil {
            names = [name]
        } else {
            names = try (1...call.body.int("count", in: 1...SimulatorsLimits.Control.made, default: 1))
                .map { "\(name)-\($0)" }
        }
        if let taken = names.first(where: isTaken) { throw ControlError(.full, "'\(taken)' is taken") }
        return names
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"):
            true
        default: false
        }
    }

    /// A page of names after `after`, each shown by `show`.
    func page(
        _ call: ControlCall, of names: [String], named key: String, show: (String) throws -> WireJSON
    ) throws -> WireJSON {
        let limit = try call.queryInt("limit", in: 1...SimulatorsLimits.Control.pageRows, default: 1_000)
        let start = try call.queryInt("offset", in: 0...Int.max, default: 0)
        let part = names.dropFirst(start).prefix(limit)
        return .object(WireObject([(key, .array(try part.map(show))), ("total", .int(names.count))]))
    }

    private func summary(_ account: ActiveCampaignAccount) -> WireJSON {
        [
            "name": .string(account.name), "url": .string(baseURL), "host": .string("\(account.name).api-us1.com"),
            "token": .string(account.token),
        ]
    }

    // MARK: - One account

    func routeAccount(_ call: ControlCall, _ account: ActiveCampaignAccount) async throws -> WireJSON {
        switch (call.method, call.name(at: 2), call.path.count) {
        case ("GET", "", 2): return state(account)
        case ("GET", "options", 3): return try ControlSwitches.json(account.options)
        case ("PATCH", "options", 3): return try setOptions(call, account)
        case ("POST", "fields", 3): return try addField(call, account)
        case ("POST", "lists", 3):
            try call.body.allow("name")
            return ["id": .int(account.addList(name: try call.body.requiredText("name")))]
        case ("POST", "segments", 3): return try addSegment(call, account)
        case ("POST", "noise", 3): return try makeNoise(call, account)
        case ("POST", "seed", 3): return try seed(call, account)
        case ("POST", "people", 3): return try ControlPeople.act(call.body, in: account)
        case ("POST", "automations", 3): return try ControlPeople.runAutomation(call.body, in: account)
        case ("GET", "contacts", 3): return try contacts(call, account)
        case ("GET", "contacts", 4): return try contact(call.path[3], account)
        case ("POST", "marks", 3): return ["mark": .string(marks.add(.account(account.mark())))]
        case ("GET", "calls", 3): return try calls(call, account)
        case ("POST", "tokens", 3): return try tokens(call, account)
        case ("POST", "webhooks-settled", 3):
            await account.webhooksSettled()
            return state(account)
        default: throw Self.unknownRoute(call)
        }
    }

    private func state(_ account: ActiveCampaignAccount) -> WireJSON {
        let tally = account.webhookTally
        return [
            "name": .string(account.name), "contacts": .int(account.contactCount),
            "importsOpen": .int(account.importsOpen),
            "secondsUntilImportsSettle": .double(account.secondsUntilImportsSettle),
            "webhooks": [
                "delivered": .int(tally.delivered), "refused": .int(tally.refused),
                "overflowed": .int(tally.overflowed),
            ],
            "calls": Self.json(account.calls),
        ]
    }

    private func setOptions(_ call: ControlCall, _ account: ActiveCampaignAccount) throws -> WireJSON {
        guard call.body.object["name"] == nil, call.body.object["token"] == nil else {
            throw ControlError(.badRequest, "name and token of an account stay")
        }
        let options = try ControlSwitches.applying(call.body.object, to: account.options)
        account.options = options
        return try ControlSwitches.json(options)
    }

    private func addField(_ call: ControlCall, _ account: ActiveCampaignAccount) throws -> WireJSON {
        try call.body.allow("title", "type", "options", "perstag")
        let id = account.addField(
            title: try call.body.requiredText("title"),
            type: try call.body.word("type") ?? .text, options: try call.body.texts("options"),
            perstag: try call.body.text("perstag"))
        return ["id": .int(id)]
    }

    private func addSegment(_ call: ControlCall, _ account: ActiveCampaignAccount) throws -> WireJSON {
        try call.body.allow("name", "tag", "list", "field", "value")
        let name = try call.body.text("name") ?? "segment"
        let rule: ActiveCampaignSegmentRule
        if let tag = try call.body.text("tag") {
            rule = .tag(tag)
        } else if let field = try call.body.text("field") {
            rule = .field(perstag: field, value: try call.body.requiredText("value"))
        } else {
            let list = try call.body.int("list", in: 0...Int(UInt32.max), default: 0)
            guard list > 0 else { throw ControlError(.badRequest, "one of tag, list and field is wanted") }
            rule = .list(list)
        }
        return ["id": .int(account.addSegment(name: name, rule))]
    }

    private func makeNoise(_ call: ControlCall, _ account: ActiveCampaignAccount) throws -> WireJSON {
        try call.body.allow("count")
        let count = try call.body.int("count", in: 1...SimulatorsLimits.Control.seeded, default: 1)
        account.openMails(count: count)
        return ["count": .int(count)]
    }

    private func seed(_ call: ControlCall, _ account: ActiveCampaignAccount) throws -> WireJSON {
        try call.body.allow("count", "prefix", "domain", "fields", "tags", "ageSeconds")
        let count = try call.body.int("count", in: 1...SimulatorsLimits.Control.seeded, default: 1)
        let domain = try call.body.text("domain")
        var (first, last, left) = (Int.max, 0, count)
        while left > 0 {
            let ids = try account.seed(
                count: min(left, SimulatorsLimits.Control.seedStep), prefix: try call.body.text("prefix") ?? "person",
                domain: domain, fields: try call.body.texts("fields"), tags: try call.body.texts("tags"),
                age: try call.body.int("ageSeconds", in: 0...1_000_000_000, default: 86_400))
            first = min(first, ids.lowerBound)
            last = ids.upperBound
            left -= SimulatorsLimits.Control.seedStep
        }
        return ["first": .int(first), "last": .int(last)]
    }

    // MARK: - Reading

    private func contacts(_ call: ControlCall, _ account: ActiveCampaignAccount) throws -> WireJSON {
        let limit = try call.queryInt("limit", in: 1...SimulatorsLimits.Control.pageRows, default: 1_000)
        let after = try call.queryInt("after", in: 0...Int(UInt32.max), default: 0)
        let rows = account.contacts(after: after, limit: limit)
        var answer = WireObject([("contacts", .array(rows.map(Self.json)))])
        if rows.count == limit, let last = rows.last { answer["after"] = .int(last.id) }
        return .object(answer)
    }

    private func contact(_ name: String, _ account: ActiveCampaignAccount) throws -> WireJSON {
        guard let contact = Int(name).map({ account.contact($0) }) ?? account.contact(email: name) else {
            throw ControlError(.notFound, "no such contact in '\(account.name)'")
        }
        return Self.json(contact)
    }

    static func json(_ contact: ActiveCampaignContact) -> WireJSON {
        [
            "id": .int(contact.id), "email": .string(contact.email), "firstName": .string(contact.firstName),
            "lastName": .string(contact.lastName), "phone": .string(contact.phone),
            "fields": .object(
                WireObject(contact.fields.sorted { $0.key < $1.key }.map { ($0.key, .string($0.value)) })),
            "tags": .array(contact.tags.sorted().map(WireJSON.string)),
            "lists": .object(
                WireObject(contact.lists.sorted { $0.key < $1.key }.map { (String($0.key), .int($0.value)) })),
            "accountName": contact.accountName.map(WireJSON.string) ?? .null,
            "created": .int(contact.created), "updated": .int(contact.updated),
        ]
    }

    private func calls(_ call: ControlCall, _ account: ActiveCampaignAccount) throws -> WireJSON {
        guard let name = call.queryText("since") else { return Self.json(account.calls) }
        guard case .account(let mark)? = marks.mark(name) else {
            throw ControlError(.notFound, "no mark '\(name)' of an account")
        }
        return Self.json(account.calls(since: mark))
    }

    private static func json(_ calls: ActiveCampaignCalls) -> WireJSON {
        let classes = calls.byClass.map { ($0.key.rawValue, WireJSON.int($0.value)) }.sorted { $0.0 < $1.0 }
        return [
            "total": .int(calls.total), "writes": .int(calls.writes), "limited": .int(calls.limited),
            "importsLimited": .int(calls.importsLimited), "byClass": .object(WireObject(classes)),
        ]
    }

    private func tokens(_ call: ControlCall, _ account: ActiveCampaignAccount) throws -> WireJSON {
        try call.body.allow("do", "forbidding", "token")
        switch try call.body.requiredText("do") {
        case "revoke":
            account.revokeToken()
            return ["revoked": true]
        case "rotate": return ["token": .string(account.rotateToken())]
        case "add":
            return ["token": .string(account.addToken(forbidding: Set(try call.body.texts("forbidding"))))]
        case "disableUser":
            account.disableUser(ofToken: try call.body.requiredText("token"))
            return ["disabled": true]
        default: throw ControlError(.badRequest, "do: want revoke, rotate, add or disableUser")
        }
    }
}
