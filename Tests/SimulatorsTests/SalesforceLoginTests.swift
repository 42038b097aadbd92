import Foundation
import Testing

@testable import Simulators

/// The SOAP login and the password flow, as `simple-salesforce` uses them.
@Suite(.timeLimit(.minutes(2)))
struct SalesforceLoginTests {
    private static func login(
        _ caller: SalesforceCaller, _ name: String, _ password: String, organization: String? = nil
    ) async throws -> (status: Int, text: String) {
        let scope = organization.map {
            "<urn:LoginScopeHeader><urn:organizationId>\($0)</urn:organizationId></urn:LoginScopeHeader>"
        }
        let body = """
            <?xml version="1.0" encoding="utf-8" ?>
            <env:Envelope xmlns:env="http://schemas.xmlsoap.org/soap/envelope/" xmlns:urn="urn:partner.soap.sforce.com">
              <env:Header>\(scope ?? "")</env:Header>
              <env:Body><n1:login xmlns:n1="urn:partner.soap.sforce.com">
                <n1:username>\(name)</n1:username><n1:password>\(password)</n1:password>
              </n1:login></env:Body>
            </env:Envelope>
            """
        let response = try #require(
            await caller.simulator.handle(
                SimulatedRequest(
                    method: "POST", path: "/services/Soap/u/59.0",
                    headers: ["content-type": "text/xml", "soapaction": "login"], body: Data(body.utf8))))
        return (response.status, String(decoding: response.body, as: UTF8.self))
    }

    private static func element(_ name: String, _ text: String) -> String? {
        guard let start = text.firstRange(of: "<\(name)>"), let end = text.firstRange(of: "</\(name)>") else {
            return nil
        }
        return String(text[start.upperBound..<end.lowerBound])
    }

    @Test func aNamePasswordAndTokenBuyASession() async throws {
        var caller = try SalesforceCaller()
        let org = caller.org
        let answer = try await Self.login(caller, org.username, org.password + org.securityToken)
        #expect(answer.status == 200)
        #expect(
            Self.element("serverUrl", answer.text)
                == "\(caller.simulator.instanceURL)/services/Soap/u/59.0/\(org.id.prefix(15))")
        caller.token = try #require(Self.element("sessionId", answer.text))
        #expect(try await caller.call("GET", "limits").status == 200)
        #expect(org.calls["token"] == 1)
    }

    @Test func aWrongPasswordIsAFault() async throws {
        let caller = try SalesforceCaller()
        let org = caller.org
        for (name, password) in [(org.username, "no"), ("nobody@x.example", org.password + org.securityToken)] {
            let answer = try await Self.login(caller, name, password)
            #expect(answer.status == 500)
            #expect(Self.element("sf:exceptionCode", answer.text) == "INVALID_LOGIN")
            #expect(Self.element("sf:exceptionMessage", answer.text)?.hasPrefix("Invalid username, password") == true)
        }
    }

    @Test func thePasswordAloneNeedsATrustedNetwork() async throws {
        let strange = try SalesforceCaller()
        let refused = try await Self.login(strange, strange.org.username, strange.org.password)
        #expect(Self.element("sf:exceptionCode", refused.text) == "LOGIN_MUST_USE_SECURITY_TOKEN")
        let known = try SalesforceCaller { $0.trustsNetwork = true }
        let right = try await Self.login(known, known.org.username, known.org.password, organization: known.org.id)
        #expect(right.status == 200)
        let other = try await Self.login(
            known, known.org.username, known.org.password, organization: "00D000000000999")
        #expect(other.status == 500)
    }

    @Test func thePasswordFlowBuysATokenToo() async throws {
        let caller = try SalesforceCaller()
        let org = caller.org
        func token(_ password: String) async throws -> (Int, WireJSON) {
            let name = org.username.replacing("@", with: "%40")
            let body =
                "grant_type=password&client_id=\(org.clientID)&client_secret=\(org.clientSecret)&username=\(name)&password=\(password)"
            let response = try #require(
                await caller.simulator.handle(
                    SimulatedRequest(method: "POST", path: "/services/oauth2/token", body: Data(body.utf8))))
            return (response.status, try WireJSON(parsing: response.body))
        }
        let right = try await token(org.password + org.securityToken)
        #expect(right.0 == 200 && right.1["access_token"]?.stringValue != nil)
        let wrong = try await token("no")
        #expect(wrong.0 == 400 && wrong.1["error"] == "invalid_grant")
    }

    @Test func theOrgTellsWhetherItIsASandbox() async throws {
        let caller = try SalesforceCaller { $0.isSandbox = true }
        let found = try await caller.query("SELECT Id, IsSandbox FROM Organization LIMIT 1")
        #expect(found["records"]?[0]?["IsSandbox"] == true)
        #expect(found["records"]?[0]?["Id"] == .string(caller.org.id))
    }

    @Test func anAccountHasAnEntityTag() async throws {
        let caller = try SalesforceCaller()
        let id = try caller.org.actAsUser { try $0.create("Account", ["Name": "Acme"]) }
        let tag = try #require(try await caller.call("GET", "sobjects/Account/\(id)").header("ETag"))
        let same = try await caller.call("GET", "sobjects/Account/\(id)", headers: ["if-none-match": tag])
        #expect(same.status == 304)
        caller.clock.advance(by: 2)
        #expect(
            try await caller.call("PATCH", "sobjects/Account/\(id)", ["Phone": "1"], headers: ["if-match": tag]).status
                == 204)
        #expect(
            try await caller.call("PATCH", "sobjects/Account/\(id)", ["Phone": "2"], headers: ["if-match": tag]).status
                == 412)
        #expect(caller.org.record(id)?["Phone"] == "1")
    }
}
