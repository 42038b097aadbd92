import Foundation
import Simulators
import Testing

@Suite(.timeLimit(.minutes(2)))
struct ActiveCampaignWebhookTests {
    private static let everything =
        #""events":["update","subscribe","unsubscribe","contact_tag_added","contact_tag_removed","deal_add"]"#

    private func hook(
        _ bench: ActiveCampaignBench, sources: String = #"["public","admin","api","system"]"#, list: Int = 0
    ) async throws {
        let reply = try await bench.post(
            "webhooks",
            #"{"webhook":{"name":"Ferry","url":"https://hooks.example/in","#
                + #"\#(Self.everything),"sources":\#(sources),"listid":\#(list)}}"#)
        #expect(reply.status == 201)
    }

    @Test func hooksAreMadeListedChangedAndDeleted() async throws {
        let bench = ActiveCampaignBench()
        try await hook(bench)
        let list = try await bench.get("webhooks?filters%5Bname%5D=Ferry")
        #expect(list["webhooks"][0]["listid"].string == "0")
        #expect(list["webhooks"][0]["sources"].strings == ["public", "admin", "api", "system"])
        #expect(list["meta"]["total"].string == "1")
        let changed = try await bench.put("webhooks/1", #"{"webhook":{"events":["update"]}}"#)
        #expect(changed["webhook"]["events"].strings == ["update"])
        #expect(changed["webhook"]["url"].string == "https://hooks.example/in")
        #expect(try await bench.delete("webhooks/1").status == 200)
        #expect(try await bench.get("webhooks/1").status == 404)
        let bad = try await bench.post("webhooks", #"{"webhook":{"name":"x","url":"nonsense"}}"#)
        #expect(bad.status == 422)
    }

    @Test func theEventsAreNamedWithANumberForATotal() async throws {
        let bench = ActiveCampaignBench()
        let reply = try await bench.get("webhook/events")
        #expect(reply["meta"]["total"].int == 25)
        #expect(reply["webhookEvents"].strings.contains("contact_tag_added"))
    }

    @Test func aTagIsToldAsAFormWithTheCapturedKeys() async throws {
        let bench = ActiveCampaignBench()
        bench.account.addField(title: "City")
        try bench.account.actAsPerson {
            _ = try $0.addContact(email: "a@b.example", fields: ["CITY": "Rome & \"Äthen\""], tags: ["A"])
        }
        try await hook(bench)
        try bench.account.actAsPerson { try $0.addTag(1, "B") }
        await bench.account.webhooksSettled()
        let hit = try #require(bench.received.hits.first)
        #expect(bench.received.hits.count == 1)
        #expect(hit.contentType == "application/x-www-form-urlencoded; charset=utf-8")
        #expect(hit.form["type"] == "contact_tag_added")
        #expect(hit.form["initiated_from"] == "admin")
        #expect(hit.form["list"] == "0")
        #expect(hit.form["contact[id]"] == "1")
        #expect(hit.form["contact[email]"] == "a@b.example")
        #expect(hit.form["contact[first_name]"] == "")
        #expect(hit.form["contact[tags]"] == "A, B")
        #expect(hit.form["contact[fields][1]"] == "Rome & \"Äthen\"")
        #expect(hit.form["tag"] == "B")
        #expect(hit.form["date_time"]?.count == 25)
    }

    @Test func hooksHearOnlyTheSourcesTheyAskedFor() async throws {
        let bench = ActiveCampaignBench()
        try await hook(bench, sources: #"["public","admin","system"]"#)
        _ = try await bench.post("contact/sync", #"{"contact":{"email":"a@x.example"}}"#)
        try bench.account.actAsPerson { try $0.edit(1, ActiveCampaignEdit(firstName: "A")) }
        try bench.account.actAsPerson(as: .public) { try $0.edit(1, ActiveCampaignEdit(firstName: "B")) }
        try bench.account.runAutomation(.createLeadInSalesforce, contact: 1)
        await bench.account.webhooksSettled()
        #expect(bench.received.hits.map { $0.form["initiated_from"] } == ["admin", "public", "system"])
        #expect(bench.received.types == ["update", "update", "contact_tag_added"])
    }

    @Test func importsDeletesAndSeedsAreSilent() async throws {
        let bench = ActiveCampaignBench { $0.importLatency = 0...0 }
        try await hook(bench)
        try bench.account.seed(count: 5, tags: ["t"])
        _ = try await bench.post("import/bulk_import", #"{"contacts":[{"email":"a@x.example","tags":["u"]}]}"#)
        try bench.account.actAsPerson { try $0.delete(1) }
        #expect(bench.account.contactCount == 5)
        await bench.account.webhooksSettled()
        #expect(bench.received.hits.isEmpty)
    }

    @Test func listEventsRespectTheHooksList() async throws {
        let bench = ActiveCampaignBench()
        let first = bench.account.addList(name: "One")
        let second = bench.account.addList(name: "Two")
        try bench.account.seed(count: 1)
        try await hook(bench, list: second)
        try bench.account.actAsPerson { person in
            try person.subscribe(1, list: first)
            try person.subscribe(1, list: second)
            try person.unsubscribe(1)
            try person.addTag(1, "t")
        }
        await bench.account.webhooksSettled()
        #expect(bench.received.types == ["subscribe", "unsubscribe", "contact_tag_added"])
        #expect(bench.received.hits.first?.form["list"] == String(second))
    }

    @Test func emptyValuesAreToldUnlessSwitched() async throws {
        let bench = ActiveCampaignBench()
        bench.account.addField(title: "A")
        bench.account.addField(title: "B")
        try await hook(bench)
        try bench.account.actAsPerson { _ = try $0.addContact(email: "a@x.example", fields: ["A": ""]) }
        bench.account.change { $0.webhooksOmitEmptyFields = true }
        try bench.account.actAsPerson { try $0.edit(1, ActiveCampaignEdit(phone: "1")) }
        await bench.account.webhooksSettled()
        #expect(bench.received.hits.map { $0.form["contact[fields][1]"] } == ["", nil])
        #expect(bench.received.hits.allSatisfy { $0.form["contact[fields][2]"] == nil })
    }

    @Test func accountsAndDealsHaveEventsOfTheirOwn() async throws {
        let bench = ActiveCampaignBench()
        let events = #"["account_add","account_update","account_contact_add","deal_add","deal_update"]"#
        _ = try await bench.post(
            "webhooks",
            #"{"webhook":{"name":"x","url":"https://h.example","sources":["api"],"events":\#(events)}}"#)
        try bench.account.seed(count: 1)
        _ = try await bench.post("accounts", #"{"account":{"name":"Initech"}}"#)
        _ = try await bench.put("accounts/1", #"{"account":{"accountUrl":"https://i.example"}}"#)
        _ = try await bench.post("accountContacts", #"{"accountContact":{"account":1,"contact":1}}"#)
        _ = try await bench.post("dealGroups", #"{"dealGroup":{"title":"P","currency":"usd"}}"#)
        _ = try await bench.post(
            "deals", #"{"deal":{"title":"D","contact":"1","value":1,"currency":"usd","group":"1","owner":"1"}}"#)
        _ = try await bench.put("deals/1", #"{"deal":{"value":2}}"#)
        await bench.account.webhooksSettled()
        #expect(
            bench.received.types == ["account_add", "account_update", "account_contact_add", "deal_add", "deal_update"])
        #expect(bench.received.hits[0].form["account[name]"] == "Initech")
        #expect(bench.received.hits[2].form["accountContact[contact]"] == "1")
        #expect(bench.received.hits[4].form["deal[value]"] == "2")
    }

    @Test func portsOtherThan443AreTakenUnlessSwitched() async throws {
        let bench = ActiveCampaignBench()
        let body = #"{"webhook":{"name":"x","url":"https://h.example:8443/in","events":[],"sources":[]}}"#
        #expect(try await bench.post("webhooks", body).status == 201)
        bench.account.change { $0.refusesOddWebhookPorts = true }
        #expect(try await bench.post("webhooks", body).status == 422)
    }

    @Test func aRefusedDeliveryIsNeverRetried() async throws {
        let bench = ActiveCampaignBench(receiverStatus: 500)
        try await hook(bench)
        try bench.account.actAsPerson { _ = try $0.addContact(email: "a@x.example") }
        await bench.account.webhooksSettled()
        bench.clock.advance(by: 86_400)
        try bench.account.actAsPerson { try $0.edit(1, ActiveCampaignEdit(phone: "1")) }
        await bench.account.webhooksSettled()
        #expect(bench.received.hits.count == 2)
        #expect(bench.account.webhookTally.refused == 2)
    }

    @Test func goneKillsTheHookWhichStaysVisible() async throws {
        let bench = ActiveCampaignBench(receiverStatus: 410)
        try await hook(bench)
        try bench.account.actAsPerson { _ = try $0.addContact(email: "a@x.example") }
        await bench.account.webhooksSettled()
        try bench.account.actAsPerson { try $0.edit(1, ActiveCampaignEdit(phone: "1")) }
        await bench.account.webhooksSettled()
        #expect(bench.received.hits.count == 1)
        #expect(try await bench.get("webhooks/1").status == 200)
    }

    @Test func droppedDoubledAndReorderedDeliveriesFollowTheSeed() async throws {
        func run(seed: UInt64) async throws -> [String] {
            let bench = ActiveCampaignBench {
                $0.seed = seed
                $0.webhookDropRate = 0.2
                $0.webhookDuplicateRate = 0.2
                $0.webhookReorderRate = 0.2
            }
            try await hook(bench)
            try bench.account.seed(count: 1)
            for number in 1...200 {
                try bench.account.actAsPerson { try $0.edit(1, ActiveCampaignEdit(phone: String(number))) }
            }
            await bench.account.webhooksSettled()
            return bench.received.hits.compactMap { $0.form["contact[phone]"] }
        }
        let phones = try await run(seed: 11)
        #expect(Set(phones).count < 200, "some are dropped")
        #expect(Set(phones).count > 100, "most arrive")
        #expect(phones.count > Set(phones).count, "some arrive twice")
        let again = try await run(seed: 11)
        #expect(again.sorted() == phones.sorted())
    }

    @Test func lateDeliveriesWaitForTheClock() async throws {
        let bench = ActiveCampaignBench {
            $0.webhookLateRate = 1
            $0.webhookLateSeconds = 600
        }
        try await hook(bench)
        try bench.account.seed(count: 1)
        try bench.account.actAsPerson { try $0.addTag(1, "t") }
        bench.account.change { $0.webhookLateRate = 0 }
        try bench.account.actAsPerson { try $0.removeTag(1, "t") }
        let deadline = ContinuousClock.now + .seconds(30)
        while bench.received.hits.isEmpty, ContinuousClock.now < deadline { await Task.yield() }
        #expect(bench.received.types == ["contact_tag_removed"])
        bench.clock.advance(by: 601)
        await bench.account.webhooksSettled()
        #expect(bench.received.types == ["contact_tag_removed", "contact_tag_added"])
    }

    @Test func aTagWithACommaIsAmbiguousOnTheWire() async throws {
        let bench = ActiveCampaignBench()
        try await hook(bench)
        try bench.account.actAsPerson { _ = try $0.addContact(email: "a@x.example", tags: ["a, b", "c"]) }
        await bench.account.webhooksSettled()
        #expect(bench.received.hits.last?.form["contact[tags]"] == "a, b, c")
    }
}
