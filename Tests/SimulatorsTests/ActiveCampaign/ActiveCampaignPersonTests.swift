import Foundation
import Simulators
import Testing

@Suite(.timeLimit(.minutes(3)))
struct ActiveCampaignPersonTests {
    @Test func peopleAddEditTagAndDeleteWithoutCalls() throws {
        let bench = ActiveCampaignBench { $0.rateLimit = 1 }
        bench.account.addField(title: "City")
        let id = try bench.account.actAsPerson { person in
            let id = try person.addContact(email: "a@x.example", firstName: "A", fields: ["CITY": "Rome"], tags: ["t"])
            try person.edit(id, ActiveCampaignEdit(lastName: "B", fields: ["CITY": "Bonn"]))
            try person.removeTag(id, "T")
            try person.addTag(id, "u")
            return id
        }
        let contact = try #require(bench.account.contact(id))
        #expect(contact.firstName == "A" && contact.lastName == "B")
        #expect(contact.fields == ["CITY": "Bonn"])
        #expect(contact.tags == ["u"])
        #expect(bench.account.calls.total == 0)
        try bench.account.actAsPerson { try $0.delete(id) }
        #expect(bench.account.contact(id) == nil)
    }

    @Test func refusalsSayWhatWasWrongWithoutTheData() throws {
        let bench = ActiveCampaignBench()
        try bench.account.actAsPerson { _ = try $0.addContact(email: "secret@x.example") }
        let error = try #require(throws: ActiveCampaignSimulatorError.self) {
            try bench.account.actAsPerson { _ = try $0.addContact(email: "secret@x.example") }
        }
        #expect(error.code == .contactRefused)
        #expect(!error.description.contains("secret"))
        #expect(throws: ActiveCampaignSimulatorError.self) {
            try bench.account.actAsPerson { try $0.edit(9, ActiveCampaignEdit()) }
        }
        #expect(throws: ActiveCampaignSimulatorError.self) {
            try bench.account.actAsPerson { try $0.edit(1, ActiveCampaignEdit(fields: ["NONE": "x"])) }
        }
    }

    @Test(arguments: ActiveCampaignAutomation.allCases)
    func anAutomationTagsAtOnce(automation: ActiveCampaignAutomation) async throws {
        let bench = ActiveCampaignBench()
        try bench.account.seed(count: 1)
        try bench.account.runAutomation(automation, contact: 1)
        let kind = automation == .createContactInSalesforce ? "contact" : "lead"
        #expect(bench.account.contact(1)?.tags == ["added-to-salesforce-\(kind)"])
        let page = try await bench.get("contacts?include=contactAutomations")
        #expect(page["contactAutomations"][0]["contact"].string == "1")
        #expect(try await bench.get("automations")["automations"][0]["name"].string == automation.rawValue)
    }

    @Test func thousandsOfAccountsAreToldApartByTheirKeys() async throws {
        let bench = ActiveCampaignBench()
        let accounts = (0..<3_000).map { bench.simulator.makeAccount(ActiveCampaignOptions(name: "acct\($0)")) }
        #expect(Set(accounts.map(\.token)).count == 3_000)
        try accounts[1_234].actAsPerson { _ = try $0.addContact(email: "only@here.example") }
        #expect(try await bench.call("GET", "contacts", token: accounts[1_234].token)["meta"]["total"].string == "1")
        #expect(try await bench.call("GET", "contacts", token: accounts[1_235].token)["meta"]["total"].string == "0")
        #expect(bench.simulator.account(named: "acct77") === accounts[77])
        #expect(bench.simulator.account(token: accounts[77].token) === accounts[77])
    }

    @Test func aRequestsOwnerAndClassAreKnownWithoutRunningIt() async throws {
        let bench = ActiveCampaignBench()
        func request(_ path: String, _ token: String) -> SimulatedRequest {
            SimulatedRequest(method: "POST", path: path, headers: ["api-token": token])
        }
        let sync = request("/api/3/contact/sync", bench.account.token)
        let known = try #require(bench.simulator.whose(sync))
        #expect(known.account == "acme")
        #expect(known.callClass == .contactSync)
        #expect(try #require(bench.simulator.whose(request("/api/3/tags", "wrong"))).account == nil)
        #expect(bench.simulator.whose(request("/services", bench.account.token)) == nil)
        #expect(bench.account.calls.total == 0)
        bench.simulator.revokeToken(of: sync)
        #expect(try await bench.get("users/me").status == 403)
    }

    @Test func seededContactsAreThereLikeAnyOther() async throws {
        let bench = ActiveCampaignBench()
        bench.account.addField(title: "City")
        let count = 100_000
        let ids = try bench.account.seed(count: count, fields: ["CITY"], tags: ["t"])
        #expect(ids == 1...count)
        let changed = try await bench.get("contacts?limit=1&filters%5Bupdated_after%5D=2099-01-01")
        #expect(changed["meta"]["total"].string == "0")
        #expect(bench.account.contact(email: "PERSON40000@acme.example")?.id == 40_000)
        #expect(bench.account.contacts().count == count)
    }

    @Test func emailsStayFindableThroughRandomComingAndGoing() throws {
        let seed = UInt64.random(in: 0...(.max))
        var random = CampaignTestRandom(state: seed)
        let bench = ActiveCampaignBench()
        var expected: [String: Int] = [:]
        try bench.account.actAsPerson { person in
            for _ in 0..<5_000 {
                let email = "p\(Int.random(in: 0..<400, using: &random))@x.example"
                if let id = expected[email] {
                    if Bool.random(using: &random) {
                        try person.delete(id)
                        expected[email] = nil
                    } else {
                        let other = "p\(Int.random(in: 0..<400, using: &random))@x.example"
                        guard expected[other] == nil else { continue }
                        try person.edit(id, ActiveCampaignEdit(email: other))
                        expected[email] = nil
                        expected[other] = id
                    }
                } else {
                    expected[email] = try person.addContact(email: email)
                }
            }
        }
        for number in 0..<400 {
            let email = "p\(number)@x.example"
            #expect(bench.account.contact(email: email)?.id == expected[email], "seed \(seed)")
        }
        #expect(bench.account.contactCount == expected.count, "seed \(seed)")
    }
}

/// SplitMix64, so that a printed seed repeats a run.
struct CampaignTestRandom: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}
