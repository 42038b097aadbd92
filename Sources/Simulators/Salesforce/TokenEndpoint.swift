import CryptoExtras
import Foundation

/// Why the token endpoint refused; its body is an object, unlike a data call's.
struct OAuthError: Error {
    let code: String
    let description: String
    var status = 400

    init(_ code: String, _ description: String, status: Int = 400) {
        self.code = code
        self.description = description
        self.status = status
    }

    var response: SimulatedResponse {
        .json(status, ["error": .string(code), "error_description": .string(description)])
    }

    static var unknownClient: OAuthError { OAuthError("invalid_client_id", "client identifier invalid") }
}

/// `/services/oauth2/…`: the three server-to-server flows, name and password, revoke, introspect and userinfo (reference section 1).
struct TokenEndpoint {
    let registry: OrgRegistry
    let key: _RSA.Signing.PublicKey
    let instanceURL: String
    let now: Double

    /// A form's or query's items by name; the last of a repeated name wins.
    private struct Form {
        private let items: [String: String]

        init(_ request: SimulatedRequest) {
            let body = String(decoding: request.body, as: UTF8.self)
            let all = request.query + RequestTarget.items(body[...])
            items = Dictionary(all.map { ($0.name, $0.value) }, uniquingKeysWith: { $1 })
        }

        subscript(_ name: String) -> String? { items[name] }
    }

    /// Answers a call below `/services/oauth2/`.
    func answer(_ request: SimulatedRequest, path: String) -> SimulatedResponse {
        let form = Form(request)
        do throws(OAuthError) {
            switch path {
            case "token": return try token(form, request)
            case "revoke": return try revoke(form)
            case "introspect": return try introspect(form, request)
            case "userinfo": return userInfo(request)
            default: return SimulatedResponse(status: 404)
            }
        } catch {
            return error.worded(by: org(of: request)?.identity.unconfirmed.texts ?? [:]).response
        }
    }

    /// The org a token call is about, as far as its form tells.
    func org(of request: SimulatedRequest) -> SalesforceOrg? {
        let form = Form(request)
        if let assertion = form["assertion"].flatMap({ JWTAssertion($0) }) {
            return registry.org(username: assertion.subject)
        }
        if let name = form["username"] { return registry.org(username: name) }
        if let token = form["refresh_token"] ?? form["token"] { return registry.org(token: token) }
        return (form["client_id"] ?? Self.basic(request)?.id).flatMap { registry.org(clientID: $0) }
    }

    private func token(_ form: Form, _ request: SimulatedRequest) throws(OAuthError) -> SimulatedResponse {
        guard request.method == "POST" else { throw OAuthError("invalid_request", "must use HTTP POST") }
        if let code = org(of: request)?.identity.unconfirmed.tokenRefusal {
            throw OAuthError(code, Self.refusals[code] ?? code)
        }
        switch form["grant_type"] {
        case "urn:ietf:params:oauth:grant-type:jwt-bearer": return try bearer(form)
        case "refresh_token": return try refresh(form)
        case "password": return try password(form)
        case "client_credentials": return try clientCredentials(form, request)
        default: throw OAuthError("unsupported_grant_type", "grant type not supported")
        }
    }

    /// Texts of the codes an org may be set to refuse with.
    private static let refusals = [
        "inactive_org": "organization is not active", "rate_limit_exceeded": "login rate exceeded",
        "invalid_grant": "authentication failure",
    ]

    // MARK: - Flows

    private func bearer(_ form: Form) throws(OAuthError) -> SimulatedResponse {
        guard let assertion = form["assertion"].flatMap({ JWTAssertion($0) }) else {
            throw OAuthError("invalid_grant", "invalid assertion")
        }
        guard registry.knows(clientID: assertion.issuer) else { throw .unknownClient }
        guard assertion.isSigned(by: key) else { throw OAuthError("invalid_grant", "invalid assertion") }
        guard assertion.expiry > now else { throw OAuthError("invalid_grant", "expired authorization code") }
        guard let org = registry.org(username: assertion.subject), org.clientID == assertion.issuer else {
            throw OAuthError("invalid_grant", "user hasn't approved this consumer")
        }
        let unconfirmed = org.identity.unconfirmed
        let login = org.identity.isSandbox ? "https://test.salesforce.com" : "https://login.salesforce.com"
        guard
            assertion.audience == login || (unconfirmed.takesInstanceAudience && assertion.audience == instanceURL)
        else { throw OAuthError("invalid_grant", "Audience validation failed") }
        if let most = unconfirmed.assertionSeconds, assertion.expiry > now + most {
            throw OAuthError("invalid_grant", "invalid assertion")
        }
        guard org.isApproved else {
            throw OAuthError("invalid_app_access", "user is not admin approved to access this app")
        }
        org.countTokenCall()
        let access = org.openSession(now: now)
        return .json(
            200,
            [
                "access_token": .string(access), "scope": "id api", "instance_url": .string(instanceURL),
                "id": identityURL(org), "token_type": "Bearer",
            ])
    }

