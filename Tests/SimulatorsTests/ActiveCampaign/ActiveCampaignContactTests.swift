import Foundation
import Simulators
import Testing

@Suite(.timeLimit(.minutes(2)))
struct ActiveCampaignContactTests {
    @Test func pathsOfOthersAreNotAnswered() async throws {
        let bench = ActiveCampaignBench()
        let request = SimulatedRequest(method: "GET", path: "/services/data")
        #expect(await bench.simulator.handle(request) == nil)
    }

    @Test func aWrongKeyIsForbiddenAndNotUnauthorized() async throws {
        let bench = ActiveCampaignBench()
        let reply = try await bench.call("GET", "users/me", token: "wrong")
        #expect(reply.status == 403)
        #expect(reply["message"].string == "Forbidden")
    }

    @Test func revokedAndRotatedKeysAreWorthlessAtOnce() async throws {
        let bench = ActiveCampaignBench()
        let old = bench.account.token
        let fresh = bench.account.rotateToken()
        #expect(fresh != old)
        #expect(try await bench.call("GET", "users/me", token: old).status == 403)
        #expect(try await bench.call("GET", "users/me", token: fresh).status == 200)
        bench.account.revokeToken()
        #expect(try await bench.call("GET", "users/me", token: fresh).status == 403)
    }

