import Foundation
import Simulators
import Testing

/// Section 12 of the reference, row by row, over real HTTP: the switches, and the limits they bend.
@Suite(.timeLimit(.minutes(3)))
struct ChecklistSwitchesTests {
    /// Calls until one is refused by the limit.
    private static func refused(_ it: ConformanceAccount, token: String? = nil) async throws -> CampaignReply {
        for _ in 0..<200 {
            let reply = try await it.get("users/me", token: token)
            if reply.status != 200 { return reply }
        }
        throw ConformanceGaveUp()
    }

    private struct ConformanceGaveUp: Error {}

    @Test(arguments: ActiveCampaignOptions.LimitedBody.allCases)
    func the429HasEachBody(body: ActiveCampaignOptions.LimitedBody) async throws {
        let it = try await ConformanceAccount {
            $0.rateLimit = 1
            $0.limitedBody = body
            $0.retryAfterSeconds = 30
        }
        let reply = try await Self.refused(it)
        #expect(reply.status == 429 && reply.header("Retry-After") == "30" && reply.header("RateLimit-Limit") == "1")
        switch body {
        case .json: #expect(reply["message"].string == "Too Many Requests")
        case .html:
            #expect(reply.text.contains("<html") && reply.header("content-type")?.hasPrefix("text/html") == true)
        case .empty: #expect(reply.text.isEmpty)
        }
    }

    @Test func theLimitAnswers503AsOfOld() async throws {
        let it = try await ConformanceAccount {
            $0.rateLimit = 1
            $0.limitsWithLegacy503 = true
        }
        let reply = try await Self.refused(it)
        #expect(reply.status == 503 && reply.header("Retry-After") == nil)
    }

