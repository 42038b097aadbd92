import Foundation
import Testing

@testable import Simulators

/// Facts nobody could confirm, each in the position that is not the default.
@Suite(.timeLimit(.minutes(3)))
struct SalesforceUnconfirmedTests {
    /// An org with some facts other than believed.
    static func caller(
        _ change: (inout SalesforceUnconfirmed) -> Void, _ more: (inout SalesforceOrgOptions) -> Void = { _ in }
    ) throws -> SalesforceCaller {
        try SalesforceCaller {
            change(&$0.unconfirmed)
            more(&$0)
        }
    }

    // MARK: - Counting

    @Test func callsThatFailOrFindNothingNewNeedNotCount() async throws {
        for counts in [true, false] {
            let it = try Self.caller {
                $0.countsFailedCalls = counts
                $0.countsUnchanged = counts
            }
            _ = try await it.call("GET", "query", query: [("q", "SELECT Nope FROM Contact")])
            let later = HTTPDate.string(it.clock.now.addingTimeInterval(3_600))
            let same = try await it.call("GET", "sobjects/Contact/describe", headers: ["if-modified-since": later])
            #expect(same.status == 304)
            #expect(it.org.apiUsage.used == (counts ? 2 : 0))
            _ = try await it.call("GET", "limits")
            #expect(it.org.apiUsage.used == (counts ? 3 : 1))
        }
    }

    @Test func theHeaderMayBeBehind() async throws {
        let it = try Self.caller { $0.usageLagSeconds = 60 }
        func shown() async throws -> String? { try await it.call("GET", "limits").header("Sforce-Limit-Info") }
        let first = try #require(try await shown())
        #expect(first.hasPrefix("api-usage=1/"))
        #expect(try await shown() == first)
        it.clock.advance(by: 61)
        #expect(try await shown()?.hasPrefix("api-usage=3/") == true)
    }

    // MARK: - Words and codes

    @Test func errorsMayHaveOtherWords() async throws {
        let it = try Self.caller {
            $0.texts = ["INVALID_EMAIL_ADDRESS": "no mail", "The requested resource does not exist": "gone"]
        }
        let rows = try await it.upsert([["AC_Contact_Id__c": "1", "LastName": "A", "Email": "x"]])
        #expect(rows[0]["errors"]?[0]?["message"] == "no mail" && rows[0].rowError == "INVALID_EMAIL_ADDRESS")
        #expect(try await it.call("GET", "sobjects/Nothing/describe").message == "gone")
        let other = try await it.call("GET", "query", query: [("q", "SELECT")])
        #expect(other.errorCode == "MALFORMED_QUERY" && other.message?.isEmpty == false)
    }

    @Test func codesOfRefusedCollectionsMayBeOthers() async throws {
        let it = try Self.caller {
            $0.tooManyRecordsCode = "LIMIT_EXCEEDED"
            $0.repeatedIDCode = "DUPLICATE_ID"
        }
        let many = (0...200).map { _ -> WireJSON in ["attributes": ["type": "Contact"], "LastName": "A"] }
        let refused = try await it.call("POST", "composite/sobjects", ["records": .array(many)])
        #expect(refused.status == 400 && refused.errorCode == "LIMIT_EXCEEDED")
        let id = it.org.seed("Contact", count: 1) { _ in ["LastName": "A"] }[0]
        let row: WireJSON = ["attributes": ["type": "Contact"], "id": .string(id), "Title": "T"]
        let twice = try await it.call("PATCH", "composite/sobjects", ["records": [row, row]])
        #expect(twice.body?[0]?.rowError == "DUPLICATE_ID" && twice.body?[1]?.rowError == "DUPLICATE_ID")
    }

    // MARK: - Records

    @Test(arguments: [true, false])
    func emptyTextIsNullOrIsKept(isNull: Bool) async throws {
        let it = try Self.caller { $0.emptyTextIsNull = isNull }
        let id = it.org.seed("Contact", count: 1) { _ in ["LastName": "A", "Title": "T"] }[0]
        #expect(try await it.call("PATCH", "sobjects/Contact/\(id)", ["Title": ""]).status == 204)
        let row = try await it.call("GET", "sobjects/Contact/\(id)")
        #expect(row.body?["Title"] == (isNull ? .null : ""))
    }

