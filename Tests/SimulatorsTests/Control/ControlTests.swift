import Foundation
import Testing

@testable import Simulators

@Suite(.timeLimit(.minutes(2)))
struct ControlTests {
    @Test func nobodyGetsInWithoutTheToken() async throws {
        let caller = try ControlCaller()
        for token in ["", "wrong", caller.control.token + "x"] {
            let answer = try await caller.call("GET", "world", token: token)
            #expect(answer.status == 401 && answer.body["error"] == "unauthorized")
        }
        #expect(try await caller.call("GET", "world").status == 200)
        #expect(caller.control.token != (try ControlCaller().control.token))
    }

    @Test func everyRouteOfTheGuideIsThereAndNoOther() async throws {
        let caller = try ControlCaller()
        _ = try await caller.done("POST", "accounts", ["name": "A"])
        _ = try await caller.done("POST", "orgs", ["name": "O"])
        for (call, _) in ControlGuide.routes {
            let words = call.split(separator: " ")
            for method in words[0].split(separator: "|") {
                let path = String(words[1].dropFirst()).replacing("OBJECT", with: "Contact").replacing("/N", with: "/1")
                let answer = try await caller.call(String(method), path)
                let message = answer.body["message"]?.stringValue ?? ""
                #expect(!message.hasPrefix("no route"), "\(method) \(path): \(message)")
            }
        }
        for (method, path) in [("GET", "nothing"), ("PUT", "accounts/A"), ("GET", "accounts/A/seed/x")] {
            let answer = try await caller.call(method, path)
            #expect(answer.status == 404 && answer.body["message"]?.stringValue?.hasPrefix("no route") == true)
        }
        #expect(try await caller.call("GET", "accounts/B").status == 404)
        #expect(try await caller.call("GET", "orgs/P").status == 404)
    }

    @Test func thousandsOfAccountsAndOrgsAreMadeAtOnceAndEachHasItsOwnCredentials() async throws {
        let caller = try ControlCaller()
        let accounts = try await caller.done("POST", "accounts", ["name": "t", "count": 2_000])
        let orgs = try await caller.done("POST", "orgs", ["name": "t", "count": 2_000])
        let tokens = accounts["accounts"]?.arrayValue?.compactMap { $0["token"]?.stringValue } ?? []
        let names = orgs["orgs"]?.arrayValue?.compactMap { $0["username"]?.stringValue } ?? []
        #expect(Set(tokens).count == 2_000 && Set(names).count == 2_000)
        #expect(caller.activeCampaign.account(token: tokens[1_234])?.name == "t-1235")
        let page = try await caller.done("GET", "orgs?offset=1999&limit=5")
        #expect(page["orgs"]?[0]?["name"] == "t-2000" && page["total"] == 2_000)
        #expect(try await caller.call("POST", "accounts", ["name": "t", "count": 3]).status == 409)
        #expect(try await caller.call("POST", "orgs", ["name": "t-7"]).status == 409)
        #expect(try await caller.call("POST", "orgs", ["name": "a b"]).status == 400)
    }

    @Test(
        arguments: [
            ("accounts", ["name": "B", "colour": "red"], "colour"), ("accounts", ["count": 2], "name"),
            ("accounts", ["name": "B", "options": ["rateLimits": 5]], "rateLimits"),
            ("accounts", ["name": "B", "options": ["rateLimit": "5"]], "rateLimit"),
            ("accounts", ["name": "B", "options": ["seed": .null]], "seed"),
            ("orgs", ["name": "B", "options": ["isSandbox": 1]], "isSandbox"),
            ("orgs", ["name": "B", "options": ["colour": 1]], "colour"),
            ("accounts/A/seed", ["count": 0], "count"), ("accounts/A/people", ["as": "ghost"], "as"),
            ("accounts/A/people", ["actions": [["do": "dance", "contact": 1]]], "do"),
            ("orgs/O/users", ["actions": [["do": "create", "object": "Contact", "feilds": [:]]]], "feilds"),
            ("faults", ["effect": "explode"], "effect"), ("faults", ["effect": "reset", "rate": 2], "rate"),
            ("clock", ["advance": 3], "advance"),
        ] as [(String, WireJSON, String)])
    func aBadMemberIsRefusedAndNamed(path: String, body: WireJSON, name: String) async throws {
        let caller = try ControlCaller()
        _ = try await caller.done("POST", "accounts", ["name": "A"])
        _ = try await caller.done("POST", "orgs", ["name": "O"])
        let answer = try await caller.call("POST", path, body)
        #expect(answer.status == 400, "\(answer.body)")
        #expect(answer.body["message"]?.stringValue?.contains(name) == true, "\(answer.body)")
        #expect(caller.activeCampaign.accounts.count == 1 && caller.salesforce.orgs.count == 1)
    }

