package import Drivers
import Foundation

/// How a client speaks to its org.
package struct SalesforceOptions: Sendable {
    /// The API version, pinned: `66.0` is Spring '26.
    package var apiVersion = "66.0"
    /// Hosts that may be spoken to.
    package var hosts = SalesforceHost.Policy()
    /// Sends bodies gzipped, as Salesforce takes them (reference 15).
    package var compressesRequests = true

    /// Production's options.
    package init() {}

    /// Options for `dev` and `test`: simulators listen on loopback and read plain bodies.
    package static var loopback: SalesforceOptions {
        var options = SalesforceOptions()
        options.hosts = .loopback
        options.compressesRequests = false
        return options
    }
}

/// One tenant's Salesforce org, over REST.
///
/// Every call reads its token afresh and is sent again once, with a new token, after `INVALID_SESSION_ID`: nothing
/// ran. There are no other retries in here: the caller has the budget and the lease, and decides. Every request is
/// told to `onCall`, whatever became of it.
package final class SalesforceClient: Sendable {
    let http: HTTPClient
    let options: SalesforceOptions
    let clock: WallClock
    private let tokens: TokenSource
    private let admit: @Sendable (SalesforceCallClass) async throws(SalesforceError) -> Void
    private let onCall: @Sendable (SalesforceCallRecord) -> Void

    /// Makes a client; nothing is sent yet.
    /// - Parameters:
    ///   - http: shared by all tenants of the process.
    ///   - refreshTokens: where a rotating refresh token lives.
    ///   - admit: asked before each request that the org counts; what it throws is the call's end.
    ///   - onCall: told of each request once it has ended; must not block.
    package init(
        http: HTTPClient, credentials: SalesforceCredentials, options: SalesforceOptions = SalesforceOptions(),
        clock: WallClock = .system, refreshTokens: RefreshTokenStore = .none,
        admit: @escaping @Sendable (SalesforceCallClass) async throws(SalesforceError) -> Void = { _ in },
        onCall: @escaping @Sendable (SalesforceCallRecord) -> Void = { _ in }
    ) {
        self.admit = admit
        self.http = http
        self.options = options
        self.clock = clock
        self.onCall = onCall
        tokens = TokenSource(
            http: http, credentials: credentials, policy: options.hosts, store: refreshTokens, clock: clock,
            onCall: onCall)
    }

    // MARK: - One call

    /// What a call needs beyond its path.
    struct Call {
        var callClass: SalesforceCallClass
        var method: HTTPMethod = .get
        var path: String
        var headers: HTTPHeaders = [:]
        var body: JSONBody?
        /// Whether the driver may send it again on a fresh connection when a kept one was dead.
        var isRepeatable = true
        /// Statuses besides 2xx that the caller reads itself.
        var alsoFine: Set<Int> = []
    }

    /// A body that is JSON already.
    struct JSONBody {
        var data: Data
    }

    /// Sends one call and returns the raw answer, 2xx or one of `alsoFine`.
    func perform(_ call: Call) async throws(SalesforceError) -> HTTPResponse {
        let grant = try await tokens.grant()
        let first = try await exchange(call, grant)
        guard Self.saysSessionIsInvalid(first) else { return try Self.checked(first, call) }
        let renewed = try await tokens.grant(refused: grant.accessToken)
        let second = try await exchange(call, renewed)
        return try Self.checked(second, call)
    }

    /// Sends one call and reads its JSON.
    func json(_ call: Call) async throws(SalesforceError) -> SalesforceAnswer<JSONValue> {
        let response = try await perform(call)
        guard let json = try? JSONValue(reading: response.body) else {
            throw ErrorClassification.unreadable(status: response.status)
        }
        return Self.answer(json, response)
    }

    private func exchange(_ call: Call, _ grant: TokenGrant) async throws(SalesforceError) -> HTTPResponse {
        if call.callClass.isCounted { try await admit(call.callClass) }
        let request = makeRequest(call, grant)
        let start = clock.now
        do throws(HTTPError) {
            let response = try await http.send(request)
            let usage = response.headers["Sforce-Limit-Info"].flatMap { APIUsage(header: $0) }
            onCall(
                SalesforceCallRecord(
                    callClass: call.callClass, usage: usage, requestStart: start,
                    fate: .answered(status: response.status)))
            return response
        } catch {
            onCall(
                SalesforceCallRecord(callClass: call.callClass, usage: nil, requestStart: start, fate: error.fate))
            throw ErrorClassification.classify(error)
        }
    }

    private func makeRequest(_ call: Call, _ grant: TokenGrant) -> HTTPRequest {
        var request = HTTPRequest(
            call.method, grant.instance.origin + call.path, headers: call.headers, body: call.body?.data ?? Data(),
            isRepeatable: call.isRepeatable)
        request.headers["Authorization"] = "Bearer \(grant.accessToken)"
        request.headers["Accept"] = "application/json"
        if call.body != nil {
            request.headers["Content-Type"] = "application/json; charset=UTF-8"
            request.gzipBody = options.compressesRequests
        }
        let isWrite = call.callClass == .write
        request.timeout = isWrite ? SalesforceLimits.writeTimeout : SalesforceLimits.readTimeout
        // Salesforce thinks before the first byte; the total time is what bounds an answer.
        request.idleTimeout = request.timeout
        request.maxBodyBytes = SalesforceLimits.answerBytes
        return request
    }

    // MARK: - Reading answers

    private static func saysSessionIsInvalid(_ response: HTTPResponse) -> Bool {
        guard response.status == 401 else { return false }
        return ErrorClassification.classify(status: 401, body: response.body).verdict == .needsHuman(.credentials)
    }

    private static func checked(_ response: HTTPResponse, _ call: Call) throws(SalesforceError) -> HTTPResponse {
        if (200..<300).contains(response.status) || call.alsoFine.contains(response.status) { return response }
        throw ErrorClassification.classify(status: response.status, body: response.body)
    }

    /// Puts what every answer tells around a value.
    static func answer<Value>(_ value: Value, _ response: HTTPResponse) -> SalesforceAnswer<Value> {
        SalesforceAnswer(
            value: value, usage: response.headers["Sforce-Limit-Info"].flatMap { APIUsage(header: $0) },
            serverDate: response.headers["Date"].flatMap(HTTPDate.parse))
    }

    /// The path of the data API's pinned version.
    var base: String { "/services/data/v\(options.apiVersion)" }
}
