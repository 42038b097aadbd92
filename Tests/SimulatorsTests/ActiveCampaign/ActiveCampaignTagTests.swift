import Foundation
import Simulators
import Testing

@Suite(.timeLimit(.minutes(2)))
struct ActiveCampaignTagTests {
    @Test(arguments: [422, 500])
    func aDuplicateTagIsTheDatabasesOwnError(status: Int) async throws {
        let bench = ActiveCampaignBench { $0.duplicateTagStatus = status }
        let first = try await bench.post("tags", #"{"tag":{"tag":"Test","tagType":"contact","description":""}}"#)
        #expect(first.status == 201)
        #expect(first["tag"].json(of: "links") && first["tag"]["subscriber_count"].isNull)
        let second = try await bench.post("tags", #"{"tag":{"tag":"TEST","tagType":"contact"}}"#)
        #expect(second.status == status)
        #expect(second["message"].string == "Could not process request")
        #expect(second["error"].string == "Duplicate entry 'contact-TEST' for key 'typetag'")
    }

    @Test func taggingTwiceAnswersTheOldRow() async throws {
        let bench = ActiveCampaignBench()
        try bench.account.seed(count: 1)
        _ = try await bench.post("tags", #"{"tag":{"tag":"t","tagType":"contact"}}"#)
        let first = try await bench.post("contactTags", #"{"contactTag":{"contact":"1","tag":"1"}}"#)
        bench.clock.advance(by: 100)
        let second = try await bench.post("contactTags", #"{"contactTag":{"contact":"1","tag":"1"}}"#)
        #expect((first.status, second.status) == (201, 200))
        #expect(first["contactTag"]["id"] == second["contactTag"]["id"])
        #expect(first["contactTag"]["cdate"] == second["contactTag"]["cdate"])
    }

    @Test func taggingNobodyOrNothingIsRefusedInItsOwnShapes() async throws {
        let bench = ActiveCampaignBench()
        let nobody = try await bench.post("contactTags", #"{"contactTag":{"contact":"1","tag":"1"}}"#)
        #expect(nobody.status == 404)
        #expect(nobody["errors"][0]["status"].int == 404)
        #expect(nobody["errors"][0]["detail"].string == "Contact not found")
        let missing = try await bench.post("contactTags", #"{"contactTag":{"tag":"1"}}"#)
        #expect(missing.status == 422)
        #expect(missing["errors"][0]["title"].string == "Missing attribute")
        #expect(missing["errors"][0]["source"]["pointer"].string == "/data/attributes/contact")
    }

    @Test func tagsComeOffByAssociationAndNotByTag() async throws {
        let bench = ActiveCampaignBench()
        try bench.account.actAsPerson { person in
            _ = try person.addContact(email: "a@x.example", tags: ["a", "b"])
            _ = try person.addContact(email: "b@x.example", tags: ["b"])
        }
        let rows = try await bench.get("contacts/2/contactTags")["contactTags"].array
        #expect(rows.map { $0["id"].string } == ["3"])
        #expect(rows.map { $0["tag"].string } == ["2"])
        let removed = try await bench.delete("contactTags/3")
        #expect((removed.status, removed.text) == (200, "{}"))
        let again = try await bench.delete("contactTags/3")
        #expect(again.status == 404)
        #expect(again["message"].string == "No Result found for SubscriberTag with id 3")
        #expect(bench.account.contact(2)?.tags == [])
        #expect(bench.account.contact(1)?.tags == ["a", "b"])
        #expect(try await bench.get("contacts?tagid=2")["meta"]["total"].string == "1")
    }

    @Test func theGlobalAssociationListIgnoresItsFilters() async throws {
        let bench = ActiveCampaignBench()
        try bench.account.actAsPerson { _ = try $0.addContact(email: "a@x.example", tags: ["a", "b"]) }
        let reply = try await bench.get("contactTags?filters%5Btag%5D=1")
        #expect(reply["contactTags"].array.count == 2)
    }

    @Test func searchContainsAndDoesNotMatchExactly() async throws {
        let bench = ActiveCampaignBench()
        for name in ["created-from-salesforce-contact", "created-from-salesforce-contact-2", "other"] {
            _ = try await bench.post("tags", #"{"tag":{"tag":"\#(name)","tagType":"contact"}}"#)
        }
        #expect(try await bench.get("tags?search=Created-from-salesforce-contact")["meta"]["total"].string == "2")
        #expect(try await bench.get("tags?filters%5Bsearch%5D%5Beq%5D=OTHER")["tags"][0]["id"].string == "3")
        #expect(try await bench.get("tags?orders%5Bsearch%5D=desc")["tags"][0]["tag"].string == "other")
    }

    @Test func aDeletedTagLeavesEverybodyAndItsNameIsFree() async throws {
        let bench = ActiveCampaignBench()
        try bench.account.seed(count: 30, tags: ["t"])
        #expect(try await bench.delete("tags/1").status == 200)
        #expect(bench.account.contacts().allSatisfy { $0.tags.isEmpty })
        #expect(try await bench.get("tags/1")["message"].string == "No Result found for Tag with id 1")
        #expect(try await bench.post("tags", #"{"tag":{"tag":"T","tagType":"contact"}}"#)["tag"]["id"].string == "2")
    }

    @Test func tagsInASyncBodyAreIgnored() async throws {
        let bench = ActiveCampaignBench()
        _ = try await bench.post("contact/sync", #"{"contact":{"email":"a@x.example","tags":["t"]}}"#)
        #expect(bench.account.contact(1)?.tags == [])
        bench.account.change { $0.syncTakesTags = true }
        _ = try await bench.post("contact/sync", #"{"contact":{"email":"a@x.example","tags":["t"]}}"#)
        #expect(bench.account.contact(1)?.tags == ["t"])
    }

    @Test func associationsOutliveADeletedTagWhenSwitched() async throws {
        let bench = ActiveCampaignBench { $0.tagDeleteRemovesAssociations = false }
        try bench.account.seed(count: 1, tags: ["t"])
        _ = try await bench.delete("tags/1")
        #expect(try await bench.get("contacts/1/contactTags")["contactTags"][0]["tag"].string == "1")
        #expect(try await bench.delete("contactTags/1").status == 200)
        #expect(try await bench.get("contacts?include=contactTags.tag")["tags"].array.isEmpty)
    }
}

extension CampaignReplyJSON {
    /// Whether a member is an object.
    func json(of key: String) -> Bool { if case .object = self[key] { true } else { false } }
}
