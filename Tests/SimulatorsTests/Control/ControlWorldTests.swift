import Foundation
import Testing

@testable import Simulators

/// What people do on both sides, through the control interface.
@Suite(.timeLimit(.minutes(2)))
struct ControlWorldTests {
    @Test func peopleAndAutomationsWorkInAnAccount() async throws {
        let caller = try ControlCaller()
        _ = try await caller.done("POST", "accounts", ["name": "A"])
        _ = try await caller.done("POST", "accounts/A/fields", ["title": "Favourite", "type": "text"])
        let list = try await caller.done("POST", "accounts/A/lists", ["name": "News"])["id"] ?? .null
        let made = try await caller.done(
            "POST", "accounts/A/people",
            [
                "as": "public",
                "actions": [
                    ["do": "add", "email": "ada@x.example", "firstName": "Ada", "tags": ["vip"]],
                    ["do": "edit", "contact": "ADA@x.example", "phone": "+1", "fields": ["FAVOURITE": "tea"]],
                    ["do": "subscribe", "contact": 1, "list": list], ["do": "openMail", "contact": 1],
                    ["do": "add", "email": "gone@x.example"], ["do": "delete", "contact": "gone@x.example"],
                ],
            ])
        #expect(made["contacts"] == [1, 1, 1, 1, 2, 2])
        let answer = try await caller.done(
            "POST", "accounts/A/automations", ["automation": "create-lead", "contact": "ada@x.example"])
        #expect(answer["tag"] == "added-to-salesforce-lead")
        let ada = try await caller.done("GET", "accounts/A/contacts/ada@x.example")
        #expect(ada["tags"] == ["added-to-salesforce-lead", "vip"] && ada["phone"] == "+1")
        #expect(ada["fields"] == ["FAVOURITE": "tea"] && ada["lists"] == ["1": 1])
        #expect(try await caller.done("GET", "accounts/A")["contacts"] == 1)
        #expect(try await caller.call("GET", "accounts/A/contacts/2").status == 404)
        let refused = try await caller.call(
            "POST", "accounts/A/people", ["actions": [["do": "add", "email": "Ada@X.example"]]])
        #expect(refused.status == 422)
    }

    @Test func seededContactsAreReadInPages() async throws {
        let caller = try ControlCaller()
        _ = try await caller.done("POST", "accounts", ["name": "A"])
        let ids = try await caller.done("POST", "accounts/A/seed", ["count": 25_000, "tags": ["blue"]])
        #expect(ids == ["first": 1, "last": 25_000])
        var (seen, after) = (0, WireJSON.int(0))
        while !after.isNull {
            let page = try await caller.done("GET", "accounts/A/contacts?limit=9000&after=\(after.intValue ?? 0)")
            seen += page["contacts"]?.arrayValue?.count ?? 0
            after = page["after"] ?? .null
        }
        #expect(seen == 25_000)
    }

    @Test func aSalesforceUserCreatesUpdatesDeletesRestoresMergesAndConverts() async throws {
        let caller = try ControlCaller()
        _ = try await caller.done("POST", "orgs", ["name": "O"])
        let made = try await caller.done(
            "POST", "orgs/O/users",
            [
                "actions": [
                    ["do": "create", "object": "Account", "fields": ["Name": "Acme"], "as": "acme"],
                    [
                        "do": "create", "object": "Contact", "as": "ada",
                        "fields": ["LastName": "Ada", "AccountId": "$acme", "Birthdate": "1990-04-01"],
                    ],
                    ["do": "create", "object": "Contact", "fields": ["LastName": "Twin"], "as": "twin"],
                    ["do": "merge", "id": "$ada", "losers": ["$twin"]],
                    ["do": "update", "id": "$ada", "fields": ["Phone": "+1"]],
                    ["do": "create", "object": "Lead", "fields": ["LastName": "Lee", "Company": "C"], "as": "lee"],
                    ["do": "convert", "id": "$lee", "intoContact": "$ada", "opportunityName": "Big"],
                    ["do": "create", "object": "Contact", "fields": ["LastName": "Bin"], "as": "bin"],
                    ["do": "delete", "id": "$bin"], ["do": "undelete", "id": "$bin"],
                ]
            ])
        let ada = try #require(made["results"]?[1]?["id"]?.stringValue)
        let twin = try #require(made["results"]?[2]?["id"]?.stringValue)
        let record = try await caller.done("GET", "orgs/O/records/Contact/\(ada)")
        #expect(record["Birthdate"] == "1990-04-01" && record["Phone"] == "+1")
        #expect(try await caller.done("GET", "orgs/O/records/Contact/\(twin)")["MasterRecordId"] == .string(ada))
        #expect(made["results"]?[6]?["contactId"] == .string(ada))
        let state = try await caller.done("GET", "orgs/O")
        #expect(state["records"]?["Contact"] == 2 && state["records"]?["Opportunity"] == 1)
        let page = try await caller.done("GET", "orgs/O/records/Contact?deleted=true")
        #expect(page["records"]?.arrayValue?.count == 3)
    }

