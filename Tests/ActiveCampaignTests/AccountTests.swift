import Foundation
import TestSupport
import Testing

@testable import ActiveCampaign

/// What is the account's and not a contact's: custom fields and webhooks.
@Suite(.timeLimit(.minutes(2))) struct AccountTests {
    @Test func fieldsComeWithTheirChoicesInOrder() async throws {
        let answer = #"""
            {"fieldOptions":[{"field":"1","orderid":"2","value":"de","label":"Deutsch","id":"5"},
                             {"field":1,"orderid":1,"value":"af","label":null,"id":6}],
             "fieldRels":[{"field":"1","relid":"0","links":[],"id":"1"}],
             "fields":[{"title":"Language","type":"dropdown","perstag":"LANG","options":["5","6"],"links":{},"id":"1"},
                       {"title":"Born","type":"date","perstag":"BORN","id":2},
                       {"title":"Odd","type":"NULL","perstag":"ODD","id":"3"}],
             "meta":{"total":"3","selected":null}}
            """#
        let bench = try ClientBench { _, _ in .ok(answer) }
        #expect(
            try await bench.client.fields() == [
                CustomField(
                    id: 1, perstag: "LANG", title: "Language", kind: .dropdown,
                    options: [.init(value: "af", label: "af"), .init(value: "de", label: "Deutsch")]),
                CustomField(id: 2, perstag: "BORN", title: "Born", kind: .date),
                CustomField(id: 3, perstag: "ODD", title: "Odd", kind: .other("NULL")),
            ])
        #expect(bench.server.requests.first?.query == ["limit=100", "offset=0"])
    }

    @Test func allPagesOfFieldsAreReadEvenIfTheServerGivesTwentyAPage() async throws {
        let bench = try ClientBench { _, before in
            let rows = (before * 20..<min(before * 20 + 20, 50)).map {
                #"{"id":"\#($0)","perstag":"F\#($0)","type":"text","title":"t"}"#
            }
            return .ok(#"{"fields":[\#(rows.joined(separator: ","))],"meta":{"total":50}}"#)
        }
        #expect(try await bench.client.fields().map(\.id) == Array(0..<50))
    }

    @Test func aListWithoutItsRowsIsNotAnEmptyOne() async throws {
        let bench = try ClientBench { _, _ in .ok(#"{"meta":{"total":"0"}}"#) }
        let error = await failure { () throws(ActiveCampaignError) in try await bench.client.fields() }
        #expect(error?.code == "unreadable_answer")
    }

    @Test func aListThatNeverEndsIsBounded() async throws {
        let rows = (0..<100).map { #"{"id":"\#($0)","tag":"t\#($0)"}"# }.joined(separator: ",")
        let bench = try ClientBench { _, _ in .ok(#"{"tags":[\#(rows)]}"#) }
        let error = await failure { () throws(ActiveCampaignError) in try await bench.client.tags() }
        #expect(error?.verdict == .ourBug(code: "list_too_long"))
        #expect(bench.calls.count == ActiveCampaignLimits.listPages)
    }

    @Test func webhooksAreListedMadeAndDeleted() async throws {
        let row =
            #"{"id":"1","name":"Ferry","url":"https://f.example/h","events":["update"],"sources":["public","admin"],"links":[]}"#
        let bench = try ClientBench { request, _ in
            switch request.method {
            case "POST": .answer(201, #"{"webhook":\#(row)}"#)
            case "DELETE": .answer(404, #"{"message":"No Result found for Webhook with id 1"}"#)
            default: .ok(#"{"webhooks":[\#(row)],"meta":{"total":"1"}}"#)
            }
        }
        let expected = Webhook(
            id: 1, name: "Ferry", url: "https://f.example/h", events: ["update"], sources: ["public", "admin"])
        #expect(try await bench.client.webhooks() == [expected])
        let request = WebhookRequest(name: "Ferry", url: "https://f.example/h", events: ["update"])
        #expect(try await bench.client.createWebhook(request) == expected)
        #expect(
            bench.server.requests.last?.body
                == #"{"webhook":{"events":["update"],"listid":0,"name":"Ferry","sources":["public","admin","system"],"url":"https://f.example/h"}}"#
        )
        try await bench.client.deleteWebhook(1)
        #expect(bench.server.names.last == "DELETE webhooks/1")
    }
}
