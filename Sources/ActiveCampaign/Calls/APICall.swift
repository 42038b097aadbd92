import Drivers
import Foundation

/// One call as data: what is asked, how it may be repeated, and on whose allowance.
struct APICall: Sendable {
    let kind: ActiveCampaignCall.Kind
    var method: HTTPMethod = .get
    /// Below `/api/3/`, without a leading slash; made of constants and numbers.
    var path: String
    var query: [(name: String, value: String)] = []
    var body = Data()
    /// Whether doing it twice leaves the account as after once (reference 1.10).
    var isRepeatable = true
    var lanes: [PaceLane] = [.calls]

    /// A call that reads.
    static func get(
        _ kind: ActiveCampaignCall.Kind, _ path: String, _ query: [(name: String, value: String)] = []
    ) -> APICall {
        APICall(kind: kind, path: path, query: query)
    }

    /// A call with a JSON body.
    static func write(
        _ kind: ActiveCampaignCall.Kind, _ method: HTTPMethod, _ path: String, _ body: some Encodable,
        isRepeatable: Bool = true
    ) throws(ActiveCampaignError) -> APICall {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        guard let data = try? encoder.encode(body) else {
            throw ActiveCampaignError(.ourBug(code: "unencodable_body"), call: kind)
        }
        return APICall(kind: kind, method: method, path: path, body: data, isRepeatable: isRepeatable)
    }

    /// The request to `account`.
    func request(to account: AccountURL, token: APIToken) -> HTTPRequest {
        var headers: HTTPHeaders = ["Api-Token": token.secret, "Accept": "application/json"]
        if !body.isEmpty { headers.add("Content-Type", "application/json") }
        var request = HTTPRequest(method, url(on: account), headers: headers, body: body, isRepeatable: isRepeatable)
        request.timeout = ActiveCampaignLimits.timeout
        request.idleTimeout = ActiveCampaignLimits.idleTimeout
        request.maxBodyBytes = ActiveCampaignLimits.answerBytes
        return request
    }

    private func url(on account: AccountURL) -> String {
        let pairs = query.map { "\(Self.escaped($0.name))=\(Self.escaped($0.value))" }
        return account.resource(path) + (pairs.isEmpty ? "" : "?" + pairs.joined(separator: "&"))
    }

    /// Percent-encodes all but RFC 3986's unreserved characters; `+` and `[` too, which servers read differently.
    static func escaped(_ text: String) -> String {
        text.utf8.reduce(into: "") { result, byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                result.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                let digits = String(byte, radix: 16, uppercase: true)
                result += digits.count == 1 ? "%0\(digits)" : "%\(digits)"
            }
        }
    }
}

/// An API key. Its description and its mirror are empty of it, so that no log or error can hold it by accident.
struct APIToken: Sendable, CustomStringConvertible, CustomReflectable {
    let secret: String

    /// Takes a key as it was stored; blanks around it are cut off.
    /// - Throws: `needsHuman(.credentials)` for one that is empty, too long or could break a header.
    init(_ text: String) throws(ActiveCampaignError) {
        let trimmed = text.trimmingCharacters(in: .whitespacesAndNewlines)
        let isPlausible =
            !trimmed.isEmpty && trimmed.utf8.count <= ActiveCampaignLimits.tokenLength
            && trimmed.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7f }
        guard isPlausible else {
            throw ActiveCampaignError(.needsHuman(.credentials), call: .usersMe)
        }
        secret = trimmed
    }

    var description: String { "API key" }
    var customMirror: Mirror { Mirror(self, children: []) }
}
