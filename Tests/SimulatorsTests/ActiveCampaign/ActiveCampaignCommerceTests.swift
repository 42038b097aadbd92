import Foundation
import Simulators
import Testing

@Suite(.timeLimit(.minutes(2)))
struct ActiveCampaignCommerceTests {
    @Test func accountNamesAreUnique() async throws {
        let bench = ActiveCampaignBench()
        let first = try await bench.post("accounts", #"{"account":{"name":"Initech","owner":1}}"#)
        #expect(first.status == 201)
        #expect(first["account"]["owner"].string == "1")
        #expect(first["account"]["customFieldSaveStatus"]["status"].string == "success")
        let second = try await bench.post("accounts", #"{"account":{"name":"INITECH"}}"#)
        #expect(second.status == 422)
        #expect(
            second["errors"][0]["title"].string
                == "An account named \"INITECH\" already exists. Please choose a new name.")
        let missing = try await bench.post("accounts", #"{"account":{}}"#)
        #expect(missing["errors"][0]["code"].string == "field_missing")
        #expect(try await bench.put("accounts/1", #"{"account":{"accountUrl":"https://i.example"}}"#).status == 200)
        #expect(try await bench.get("accounts/1")["account"]["name"].string == "Initech")
    }

    @Test func aContactHasAtMostOneAccount() async throws {
        let bench = ActiveCampaignBench()
        try bench.account.seed(count: 1)
        _ = try await bench.post("accounts", #"{"account":{"name":"A"}}"#)
        _ = try await bench.post("accounts", #"{"account":{"name":"B"}}"#)
        let made = try await bench.post(
            "accountContacts", #"{"accountContact":{"account":1,"contact":1,"jobTitle":"PM"}}"#)
        #expect(made.status == 201)
        let refused = try await bench.post("accountContacts", #"{"accountContact":{"account":2,"contact":1}}"#)
        #expect(refused.status == 422)
        #expect(refused["errors"][0]["code"].string == "field_invalid")
        #expect(refused["errors"][0]["source"]["pointer"].string == "/data/attributes/account,contact")
        let page = try await bench.get("contacts?include=accountContacts")
        #expect(page["accountContacts"][0]["jobTitle"].string == "PM")
        #expect(page["contacts"][0]["accountContacts"].strings == ["1"])
        #expect(page["contacts"][0]["orgname"].string == "A")
        #expect(try await bench.get("accounts?count_deals=true")["accounts"][0]["contactCount"].string == "1")
        #expect(try await bench.get("accounts")["accounts"][0]["contactCount"].string == "0")
        #expect(try await bench.delete("accountContacts/1").status == 200)
        let gone = try await bench.delete("accountContacts/1")
        #expect(gone["message"].string == "No Result found for CustomerAccountSubscriber with id 1")
        let moved = try await bench.post("accountContacts", #"{"accountContact":{"account":2,"contact":1}}"#)
        #expect(moved.status == 201)
    }

    @Test func accountFieldsAreDefinedAndFilledInBulk() async throws {
        let bench = ActiveCampaignBench()
        _ = try await bench.post("accounts", #"{"account":{"name":"A"}}"#)
        let missing = try await bench.post(
            "accountCustomFieldMeta", #"{"accountCustomFieldMetum":{"fieldLabel":"X"}}"#)
        #expect(missing.status == 422)
        #expect(missing["errors"][0]["code"].int == 422)
        let made = try await bench.post(
            "accountCustomFieldMeta", #"{"accountCustomFieldMetum":{"fieldLabel":"Since","fieldType":"date"}}"#)
        #expect(made["accountCustomFieldMetum"]["id"].string == "1")
        let bulk = try await bench.post(
            "accountCustomFieldData/bulkCreate", #"[{"accountId":"1","customFieldId":"1","fieldValue":"2026-01-02"}]"#)
        #expect(bulk["message"].string == "the bulk insert was successful")
        let bad = try await bench.post(
            "accountCustomFieldData",
            #"{"accountCustomFieldDatum":{"customerAccountId":1,"customFieldId":1,"fieldValue":"abc"}}"#)
        #expect(bad.status == 422)
        #expect(
            bad["errors"][0]["detail"].string
                == "The custom field value `abc` could not be saved to the custom field of type `date`.")
        let updated = try await bench.call(
            "PATCH", "accountCustomFieldData/bulkUpdate", #"[{"id":"1","fieldValue":"2026-03-04"}]"#)
        #expect(
            updated["message"].string == "AccountCustomFieldDatas with ID(s): 1 successfully bulk updated.")
        let list = try await bench.get("accountCustomFieldData?filters%5BcustomerAccountId%5D=1")
        #expect(list["accountCustomFieldData"][0]["fieldValue"].string == "2026-03-04")
    }

    @Test func metaListsHaveAHundredRowsUnlessToldOtherwise() async throws {
        let bench = ActiveCampaignBench()
        for number in 1...30 {
            _ = try await bench.post(
                "accountCustomFieldMeta",
                #"{"accountCustomFieldMetum":{"fieldLabel":"F\#(number)","fieldType":"text"}}"#)
        }
        #expect(try await bench.get("accountCustomFieldMeta")["accountCustomFieldMeta"].array.count == 30)
    }

    @Test func dealsAreMadeInTheFirstStageAndEchoNumbers() async throws {
        let bench = ActiveCampaignBench()
        try bench.account.seed(count: 1)
        let group = try await bench.post("dealGroups", #"{"dealGroup":{"title":"Sales","currency":"usd"}}"#)
        #expect(group["dealGroup"]["stages"].strings == ["1", "2", "3"])
        let made = try await bench.post(
            "deals",
            #"{"deal":{"title":"D","contact":"1","value":45600,"currency":"USD","group":"1","owner":"1","status":0}}"#)
        #expect(made.status == 201)
        #expect(made["deal"]["value"].int == 45_600)
        #expect(made["deal"]["stage"].string == "1")
        #expect(made["contacts"][0]["id"].string == "1")
        #expect(made["dealStages"][0]["title"].string == "To Contact")
        let list = try await bench.get("deals?filters%5Bminimum_value%5D=456")
        #expect(list["deals"][0]["value"].string == "45600")
        #expect(list["meta"]["total"].int == 1)
        #expect(list["meta"]["currencies"]["USD"]["value"].string == "45600")
        #expect(try await bench.get("deals?filters%5Bminimum_value%5D=457")["meta"]["total"].int == 0)
        let owners = try await bench.call(
            "PATCH", "deals/bulkUpdate", #"{"deals":[{"id":1,"ownerId":2},{"id":9,"ownerId":2}]}"#)
        #expect(owners["success"].strings == ["1"])
        #expect(owners["failed"].strings == ["9"])
        #expect(try await bench.put("deals/1", #"{"deal":{"stage":"2","status":1}}"#)["deal"]["status"].string == "1")
        #expect(try await bench.delete("deals/1").status == 200)
        #expect(try await bench.post("deals", #"{"deal":{"title":"D"}}"#).status == 422)
    }

    @Test func customObjectRecordsAreUpsertedByExternalId() async throws {
        let bench = ActiveCampaignBench()
        let made = try await bench.post(
            "customObjects/schemas",
            #"""
            {"schema":{"slug":"opportunity","labels":{"singular":"Opportunity","plural":"Opportunities"},
            "fields":[{"id":"name","type":"text","required":true},{"id":"amount","type":"currency"}],
            "relationships":[{"id":"primary-contact","namespace":"contacts","hasMany":false}]}}
            """#)
        #expect(made.status == 201)
        let schema = try #require(made["schema"]["id"].string)
        let twin = try await bench.post("customObjects/schemas", #"{"schema":{"slug":"opportunity"}}"#)
        #expect(twin.status == 422)
        #expect(twin["errors"][0]["source"]["value"].string == "/data/attributes/schema/slug")
        let records = "customObjects/records/\(schema)"
        let body = #"""
            {"record":{"externalId":"006A","fields":[{"id":"name","value":"Big"},{"id":"amount","value":100}],
            "relationships":{"primary-contact":[14]}}}
            """#
        let first = try await bench.post(records, body)
        let second = try await bench.post(
            records, #"{"record":{"externalId":"006A","fields":[{"id":"name","value":"Bigger"}]}}"#)
        #expect((first.status, second.status) == (201, 200))
        #expect(first["record"]["id"] == second["record"]["id"])
        #expect(second["record"]["fields"].array.count == 2)
        let found = try await bench.get("\(records)?filters%5Brelationships.primary-contact%5D%5Beq%5D=14")
        #expect(found["meta"]["total"].int == 1)
        #expect(
            try await bench.get("\(records)?filters%5Brelationships.primary-contact%5D%5Beq%5D=15")["meta"]["total"].int
                == 0)
        let unfit = try await bench.post(records, #"{"record":{"fields":[{"id":"amount","value":"much"}]}}"#)
        #expect(unfit.status == 422)
        #expect(unfit["errors"][0]["title"].string == "Invalid value for field \"amount\"")
        #expect(try await bench.delete("\(records)/external/006A").status == 202)
        let gone = try await bench.get("\(records)/external/006A")
        #expect((gone.status, gone["message"].string) == (404, "Not Found"))
    }

    @Test func contactListsIgnoreFiltersAndRepeatsChangeNothing() async throws {
        let bench = ActiveCampaignBench()
        let list = try await bench.post(
            "lists",
            #"{"list":{"name":"News","stringid":"news","sender_url":"https://x.example","sender_reminder":"Hi"}}"#
        )
        #expect(list.status == 201)
        try bench.account.seed(count: 2)
        let body = #"{"contactList":{"list":1,"contact":1,"status":1}}"#
        let first = try await bench.post("contactLists", body)
        #expect(first["contactList"]["status"].int == 1)
        bench.clock.advance(by: 60)
        let second = try await bench.post("contactLists", body)
        #expect(second["contactList"]["sdate"] == first["contactList"]["sdate"])
        _ = try await bench.post("contactLists", #"{"contactList":{"list":1,"contact":2,"status":2}}"#)
        let all = try await bench.get("contactLists?filters%5Bcontact%5D=1")
        #expect(all["contactLists"].array.count == 2)
        #expect(all["contactLists"][0]["status"].string == "1")
        #expect(try await bench.get("lists")["lists"][0]["active_subscribers"].string == "1")
    }
}