    private func refresh(_ form: Form) throws(OAuthError) -> SimulatedResponse {
        let dead = OAuthError("invalid_grant", "expired access/refresh token")
        guard let clientID = form["client_id"], registry.knows(clientID: clientID) else { throw .unknownClient }
        guard let token = form["refresh_token"], let org = registry.org(token: token), org.clientID == clientID else {
            throw dead
        }
        if let secret = form["client_secret"], secret != org.clientSecret {
            throw OAuthError("invalid_client", "invalid client credentials")
        }
        org.countTokenCall()
        guard let tokens = org.refreshSession(token, now: now) else { throw dead }
        var answer = issued(org, access: tokens.access)
        answer["scope"] = "refresh_token api"
        if let refresh = tokens.refresh { answer["refresh_token"] = .string(refresh) }
        return .json(200, .object(answer))
    }

    /// A name and password; the token is appended to the password, as at the SOAP login.
    private func password(_ form: Form) throws(OAuthError) -> SimulatedResponse {
        guard let clientID = form["client_id"], registry.knows(clientID: clientID) else { throw .unknownClient }
        guard let org = form["username"].flatMap(registry.org(username:)), org.clientID == clientID,
            org.checkPassword(form["password"] ?? "") == .right
        else { throw OAuthError("invalid_grant", "authentication failure") }
        guard form["client_secret"] == org.clientSecret else {
            throw OAuthError("invalid_client", "invalid client credentials")
        }
        org.countTokenCall()
        return .json(200, .object(issued(org, access: org.openSession(now: now))))
    }

    private func clientCredentials(
        _ form: Form, _ request: SimulatedRequest
    ) throws(OAuthError) -> SimulatedResponse {
        let basic = Self.basic(request)
        guard let clientID = basic?.id ?? form["client_id"], let org = registry.org(clientID: clientID) else {
            throw .unknownClient
        }
        org.countTokenCall()
        guard (basic?.secret ?? form["client_secret"]) == org.clientSecret else {
            throw OAuthError("invalid_client", "invalid client credentials")
        }
        guard org.hasRunAsUser else { throw OAuthError("invalid_grant", "no client credentials user enabled") }
        var answer = issued(org, access: org.openSession(now: now))
        answer["scope"] = "api"
        return .json(200, .object(answer))
    }

    private func issued(_ org: SalesforceOrg, access: String) -> WireObject {
        WireObject([
            ("access_token", .string(access)), ("signature", "c2ltdWxhdGVkLXNpZ25hdHVyZQ=="),
            ("instance_url", .string(instanceURL)), ("id", identityURL(org)), ("token_type", "Bearer"),
            ("issued_at", .string(String(Int(now * 1000)))),
        ])
    }

    private func identityURL(_ org: SalesforceOrg) -> WireJSON {
        .string("\(instanceURL)/id/\(org.identity.id)/\(org.identity.userID)")
    }

    // MARK: - Tokens that exist

    private func revoke(_ form: Form) throws(OAuthError) -> SimulatedResponse {
        guard let token = form["token"], let org = registry.org(token: token), org.revoke(token) else {
            throw OAuthError("invalid_token", "token not found")
        }
        return SimulatedResponse(status: 200)
    }

    private func introspect(_ form: Form, _ request: SimulatedRequest) throws(OAuthError) -> SimulatedResponse {
        guard let clientID = form["client_id"] ?? Self.basic(request)?.id, registry.knows(clientID: clientID) else {
            throw .unknownClient
        }
        guard let token = form["token"], let org = registry.org(token: token),
            let expiry = org.sessionExpiry(token, now: now)
        else { return .json(200, ["active": false]) }
        return .json(
            200,
            [
                "active": true, "scope": "id api", "client_id": .string(org.clientID),
                "username": .string(org.username), "token_type": "access_token", "exp": .int(Int(expiry)),
            ])
    }

    private func userInfo(_ request: SimulatedRequest) -> SimulatedResponse {
        guard let token = BearerToken.of(request), let org = registry.org(token: token),
            org.sessionExpiry(token, now: now) != nil
        else { return SimulatedResponse(status: 403, body: Data("Bad_OAuth_Token".utf8)) }
        return .json(
            200,
            [
                "user_id": .string(org.identity.userID), "organization_id": .string(org.identity.id),
                "preferred_username": .string(org.username),
            ])
    }

    private static func basic(_ request: SimulatedRequest) -> (id: String, secret: String)? {
        guard let header = request.headers["authorization"], header.lowercased().hasPrefix("basic "),
            let data = Data(base64Encoded: String(header.dropFirst(6)))
        else { return nil }
        let parts = String(decoding: data, as: UTF8.self).split(separator: ":", maxSplits: 1).map(String.init)
        return parts.count == 2 ? (parts[0], parts[1]) : nil
    }
}

/// The token of an `Authorization` header.
enum BearerToken {
    /// `Bearer` and the older `OAuth` scheme are both accepted.
    static func of(_ request: SimulatedRequest) -> String? {
        guard let header = request.headers["authorization"] else { return nil }
        let parts = header.split(separator: " ", maxSplits: 1)
        guard parts.count == 2, ["bearer", "oauth"].contains(parts[0].lowercased()) else { return nil }
        return String(parts[1])
    }
}

extension SimulatedResponse {
    /// An answer with a JSON body.
    static func json(_ status: Int, _ body: WireJSON) -> SimulatedResponse {
        SimulatedResponse(
            status: status, headers: [("Content-Type", "application/json;charset=UTF-8")], body: body.data)
    }
}
