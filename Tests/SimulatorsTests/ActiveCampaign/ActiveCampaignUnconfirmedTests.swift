import Foundation
import Simulators
import Synchronization
import Testing

/// What no page confirms and a switch decides: erasure, money, callbacks, users, and how deliveries run.
@Suite(.timeLimit(.minutes(2)))
struct ActiveCampaignUnconfirmedTests {
    // MARK: - Erasure

    @Test(arguments: ActiveCampaignOptions.Erasure.allCases)
    func anErasedContactIsWhatTheSwitchSays(erasure: ActiveCampaignOptions.Erasure) async throws {
        let bench = ActiveCampaignBench { $0.erasure = erasure }
        bench.account.addField(title: "City")
        try bench.account.actAsPerson {
            _ = try $0.addContact(
                email: "ada@x.example", firstName: "Ada", lastName: "L", phone: "1", fields: ["CITY": "Rome"])
        }
        #expect(try await bench.get("contacts/1")["contact"]["anonymized"].string == "0")
        bench.clock.advance(by: 60)
        try bench.account.actAsPerson { try $0.erase(1) }
        let reply = try await bench.get("contacts/1")
        let found = try await bench.get("contacts?email=ada@x.example")["contacts"].array
        switch erasure {
        case .deletes:
            #expect(reply.status == 404 && found.isEmpty)
        case .flags:
            #expect(reply["contact"]["anonymized"].string == "1" && reply["contact"]["firstName"].string == "Ada")
            #expect(found.count == 1)
        case .anonymizes:
            #expect(reply["contact"]["anonymized"].string == "1" && found.isEmpty)
            for text in ["ada@x.example", "Ada", "Rome"] { #expect(!reply.text.contains(text), "\(text)") }
        }
    }

    // MARK: - Money

    @Test(arguments: ActiveCampaignOptions.CurrencyShape.allCases)
    func aMoneyValueHasItsCurrencyWhereTheSwitchSays(shape: ActiveCampaignOptions.CurrencyShape) async throws {
        let bench = ActiveCampaignBench {
            $0.currencyShape = shape
            $0.importLatency = 0...0
        }
        bench.account.addField(title: "Budget", type: .currency)
        let value =
            switch shape {
            case .currency, .none: #""value":"100","currency":"eur""#
            case .fieldCurrency: #""value":"100","fieldCurrency":"eur""#
            case .nested: #""value":{"value":"100","currency":"eur"}"#
            }
        for call in [
            ("contacts", #"{"contact":{"email":"a@x.example","fieldValues":[{"field":"1",\#(value)}]}}"#),
            ("contact/sync", #"{"contact":{"email":"b@x.example","fieldValues":[{"field":"1",\#(value)}]}}"#),
            ("import/bulk_import", #"{"contacts":[{"email":"c@x.example","fields":[{"id":1,\#(value)}]}]}"#),
            ("contact/sync", #"{"contact":{"email":"d@x.example"}}"#),
            ("fieldValues", #"{"fieldValue":{"contact":4,"field":1,\#(value)}}"#),
        ] { #expect(try await bench.post(call.0, call.1).status < 300, "\(call.0)") }
        for contact in 1...4 {
            let row = try await bench.get("contacts/\(contact)/fieldValues")["fieldValues"][0]
            switch shape {
            case .currency: #expect(row["value"].string == "100" && row["currency"].string == "eur")
            case .fieldCurrency: #expect(row["value"].string == "100" && row["fieldCurrency"].string == "eur")
            case .nested: #expect(row["value"]["value"].string == "100" && row["value"]["currency"].string == "eur")
            case .none: #expect(row["value"].string == "100" && row["currency"].isNull)
            }
        }
    }

    @Test func aCurrencyThatAloneChangesIsAChange() async throws {
        let bench = ActiveCampaignBench { $0.idleSyncMovesUpdateTime = false }
        bench.account.addField(title: "Budget", type: .currency)
        func sync(_ currency: String) async throws -> Int {
            bench.clock.advance(by: 60)
            let value = #"{"field":"1","value":"100","currency":"\#(currency)"}"#
            let body = #"{"contact":{"email":"a@x.example","fieldValues":[\#(value)]}}"#
            _ = try await bench.post("contact/sync", body)
            return try #require(bench.account.contact(1)).updated
        }
        let first = try await sync("eur")
        #expect(try await sync("eur") == first)
        #expect(try await sync("usd") > first)
    }

    // MARK: - Callbacks

    @Test func aCallbackIsTriedAsOftenAsTheSwitchSays() async throws {
        let bench = ActiveCampaignBench(receiverStatus: 500) {
            $0.importLatency = 0...0
            $0.importCallbackTries = 3
            $0.importCallbackRetrySeconds = 60
        }
        let body = #"{"contacts":[{"email":"a@x.example"}],"callback":{"url":"https://me.example/cb"}}"#
        _ = try await bench.post("import/bulk_import", body)
        #expect(bench.account.importsOpen == 0)
        for tries in 1...3 {
            let deadline = ContinuousClock.now + .seconds(20)
            while bench.account.webhookTally.refused < tries, ContinuousClock.now < deadline { await Task.yield() }
            #expect(bench.account.webhookTally.refused == tries)
            bench.clock.advance(by: 61)
        }
        await bench.account.webhooksSettled()
        #expect(bench.received.hits.count == 3)
    }

    @Test func aCallbackCarriesItsParametersAndHeaders() async throws {
        let bench = ActiveCampaignBench { $0.importLatency = 0...0 }
        for type in ["POST", "GET"] {
            _ = try await bench.post(
                "import/bulk_import",
                """
                {"contacts":[{"email":"a@x.example"}],"callback":{"url":"https://me.example/cb","requestType":"\(type)",
                "detailed_results":"true","params":[{"key":"k","value":"v w"}],"headers":[{"key":"X-Auth","value":"s"}]}}
                """)
            #expect(bench.account.importsOpen == 0)
            await bench.account.webhooksSettled()
        }
        let (post, get) = (bench.received.hits[0], bench.received.hits[1])
        #expect(post.method == "POST" && get.method == "GET")
        #expect(post.headers == ["X-Auth": "s"] && get.headers == ["X-Auth": "s"])
        #expect(post.form["k"] == "v w" && post.form["successes"] == "1")
        #expect(get.form.isEmpty && get.url.query()?.contains("k=v+w") == true)
        #expect(get.url.query()?.contains("successes") == false)
    }

    // MARK: - Deals, users, words

    @Test(arguments: [true, false])
    func theCloseDateFieldOfDealsIsThereOrNot(isThere: Bool) async throws {
        let bench = ActiveCampaignBench { $0.hasCloseDateField = isThere }
        let rows = try await bench.get("dealCustomFieldMeta")["dealCustomFieldMeta"].array
        #expect(rows.count == (isThere ? 1 : 0))
        if isThere {
            #expect(rows[0]["fieldLabel"].string == "Forecasted Close Date" && rows[0]["fieldType"].string == "date")
        }
        #expect(try await bench.get("accountCustomFieldMeta")["accountCustomFieldMeta"].array.isEmpty)
    }

    @Test(arguments: [true, false])
    func theKeyOfADisabledUserDiesOrLivesOn(dies: Bool) async throws {
        let bench = ActiveCampaignBench { $0.disabledUserLosesKey = dies }
        let token = bench.account.addToken()
        #expect(try await bench.call("GET", "users/me", token: token).status == 200)
        bench.account.disableUser(ofToken: token)
        #expect(try await bench.call("GET", "users/me", token: token).status == (dies ? 403 : 200))
        #expect(try await bench.get("users/me").status == 200)
    }

    @Test func refusalsOfAddressesHaveTheSwitchesWords() async throws {
        let bench = ActiveCampaignBench {
            $0.invalidEmailTitle = "no address"
            $0.invalidEmailCode = "field_invalid"
            $0.missingEmailTitle = "nothing"
            $0.missingEmailCode = "required"
        }
        let invalid = try await bench.post("contacts", #"{"contact":{"email":"x"}}"#)["errors"][0]
        #expect(invalid["title"].string == "no address" && invalid["code"].string == "field_invalid")
        let missing = try await bench.post("contacts", #"{"contact":{"firstName":"x"}}"#)["errors"][0]
        #expect(missing["title"].string == "nothing" && missing["code"].string == "required")
    }

    // MARK: - Deliveries

    /// A receiver that answers nobody until as many callers are there as it waits for.
    private final class Turnstile: Sendable {
        private struct State {
            var waiting: [CheckedContinuation<Void, Never>] = []
            var most = 0
        }

        private let state = Mutex(State())
        private let size: Int

        init(size: Int) { self.size = size }

        /// Callers that were there together.
        var most: Int { state.withLock { $0.most } }

        func pass() async {
            await withCheckedContinuation { continuation in
                let released = state.withLock { state in
                    state.waiting.append(continuation)
                    state.most = max(state.most, state.waiting.count)
                    guard state.waiting.count >= size else { return [CheckedContinuation<Void, Never>]() }
                    defer { state.waiting = [] }
                    return state.waiting
                }
                for continuation in released { continuation.resume() }
            }
        }
    }

    @Test(arguments: [1, 3])
    func asManyDeliveriesRunAtOnceAsTheSwitchSays(atOnce: Int) async throws {
        let turnstile = Turnstile(size: atOnce)
        let timeouts = Mutex<Set<Double>>([])
        let simulator = ActiveCampaignSimulator(clock: SimulatorClock()) { post in
            timeouts.withLock { _ = $0.insert(post.timeoutSeconds) }
            await turnstile.pass()
            return 200
        }
        var options = ActiveCampaignOptions(name: "acme")
        options.webhooksAtOnce = atOnce
        options.webhookTimeoutSeconds = 3
        let account = simulator.makeAccount(options)
        let body =
            #"{"webhook":{"name":"h","url":"https://me.example/in","events":["update"],"sources":["admin"]}}"#
        let request = SimulatedRequest(
            method: "POST", path: "/api/3/webhooks", headers: ["api-token": account.token], body: Data(body.utf8))
        #expect(try #require(await simulator.handle(request)).status == 201)
        try account.actAsPerson { person in
            for number in 1...6 { try person.addContact(email: "p\(number)@x.example") }
        }
        await account.webhooksSettled()
        #expect(turnstile.most == atOnce && account.webhookTally.delivered == 6)
        #expect(timeouts.withLock { $0 } == [3])
    }
}
