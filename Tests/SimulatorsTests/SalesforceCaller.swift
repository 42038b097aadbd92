import Foundation
import Testing

@testable import Simulators

/// Calls one org's API without a socket.
struct SalesforceCaller {
    let simulator: SalesforceSimulator
    let clock: SimulatorClock
    let org: SalesforceOrg
    var token: String

    static let version = "66.0"

    /// One RSA key for all tests: making one takes a while.
    private static let keyed = Result { try SalesforceSimulator(clock: SimulatorClock()) }

    init(_ change: (inout SalesforceOrgOptions) -> Void = { _ in }) throws {
        clock = SimulatorClock()
        simulator = try SalesforceSimulator(clock: clock, privateKeyPEM: try Self.keyed.get().privateKeyPEM)
        var options = SalesforceOrgOptions(name: "acme")
        change(&options)
        org = simulator.makeOrg(options)
        token = org.accessToken()
    }

    struct Answer {
        let status: Int
        let headers: [(name: String, value: String)]
        let body: WireJSON?

        func header(_ name: String) -> String? { headers.first { $0.name.lowercased() == name.lowercased() }?.value }
        /// Code of the first error of a data call's error array.
        var errorCode: String? { body?[0]?["errorCode"]?.stringValue }
        var message: String? { body?[0]?["message"]?.stringValue }
    }

    /// A call below `/services/data/v66.0/`, or to an absolute path.
    func call(
        _ method: String, _ path: String, query: [(name: String, value: String)] = [], _ body: WireJSON? = nil,
        headers: [String: String] = [:]
    ) async throws -> Answer {
        let absolute = path.hasPrefix("/") ? path : "/services/data/v\(Self.version)/\(path)"
        var all = headers
        all["authorization"] = "Bearer \(token)"
        let response = try #require(
            await simulator.handle(
                SimulatedRequest(
                    method: method, path: absolute, query: query, headers: all, body: body?.data ?? Data())))
        let json = response.body.isEmpty ? nil : try WireJSON(parsing: response.body)
        return Answer(status: response.status, headers: response.headers, body: json)
    }

    /// A query; the answer is its body, which must be a success.
    func query(_ soql: String, all: Bool = false, headers: [String: String] = [:]) async throws -> WireJSON {
        let answer = try await call("GET", all ? "queryAll" : "query", query: [("q", soql)], headers: headers)
        #expect(answer.status == 200, "\(soql): \(answer.message ?? "")")
        return try #require(answer.body)
    }

    /// The values of one field over a query's first page.
    func values(_ field: String, _ soql: String, all: Bool = false) async throws -> [WireJSON] {
        try await query(soql, all: all)["records"]?.arrayValue?.map { $0[field] ?? .null } ?? []
    }

    /// A collections upsert of contacts by `AC_Contact_Id__c`.
    func upsert(_ records: [WireJSON], allOrNone: Bool = false) async throws -> [WireJSON] {
        let typed = records.map { record -> WireJSON in
            var object = record.objectValue ?? WireObject()
            object["attributes"] = ["type": "Contact"]
            return .object(object)
        }
        let answer = try await call(
            "PATCH", "composite/sobjects/Contact/AC_Contact_Id__c",
            ["allOrNone": .bool(allOrNone), "records": .array(typed)])
        #expect(answer.status == 200)
        return answer.body?.arrayValue ?? []
    }
}

extension WireJSON {
    /// `statusCode` of the first error of a collections row.
    var rowError: String? { self["errors"]?[0]?["statusCode"]?.stringValue }
}
