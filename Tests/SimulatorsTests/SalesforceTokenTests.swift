import CryptoExtras
import Foundation
import Testing

@testable import Simulators

@Suite(.timeLimit(.minutes(2)))
struct SalesforceTokenTests {
    private static func encode(_ data: Data) -> String {
        data.base64EncodedString().replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
    }

    static func assertion(
        _ caller: SalesforceCaller, audience: String = "https://login.salesforce.com", lifetime: Double = 180,
        issuer: String? = nil, subject: String? = nil, keyPEM: String? = nil
    ) throws -> String {
        let expiry = Int(caller.clock.now.timeIntervalSince1970 + lifetime)
        let claims: WireJSON = [
            "iss": .string(issuer ?? caller.org.clientID), "sub": .string(subject ?? caller.org.username),
            "aud": .string(audience), "exp": .int(expiry),
        ]
        let signed = encode(Data(#"{"alg":"RS256"}"#.utf8)) + "." + encode(claims.data)
        let key = try _RSA.Signing.PrivateKey(pemRepresentation: keyPEM ?? caller.org.privateKeyPEM)
        let signature = try key.signature(for: Data(signed.utf8), padding: .insecurePKCS1v1_5)
        return signed + "." + encode(signature.rawRepresentation)
    }

    static func token(
        _ caller: SalesforceCaller, _ form: [String: String], basic: String? = nil
    ) async throws -> SalesforceCaller.Answer {
        var allowed = CharacterSet.alphanumerics
        allowed.insert(charactersIn: "-._")
        let body = form.map { "\($0)=\($1.addingPercentEncoding(withAllowedCharacters: allowed) ?? "")" }
            .joined(separator: "&")
        var headers = ["content-type": "application/x-www-form-urlencoded"]
        if let basic { headers["authorization"] = "Basic " + Data(basic.utf8).base64EncodedString() }
        let response = try #require(
            await caller.simulator.handle(
                SimulatedRequest(
                    method: "POST", path: "/services/oauth2/token", headers: headers, body: Data(body.utf8))))
        return SalesforceCaller.Answer(
            status: response.status, headers: response.headers, body: try WireJSON(parsing: response.body))
    }

    static func bearer(
        _ caller: SalesforceCaller, _ assertion: String
    ) async throws -> SalesforceCaller.Answer {
        try await token(
            caller, ["grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": assertion])
    }

    @Test func aSignedAssertionBuysATokenThatWorks() async throws {
        var caller = try SalesforceCaller()
        let answer = try await Self.bearer(caller, Self.assertion(caller))
        #expect(answer.status == 200)
        #expect(answer.body?["expires_in"] == nil)
        #expect(answer.body?["instance_url"] == .string(caller.simulator.instanceURL))
        caller.token = try #require(answer.body?["access_token"]?.stringValue)
        #expect(try await caller.call("GET", "limits").status == 200)
        #expect(caller.org.calls["token"] == 1)
    }

    @Test func eachFlawOfAnAssertionHasItsError() async throws {
        let caller = try SalesforceCaller()
        let foreignKey = try _RSA.Signing.PrivateKey(keySize: .bits2048).pkcs8PEMRepresentation
        let flaws: [(String, String, String)] = [
            (
                try Self.assertion(caller, audience: "https://test.salesforce.com"), "invalid_grant",
                "Audience validation failed"
            ),
            (try Self.assertion(caller, lifetime: -10), "invalid_grant", "expired authorization code"),
            (try Self.assertion(caller, issuer: "unknown"), "invalid_client_id", "client identifier invalid"),
            (try Self.assertion(caller, subject: "x@y.example"), "invalid_grant", "user hasn't approved this consumer"),
            (try Self.assertion(caller, keyPEM: foreignKey), "invalid_grant", "invalid assertion"),
            ("a.b.c", "invalid_grant", "invalid assertion"),
        ]
        for (assertion, code, description) in flaws {
            let answer = try await Self.bearer(caller, assertion)
            #expect(answer.status == 400)
            #expect(answer.body?["error"] == .string(code))
            #expect(answer.body?["error_description"] == .string(description))
        }
        caller.org.isApproved = false
        #expect(try await Self.bearer(caller, Self.assertion(caller)).body?["error"] == "invalid_app_access")
    }

    @Test func aRotatedRefreshTokenWorksOnce() async throws {
        let caller = try SalesforceCaller { $0.rotatesRefreshTokens = true }
        let form = [
            "grant_type": "refresh_token", "client_id": caller.org.clientID, "refresh_token": caller.org.refreshToken,
        ]
        let first = try await Self.token(caller, form)
        #expect(first.status == 200)
        let next = try #require(first.body?["refresh_token"]?.stringValue)
        let second = try await Self.token(caller, form)
        #expect(second.status == 400)
        #expect(second.body?["error_description"] == "expired access/refresh token")
        let third = try await Self.token(caller, form.merging(["refresh_token": next]) { $1 })
        #expect(third.status == 200)
    }

    @Test func withoutRotationTheRefreshTokenStays() async throws {
        let caller = try SalesforceCaller()
        let form = [
            "grant_type": "refresh_token", "client_id": caller.org.clientID, "refresh_token": caller.org.refreshToken,
        ]
        for _ in 0..<3 {
            let answer = try await Self.token(caller, form)
            #expect(answer.status == 200)
            #expect(answer.body?["refresh_token"] == nil)
            #expect(answer.body?["issued_at"]?.stringValue != nil)
        }
        caller.org.revokeTokens(includingRefreshTokens: true)
        #expect(try await Self.token(caller, form).body?["error"] == "invalid_grant")
    }

    @Test func clientCredentialsNeedTheSecretAndARunAsUser() async throws {
        let caller = try SalesforceCaller()
        let form = ["grant_type": "client_credentials"]
        let right = "\(caller.org.clientID):\(caller.org.clientSecret)"
        #expect(try await Self.token(caller, form, basic: right).status == 200)
        let wrong = try await Self.token(caller, form, basic: "\(caller.org.clientID):no")
        #expect(wrong.body?["error"] == "invalid_client")
        caller.org.hasRunAsUser = false
        let disabled = try await Self.token(caller, form, basic: right)
        #expect(disabled.body?["error_description"] == "no client credentials user enabled")
    }

    @Test func aSessionEndsWithItsLifetimeAndWhenRevoked() async throws {
        let caller = try SalesforceCaller { $0.sessionLifetime = 900 }
        #expect(try await caller.call("GET", "limits").status == 200)
        caller.clock.advance(by: 901)
        let expired = try await caller.call("GET", "limits")
        #expect(expired.status == 401)
        #expect(expired.errorCode == "INVALID_SESSION_ID")
        #expect(expired.header("Sforce-Limit-Info") == "api-usage=1/115000")

        var again = caller
        again.token = caller.org.accessToken()
        #expect(try await again.call("GET", "limits").status == 200)
        caller.org.revokeTokens()
        #expect(try await again.call("GET", "limits").status == 401)
    }

    @Test func oneOrgsTokenIsNoOther() async throws {
        let caller = try SalesforceCaller()
        let other = caller.simulator.makeOrg(SalesforceOrgOptions(name: "globex"))
        _ = try caller.org.actAsUser { try $0.create("Contact", ["LastName": "Only Here"]) }
        var foreign = caller
        foreign.token = other.accessToken()
        #expect(try await foreign.values("Id", "SELECT Id FROM Contact").isEmpty)
        #expect(try await caller.values("Id", "SELECT Id FROM Contact").count == 1)
    }
}
