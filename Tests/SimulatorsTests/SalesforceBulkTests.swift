import Foundation
import Testing

@testable import Simulators

/// Reference section 11: jobs as clients of the Bulk API 2.0 run them.
@Suite(.timeLimit(.minutes(3)))
struct SalesforceBulkTests {
    /// One call whose body and answer are rows rather than JSON.
    private static func raw(
        _ caller: SalesforceCaller, _ method: String, _ path: String, _ text: String = "",
        type: String = "text/csv; charset=UTF-8", query: [(name: String, value: String)] = []
    ) async throws -> (status: Int, headers: [String: String], text: String) {
        let response = try #require(
            await caller.simulator.handle(
                SimulatedRequest(
                    method: method, path: "/services/data/v66.0/\(path)", query: query,
                    headers: ["authorization": "Bearer \(caller.token)", "content-type": type], body: Data(text.utf8))))
        let headers = Dictionary(response.headers.map { ($0.name, $0.value) }) { $1 }
        return (response.status, headers, String(decoding: response.body, as: UTF8.self))
    }

    /// Makes, fills and closes an ingest job; returns its id.
    private static func ingest(
        _ caller: SalesforceCaller, _ settings: WireJSON, _ rows: String
    ) async throws -> String {
        let made = try await caller.call("POST", "jobs/ingest", settings)
        #expect(made.status == 200, "\(made.message ?? "")")
        let id = try #require(made.body?["id"]?.stringValue)
        #expect(made.body?["contentUrl"] == .string("services/data/v66.0/jobs/ingest/\(id)/batches"))
        let uploaded = try await raw(caller, "PUT", "jobs/ingest/\(id)/batches", rows)
        #expect(uploaded.status == 201 && uploaded.text.isEmpty)
        let closed = try await caller.call("PATCH", "jobs/ingest/\(id)", ["state": "UploadComplete"])
        #expect(closed.status == 200 && closed.body?["state"] == "UploadComplete")
        return id
    }

    private static func state(_ caller: SalesforceCaller, _ id: String, kind: String = "ingest") async throws
        -> WireJSON
    {
        try #require(try await caller.call("GET", "jobs/\(kind)/\(id)").body)
    }

    private static let upsert: WireJSON = [
        "object": "Contact", "operation": "upsert", "externalIdFieldName": "AC_Contact_Id__c", "contentType": "CSV",
        "lineEnding": "LF", "columnDelimiter": "COMMA",
    ]

    @Test func anUpsertJobReportsWrittenAndRefusedRows() async throws {
        let caller = try SalesforceCaller()
        _ = try await caller.upsert([["AC_Contact_Id__c": "1", "LastName": "Old", "Title": "T", "AC_Write_Id__c": "w"]])
        let id = try await Self.ingest(
            caller, Self.upsert,
            """
            AC_Contact_Id__c,LastName,Title,AC_Write_Id__c
            1,"New, with ""quotes""\nand a break",#N/A,w1
            2,Fresh,,w1
            3,,x,w1

            """)
        #expect(try await Self.state(caller, id)["state"] == "UploadComplete")
        #expect(caller.org.count("Contact") == 1)
        caller.clock.advance(by: 60)
        let done = try await Self.state(caller, id)
        #expect(done["state"] == "JobComplete" && done["jobType"] == "V2Ingest" && done["apiVersion"] == 66.0)
        #expect(done["numberRecordsProcessed"] == 3 && done["numberRecordsFailed"] == 1)
        let written = try await Self.raw(caller, "GET", "jobs/ingest/\(id)/successfulResults")
        let rows = caller.org.records("Contact")
        #expect(
            written.text == """
                "sf__Id","sf__Created","AC_Contact_Id__c","LastName","Title","AC_Write_Id__c"
                "\(rows[0].id)","false","1","New, with ""quotes""\nand a break","#N/A","w1"
                "\(rows[1].id)","true","2","Fresh","","w1"

                """)
        #expect(written.headers["Content-Type"] == "text/csv; charset=UTF-8")
        let failed = try await Self.raw(caller, "GET", "jobs/ingest/\(id)/failedResults")
        #expect(
            failed.text.hasSuffix(
                "\"\",\"REQUIRED_FIELD_MISSING:Required fields are missing: [LastName]:LastName --\",\"3\",\"\",\"x\",\"w1\"\n"
            ))
        let rest = try await Self.raw(caller, "GET", "jobs/ingest/\(id)/unprocessedrecords")
        #expect(rest.text == "\"AC_Contact_Id__c\",\"LastName\",\"Title\",\"AC_Write_Id__c\"\n")
        #expect(rows[0]["LastName"] == "New, with \"quotes\"\nand a break" && rows[0]["Title"].isNull)
        #expect(caller.org.calls["bulk"] == 8)
    }

    @Test func rowsAreWrittenInChunksAsTimePasses() async throws {
        let caller = try SalesforceCaller {
            $0.bulkQueueSeconds = 10
            $0.bulkStepSeconds = 10
        }
        let rows = "LastName\n" + (0..<500).map { "L\($0)\n" }.joined()
        let id = try await Self.ingest(caller, ["object": "Contact", "operation": "insert"], rows)
        caller.clock.advance(by: 11)
        let first = try await Self.state(caller, id)
        #expect(first["state"] == "InProgress" && first["numberRecordsProcessed"] == 200)
        caller.clock.advance(by: 3600)
        let done = try await Self.state(caller, id)
        #expect(done["state"] == "JobComplete" && done["numberRecordsProcessed"] == 500)
        // Stamped when each chunk was due, not when somebody looked.
        let stamps = Set(
            caller.org.records("Contact").compactMap { record -> Int? in
                if case .dateTime(let stamp) = record["SystemModstamp"] { stamp } else { nil }
            })
        let sorted = stamps.sorted()
        #expect(sorted.count == 3)
        #expect(zip(sorted, sorted.dropFirst()).allSatisfy { $1 - $0 == 10 })
        let found = try await caller.query("SELECT Id FROM Contact ORDER BY SystemModstamp, Id")
        #expect(found["totalSize"] == 500)
    }

    @Test func anAbortedJobKeepsWhatItDidAndShowsTheRest() async throws {
        let caller = try SalesforceCaller {
            $0.bulkQueueSeconds = 10
            $0.bulkStepSeconds = 10
        }
        let rows = "LastName|Title\r\n" + (0..<201).map { "L\($0)|x\r\n" }.joined()
        let id = try await Self.ingest(
            caller, ["object": "Contact", "operation": "insert", "columnDelimiter": "PIPE", "lineEnding": "CRLF"], rows)
        caller.clock.advance(by: 11)
        let early = try await caller.call("GET", "jobs/ingest/\(id)/failedResults")
        #expect(early.status == 400 && early.errorCode == "INVALIDJOBSTATE")
        let aborted = try await caller.call("PATCH", "jobs/ingest/\(id)", ["state": "Aborted"])
        #expect(aborted.body?["state"] == "Aborted")
        caller.clock.advance(by: 100)
        let rest = try await Self.raw(caller, "GET", "jobs/ingest/\(id)/unprocessedrecords")
        #expect(rest.text == "\"LastName\"|\"Title\"\r\n\"L200\"|\"x\"\r\n")
        #expect(caller.org.count("Contact") == 200)
        #expect(try await caller.call("DELETE", "jobs/ingest/\(id)").status == 204)
        #expect(try await caller.call("GET", "jobs/ingest/\(id)").status == 404)
    }

    @Test(arguments: [
        ("LastName,Nope__c\nA,1\n", "LF", "insert", "InvalidBatch : Field name not found : Nope__c"),
        (
            "LastName\r\nA\r\n", "LF", "insert",
            "ClientInputError : LineEnding is invalid on user data. Current LineEnding setting is LF"
        ),
        ("Id,LastName\n1,A\n", "LF", "delete", "InvalidBatch : The 'delete' batch must contain only ids"),
        ("LastName\n\"A\n", "LF", "insert", "InvalidBatch : Failed to parse CSV: a quoted field is not closed"),
    ])
    func aFlawOfTheUploadFailsTheJob(rows: String, ending: String, operation: String, message: String) async throws {
        let caller = try SalesforceCaller()
        let id = try await Self.ingest(
            caller, ["object": "Contact", "operation": .string(operation), "lineEnding": .string(ending)], rows)
        caller.clock.advance(by: 60)
        let job = try await Self.state(caller, id)
        #expect(job["state"] == "Failed" && job["errorMessage"] == .string(message))
        #expect(caller.org.count("Contact") == 0)
    }

    @Test func updatesDeletesAndHardDeletesGoById() async throws {
        let caller = try SalesforceCaller()
        let ids = try caller.org.actAsUser { user in
            try (0..<3).map { try user.create("Contact", ["LastName": .text("L\($0)"), "Birthdate": .date(0)]) }
        }
        let update = try await Self.ingest(
            caller, ["object": "Contact", "operation": "update"],
            "Id,Title,Birthdate\n\(ids[0]),Boss,1980-02-29\n\(ids[1]),x,31.12.2020\n")
        caller.clock.advance(by: 60)
        #expect(caller.org.record(ids[0])?["Title"] == "Boss")
        let failed = try await Self.raw(caller, "GET", "jobs/ingest/\(update)/failedResults")
        #expect(failed.text.contains("INVALID_TYPE_ON_FIELD_IN_RECORD:Birthdate: value not of required type"))
        _ = try await Self.ingest(caller, ["object": "Contact", "operation": "delete"], "Id\n\(ids[1])\n")
        _ = try await Self.ingest(caller, ["object": "Contact", "operation": "hardDelete"], "Id\n\(ids[2])\n")
        caller.clock.advance(by: 60)
        #expect(try await caller.values("Id", "SELECT Id FROM Contact").count == 1)
        let all = try await caller.values("Id", "SELECT Id FROM Contact", all: true)
        #expect(all == [.string(ids[0]), .string(ids[1])])
    }

    @Test func oneFormMakesFillsAndClosesASmallJob() async throws {
        let caller = try SalesforceCaller()
        let body = """
            --B\r\nContent-Disposition: form-data; name="job"\r\nContent-Type: application/json\r\n\r\n\
            {"object":"Contact","operation":"insert"}\r\n--B\r\n\
            Content-Disposition: form-data; name="content"; filename="content"\r\nContent-Type: text/csv\r\n\r\n\
            LastName\nA\nB\n\r\n--B--\r\n
            """
        let made = try await Self.raw(
            caller, "POST", "jobs/ingest", body, type: "multipart/form-data; boundary=\"B\"")
        #expect(made.status == 200 && made.text.contains("\"UploadComplete\""))
        caller.clock.advance(by: 60)
        #expect(caller.org.count("Contact") == 2)
    }

    @Test func callsOutOfPlaceAreRefused() async throws {
        let caller = try SalesforceCaller()
        let made = try await caller.call("POST", "jobs/ingest", Self.upsert)
        let id = try #require(made.body?["id"]?.stringValue)
        let other = try await caller.call("GET", "/services/data/v65.0/jobs/ingest/\(id)")
        #expect(other.status == 409)
        #expect(try await Self.raw(caller, "PUT", "jobs/ingest/\(id)/batches", "LastName\n").status == 201)
        #expect(try await Self.raw(caller, "PUT", "jobs/ingest/\(id)/batches", "LastName\n").status == 400)
        #expect(try await caller.call("DELETE", "jobs/ingest/\(id)").errorCode == "INVALIDJOBSTATE")
        #expect(try await caller.call("PATCH", "jobs/ingest/\(id)", ["state": "Open"]).status == 400)
        #expect(try await caller.call("POST", "jobs/ingest", ["object": "Nope", "operation": "insert"]).status == 400)
        let noField: WireJSON = ["object": "Contact", "operation": "upsert", "externalIdFieldName": "Email"]
        #expect(try await caller.call("POST", "jobs/ingest", noField).status == 400)
        #expect(try await caller.call("GET", "jobs/query/\(id)").status == 404)
        caller.clock.advance(by: 90_000)
        var later = caller
        later.token = caller.org.accessToken()
        #expect(try await Self.state(later, id)["state"] == "Aborted")
    }

    @Test func aQueryJobPagesThroughWhatItFound() async throws {
        let caller = try SalesforceCaller()
        _ = caller.org.seed("Contact", count: 5) { ["LastName": .text("L\($0)"), "DoNotCall": .bool($0 == 0)] }
        let made = try await caller.call(
            "POST", "jobs/query",
            ["operation": "query", "query": "SELECT LastName, Account.Name, DoNotCall FROM Contact ORDER BY Id"])
        #expect(made.status == 200 && made.body?["state"] == "UploadComplete" && made.body?["object"] == "Contact")
        let id = try #require(made.body?["id"]?.stringValue)
        #expect(try await caller.call("GET", "jobs/query/\(id)/results").status == 400)
        caller.clock.advance(by: 60)
        #expect(try await Self.state(caller, id, kind: "query")["numberRecordsProcessed"] == 5)
        let first = caller.org.records("Contact")[0].id
        try caller.org.actAsUser { try $0.update("Contact", first, ["LastName": "Later"]) }

        var locator: String?
        var texts: [String] = []
        repeat {
            var query = [(name: "maxRecords", value: "2")]
            if let locator { query.append(("locator", locator)) }
            let page = try await Self.raw(caller, "GET", "jobs/query/\(id)/results", query: query)
            texts.append(page.text)
            #expect(page.headers["Sforce-NumberOfRecords"] == (texts.count == 3 ? "1" : "2"))
            locator = page.headers["Sforce-Locator"] == "null" ? nil : page.headers["Sforce-Locator"]
        } while locator != nil && texts.count < 10
        let head = "\"LastName\",\"Account.Name\",\"DoNotCall\"\n"
        #expect(
            texts == [
                head + "\"L0\",\"\",\"true\"\n\"L1\",\"\",\"false\"\n",
                head + "\"L2\",\"\",\"false\"\n\"L3\",\"\",\"false\"\n", head + "\"L4\",\"\",\"false\"\n",
            ])
    }

    @Test func aBadQueryIsRefusedAndQueryAllSeesTheDeleted() async throws {
        let caller = try SalesforceCaller()
        let bad = try await caller.call(
            "POST", "jobs/query", ["operation": "query", "query": "SELECT Nope FROM Contact"])
        #expect(bad.status == 400 && bad.errorCode == "INVALID_FIELD")
        try caller.org.actAsUser { try $0.delete(try $0.create("Contact", ["LastName": "Gone"])) }
        let made = try await caller.call(
            "POST", "jobs/query", ["operation": "queryAll", "query": "SELECT SystemModstamp FROM Contact"])
        let id = try #require(made.body?["id"]?.stringValue)
        caller.clock.advance(by: 60)
        let page = try await Self.raw(caller, "GET", "jobs/query/\(id)/results")
        #expect(page.headers["Sforce-NumberOfRecords"] == "1")
        #expect(page.text.hasSuffix(".000Z\"\n"))
    }

    @Test func aDaysQueriesAreCounted() async throws {
        let caller = try SalesforceCaller()
        _ = try await caller.call("POST", "jobs/query", ["operation": "query", "query": "SELECT Id FROM Contact"])
        _ = try await Self.ingest(caller, ["object": "Contact", "operation": "insert"], "LastName\nA\n")
        let limits = try await caller.call("GET", "limits")
        #expect(limits.body?["DailyBulkV2QueryJobs"]?["Remaining"] == 9_999)
        #expect(limits.body?["DailyBulkApiBatches"]?["Remaining"] == 14_999)
    }
}