    @Test func oneRefusedActionTakesAllOfACallBack() async throws {
        let caller = try ControlCaller()
        _ = try await caller.done("POST", "orgs", ["name": "O"])
        let answer = try await caller.call(
            "POST", "orgs/O/users",
            [
                "actions": [
                    ["do": "create", "object": "Contact", "fields": ["LastName": "First"]],
                    ["do": "create", "object": "Contact", "fields": ["FirstName": "No last name"]],
                ]
            ])
        #expect(answer.status == 422)
        #expect(answer.body["message"]?.stringValue?.contains("REQUIRED_FIELD_MISSING") == true)
        #expect(try await caller.done("GET", "orgs/O")["records"]?["Contact"] == 0)
    }

    @Test func seededRecordsFollowTheirTemplate() async throws {
        let caller = try ControlCaller()
        _ = try await caller.done("POST", "orgs", ["name": "O"])
        _ = try await caller.done(
            "POST", "orgs/O/fields", ["object": "Contact", "name": "Score__c", "type": "number", "precision": 5])
        let seeded = try await caller.done(
            "POST", "orgs/O/seed",
            [
                "object": "Contact", "count": 12_345, "first": 100,
                "fields": [
                    "LastName": "{last} {n}", "Email": "p{n}@o.example", "Score__c": 7, "Birthdate": "1980-02-29",
                ],
            ])
        #expect(seeded["count"] == 12_345)
        let page = try await caller.done("GET", "orgs/O/records/Contact?limit=1&after=12343")
        #expect(page["records"]?[0]?["Email"] == "p12444@o.example" && page["after"] == nil)
        #expect(page["records"]?[0]?["Score__c"]?.doubleValue == 7 && page["records"]?[0]?["Birthdate"] == "1980-02-29")
        let wrong = try await caller.call("POST", "orgs/O/seed", ["object": "Contact", "fields": ["Nope": "x"]])
        #expect(wrong.status == 422)
    }

    @Test func callsAreMarkedAndCountedByClass() async throws {
        let caller = try ControlCaller()
        _ = try await caller.done("POST", "accounts", ["name": "A"])
        _ = try await caller.done("POST", "orgs", ["name": "O"])
        let account = try #require(caller.activeCampaign.account(named: "A"))
        let org = try #require(caller.salesforce.orgs.first)
        let mark = try await caller.done("POST", "accounts/A/marks")["mark"]?.stringValue ?? ""
        let orgMark = try await caller.done("POST", "orgs/O/marks")["mark"]?.stringValue ?? ""
        _ = await caller.activeCampaign.handle(
            SimulatedRequest(method: "GET", path: "/api/3/users/me", headers: ["api-token": account.token]))
        _ = await caller.salesforce.handle(
            SimulatedRequest(
                method: "GET", path: "/services/data/v65.0/limits",
                headers: ["authorization": "Bearer \(org.accessToken())"]))
        let calls = try await caller.done("GET", "accounts/A/calls?since=\(mark)")
        #expect(calls["total"] == 1 && calls["byClass"] == ["identity": 1])
        #expect(try await caller.done("GET", "orgs/O/calls?since=\(orgMark)")["byClass"] == ["limits": 1])
        #expect(try await caller.call("GET", "orgs/O/calls?since=\(mark)").status == 404)
    }

    @Test func tokensAreRevokedAndSwitchesFlipped() async throws {
        let caller = try ControlCaller()
        let made = try await caller.done("POST", "accounts", ["name": "A"])
        _ = try await caller.done("POST", "orgs", ["name": "O"])
        let token = made["accounts"]?[0]?["token"]?.stringValue ?? ""
        _ = try await caller.done("POST", "accounts/A/tokens", ["do": "revoke"])
        #expect(caller.activeCampaign.account(token: token) == nil)
        let fresh = try await caller.done("POST", "accounts/A/tokens", ["do": "rotate"])["token"]?.stringValue ?? ""
        #expect(caller.activeCampaign.account(token: fresh)?.name == "A")
        let session = try await caller.done("POST", "orgs/O/tokens", ["do": "open"])["accessToken"]?.stringValue ?? ""
        func limits() async -> Int? {
            await caller.salesforce.handle(
                SimulatedRequest(
                    method: "GET", path: "/services/data/v65.0/limits", headers: ["authorization": "Bearer \(session)"])
            )?.status
        }
        #expect(await limits() == 200)
        let state = try await caller.done("PATCH", "orgs/O/switches", ["apiLimit": 1, "isApproved": false])
        #expect(state["apiUsage"]?["limit"] == 1 && state["isApproved"] == false)
        #expect(await limits() == 403)
        _ = try await caller.done("POST", "orgs/O/tokens", ["do": "revoke"])
        #expect(await limits() == 401)
    }
}