    @Test func createAnswersAShortContactWithStringIds() async throws {
        let bench = ActiveCampaignBench()
        bench.account.addField(title: "City")
        let reply = try await bench.post(
            "contacts",
            #"{"contact":{"email":"a@b.example","firstName":"A","fieldValues":[{"field":"1","value":"Rome"}]}}"#)
        #expect(reply.status == 201)
        #expect(reply["contact"]["id"].string == "1")
        #expect(reply["contact"]["hash"].isNull)
        #expect(reply["contact"]["email_empty"].bool == false)
        #expect(reply["fieldValues"][0]["value"].string == "Rome")
        #expect(reply["fieldValues"][0]["owner"].string == "1")
        #expect(reply["contact"]["fieldValues"].strings == [reply["fieldValues"][0]["id"].string])
    }

    @Test func fieldValuesBesideTheContactAreDroppedSilently() async throws {
        let bench = ActiveCampaignBench()
        bench.account.addField(title: "City")
        let reply = try await bench.post(
            "contacts", #"{"contact":{"email":"a@b.example"},"fieldValues":[{"field":"1","value":"Rome"}]}"#)
        #expect(reply.status == 201)
        #expect(reply["fieldValues"].array.isEmpty)
    }

    @Test func emailsAreUniqueWithoutRegardToCase() async throws {
        let bench = ActiveCampaignBench()
        _ = try await bench.post("contacts", #"{"contact":{"email":"Jane@Doe.example"}}"#)
        let reply = try await bench.post("contacts", #"{"contact":{"email":"jane@doe.EXAMPLE"}}"#)
        #expect(reply.status == 422)
        #expect(reply["errors"][0]["code"].string == "duplicate")
        #expect(reply["errors"][0]["title"].string == "Email address already exists in the system")
        #expect(reply["errors"][0]["source"]["pointer"].string == "/data/attributes/email")
    }

    @Test(arguments: ["", "nonsense", "a@b", "a b@c.example", "a@@b.example"])
    func badEmailsAreUnprocessable(email: String) async throws {
        let bench = ActiveCampaignBench()
        let reply = try await bench.post("contact/sync", #"{"contact":{"email":"\#(email)","phone":"1"}}"#)
        // Blanks are cut out of an address before it is judged.
        let expected = email == "a b@c.example" ? 201 : 422
        #expect(reply.status == expected)
    }

    @Test func syncCreatesOnceAndThenUpdates() async throws {
        let bench = ActiveCampaignBench()
        let first = try await bench.post("contact/sync", #"{"contact":{"email":"a@b.example","firstName":"A"}}"#)
        let second = try await bench.post("contact/sync", #"{"contact":{"email":"A@B.example","lastName":"B"}}"#)
        #expect((first.status, second.status) == (201, 200))
        #expect(second["contact"]["id"].string == first["contact"]["id"].string)
        #expect(second["contact"]["firstName"].string == "A")
        #expect(second["contact"]["lastName"].string == "B")
        #expect(second["contact"]["hash"].string?.count == 32)
        #expect(second["contact"]["email"].string == "a@b.example")
        #expect(bench.account.contactCount == 1)
    }

    @Test func emptyTextClearsAndNullLeaves() async throws {
        let bench = ActiveCampaignBench()
        _ = try await bench.post("contact/sync", #"{"contact":{"email":"a@b.example","firstName":"A","phone":"1"}}"#)
        _ = try await bench.post("contact/sync", #"{"contact":{"email":"a@b.example","firstName":"","phone":null}}"#)
        let contact = try #require(bench.account.contact(1))
        #expect(contact.firstName == "")
        #expect(contact.phone == "1")
    }

    @Test func pluralSyncDoesNotExist() async throws {
        let bench = ActiveCampaignBench()
        let reply = try await bench.post("contacts/sync", #"{"contact":{"email":"a@b.example"}}"#)
        #expect(reply.status == 404)
    }

    @Test func putChangesTheEmailUnlessItIsTaken() async throws {
        let bench = ActiveCampaignBench()
        try bench.account.seed(count: 2, prefix: "p", domain: "x.example")
        let taken = try await bench.put("contacts/1", #"{"contact":{"email":"P2@x.example"}}"#)
        #expect(taken.status == 422)
        let free = try await bench.put("contacts/1", #"{"contact":{"email":"new@x.example"}}"#)
        #expect(free.status == 200)
        #expect(bench.account.contact(email: "new@x.example")?.id == 1)
        #expect(bench.account.contact(email: "p1@x.example") == nil)
    }

    @Test func missingContactsAreNamedDifferentlyByMethod() async throws {
        let bench = ActiveCampaignBench()
        #expect(try await bench.get("contacts/9")["message"].string == "No Result found for Subscriber with id 9")
        let gone = try await bench.delete("contacts/9")
        #expect(gone.status == 404)
        #expect(gone["message"].string == "No result found for contact with id 9")
    }

    @Test func aDeletedContactDisappearsAndItsEmailGetsANewId() async throws {
        let bench = ActiveCampaignBench()
        let id = try bench.account.actAsPerson { try $0.addContact(email: "a@b.example", tags: ["x"]) }
        let reply = try await bench.delete("contacts/\(id)")
        #expect(reply.status == 200)
        #expect(reply.text == "{}")
        #expect(try await bench.get("contacts")["meta"]["total"].string == "0")
        #expect(try await bench.get("tags")["tags"][0]["subscriber_count"].string == "0")
        let again = try await bench.post("contacts", #"{"contact":{"email":"a@b.example"}}"#)
        #expect(again["contact"]["id"].string == "2")
        #expect(bench.account.contact(2)?.tags == [])
    }

    @Test func oneContactComesWithSideloadsButWithoutTags() async throws {
        let bench = ActiveCampaignBench()
        let id = try bench.account.actAsPerson { try $0.addContact(email: "a@b.example", tags: ["x"]) }
        let reply = try await bench.get("contacts/\(id)")
        #expect(
            reply.json.keys == [
                "contactAutomations", "contactLists", "deals", "fieldValues", "geoIps", "accountContacts", "contact",
            ])
        let relation = try await bench.get("contacts/\(id)/contactTags")
        #expect(relation["contactTags"][0]["tag"].string == "1")
    }

    @Test func theLongContactHasTheLiveKeys() async throws {
        let bench = ActiveCampaignBench()
        try bench.account.seed(count: 1)
        let contact = try await bench.get("contacts")["contacts"][0]
        let live: Set<String> = [
            "cdate", "email", "phone", "firstName", "lastName", "orgid", "orgname", "segmentio_id", "bounced_hard",
            "bounced_soft", "bounced_date", "ip", "ua", "hash", "socialdata_lastcheck", "email_local", "email_domain",
            "sentcnt", "rating_tstamp", "gravatar", "deleted", "anonymized", "adate", "udate", "edate", "deleted_at",
            "created_utc_timestamp", "updated_utc_timestamp", "created_timestamp", "updated_timestamp", "created_by",
            "updated_by", "mpp_tracking", "last_click_date", "last_open_date", "last_mpp_open_date", "best_send_hour",
            "sms_consent", "sms_consent_updated_at", "whatsapp_id", "whatsapp_username", "scoreValues",
            "accountContacts", "links", "id", "organization",
        ]
        #expect(contact.keys == live)
        #expect(contact["links"]["bounceLogs"].string == "https://acme.api-us1.com/api/3/contacts/1/bounceLogs")
    }
}
