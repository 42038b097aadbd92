import Foundation
import Simulators
import Testing

/// What section 8.2 says the simulator must do, and section 12's webhook switches, over real HTTP on both legs.
@Suite(.timeLimit(.minutes(3)))
struct ChecklistWebhookTests {
    @Test func deliveriesAreFormsWithoutASignature() async throws {
        let it = try await ConformanceAccount()
        try await it.hook("h", events: ["contact_tag_added"])
        let id = try await it.contact("a+b@x.example")
        _ = try await it.post("tags", #"{"tag":{"tag":"A, B","tagType":"contact"}}"#)
        _ = try await it.post("contactTags", #"{"contactTag":{"contact":\#(id),"tag":1}}"#)
        await it.account.webhooksSettled()
        let hit = try #require(it.received.first)
        #expect(it.received.count == 1)
        #expect(hit.contentType == "application/x-www-form-urlencoded; charset=utf-8")
        #expect(!hit.headers.contains { $0.contains("signature") })
        #expect(hit.form["type"] == "contact_tag_added" && hit.form["tag"] == "A, B")
        #expect(hit.form["contact[id]"] == id && hit.form["contact[email]"] == "a+b@x.example")
        #expect(hit.form["date_time"]?.range(of: #"-0[56]:00$"#, options: .regularExpression) != nil)
    }

    @Test(arguments: [500, 404, 301])
    func aRefusedDeliveryIsDroppedAndTheHookLives(status: Int) async throws {
        let it = try await ConformanceAccount()
        try await it.hook("h", events: ["update"], status: status)
        _ = try await it.contact("a@x.example")
        await it.account.webhooksSettled()
        it.clock.advance(by: 86_400)
        await it.account.webhooksSettled()
        #expect(it.received.count == 1 && it.account.webhookTally.refused == 1)
        _ = try await it.contact("b@x.example")
        await it.account.webhooksSettled()
        #expect(it.received.count == 2)
    }

    @Test func goneKillsTheHookWhichStaysInTheList() async throws {
        let it = try await ConformanceAccount()
        try await it.hook("gone", events: ["update"], status: 410)
        _ = try await it.contact("a@x.example")
        await it.account.webhooksSettled()
        _ = try await it.contact("b@x.example")
        await it.account.webhooksSettled()
        #expect(it.received.count == 1)
        #expect(try await it.get("webhooks")["webhooks"].array.count == 1)
    }

    @Test func deliveriesAreDroppedDoubledAndReorderedOnDemand() async throws {
        func types(_ change: @escaping (inout ActiveCampaignOptions) -> Void) async throws -> [String] {
            let it = try await ConformanceAccount(change)
            try await it.hook("h", events: ["contact_tag_added"])
            let id = try await it.contact("a@x.example")
            // Made by a person in one step, so that all wait together and there is an order to lose.
            try it.account.actAsPerson { person in
                for number in 1...20 { try person.addTag(Int(id) ?? 0, "t\(number)") }
            }
            await it.account.webhooksSettled()
            return it.received.compactMap { $0.form["tag"] }
        }
        let all = (1...20).map { "t\($0)" }
        #expect(try await types { _ in } == all)
        #expect(try await types { $0.webhookDropRate = 1 } == [])
        let doubled = try await types { $0.webhookDuplicateRate = 1 }
        #expect(doubled == all.flatMap { [$0, $0] })
        let reordered = try await types { $0.webhookReorderRate = 0.5 }
        #expect(reordered != all && Set(reordered) == Set(all))
    }

    @Test func lateDeliveriesWaitForTheClock() async throws {
        let it = try await ConformanceAccount {
            $0.webhookLateRate = 1
            $0.webhookLateSeconds = 600
        }
        try await it.hook("h", events: ["update"])
        _ = try await it.contact("a@x.example")
        #expect(it.received.isEmpty)
        it.clock.advance(by: 601)
        await it.account.webhooksSettled()
        #expect(it.received.count == 1)
    }

    @Test(arguments: ActiveCampaignSource.allCases)
    func theOriginIsNamedAndFiltered(source: ActiveCampaignSource) async throws {
        let it = try await ConformanceAccount()
        try await it.hook("all", events: ["contact_tag_added"])
        let others = ActiveCampaignSource.allCases.filter { $0 != source }.map { "\"\($0.rawValue)\"" }
        _ = try await it.post(
            "webhooks",
            """
            {"webhook":{"name":"others","url":"\(it.receiver("others"))","events":["contact_tag_added"],
            "sources":[\(others.joined(separator: ","))]}}
            """)
        let id = try await it.contact("a@x.example")
        if source == .api {
            _ = try await it.post("tags", #"{"tag":{"tag":"t","tagType":"contact"}}"#)
            _ = try await it.post("contactTags", #"{"contactTag":{"contact":\#(id),"tag":1}}"#)
        } else if source == .system {
            try it.account.runAutomation(.createLeadInSalesforce, contact: 1)
        } else {
            try it.account.actAsPerson(as: source) { try $0.addTag(1, "t") }
        }
        await it.account.webhooksSettled()
        #expect(it.received.map(\.receiver) == ["all"])
        #expect(it.received.first?.form["initiated_from"] == source.rawValue)
    }
}
