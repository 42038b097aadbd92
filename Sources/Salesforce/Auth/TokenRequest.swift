import Drivers
import Foundation
import JWTKit

/// What the token endpoint grants.
struct TokenGrant: Sendable {
    /// The access token, to be treated as opaque.
    let accessToken: String
    /// Where the org's data is.
    let instance: SalesforceHost
    /// A new refresh token, when the app rotates them; the old one is dead.
    let refreshToken: String?
}

/// Requests to the token endpoint and what its answers mean (reference 1).
enum TokenRequest {
    /// The claims of a JWT assertion.
    private struct Assertion: JWTPayload {
        let iss: String
        let sub: String
        let aud: String
        /// Seconds since 1970; milliseconds here would read as long expired.
        let exp: Int

        func verify(using algorithm: some JWTAlgorithm) throws {}
    }

    /// Makes the request for `credentials`.
    /// - Parameter refreshToken: stands in for the one in `credentials`, after rotation.
    static func make(
        _ credentials: SalesforceCredentials, refreshToken: String?, login: SalesforceHost, now: Date
    ) async throws(SalesforceError) -> HTTPRequest {
        var headers: HTTPHeaders = [
            "Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json",
        ]
        var items: [(name: String, value: String)] = []
        switch credentials {
        case .jwt(let clientID, let username, let key, _, let audience):
            let assertion = Assertion(
                iss: clientID, sub: username, aud: audience ?? login.origin,
                exp: Int(now.timeIntervalSince1970) + SalesforceLimits.assertionSeconds)
            items.append(("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"))
            items.append(("assertion", try await sign(assertion, key)))
        case .refreshToken(let clientID, let secret, let token, _):
            items += [
                ("grant_type", "refresh_token"), ("refresh_token", refreshToken ?? token), ("client_id", clientID),
            ]
            if let secret { items.append(("client_secret", secret)) }
        case .clientCredentials(let clientID, let secret, _):
            items.append(("grant_type", "client_credentials"))
            headers["Authorization"] = "Basic " + Data("\(clientID):\(secret)".utf8).base64EncodedString()
        }
        var request = HTTPRequest(
            .post, login.origin + "/services/oauth2/token", headers: headers,
            body: Data(PercentEncoding.form(items).utf8))
        request.timeout = SalesforceLimits.tokenTimeout
        request.maxBodyBytes = SalesforceLimits.tokenAnswerBytes
        return request
    }

    private static func sign(_ assertion: Assertion, _ privateKeyPEM: String) async throws(SalesforceError) -> String {
        do {
            let keys = JWTKeyCollection()
            await keys.add(rsa: try Insecure.RSA.PrivateKey(pem: privateKeyPEM), digestAlgorithm: .sha256)
            return try await keys.sign(assertion)
        } catch {
            // The cause may quote the key.
            throw SalesforceError(code: "BAD_PRIVATE_KEY", verdict: .needsHuman(.credentials))
        }
    }

    /// Reads the answer.
    /// - Throws: the classified refusal, or `badHost` when the answer names a host that is not Salesforce's.
    static func read(_ response: HTTPResponse, policy: SalesforceHost.Policy) throws(SalesforceError) -> TokenGrant {
        guard (200..<300).contains(response.status) else {
            throw ErrorClassification.classifyToken(status: response.status, body: response.body)
        }
        guard let json = try? JSONValue(reading: response.body), let token = json["access_token"]?.string,
            !token.isEmpty, token.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f }),
            let instance = json["instance_url"]?.string
        else { throw ErrorClassification.unreadable(status: response.status) }
        return TokenGrant(
            accessToken: token, instance: try SalesforceHost(instance, policy: policy),
            refreshToken: json["refresh_token"]?.string)
    }
}