    @Test(arguments: [true, false])
    func aDeleteMovesTheStampOrNotAndIsKnownEitherWay(moves: Bool) async throws {
        let it = try Self.caller { $0.deleteMovesStamp = moves }
        let id = it.org.seed("Contact", count: 1) { _ in ["LastName": "A"] }[0]
        it.clock.advance(by: 3_600)
        let start = it.clock.now.addingTimeInterval(-600)
        #expect(try await it.call("DELETE", "sobjects/Contact/\(id)").status == 204)
        let stamp = Timestamp.json(Int(start.timeIntervalSince1970)).replacing("+0000", with: "Z")
        let found = try await it.values(
            "Id", "SELECT Id FROM Contact WHERE IsDeleted = TRUE AND SystemModstamp > \(stamp)", all: true)
        #expect(found.count == (moves ? 1 : 0))
        let end = Timestamp.json(Int(it.clock.now.timeIntervalSince1970) + 600).replacing("+0000", with: "Z")
        let deleted = try await it.call(
            "GET", "sobjects/Contact/deleted", query: [("start", stamp), ("end", end)])
        #expect(deleted.body?["deletedRecords"]?[0]?["id"] == .string(id))
    }

    @Test(arguments: [true, false])
    func anAccountTakesItsContactsAlongOrNot(cascades: Bool) async throws {
        let it = try Self.caller { $0.accountDeleteCascades = cascades }
        let account = it.org.seed("Account", count: 1) { _ in ["Name": "A"] }[0]
        it.org.seed("Contact", count: 2) { _ in ["LastName": "C", "AccountId": .text(account)] }
        try it.org.actAsUser { try $0.delete(account) }
        #expect(it.org.count("Contact") == (cascades ? 0 : 2))
        try it.org.actAsUser { try $0.undelete(account) }
        #expect(it.org.record(account)?.isDeleted == false)
    }

