import Foundation
import Testing

@testable import Simulators

/// Logging in where nobody could confirm how it goes.
@Suite(.timeLimit(.minutes(2)))
struct SalesforceUnconfirmedLoginTests {
    private func caller(_ change: (inout SalesforceUnconfirmed) -> Void) throws -> SalesforceCaller {
        try SalesforceUnconfirmedTests.caller(change)
    }

    private func credentials(_ it: SalesforceCaller) async throws -> SalesforceCaller.Answer {
        let form = [
            "grant_type": "client_credentials", "client_id": it.org.clientID, "client_secret": it.org.clientSecret,
        ]
        return try await SalesforceTokenTests.token(it, form)
    }

    @Test(arguments: [true, false])
    func theOrgsOwnHostIsAnAudienceOrNot(takes: Bool) async throws {
        let it = try caller { $0.takesInstanceAudience = takes }
        let own = try SalesforceTokenTests.assertion(it, audience: it.simulator.instanceURL)
        #expect(try await SalesforceTokenTests.bearer(it, own).status == (takes ? 200 : 400))
        #expect(try await SalesforceTokenTests.bearer(it, SalesforceTokenTests.assertion(it)).status == 200)
    }

    @Test func anAssertionMayBeGoodForTooLong() async throws {
        let it = try caller {
            $0.assertionSeconds = 300
            $0.texts = ["invalid assertion": "too long"]
        }
        let short = try SalesforceTokenTests.assertion(it, lifetime: 180)
        #expect(try await SalesforceTokenTests.bearer(it, short).status == 200)
        let long = try await SalesforceTokenTests.bearer(it, SalesforceTokenTests.assertion(it, lifetime: 900))
        #expect(long.status == 400 && long.body?["error_description"] == "too long")
    }

    @Test(arguments: [true, false])
    func aFlowHandsOutTheLiveSessionOrANewOne(reuses: Bool) async throws {
        let it = try caller { $0.reusesSessions = reuses }
        let first = try await credentials(it).body?["access_token"]
        #expect(try await (credentials(it).body?["access_token"] == first) == reuses)
        it.clock.advance(by: 7_300)
        #expect(try await credentials(it).body?["access_token"] != first)
    }

    @Test(arguments: [true, false])
    func useExtendsASessionOrNot(extends: Bool) async throws {
        let it = try caller { $0.sessionsExtendWithUse = extends }
        for _ in 0..<3 {
            it.clock.advance(by: 3_000)
            _ = try await it.call("GET", "limits")
        }
        #expect(try await it.call("GET", "limits").status == (extends ? 200 : 401))
    }

    @Test(arguments: [true, false])
    func tokenCallsCountOrNot(count: Bool) async throws {
        let it = try caller { $0.countsTokenCalls = count }
        #expect(try await credentials(it).status == 200)
        #expect(it.org.apiUsage.used == (count ? 1 : 0))
    }

    @Test func everyTokenCallMayBeRefused() async throws {
        let it = try caller { $0.tokenRefusal = "inactive_org" }
        let answer = try await credentials(it)
        #expect(answer.status == 400 && answer.body?["error"] == "inactive_org")
        #expect(answer.body?["error_description"]?.stringValue?.isEmpty == false)
    }
}
