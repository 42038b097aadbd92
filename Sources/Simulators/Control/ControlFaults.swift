/// `/_control/faults…`: what goes wrong, by plan and by seeded rate.
extension ControlProvider {
    func routeFaults(_ call: ControlCall) throws -> WireJSON {
        switch (call.method, call.path.count) {
        case ("POST", 1): return ["id": .int(try addFault(call.body))]
        case ("GET", 1): return ["faults": .int(faults.count)]
        case ("DELETE", 1):
            faults.removeAll()
            return ["faults": 0]
        case ("PATCH", 1):
            try call.body.allow("seed")
            faults.reseed(UInt64(try call.body.int("seed", in: 0...Int.max, default: 1)))
            return ["faults": .int(faults.count)]
        case ("GET", 2):
            let id = try faultID(call)
            return ["id": .int(id), "strikes": .int(faults.strikes(of: id))]
        case ("DELETE", 2):
            let id = try faultID(call)
            faults.remove(id)
            return ["id": .int(id), "strikes": .int(faults.strikes(of: id))]
        default: throw Self.unknownRoute(call)
        }
    }

    private func faultID(_ call: ControlCall) throws -> Int {
        guard let id = Int(call.path[1]) else { throw ControlError(.notFound, "no fault '\(call.path[1])'") }
        return id
    }

    private func addFault(_ body: ControlBody) throws -> Int {
        try body.allow(
            "effect", "status", "json", "html", "seconds", "account", "org", "method", "pathPrefix", "callClass",
            "times", "skipping", "rate")
        guard faults.count < SimulatorsLimits.faults else { throw ControlError(.full, "too many faults") }
        var match = FaultMatch(
            account: try body.text("account"), method: try body.text("method")?.uppercased(),
            pathPrefix: try body.text("pathPrefix"), callClass: try body.text("callClass"))
        if let account = match.account { _ = try self.account(account) }
        if let org = try body.text("org") { match.account = try self.org(org).id }
        return faults.add(try effect(body), on: match, try frequency(body))
    }

    private func effect(_ body: ControlBody) throws -> FaultEffect {
        switch try body.requiredText("effect") {
        case "answer":
            return .answer(status: try body.int("status", in: 200...599, default: 500), body: try faultBody(body))
        case "cutBody": return .cutBody
        case "reset": return .reset
        case "stall": return .stall(seconds: try body.number("seconds", in: 0...3_600) ?? 1)
        case "loseAnswer": return .loseAnswer
        case "revokeToken": return .revokeToken
        case "salesforceConcurrentLimit": return .salesforceConcurrentLimit
        case "salesforceMaintenance": return .salesforceMaintenance
        case "salesforceNoRoute": return .salesforceNoRoute
        case "salesforceUnknownException": return .salesforceUnknownException
        default:
            throw ControlError(
                .badRequest,
                """
                effect: want answer, cutBody, reset, stall, loseAnswer, revokeToken, salesforceConcurrentLimit, \
                salesforceMaintenance, salesforceNoRoute or salesforceUnknownException
                """)
        }
    }

    private func faultBody(_ body: ControlBody) throws -> FaultBody {
        if let html = try body.text("html") { return .html(html) }
        guard let json = body.object["json"] else { return .empty }
        return .json(json.stringValue ?? String(decoding: json.data, as: UTF8.self))
    }

    private func frequency(_ body: ControlBody) throws -> FaultFrequency {
        if let rate = try body.number("rate", in: 0...1) { return .rate(rate) }
        return .times(
            try body.int("times", in: 1...Int(Int32.max), default: 1),
            skipping: try body.int("skipping", in: 0...Int(Int32.max), default: 0))
    }
}
