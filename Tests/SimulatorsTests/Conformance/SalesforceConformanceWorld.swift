import Foundation
import Testing

@testable import Simulators

/// One org behind a real server, called over real sockets.
struct SalesforceConformanceWorld: Sendable {
    let clock: SimulatorClock
    let simulator: SalesforceSimulator
    let org: SalesforceOrg
    let port: Int

    /// What came back, decoded as far as it could be.
    struct Answer: Sendable {
        var status = 0
        var headers: [String: String] = [:]
        var text = ""
        var body: WireJSON?
        var wasReset = false

        /// Code of the first error of a data call.
        var errorCode: String? { body?[0]?["errorCode"]?.stringValue }
        /// Text of the first error of a data call.
        var message: String? { body?[0]?["message"]?.stringValue }
        /// The records of a query page.
        var records: [WireJSON] { body?["records"]?.arrayValue ?? [] }
    }

    /// One RSA key for all tests: making one takes a while.
    private static let key = Result { try SalesforceSimulator(clock: SimulatorClock()).privateKeyPEM }

    /// Serves an org while `body` runs.
    static func run(
        _ change: (inout SalesforceOrgOptions) -> Void = { _ in },
        _ body: (SalesforceConformanceWorld) async throws -> Void
    ) async throws {
        let clock = SimulatorClock()
        let faults = FaultPlan()
        let simulator = try SalesforceSimulator(clock: clock, faults: faults, privateKeyPEM: try key.get())
        var options = SalesforceOrgOptions(name: "acme")
        change(&options)
        let org = simulator.makeOrg(options)
        let server = SimulatorServer(clock: clock, providers: [simulator], faults: faults)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await server.run() }
            do {
                let port = try await server.port
                try await body(SalesforceConformanceWorld(clock: clock, simulator: simulator, org: org, port: port))
            } catch {
                await server.stop()
                throw error
            }
            await server.stop()
            try await group.waitForAll()
        }
    }

    // MARK: - Calls

    /// A call below `/services/data/v66.0/`, or to a target that begins with a slash.
    func call(
        _ method: String, _ target: String, _ body: WireJSON? = nil, token: String? = nil,
        headers: [String: String] = [:]
    ) async throws -> Answer {
        let target = target.hasPrefix("/") ? target : "/services/data/v66.0/\(target)"
        var all = headers
        all["Authorization"] = "Bearer \(token ?? org.accessToken())"
        all["Content-Type"] = "application/json"
        return await exchange(method, target, body?.data ?? Data(), all)
    }

    /// A query, `q` not yet encoded.
    func query(_ soql: String, all: Bool = false, headers: [String: String] = [:]) async throws -> Answer {
        let text = soql.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? ""
        return try await call("GET", "\(all ? "queryAll" : "query")?q=\(text)", headers: headers)
    }

    /// A call to the token endpoint.
    func token(_ form: [String: String]) async -> Answer {
        let body = form.map { "\($0)=\($1.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? "")" }
        return await exchange(
            "POST", "/services/oauth2/token", Data(body.joined(separator: "&").utf8),
            ["Content-Type": "application/x-www-form-urlencoded"])
    }

    /// A collections upsert of contacts by `AC_Contact_Id__c`; the rows' results.
    func upsert(_ records: [WireJSON]) async throws -> [WireJSON] {
        let answer = try await call(
            "PATCH", "composite/sobjects/Contact/AC_Contact_Id__c", ["records": .array(records.map(Self.contact))])
        #expect(answer.status == 200)
        return answer.body?.arrayValue ?? []
    }

    /// Members with the attributes of a contact.
    static func contact(_ members: WireJSON) -> WireJSON {
        var object = members.objectValue ?? WireObject()
        object["attributes"] = ["type": "Contact"]
        return .object(object)
    }

    private func exchange(
        _ method: String, _ target: String, _ body: Data, _ headers: [String: String]
    ) async -> Answer {
        var head = "\(method) \(target) HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
        for (name, value) in headers { head += "\(name): \(value)\r\n" }
        if !body.isEmpty { head += "Content-Length: \(body.count)\r\n" }
        return Self.parse(await RawClient.exchange(port: port, head + "\r\n", body))
    }

    private static func parse(_ raw: RawClient.Answer) -> Answer {
        var answer = Answer()
        answer.wasReset = raw.wasReset
        guard let blank = raw.bytes.range(of: Data("\r\n\r\n".utf8)) else { return answer }
        let lines = String(decoding: raw.bytes[..<blank.lowerBound], as: UTF8.self).split(separator: "\r\n")
        answer.status = Int(lines.first?.split(separator: " ").dropFirst().first ?? "") ?? 0
        for line in lines.dropFirst() {
            guard let colon = line.firstIndex(of: ":") else { continue }
            answer.headers[line[..<colon].lowercased()] = String(line[line.index(colon, offsetBy: 2)...])
        }
        let body = Data(raw.bytes[blank.upperBound...])
        answer.text = String(decoding: body, as: UTF8.self)
        answer.body = try? WireJSON(parsing: body)
        return answer
    }
}