    @Test func spurious403sFollowTheirRate() async throws {
        let it = try await ConformanceAccount { $0.spurious403Rate = 0.5 }
        var statuses: [Int] = []
        for _ in 0..<60 { statuses.append(try await it.get("users/me").status) }
        #expect(Set(statuses) == [200, 403])
        let again = try await ConformanceAccount { $0.spurious403Rate = 0.5 }
        for status in statuses { #expect(try await again.get("users/me").status == status) }
    }

    @Test func theReadLagHidesNewChangesFromFiltersAndNotFromIds() async throws {
        let it = try await ConformanceAccount { $0.readLagSeconds = 30 }
        let id = try await it.contact("new@x.example")
        for query in ["search=new", "email_like=new", "filters[updated_after]=2020-01-01"] {
            #expect(try await it.get("contacts?\(query)")["contacts"].array.isEmpty, "\(query)")
        }
        #expect(try await it.get("contacts/\(id)").status == 200)
        it.clock.advance(by: 31)
        for query in ["search=new", "email_like=new", "filters[updated_after]=2020-01-01"] {
            #expect(try await it.get("contacts?\(query)")["contacts"].array.count == 1, "\(query)")
        }
    }

    @Test func importsTakeTheirLatency() async throws {
        let it = try await ConformanceAccount { $0.importLatency = 120...120 }
        let reply = try await it.post("import/bulk_import", #"{"contacts":[{"email":"a@x.example"}]}"#)
        let batch = try #require(reply["batchId"].string)
        #expect(reply["Success"].int == 1 && reply["queued_contacts"].int == 1)
        it.clock.advance(by: 60)
        #expect(try await it.get("import/info?batchId=\(batch)")["status"].string != "completed")
        #expect(it.account.contactCount == 0)
        it.clock.advance(by: 70)
        #expect(try await it.get("import/info?batchId=\(batch)")["status"].string == "completed")
        #expect(it.account.contactCount == 1)
    }

    @Test(arguments: [422, 500])
    func aDuplicateTagHasItsStatus(status: Int) async throws {
        let it = try await ConformanceAccount { $0.duplicateTagStatus = status }
        _ = try await it.post("tags", #"{"tag":{"tag":"t","tagType":"contact"}}"#)
        let reply = try await it.post("tags", #"{"tag":{"tag":"T","tagType":"contact"}}"#)
        #expect(reply.status == status && reply["message"].string == "Could not process request")
    }

    @Test(arguments: [true, false])
    func emptyTextClearsInAnImportOrNot(clears: Bool) async throws {
        let it = try await ConformanceAccount { $0.importEmptyClears = clears }
        try await it.importContacts(#"{"email":"a@x.example","first_name":"Ada","last_name":"L"}"#)
        try await it.importContacts(#"{"email":"a@x.example","first_name":""}"#)
        #expect(it.account.contact(1)?.firstName == (clears ? "" : "Ada") && it.account.contact(1)?.lastName == "L")
    }

    @Test func allKeysShareTheLimitAndUsersMeCountsToo() async throws {
        let it = try await ConformanceAccount { $0.rateLimit = 2 }
        let other = it.addToken()
        _ = try await Self.refused(it)
        // The other key finds the bucket as the first one left it: nearly empty.
        #expect(try await Self.refused(it, token: other).status == 429)
        #expect(it.account.calls[.identity] == it.account.calls.total && it.account.calls.limited >= 2)
        it.clock.advance(by: 10)
        #expect(try await it.get("users/me").status == 200)
    }

    @Test func theImporterHasALimitOfItsOwn() async throws {
        let it = try await ConformanceAccount { $0.limitsImports = true }
        let single = #"{"contacts":[{"email":"a@x.example"}]}"#
        for _ in 0..<20 { #expect(try await it.post("import/bulk_import", single).status == 200) }
        let refused = try await it.post("import/bulk_import", single)
        #expect(refused.status == 400 && refused["message"].string == "Rate limit exceeded.")
        #expect(refused["success"].int == 0 && refused["failureReasons"][0].string?.contains("per minute") == true)
        let several = #"{"contacts":[{"email":"a@x.example"},{"email":"b@x.example"}]}"#
        #expect(try await it.post("import/bulk_import", several).status == 200)
        #expect(try await it.get("users/me").status == 200)
        it.clock.advance(by: 61)
        #expect(try await it.post("import/bulk_import", single).status == 200)
    }

    // MARK: - What nobody confirmed

    @Test(arguments: ActiveCampaignOptions.BadKeyBody.allCases)
    func aBadKeyIs403WithEachBody(body: ActiveCampaignOptions.BadKeyBody) async throws {
        let it = try await ConformanceAccount { $0.badKeyBody = body }
        it.account.revokeToken()
        let reply = try await it.get("users/me")
        #expect(reply.status == 403)
        switch body {
        case .message: #expect(reply["message"].string == "Forbidden")
        case .errors: #expect(reply["errors"][0]["status"].int == 403)
        case .html: #expect(reply.text.contains("<html"))
        case .empty: #expect(reply.text.isEmpty)
        }
    }

    @Test(arguments: [true, false])
    func aReplacedKeyDiesOrLivesOn(dies: Bool) async throws {
        let it = try await ConformanceAccount { $0.rotationKillsOldKey = dies }
        let old = it.account.token
        _ = it.account.rotateToken()
        #expect(try await it.get("users/me", token: old).status == (dies ? 403 : 200))
    }

    @Test(arguments: [true, false])
    func aTakenAddressIsRefusedOnPutOrIgnored(refuses: Bool) async throws {
        let it = try await ConformanceAccount { $0.putRefusesDuplicateEmail = refuses }
        _ = try await it.contact("a@x.example")
        let id = try await it.contact("b@x.example")
        let reply = try await it.put("contacts/\(id)", #"{"contact":{"email":"A@x.example","firstName":"B"}}"#)
        #expect(reply.status == (refuses ? 422 : 200))
        #expect(it.account.contact(2)?.email == "b@x.example")
        #expect(it.account.contact(2)?.firstName == (refuses ? "" : "B"))
    }

    @Test func aSegmentIsEmptyUntilItsQueryIsDoneAndThenFrozen() async throws {
        let it = try await ConformanceAccount()
        let ada = try await it.contact("ada@x.example")
        _ = try await it.contact("bo@x.example")
        try it.account.actAsPerson { try $0.addTag(1, "vip") }
        let segment = it.account.addSegment(name: "VIP", .tag("vip"))
        func members(_ query: String = "&forceQuery=1") async throws -> [String] {
            let reply = try await it.get("contacts?segmentid=\(segment)\(query)")
            #expect(reply.status == 200 && reply["meta"]["page_input"]["segmentid"].string == "\(segment)")
            return reply["contacts"].array.compactMap { $0["id"].string }
        }
        it.clock.advance(by: 10)
        #expect(try await members("").isEmpty)
        it.clock.advance(by: 10)
        #expect(try await members("").isEmpty, "nothing was started")
        #expect(try await members().isEmpty)
        it.clock.advance(by: 10)
        #expect(try await members() == [ada])
        #expect(try await members("") == [ada])
        try it.account.actAsPerson { try $0.addTag(2, "vip") }
        #expect(try await members() == [ada])
        it.clock.advance(by: 3_600)
        #expect(try await members().isEmpty)
        it.clock.advance(by: 10)
        #expect(try await members() == [ada, "2"])
        #expect(try await it.get("contacts?segmentid=99&forceQuery=1")["contacts"].array.isEmpty)
    }

    @Test(arguments: [true, false])
    func updatedTimestampFiltersOrIsIgnored(filters: Bool) async throws {
        let it = try await ConformanceAccount { $0.takesUpdatedTimestampFilter = filters }
        _ = try await it.contact("a@x.example")
        let reply = try await it.get("contacts?filters[updated_timestamp]=2099-01-01")
        #expect(reply["contacts"].array.count == (filters ? 0 : 1))
    }

    @Test func aDeletedTagsNameIsFreeOrStaysTaken() async throws {
        for stays in [false, true] {
            let it = try await ConformanceAccount { $0.deletedTagNameStaysTaken = stays }
            _ = try await it.post("tags", #"{"tag":{"tag":"t","tagType":"contact"}}"#)
            #expect(try await it.delete("tags/1").text == "{}")
            let again = try await it.post("tags", #"{"tag":{"tag":"t","tagType":"contact"}}"#)
            #expect(again.status == (stays ? 422 : 201))
        }
    }

    @Test func mailsThatAreOpenedMoveUdatesAndNothingElse() async throws {
        let it = try await ConformanceAccount()
        try it.account.seed(count: 50)
        let before = it.account.contacts()
        let instant = ISO8601DateFormatter().string(from: it.clock.now.addingTimeInterval(30))
        it.clock.advance(by: 60)
        it.account.openMails(count: 20)
        let changed = try await it.get("contacts?limit=100&filters[updated_after]=\(instant)")["contacts"].array
        #expect((1...20).contains(changed.count))
        let after = it.account.contacts()
        #expect(after.map(\.updated) != before.map(\.updated))
        #expect(after.map(\.email) == before.map(\.email) && after.map(\.phone) == before.map(\.phone))
    }
}
