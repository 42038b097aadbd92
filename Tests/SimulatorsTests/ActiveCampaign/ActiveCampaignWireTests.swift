import Foundation
import Simulators
import Testing

@Suite(.timeLimit(.minutes(2)))
struct ActiveCampaignWireTests {
    @Test(arguments: [
        #"{"contact":{"email":"a@x.example","firstName":"\u00c4\ud83d\ude00\"\\\/\n\t\u0001"}}"#,
        "{\"contact\":{\"email\":\"a@x.example\",\"firstName\":\"Ä😀\\\"\\\\/\\n\\t\\u0001\"}}",
    ])
    func everyCharacterSurvivesTheWayInAndOut(body: String) async throws {
        let bench = ActiveCampaignBench()
        let reply = try await bench.post("contacts", body)
        #expect(reply["contact"]["firstName"].string == "Ä😀\"\\/\n\t\u{1}")
        #expect(bench.account.contact(1)?.firstName == "Ä😀\"\\/\n\t\u{1}")
    }

    @Test(arguments: [
        "", "{", "[]", "null", #"{"contact":"#, #"{"contact":[]}"#, #"{"contact":"x"}"#, #"{"contact":{"email":"a}"#,
        #"{"contact":{"email":"\ud800"}}"#, String(repeating: "[", count: 10_000), "{\"contact\":{}} trailing",
    ])
    func bodiesThatAreNoContactAreBadRequests(body: String) async throws {
        let bench = ActiveCampaignBench()
        for reply in [try await bench.post("contacts", body), try await bench.post("contact/sync", body)] {
            #expect(reply.status == 400 || reply.status == 422)
        }
        #expect(bench.account.contactCount == 0)
    }

    @Test func scalarsAreReadWhateverTheirType() async throws {
        let bench = ActiveCampaignBench()
        bench.account.addField(title: "A", type: .number)
        _ = try await bench.post(
            "contact/sync",
            #"{"contact":{"email":"a@x.example","phone":123,"fieldValues":[{"field":1,"value":4.5}]}}"#)
        let contact = try #require(bench.account.contact(1))
        #expect(contact.phone == "123")
        #expect(contact.fields["A"] == "4.5")
        let values = try await bench.get("contacts/1/fieldValues")
        #expect(values["fieldValues"][0]["value"].string == "4.5")
    }

    @Test func noRequestBringsTheSimulatorDown() async throws {
        let seed = UInt64.random(in: 0...(.max))
        var random = CampaignTestRandom(state: seed)
        let bench = ActiveCampaignBench {
            $0.importLatency = 0...0
            $0.webhookDuplicateRate = 0.1
            $0.webhookReorderRate = 0.1
        }
        bench.account.addField(title: "A")
        bench.account.addList(name: "L")
        try bench.account.seed(count: 30, fields: ["A"], tags: ["t"])
        for _ in 0..<15_000 {
            let method = ["GET", "POST", "PUT", "PATCH", "DELETE"].randomElement(using: &random) ?? "GET"
            let target = Self.target(&random)
            let reply = try await bench.call(method, target, Self.body(&random))
            #expect((200..<500).contains(reply.status), "seed \(seed): \(method) \(target)")
            #expect(!reply.json.isNull || reply.text == "null", "seed \(seed): \(method) \(target) is no JSON")
        }
        await bench.account.webhooksSettled()
    }

    private static let resources = [
        "contacts", "contact", "import", "tags", "contactTags", "fields", "fieldRels", "fieldOption", "fieldValues",
        "lists", "contactLists", "webhooks", "webhook", "users", "settings", "automations", "notes", "accounts",
        "accountContacts", "accountCustomFieldMeta", "accountCustomFieldData", "dealCustomFieldMeta",
        "dealCustomFieldData", "deals", "dealGroups", "dealStages", "customObjects",
    ]
    private static let parts = [
        "1", "2", "3", "0", "-1", "99999999999", "x", "sync", "bulk", "bulk_import", "info", "bulkCreate", "bulkUpdate",
        "bulk_delete", "me", "account", "events", "contactTags", "fieldValues", "deals", "schemas", "records",
        "external",
    ]
    private static let queries = [
        "limit=0", "limit=-5", "limit=abc", "offset=999999999999999999", "offset=3", "id_greater=4294967295",
        "id_greater=5", "id_less=0", "tagid=1", "tagid=7", "listid=1", "status=300", "orders%5Bid%5D=DESC",
        "orders%5Bcdate%5D=DESC", "filters%5Bupdated_after%5D=9999-12-31", "filters%5Bupdated_after%5D=0001-01-01",
        "filters%5Bupdated_before%5D=1969-01-01T00:00:00Z", "include=contactTags.tag,fieldValues,contactLists",
        "ids%5B%5D=1&ids%5B%5D=0", "batchId=1", "filters%5Bcontact%5D=1", "search=a", "orders%5Bsearch%5D=asc",
    ]

    private static func target(_ random: inout CampaignTestRandom) -> String {
        var target = resources.randomElement(using: &random) ?? ""
        for _ in 0..<Int.random(in: 0...3, using: &random) {
            target += "/" + (parts.randomElement(using: &random) ?? "")
        }
        let items = (0..<Int.random(in: 0...3, using: &random)).compactMap { _ in queries.randomElement(using: &random)
        }
        return items.isEmpty ? target : target + "?" + items.joined(separator: "&")
    }

    private static let wrappers = [
        "contact", "tag", "contactTag", "field", "fieldRel", "fieldOptions", "fieldValue", "list", "contactList",
        "webhook",
        "note", "account", "accountContact", "accountCustomFieldMetum", "accountCustomFieldDatum",
        "dealCustomFieldMetum",
        "dealCustomFieldDatum", "deal", "deals", "dealGroup", "dealStage", "schema", "record", "contacts",
    ]
    private static let members = [
        #""email":"p1@acme.example""#, #""email":"new@x.example""#, #""email":null"#, #""contact":1"#,
        #""contact":"2""#,
        #""tag":1"#, #""tag":"name""#, #""field":1"#, #""relid":1"#, #""value":-5"#, #""value":"x""#, #""status":1"#,
        #""status":99"#, #""list":1"#, #""account":1"#, #""name":"N""#, #""title":"T""#, #""type":"text""#,
        #""group":1"#, #""stage":1"#, #""owner":1"#, #""currency":"usd""#, #""slug":"s""#, #""externalId":"E""#,
        #""fields":[{"id":"a","type":"text"}]"#, #""fields":[{"id":1,"value":"x"}]"#, #""url":"https://h.example/""#,
        #""events":["update","contact_tag_added","deal_add"]"#, #""sources":["api"]"#, #""fieldLabel":"F""#,
        #""fieldType":"date""#, #""customFieldId":1"#, #""dealId":1"#, #""customerAccountId":1"#,
        #""fieldValue":"2026-01-01""#, #""listid":4294967296"#, #""jobTitle":"J""#, #""ownerId":2"#, #""id":1"#,
    ]

    private static func body(_ random: inout CampaignTestRandom) -> String {
        let some = (0..<Int.random(in: 0...8, using: &random)).compactMap { _ in members.randomElement(using: &random) }
        let object = "{" + some.joined(separator: ",") + "}"
        let wrapper = wrappers.randomElement(using: &random) ?? ""
        switch Int.random(in: 0..<10, using: &random) {
        case 0: return "[\(object)]"
        case 1: return #"{"\#(wrapper)":[\#(object)]}"#
        case 2: return String(object.prefix(20))
        default: return #"{"\#(wrapper)":\#(object)}"#
        }
    }
}
