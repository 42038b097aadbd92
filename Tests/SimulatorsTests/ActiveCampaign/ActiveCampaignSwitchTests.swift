import Foundation
import Simulators
import Testing

/// Switches of writing and filtering, each in both positions.
@Suite(.timeLimit(.minutes(2)))
struct ActiveCampaignSwitchTests {
    @Test(arguments: [true, false])
    func aCreateWithoutAListFiresUpdateOrNot(fires: Bool) async throws {
        let bench = ActiveCampaignBench { $0.createFiresUpdate = fires }
        _ = try await bench.post(
            "webhooks",
            #"{"webhook":{"name":"h","url":"https://me.example/in","events":["update"],"sources":["api"]}}"#)
        _ = try await bench.post("contacts", #"{"contact":{"email":"a@x.example"}}"#)
        await bench.account.webhooksSettled()
        #expect(bench.received.types == (fires ? ["update"] : []))
    }

    @Test(arguments: [true, false])
    func nullEmptiesAValueOrLeavesIt(clears: Bool) async throws {
        let bench = ActiveCampaignBench { $0.nullClears = clears }
        _ = try await bench.post("contact/sync", #"{"contact":{"email":"a@x.example","firstName":"Ada","phone":"1"}}"#)
        _ = try await bench.post("contact/sync", #"{"contact":{"email":"a@x.example","firstName":null}}"#)
        #expect(bench.account.contact(1)?.firstName == (clears ? "" : "Ada") && bench.account.contact(1)?.phone == "1")
    }

    @Test(arguments: [true, false])
    func updateTimesOrderContactsOrNot(orders: Bool) async throws {
        let bench = ActiveCampaignBench { $0.ordersByUpdateTime = orders }
        for name in ["a", "b", "c"] {
            _ = try await bench.post("contacts", #"{"contact":{"email":"\#(name)@x.example"}}"#)
        }
        bench.clock.advance(by: 60)
        try bench.account.actAsPerson { try $0.openMail(2) }
        let ids = try await bench.get("contacts?orders%5Budate%5D=DESC")["contacts"].array.map { $0["id"].string }
        #expect(ids.first == (orders ? "2" : "1"))
    }

    @Test(arguments: [true, false])
    func timesWithoutAnOffsetAreGreenwichsOrTheAccounts(areUTC: Bool) async throws {
        let bench = ActiveCampaignBench { $0.naiveFilterTimesAreUTC = areUTC }
        _ = try await bench.post("contacts", #"{"contact":{"email":"a@x.example"}}"#)
        // Greenwich's wall clock an hour ago reads as some time ahead when it is taken for Chicago's.
        let format = ISO8601DateFormatter()
        format.formatOptions = [.withFullDate, .withTime, .withColonSeparatorInTime, .withSpaceBetweenDateAndTime]
        let text = format.string(from: bench.clock.now.addingTimeInterval(-3_600)).replacing(" ", with: "%20")
        let found = try await bench.get("contacts?filters%5Bupdated_after%5D=\(text)")["contacts"].array
        #expect(found.count == (areUTC ? 1 : 0))
    }

    @Test func aLongTagIsCutToTheSwitchsLetters() async throws {
        let bench = ActiveCampaignBench { $0.tagLetters = 5 }
        let reply = try await bench.post("tags", #"{"tag":{"tag":"a long tag","tagType":"contact"}}"#)
        #expect(reply.status == 201 && reply["tag"]["tag"].string == "a lon")
    }

    @Test(arguments: [true, false])
    func importsTakeEffectInTheirOrderOrAtTheirOwnTimes(keepOrder: Bool) async throws {
        let bench = ActiveCampaignBench {
            $0.importsKeepOrder = keepOrder
            $0.importLatency = 600...600
        }
        func queue(_ name: String) async throws {
            let reply = try await bench.post(
                "import/bulk_import", #"{"contacts":[{"email":"a@x.example","first_name":"\#(name)"}]}"#)
            #expect(reply.status == 200)
        }
        try await queue("first")
        bench.account.change { $0.importLatency = 1...1 }
        try await queue("second")
        bench.clock.advance(by: 10)
        #expect(bench.account.importsOpen == (keepOrder ? 2 : 1))
        bench.clock.advance(by: 1_000)
        #expect(bench.account.contact(1)?.firstName == (keepOrder ? "second" : "first"))
    }

    @Test(arguments: [200, 201], [true, false])
    func anUpdatingRecordUpsertHasItsStatusAndReach(status: Int, isPartial: Bool) async throws {
        let bench = ActiveCampaignBench {
            $0.recordUpdateStatus = status
            $0.recordUpdateIsPartial = isPartial
        }
        let schema = try await bench.post(
            "customObjects/schemas",
            """
            {"schema":{"slug":"opportunity","labels":{"singular":"O","plural":"Os"},"fields":[
            {"id":"name","type":"text","labels":{"singular":"N","plural":"N"}},
            {"id":"stage","type":"text","labels":{"singular":"S","plural":"S"}}]}}
            """)
        let id = try #require(schema["schema"]["id"].string)
        func upsert(_ fields: String) async throws -> CampaignReply {
            try await bench.post(
                "customObjects/records/\(id)", #"{"record":{"externalId":"006","fields":[\#(fields)]}}"#)
        }
        #expect(try await upsert(#"{"id":"name","value":"A"},{"id":"stage","value":"Won"}"#).status == 201)
        #expect(try await upsert(#"{"id":"name","value":"B"}"#).status == status)
        let text = try await bench.get("customObjects/records/\(id)/external/006").text
        #expect(text.contains("\"B\"") && text.contains("\"Won\"") == isPartial, "\(text)")
    }
}