    @Test(arguments: [true, false])
    func theRecycleBinHoldsUniqueValuesOrNot(holds: Bool) async throws {
        let it = try Self.caller { $0.binHoldsUniqueValues = holds }
        let first = try await it.upsert([["AC_Contact_Id__c": "7", "LastName": "A"]])
        let id = try #require(first[0]["id"]?.stringValue)
        #expect(try await it.call("DELETE", "sobjects/Contact/\(id)").status == 204)
        let again = try await it.upsert([["AC_Contact_Id__c": "7", "LastName": "A"]])
        #expect(again[0].rowError == (holds ? "DUPLICATE_VALUE" : nil))
        guard !holds else { return }
        #expect(throws: SaveRefusal.self, "the value is another's by now") {
            try it.org.actAsUser { try $0.undelete(id) }
        }
        #expect(it.org.record(id)?.isDeleted == true)
    }

    @Test(arguments: [true, false])
    func theContactOfAnOpportunityIsFixedOrNot(isFixed: Bool) async throws {
        let it = try Self.caller { $0.opportunityContactIsFixed = isFixed }
        let contact = it.org.seed("Contact", count: 1) { _ in ["LastName": "A"] }[0]
        let id = it.org.seed("Opportunity", count: 1) { _ in
            ["Name": "O", "StageName": "Prospecting", "CloseDate": .date(20_000)]
        }[0]
        let changed = try await it.call("PATCH", "sobjects/Opportunity/\(id)", ["ContactId": .string(contact)])
        #expect(changed.status == (isFixed ? 400 : 204))
    }

    // MARK: - Queries

    @Test(arguments: [true, false])
    func nullsComeFirstOrLastUnlessTheQuerySays(first: Bool) async throws {
        let it = try Self.caller { $0.sortsNullsFirst = first }
        it.org.seed("Contact", count: 2) { $0 == 0 ? ["LastName": "A", "Title": "T"] : ["LastName": "A"] }
        let query = "SELECT Title FROM Contact ORDER BY Title"
        #expect(try await it.values("Title", query) == (first ? [.null, "T"] : ["T", .null]))
        #expect(try await it.values("Title", query + " NULLS FIRST") == [.null, "T"])
        #expect(try await it.values("Title", query + " NULLS LAST") == ["T", .null])
    }

    @Test func theFieldsFunctionMayTakeMoreRows() async throws {
        let it = try Self.caller { $0.fieldsFunctionRows = 500 }
        #expect(try await it.query("SELECT FIELDS(ALL) FROM Contact LIMIT 500")["done"] == true)
        let many = try await it.call("GET", "query", query: [("q", "SELECT FIELDS(ALL) FROM Contact LIMIT 501")])
        #expect(many.errorCode == "MALFORMED_QUERY")
    }

    @Test(arguments: [true, false])
    func changesWantAMinuteOrNot(cut: Bool) async throws {
        let it = try Self.caller { $0.changesAreCutToMinutes = cut }
        it.org.seed("Contact", count: 1) { _ in ["LastName": "A"] }
        let now = Int(it.clock.now.timeIntervalSince1970)
        let texts = [now - 10, now + 10].map { Timestamp.json($0).replacing("+0000", with: "Z") }
        let answer = try await it.call(
            "GET", "sobjects/Contact/updated", query: [("start", texts[0]), ("end", texts[1])])
        #expect(answer.status == (cut ? 400 : 200))
        if !cut { #expect(answer.body?["ids"]?.arrayValue?.count == 1) }
    }

    // MARK: - Bulk

    private func raw(
        _ it: SalesforceCaller, _ method: String, _ path: String, _ text: String, type: String = "text/csv"
    ) async throws -> SimulatedResponse {
        try #require(
            await it.simulator.handle(
                SimulatedRequest(
                    method: method, path: "/services/data/v66.0/\(path)",
                    headers: ["authorization": "Bearer \(it.token)", "content-type": type], body: Data(text.utf8))))
    }

    @Test func uploadsMayBeSeveralAndNullsOtherWords() async throws {
        let it = try Self.caller {
            $0.bulkUploadStatus = 200
            $0.bulkTakesOneUpload = false
            $0.bulkNullText = "NULL"
            $0.bulkEmptyClears = true
        }
        let ids = it.org.seed("Contact", count: 2) { _ in ["LastName": "A", "Title": "T", "Department": "D"] }
        let job = try await it.call("POST", "jobs/ingest", ["object": "Contact", "operation": "update"])
        let id = try #require(job.body?["id"]?.stringValue)
        let parts = ["Id,Title,Department\n\(ids[0]),NULL,\n", "\(ids[1]),#N/A,X\n"]
        for part in parts { #expect(try await raw(it, "PUT", "jobs/ingest/\(id)/batches", part).status == 200) }
        _ = try await it.call("PATCH", "jobs/ingest/\(id)", ["state": "UploadComplete"])
        it.clock.advance(by: 60)
        #expect(try await it.call("GET", "jobs/ingest/\(id)").body?["numberRecordsProcessed"] == 2)
        let (one, two) = (it.org.record(ids[0]), it.org.record(ids[1]))
        #expect(one?["Title"] == .null && one?["Department"] == .null)
        #expect(two?["Title"] == "#N/A" && two?["Department"] == "X")
    }

    @Test func inlineRowsMayBeMoreAndOffsetBeTaken() async throws {
        let it = try Self.caller {
            $0.bulkInlineCharacters = 20
            $0.bulkRefusesOffset = false
        }
        let settings = #"{"object":"Contact","operation":"insert"}"#
        func create(_ rows: String) async throws -> Int {
            try await raw(
                it, "POST", "jobs/ingest",
                "--b\r\nContent-Disposition: form-data; name=\"job\"\r\nContent-Type: application/json\r\n\r\n\(settings)\r\n"
                    + "--b\r\nContent-Disposition: form-data; name=\"content\"\r\nContent-Type: text/csv\r\n\r\n\(rows)\r\n--b--\r\n",
                type: "multipart/form-data; boundary=b"
            ).status
        }
        #expect(try await create("LastName\nA\n") == 200)
        #expect(try await create("LastName\n\(String(repeating: "A", count: 30))\n") == 400)
        let query: WireJSON = ["operation": "query", "query": "SELECT Id FROM Contact OFFSET 1"]
        #expect(try await it.call("POST", "jobs/query", query).status == 200)
    }
}