    @Test func everyOptionOfAnOrgCanBeSetHere() {
        for option in Mirror(reflecting: SalesforceOrgOptions(name: "")).children.compactMap(\.label)
        where option != "name" {
            #expect(ControlOrgSwitches.knows(option), "\(option)")
        }
    }

    @Test func switchesOfAnAccountAreReadAndChangedWhileItLives() async throws {
        let caller = try ControlCaller()
        _ = try await caller.done("POST", "accounts", ["name": "A", "options": ["timeZone": "Europe/Berlin"]])
        var options = try await caller.done("GET", "accounts/A/options")
        #expect(options["timeZone"] == "Europe/Berlin" && options["rateLimit"] == 5 && options["contactLimit"] == .null)
        options = try await caller.done(
            "PATCH", "accounts/A/options",
            ["rateLimit": .null, "webhookDuplicateRate": 0.5, "importLatency": [0, 9], "limitedBody": "html"])
        let account = try #require(caller.activeCampaign.account(named: "A"))
        #expect(account.options.rateLimit == nil && account.options.webhookDuplicateRate == 0.5)
        #expect(account.options.importLatency == 0...9 && account.options.limitedBody == .html)
        #expect(account.options.timeZone == "Europe/Berlin")
        #expect(try await caller.call("PATCH", "accounts/A/options", ["name": "B"]).status == 400)
    }

    @Test func theClockOfBothProvidersMoves() async throws {
        let caller = try ControlCaller()
        let before = caller.clock.now
        _ = try await caller.done("POST", "clock", ["advanceSeconds": 3_600])
        #expect(caller.clock.now.timeIntervalSince(before) >= 3_600)
        _ = try await caller.done("POST", "clock", ["offsetSeconds": 0])
        #expect(caller.clock.now.timeIntervalSince(before) < 3_600)
    }

    @Test func faultsAreSetCountedAndTakenBackAndNeverStrikeControl() async throws {
        let caller = try ControlCaller()
        _ = try await caller.done("POST", "accounts", ["name": "A"])
        _ = try await caller.done("POST", "orgs", ["name": "O"])
        let id = try await caller.done(
            "POST", "faults", ["effect": "answer", "status": 503, "html": "<p>no</p>", "account": "A", "times": 2])
        let request = SimulatedRequest(method: "GET", path: "/api/3/users/me")
        let mine = SimulatedCallIdentity(account: "A", callClass: "identity")
        let other = SimulatedCallIdentity(account: "B", callClass: "identity")
        let wanted = FaultEffect.answer(status: 503, body: .html("<p>no</p>"))
        #expect(caller.salesforce.faults.effect(for: request, identity: other) == nil)
        #expect(caller.salesforce.faults.effect(for: request, identity: mine) == wanted)
        #expect(try await caller.done("GET", "faults/\(id["id"]?.intValue ?? 0)")["strikes"] == 1)
        let org = try await caller.done("POST", "faults", ["effect": "loseAnswer", "org": "O", "rate": 1])
        let orgID = try #require(caller.salesforce.orgs.first?.id)
        #expect(
            caller.salesforce.faults.effect(
                for: request, identity: SimulatedCallIdentity(account: orgID, callClass: "row")) == .loseAnswer)
        _ = try await caller.done("DELETE", "faults/\(org["id"]?.intValue ?? 0)")
        _ = try await caller.done("DELETE", "faults")
        #expect(caller.salesforce.faults.effect(for: request, identity: mine) == nil)
        #expect(caller.control.isBeyondFaults && !caller.salesforce.isBeyondFaults)
        #expect(try await caller.call("POST", "faults", ["effect": "reset", "org": "nobody"]).status == 404)
    }
}
