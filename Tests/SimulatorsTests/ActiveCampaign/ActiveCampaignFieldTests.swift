import Foundation
import Simulators
import Testing

@Suite(.timeLimit(.minutes(2)))
struct ActiveCampaignFieldTests {
    @Test func aNewFieldGetsAPerstagAndNoRelation() async throws {
        let bench = ActiveCampaignBench()
        let made = try await bench.post(
            "fields", #"{"field":{"title":"Nango test: field","type":"text","ordernum":5}}"#)
        #expect(made.status == 201)
        #expect(made["field"]["perstag"].string == "NANGO_TEST_FIELD")
        // A value echoed from a request keeps its JSON type; a later read has a string.
        #expect(made["field"]["ordernum"].int == 5)
        let list = try await bench.get("fields?filters%5Bperstag%5D=nango_test_field")
        #expect(list["fields"][0]["ordernum"].string == "1")
        #expect(list["fields"][0]["relations"].array.isEmpty)
        let related = try await bench.post("fieldRels", #"{"fieldRel":{"field":1,"relid":0}}"#)
        #expect(related.status == 201)
        #expect(try await bench.get("fields")["fieldRels"][0]["links"] == .array([]))
        #expect(try await bench.get("fields")["fields"][0]["relations"].strings == ["1"])
    }

    @Test func titlesAreUnique() async throws {
        let bench = ActiveCampaignBench()
        bench.account.addField(title: "Test Title")
        let reply = try await bench.post("fields", #"{"field":{"title":"test title","type":"text"}}"#)
        #expect(reply.status == 422)
        #expect(reply["errors"][0]["code"].string == "duplicate")
        #expect(
            reply["errors"][0]["detail"].string
                == "There is already a field named 'test title' -- choose another name")
    }

    @Test func wrongOptionsAreAnsweredWithErrorsAsText() async throws {
        let bench = ActiveCampaignBench()
        bench.account.addField(title: "Choice", type: .dropdown)
        let wrong = try await bench.post("fieldOption/bulk", #"{"fieldOptions":{"field":1}}"#)
        #expect(wrong.status == 422)
        #expect(wrong["errors"].string != nil)
        let right = try await bench.post(
            "fieldOption/bulk",
            #"{"fieldOptions":[{"field":"1","orderid":1,"value":"X","label":"Option X","isdefault":false}]}"#)
        #expect(right.status == 201)
        let list = try await bench.get("fields")
        #expect(list["fieldOptions"][0]["value"].string == "X")
        #expect(list["fields"][0]["options"].strings == ["1"])
    }

    @Test func anUnsetFieldHasNoRowAndAnEmptyOneHas() async throws {
        let bench = ActiveCampaignBench()
        bench.account.addField(title: "A")
        bench.account.addField(title: "B")
        _ = try await bench.post(
            "contact/sync", #"{"contact":{"email":"a@x.example","fieldValues":[{"field":1,"value":""}]}}"#)
        let rows = try await bench.get("contacts/1/fieldValues")["fieldValues"].array
        #expect(rows.map { $0["field"].string } == ["1"])
        #expect(rows.map { $0["value"].string } == [""])
    }

    @Test func valuesAreUpsertedPerContactAndField() async throws {
        let bench = ActiveCampaignBench()
        bench.account.addField(title: "A")
        try bench.account.seed(count: 1)
        let first = try await bench.post("fieldValues", #"{"fieldValue":{"contact":1,"field":1,"value":"x"}}"#)
        let second = try await bench.post("fieldValues", #"{"fieldValue":{"contact":1,"field":1,"value":"y"}}"#)
        #expect(first.status == 200)
        #expect(first["fieldValue"]["id"] == second["fieldValue"]["id"])
        #expect(second["contacts"][0]["id"].string == "1")
        #expect(bench.account.contact(1)?.fields == ["A": "y"])
        _ = try await bench.put("fieldValues/1", #"{"fieldValue":{"value":"z"}}"#)
        #expect(try await bench.get("fieldValues?filters%5Bval%5D=z")["meta"]["total"].string == "1")
        #expect(try await bench.delete("fieldValues/1").status == 200)
        #expect(bench.account.contact(1)?.fields == [:])
    }

    @Test func dateTimesAreKeptInTheAccountsZoneAndChoicesBetweenPipes() async throws {
        let bench = ActiveCampaignBench()
        bench.account.addField(title: "When", type: .datetime)
        bench.account.addField(title: "Many", type: .listbox, options: ["a", "b"])
        bench.account.addField(title: "Day", type: .date)
        _ = try await bench.post(
            "contact/sync",
            #"""
            {"contact":{"email":"a@x.example","fieldValues":[{"field":1,"value":"2026-07-01T12:00:00Z"},
            {"field":2,"value":"||a||b||"},{"field":3,"value":"2026-02-28"}]}}
            """#)
        let fields = try #require(bench.account.contact(1)).fields
        #expect(fields == ["WHEN": "2026-07-01T07:00:00-05:00", "MANY": "||a||b||", "DAY": "2026-02-28"])
    }

    @Test func unknownChoicesAreStoredUnlessSwitched() async throws {
        let bench = ActiveCampaignBench()
        bench.account.addField(title: "Choice", type: .dropdown, options: ["a", "b"])
        bench.account.addField(title: "Many", type: .checkbox, options: ["a", "b"])
        func sync(_ field: Int, _ value: String) async throws -> Int {
            try await bench.post(
                "contact/sync",
                #"{"contact":{"email":"x@x.example","fieldValues":[{"field":\#(field),"value":"\#(value)"}]}}"#
            ).status
        }
        #expect(try await sync(1, "c") == 201)
        #expect(bench.account.contact(1)?.fields["CHOICE"] == "c")
        bench.account.change { $0.refusesUnknownOptions = true }
        #expect(try await sync(1, "c") == 422)
        #expect(try await sync(1, "a") == 200)
        #expect(try await sync(2, "||a||b||") == 200)
        #expect(try await sync(2, "||a||c||") == 422)
    }

    @Test func aFieldsTypeStaysUnlessSwitched() async throws {
        let bench = ActiveCampaignBench()
        bench.account.addField(title: "A")
        let change = #"{"field":{"type":"number"}}"#
        #expect(try await bench.put("fields/1", change)["field"]["type"].string == "text")
        bench.account.change { $0.fieldTypeMayChange = true }
        #expect(try await bench.put("fields/1", change)["field"]["type"].string == "number")
    }

    @Test func aRemovedFieldTakesItsValuesAlong() async throws {
        let bench = ActiveCampaignBench()
        bench.account.addField(title: "A")
        bench.account.addField(title: "B")
        try bench.account.seed(count: 5, fields: ["A", "B"])
        #expect(try await bench.delete("fields/1").status == 200)
        #expect(bench.account.contacts().allSatisfy { $0.fields.keys.sorted() == ["B"] })
        _ = try await bench.post(
            "contact/sync", #"{"contact":{"email":"new@x.example","fieldValues":[{"field":1,"value":"x"}]}}"#)
        #expect(bench.account.contact(email: "new@x.example")?.fields == [:])
    }
}
