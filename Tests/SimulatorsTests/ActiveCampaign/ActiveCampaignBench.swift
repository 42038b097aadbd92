import Foundation
import Simulators
import Synchronization
import Testing

/// One account on a simulator of its own, called without a socket.
struct ActiveCampaignBench {
    let clock = SimulatorClock()
    let simulator: ActiveCampaignSimulator
    let account: ActiveCampaignAccount
    let received = CampaignReceived()

    /// An account without limits, unless `change` says otherwise.
    init(
        name: String = "acme", receiverStatus: Int? = 200, _ change: (inout ActiveCampaignOptions) -> Void = { _ in }
    ) {
        let received = received
        simulator = ActiveCampaignSimulator(clock: clock) { post in
            received.note(post)
            return receiverStatus
        }
        var options = ActiveCampaignOptions(name: name)
        options.rateLimit = nil
        options.limitsImports = false
        change(&options)
        account = simulator.makeAccount(options)
    }

    /// Makes one call with the account's key; `target` may have a query, percent-encoded.
    func call(_ method: String, _ target: String, _ json: String? = nil, token: String? = nil) async throws
        -> CampaignReply
    {
        let parts = target.split(separator: "?", maxSplits: 1).map { String($0) }
        let items = URLComponents(string: "?" + (parts.count > 1 ? parts[1] : ""))?.queryItems ?? []
        let request = SimulatedRequest(
            method: method, path: "/api/3/" + parts[0], query: items.map { ($0.name, $0.value ?? "") },
            headers: ["api-token": token ?? account.token], body: Data((json ?? "").utf8))
        return CampaignReply(try #require(await simulator.handle(request)))
    }

    func get(_ target: String) async throws -> CampaignReply { try await call("GET", target) }
    func post(_ target: String, _ json: String) async throws -> CampaignReply { try await call("POST", target, json) }
    func put(_ target: String, _ json: String) async throws -> CampaignReply { try await call("PUT", target, json) }
    func delete(_ target: String) async throws -> CampaignReply { try await call("DELETE", target) }
}

/// An answer, read by Foundation and not by the simulator's own reader.
struct CampaignReply {
    let response: SimulatedResponse
    let json: CampaignReplyJSON

    init(_ response: SimulatedResponse) {
        self.response = response
        json = (try? JSONDecoder().decode(CampaignReplyJSON.self, from: response.body)) ?? .null
    }

    var status: Int { response.status }
    var text: String { String(decoding: response.body, as: UTF8.self) }

    func header(_ name: String) -> String? {
        response.headers.first { $0.name.lowercased() == name.lowercased() }?.value
    }

    subscript(key: String) -> CampaignReplyJSON { json[key] }
}

/// A JSON value for assertions; a string and a number are never the same.
enum CampaignReplyJSON: Decodable, Equatable {
    case null
    case bool(Bool)
    case number(Double)
    case string(String)
    case array([CampaignReplyJSON])
    case object([String: CampaignReplyJSON])

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .null
        } else if let flag = try? container.decode(Bool.self) {
            self = .bool(flag)
        } else if let number = try? container.decode(Double.self) {
            self = .number(number)
        } else if let text = try? container.decode(String.self) {
            self = .string(text)
        } else if let elements = try? container.decode([CampaignReplyJSON].self) {
            self = .array(elements)
        } else {
            self = .object(try container.decode([String: CampaignReplyJSON].self))
        }
    }

    subscript(key: String) -> CampaignReplyJSON {
        if case .object(let members) = self { members[key] ?? .null } else { .null }
    }
    subscript(index: Int) -> CampaignReplyJSON { array.indices.contains(index) ? array[index] : .null }
    var string: String? { if case .string(let text) = self { text } else { nil } }
    var int: Int? { if case .number(let number) = self { Int(number) } else { nil } }
    var bool: Bool? { if case .bool(let flag) = self { flag } else { nil } }
    var array: [CampaignReplyJSON] { if case .array(let elements) = self { elements } else { [] } }
    var strings: [String] { array.compactMap(\.string) }
    var keys: Set<String> { if case .object(let members) = self { Set(members.keys) } else { [] } }
    var isNull: Bool { self == .null }
}

/// What webhook receivers got.
final class CampaignReceived: Sendable {
    struct Hit: Sendable {
        let url: URL
        let method: String
        let contentType: String
        let headers: [String: String]
        let form: [String: String]
    }

    private let all = Mutex<[Hit]>([])

    var hits: [Hit] { all.withLock { $0 } }
    var types: [String] { hits.compactMap { $0.form["type"] } }

    func note(_ post: ActiveCampaignPost) {
        let query = String(decoding: post.body, as: UTF8.self).replacingOccurrences(of: "+", with: "%20")
        var form: [String: String] = [:]
        for pair in query.split(separator: "&") {
            let sides = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            form[String(sides[0]).removingPercentEncoding ?? ""] =
                sides.count > 1 ? String(sides[1]).removingPercentEncoding ?? "" : ""
        }
        let headers = Dictionary(post.headers.map { ($0.name, $0.value) }) { $1 }
        let hit = Hit(
            url: post.url, method: post.method, contentType: post.contentType, headers: headers, form: form)
        all.withLock { $0.append(hit) }
    }
}
