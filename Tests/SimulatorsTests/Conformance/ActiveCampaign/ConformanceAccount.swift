import Foundation
import Simulators
import Synchronization
import Testing

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

/// One account of its own on the server all conformance tests share, called over real HTTP.
///
/// Each account lives on a simulator and a clock of its own, so that tests move time without moving it for others; the
/// server in front tells them apart by their keys, as it does for everybody.
struct ConformanceAccount {
    let clock: SimulatorClock
    let simulator: ActiveCampaignSimulator
    let account: ActiveCampaignAccount
    private let url: String

    private static let host = ConformanceHost()

    /// An account without limits, unless `change` says otherwise.
    init(
        name: String = "conform", _ change: (inout ActiveCampaignOptions) -> Void = { _ in }
    ) async throws {
        clock = SimulatorClock()
        simulator = ActiveCampaignSimulator(clock: clock)
        var options = ActiveCampaignOptions(name: name, token: UUID().uuidString)
        options.rateLimit = nil
        options.limitsImports = false
        change(&options)
        account = simulator.makeAccount(options)
        url = try await Self.host.url()
        Self.host.add(simulator, token: account.token)
    }

    /// Where a webhook receiver of this account listens.
    func receiver(_ name: String, status: Int = 200) -> String {
        "\(url)/receivers/\(account.token)/\(name)/\(status)"
    }

    /// What receivers of this account got, in order: the receiver's name, its headers and its form.
    var received: [ConformanceHost.Hit] { Self.host.hits(of: account.token) }

    /// Lets another key into the account through the server too.
    func addToken(forbidding: Set<String> = []) -> String {
        let token = account.addToken(forbidding: forbidding)
        Self.host.add(simulator, token: token)
        return token
    }

    /// Makes one call; `target` may have a query.
    func call(
        _ method: String, _ target: String, _ json: String? = nil, token: String? = nil
    ) async throws -> CampaignReply {
        let escaped = target.addingPercentEncoding(withAllowedCharacters: Self.allowed) ?? target
        var request = URLRequest(url: try #require(URL(string: "\(url)/api/3/\(escaped)")), timeoutInterval: 30)
        request.httpMethod = method
        request.httpBody = json.map { Data($0.utf8) }
        request.setValue(token ?? account.token, forHTTPHeaderField: "Api-Token")
        request.setValue("application/json", forHTTPHeaderField: "Content-Type")
        request.httpShouldHandleCookies = false
        let (data, response) = try await URLSession.shared.data(for: request)
        let answer = try #require(response as? HTTPURLResponse)
        let headers = answer.allHeaderFields.map { ("\($0.key)", "\($0.value)") }
        return CampaignReply(SimulatedResponse(status: answer.statusCode, headers: headers, body: data))
    }

    func get(_ target: String, token: String? = nil) async throws -> CampaignReply {
        try await call("GET", target, token: token)
    }
    func post(_ target: String, _ json: String) async throws -> CampaignReply { try await call("POST", target, json) }
    func put(_ target: String, _ json: String) async throws -> CampaignReply { try await call("PUT", target, json) }
    func delete(_ target: String) async throws -> CampaignReply { try await call("DELETE", target) }

    /// Creates a contact and gives its id.
    func contact(_ email: String) async throws -> String {
        let reply = try await post("contacts", #"{"contact":{"email":"\#(email)"}}"#)
        return try #require(reply["contact"]["id"].string)
    }

    /// The contact's `udate`.
    func udate(_ id: String) async throws -> String {
        try #require(try await get("contacts/\(id)")["contact"]["udate"].string)
    }

    /// Imports contacts and lets the clock pass the batch's time.
    func importContacts(_ rows: String) async throws {
        let reply = try await post("import/bulk_import", #"{"contacts":[\#(rows)]}"#)
        try #require(reply.status == 200, "\(reply.text)")
        clock.advance(by: 200)
    }

    /// Adds a webhook for these events from every source.
    func hook(_ name: String, events: [String], status: Int = 200) async throws {
        let names = events.map { "\"\($0)\"" }.joined(separator: ",")
        let reply = try await post(
            "webhooks",
            """
            {"webhook":{"name":"\(name)","url":"\(receiver(name, status: status))","events":[\(names)],
            "sources":["public","admin","api","system"]}}
            """)
        try #require(reply.status == 201, "\(reply.text)")
    }

    private static let allowed = CharacterSet.urlQueryAllowed.subtracting(CharacterSet(charactersIn: "+[]"))
}

/// The one server of the conformance tests, its accounts' simulators by key, and the receivers of their webhooks.
final class ConformanceHost: SimulatedProvider {
    /// One webhook call.
    struct Hit: Sendable {
        let receiver: String
        let contentType: String
        let headers: Set<String>
        let form: [String: String]
    }

    private struct State {
        var simulators: [String: ActiveCampaignSimulator] = [:]
        var received: [String: [Hit]] = [:]
    }

    private let state = Mutex(State())
    private let server = Mutex<SimulatorServer?>(nil)

    /// The server's address; the first call starts it, and it serves until the process ends.
    func url() async throws -> String {
        let (server, isNew) = server.withLock { held in
            if let held { return (held, false) }
            let made = SimulatorServer(clock: SimulatorClock(), providers: [self])
            held = made
            return (made, true)
        }
        if isNew { Task { try await server.run() } }
        return try await server.baseURL
    }

    func add(_ simulator: ActiveCampaignSimulator, token: String) {
        state.withLock { $0.simulators[token] = simulator }
    }

    func hits(of token: String) -> [Hit] { state.withLock { $0.received[token] ?? [] } }

    func handle(_ request: SimulatedRequest) async -> SimulatedResponse? {
        let parts = request.path.split(separator: "/").map(String.init)
        if parts.count == 4, parts[0] == "receivers" { return receive(request, parts) }
        let simulator = state.withLock { $0.simulators[request.headers["api-token"] ?? ""] }
        return await simulator?.handle(request)
    }

    private func receive(_ request: SimulatedRequest, _ parts: [String]) -> SimulatedResponse {
        var form: [String: String] = [:]
        for pair in String(decoding: request.body, as: UTF8.self).split(separator: "&") {
            let sides = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                .map { $0.replacing("+", with: " ").removingPercentEncoding ?? "" }
            form[sides[0]] = sides.count > 1 ? sides[1] : ""
        }
        let hit = Hit(
            receiver: parts[2], contentType: request.headers["content-type"] ?? "", headers: Set(request.headers.keys),
            form: form)
        state.withLock { $0.received[parts[1], default: []].append(hit) }
        return SimulatedResponse(status: Int(parts[3]) ?? 500)
    }
}
