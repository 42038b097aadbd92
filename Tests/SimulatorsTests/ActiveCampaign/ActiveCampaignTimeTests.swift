import Foundation
import Simulators
import Testing

@Suite(.timeLimit(.minutes(2)))
struct ActiveCampaignTimeTests {
    /// A bench whose clock shows about the given instant.
    private func bench(at instant: String, zone: String = "America/Chicago") throws -> ActiveCampaignBench {
        let bench = ActiveCampaignBench { $0.timeZone = zone }
        let date = try #require(ISO8601DateFormatter().date(from: instant))
        bench.clock.offsetSeconds = date.timeIntervalSinceNow
        return bench
    }

    @Test func stampsCarryTheAccountsOffsetAcrossDaylightSaving() async throws {
        let bench = try bench(at: "2026-11-01T06:30:00Z")
        let before = try await bench.post("contacts", #"{"contact":{"email":"a@x.example"}}"#)
        #expect(before["contact"]["cdate"].string?.hasPrefix("2026-11-01T01:3") == true)
        #expect(before["contact"]["cdate"].string?.hasSuffix("-05:00") == true)
        bench.clock.advance(by: 3_600)
        let after = try await bench.post("contacts", #"{"contact":{"email":"b@x.example"}}"#)
        // The same wall clock an hour later, told apart by the offset alone.
        #expect(after["contact"]["cdate"].string?.hasPrefix("2026-11-01T01:3") == true)
        #expect(after["contact"]["cdate"].string?.hasSuffix("-06:00") == true)
    }

    @Test(arguments: ["America/Chicago", "Asia/Kolkata", "Europe/Berlin", "UTC", "Australia/Lord_Howe"])
    func stampsAgreeWithFoundationInEveryZone(zone: String) async throws {
        for instant in ["2024-02-29T12:00:00Z", "2026-03-08T07:59:59Z", "2026-07-01T23:59:58Z", "2031-12-31T23:30:00Z"]
        {
            let bench = try bench(at: instant, zone: zone)
            try bench.account.seed(count: 1, age: 0)
            let contact = try #require(bench.account.contact(1))
            let row = try await bench.get("contacts")["contacts"][0]
            let expected = ActiveCampaignListingTests.stamp(
                contact.updated, zone: zone, format: "yyyy-MM-dd'T'HH:mm:ssxxx")
            #expect(row["udate"].string == expected)
            let naive = ActiveCampaignListingTests.stamp(contact.updated, zone: zone, format: "yyyy-MM-dd HH:mm:ss")
            #expect(row["updated_timestamp"].string == naive)
        }
    }

    @Test func timestampsCalledUtcAreLocal() async throws {
        let bench = try bench(at: "2026-05-28T08:05:54Z")
        try bench.account.seed(count: 1, age: 0)
        let row = try await bench.get("contacts")["contacts"][0]
        #expect(row["created_utc_timestamp"].string?.hasPrefix("2026-05-28 03:0") == true)
        #expect(row["created_utc_timestamp"] == row["created_timestamp"])
    }

    @Test(arguments: ["tag", "untag", "note", "open", "put", "idle sync", "deal", "list", "value"])
    func moreThanProfileEditsMoveTheUpdateTime(kind: String) async throws {
        let bench = ActiveCampaignBench()
        let list = bench.account.addList(name: "News")
        bench.account.addField(title: "City")
        try bench.account.actAsPerson { person in
            _ = try person.addContact(email: "a@x.example", tags: ["old"])
        }
        _ = try await bench.post("dealGroups", #"{"dealGroup":{"title":"P","currency":"usd"}}"#)
        _ = try await bench.post("tags", #"{"tag":{"tag":"new","tagType":"contact"}}"#)
        let before = try #require(bench.account.contact(1)).updated
        bench.clock.advance(by: 10)
        switch kind {
        case "tag": _ = try await bench.post("contactTags", #"{"contactTag":{"contact":1,"tag":2}}"#)
        case "untag": _ = try await bench.delete("contactTags/1")
        case "note": _ = try await bench.post("notes", #"{"note":{"note":"x","relid":1,"reltype":"Subscriber"}}"#)
        case "open": try bench.account.actAsPerson { try $0.openMail(1) }
        case "put": _ = try await bench.put("contacts/1", #"{"contact":{"firstName":"A"}}"#)
        case "idle sync": _ = try await bench.post("contact/sync", #"{"contact":{"email":"a@x.example"}}"#)
        case "list":
            _ = try await bench.post("contactLists", #"{"contactList":{"contact":1,"list":\#(list),"status":1}}"#)
        case "value":
            _ = try await bench.post("fieldValues", #"{"fieldValue":{"contact":1,"field":1,"value":"x"}}"#)
        default:
            _ = try await bench.post(
                "deals",
                #"{"deal":{"title":"D","contact":"1","value":1,"currency":"usd","group":"1","owner":"1"}}"#)
        }
        #expect(try #require(bench.account.contact(1)).updated >= before + 10)
    }

    @Test func anIdleSyncLeavesTheUpdateTimeWhenSwitched() async throws {
        let bench = ActiveCampaignBench { $0.idleSyncMovesUpdateTime = false }
        try bench.account.seed(count: 1, prefix: "p", domain: "x.example", age: 0)
        let before = try #require(bench.account.contact(1)).updated
        bench.clock.advance(by: 10)
        _ = try await bench.post("contact/sync", #"{"contact":{"email":"p1@x.example"}}"#)
        #expect(try #require(bench.account.contact(1)).updated == before)
        _ = try await bench.post("contact/sync", #"{"contact":{"email":"p1@x.example","firstName":"Changed"}}"#)
        #expect(try #require(bench.account.contact(1)).updated > before)
    }

    @Test func taggingMovesTheTagsOwnTimestampToo() async throws {
        let bench = ActiveCampaignBench()
        _ = try await bench.post("tags", #"{"tag":{"tag":"t","tagType":"contact"}}"#)
        let before = try await bench.get("tags/1")["tag"]["updated_timestamp"].string
        bench.clock.advance(by: 60)
        try bench.account.actAsPerson { _ = try $0.addContact(email: "a@x.example", tags: ["t"]) }
        #expect(try await bench.get("tags/1")["tag"]["updated_timestamp"].string != before)
    }

    @Test func deletingAStageStampsItsPipelineInTheFuture() async throws {
        let bench = try bench(at: "2026-05-28T09:05:48Z")
        _ = try await bench.post("dealGroups", #"{"dealGroup":{"title":"P","currency":"usd"}}"#)
        let before = try await bench.get("dealGroups/1")["dealGroup"]["udate"].string
        #expect(before?.hasPrefix("2026-05-28T04:0") == true)
        _ = try await bench.delete("dealStages/1")
        let after = try await bench.get("dealGroups/1")["dealGroup"]["udate"].string
        #expect(after?.hasPrefix("2026-05-28T09:0") == true)
        #expect(after?.hasSuffix("-05:00") == true)
    }
}
