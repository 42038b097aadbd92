import Foundation
import Synchronization

/// `/_control/orgs…`: the orgs of Salesforce.
extension ControlProvider {
    /// The org of a name or an 15- or 18-character org id.
    func org(_ name: String) throws -> SalesforceOrg {
        guard let org = orgIndex.find(name, in: salesforce) else { throw ControlError(.notFound, "no org '\(name)'") }
        return org
    }

    /// Makes orgs, or lists them.
    func orgs(_ call: ControlCall) throws -> WireJSON {
        switch call.method {
        case "GET":
            return try page(call, of: salesforce.orgs.map(\.id), named: "orgs") { summary(try org($0)) }
        case "POST":
            try call.body.allow("name", "count", "options")
            let names = try newNames(call) { orgIndex.find($0, in: salesforce) != nil }
            let options = try call.body.object("options")
            let template = try ControlOrgSwitches.applying(options, to: SalesforceOrgOptions(name: "template"))
            let made = names.map { name in
                var options = template
                options.name = name
                return summary(salesforce.makeOrg(options))
            }
            return ["orgs": .array(made)]
        default: throw Self.unknownRoute(call)
        }
    }

    private func summary(_ org: SalesforceOrg) -> WireJSON {
        [
            "name": .string(org.name), "id": .string(org.id), "url": .string(baseURL),
            "clientId": .string(org.clientID), "clientSecret": .string(org.clientSecret),
            "username": .string(org.username), "refreshToken": .string(org.refreshToken),
        ]
    }

    // MARK: - One org

    func routeOrg(_ call: ControlCall, _ org: SalesforceOrg) throws -> WireJSON {
        switch (call.method, call.name(at: 2), call.path.count) {
        case ("GET", "", 2): return state(org)
        case ("GET", "key", 3): return ["privateKey": .string(org.privateKeyPEM)]
        case ("PATCH", "switches", 3): return try setSwitches(call, org)
        case ("POST", "fields", 3): return try ControlOrgSwitches.addField(call.body, to: org)
        case ("PATCH", "fields", 3): return try ControlOrgSwitches.setAccess(call.body, of: org)
        case ("POST", "seed", 3): return try ControlOrgSeed.run(call.body, in: org)
        case ("POST", "users", 3): return try ControlUsers.act(call.body, in: org)
        case ("GET", "records", 4): return try records(call, org)
        case ("GET", "records", 5): return try record(call, org)
        case ("POST", "marks", 3): return ["mark": .string(marks.add(.org(org.calls.mark())))]
        case ("GET", "calls", 3): return try calls(call, org)
        case ("POST", "tokens", 3): return try tokens(call, org)
        default: throw Self.unknownRoute(call)
        }
    }

    private func state(_ org: SalesforceOrg) -> WireJSON {
        let usage = org.apiUsage
        let counts = ["Contact", "Lead", "Account", "Opportunity"].map { ($0, WireJSON.int(org.count($0))) }
        return [
            "name": .string(org.name), "id": .string(org.id), "records": .object(WireObject(counts)),
            "apiUsage": ["used": .int(usage.used), "limit": .int(usage.limit)],
            "isApproved": .bool(org.isApproved), "hasRunAsUser": .bool(org.hasRunAsUser),
            "calls": Self.json(org.calls.byClass),
        ]
    }

    private func setSwitches(_ call: ControlCall, _ org: SalesforceOrg) throws -> WireJSON {
        try ControlOrgSwitches.set(call.body, of: org)
        return state(org)
    }

    private func records(_ call: ControlCall, _ org: SalesforceOrg) throws -> WireJSON {
        let limit = try call.queryInt("limit", in: 1...SimulatorsLimits.Control.pageRows, default: 1_000)
        let after = try call.queryInt("after", in: -1...Int.max - 1, default: -1)
        guard let page = org.page(of: call.path[3], after: after, limit: limit) else {
            throw ControlError(.notFound, "no object '\(call.path[3])'")
        }
        let includesDeleted = call.queryText("deleted") == "true"
        let rows = page.records.filter { includesDeleted || !$0.isDeleted }
        var answer = WireObject([("records", .array(try rows.map { try Self.json($0, org) }))])
        if let next = page.next { answer["after"] = .int(next) }
        return .object(answer)
    }

    private func record(_ call: ControlCall, _ org: SalesforceOrg) throws -> WireJSON {
        guard let record = org.record(call.path[4]), record.object == call.path[3] else {
            throw ControlError(.notFound, "no \(call.path[3]) of that id in '\(org.name)'")
        }
        return try Self.json(record, org)
    }

    private static func json(_ record: SalesforceRecord, _ org: SalesforceOrg) throws -> WireJSON {
        let fields = record.fields.sorted { $0.key < $1.key }.map { ($0.key, $0.value.controlJSON) }
        return .object(WireObject([("id", .string(record.id)), ("object", .string(record.object))] + fields))
    }

    private func calls(_ call: ControlCall, _ org: SalesforceOrg) throws -> WireJSON {
        guard let name = call.queryText("since") else { return Self.json(org.calls.byClass) }
        guard case .org(let mark)? = marks.mark(name) else {
            throw ControlError(.notFound, "no mark '\(name)' of an org")
        }
        return Self.json(org.calls.since(mark))
    }

    private static func json(_ calls: [String: Int]) -> WireJSON {
        let classes = calls.map { ($0.key, WireJSON.int($0.value)) }.sorted { $0.0 < $1.0 }
        return ["total": .int(calls.values.reduce(0, +)), "byClass": .object(WireObject(classes))]
    }

    private func tokens(_ call: ControlCall, _ org: SalesforceOrg) throws -> WireJSON {
        try call.body.allow("do", "refreshTokens")
        switch try call.body.requiredText("do") {
        case "open": return ["accessToken": .string(org.accessToken())]
        case "revoke":
            org.revokeTokens(includingRefreshTokens: try call.body.truth("refreshTokens", default: false))
            return ["revoked": true]
        default: throw ControlError(.badRequest, "do: want open or revoke")
        }
    }
}

/// Orgs by name and id, learnt as they appear: the simulator itself finds them by token only.
final class ControlOrgIndex: Sendable {
    private struct State {
        var byName: [String: SalesforceOrg] = [:]
        var seen = 0
    }

    private let state = Mutex(State())

    func find(_ name: String, in salesforce: SalesforceSimulator) -> SalesforceOrg? {
        let orgs = salesforce.orgs
        return state.withLock { state in
            for org in orgs.dropFirst(state.seen) {
                state.byName[org.name] = org
                state.byName[org.id] = org
                state.byName[String(org.id.prefix(15))] = org
            }
            state.seen = max(state.seen, orgs.count)
            return state.byName[name]
        }
    }
}

extension FieldValue {
    /// The value as the control interface shows it.
    var controlJSON: WireJSON {
        switch self {
        case .null: .null
        case .text(let text): .string(text)
        case .number(let number): .double(number)
        case .bool(let truth): .bool(truth)
        case .date(let day): .string(Timestamp.date(day))
        case .dateTime(let seconds): .string(Timestamp.json(seconds))
        }
    }
}

extension SalesforceOrg {
    /// Records by row, deleted ones included, after the row `after` (-1 starts); `next` is nil at the end. Nil for an
    /// object the org does not have.
    func page(of object: String, after: Int, limit: Int) -> (records: [SalesforceRecord], next: Int?)? {
        transaction { state, _ in
            let database = state.records.database
            guard let table = database.table(object) else { return nil }
            let rows = database.tables[table].rows
            var found: [SalesforceRecord] = []
            var number = after + 1
            while number < rows.count, found.count < limit {
                if rows[number].state != .purged {
                    found.append(
                        SalesforceRecord(
                            id: database.id(table, number), object: database.definition(table).name,
                            fields: state.records.fieldValues(rows[number], table: table, number: number)))
                }
                number += 1
            }
            return (found, number < rows.count ? number - 1 : nil)
        }
    }
}
