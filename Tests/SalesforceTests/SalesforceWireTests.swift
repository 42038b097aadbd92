import Drivers
import Foundation
import Synchronization
import TestSupport
import Testing

@testable import Salesforce

/// An org that grants a token and answers everything else by the closure.
private func org(_ answer: @escaping @Sendable (ScriptedServer.Request) -> ScriptedServer.Answer) throws
    -> ScriptedServer
{
    let origin = Mutex("")
    let server = try ScriptedServer { request in
        guard request.target == "/services/oauth2/token" else { return answer(request) }
        return .answer(200, #"{"access_token":"00D!t","instance_url":"\#(origin.withLock { $0 })"}"#)
    }
    origin.withLock { $0 = server.origin }
    return server
}

private func client(
    _ server: ScriptedServer, onCall: @escaping @Sendable (SalesforceCallRecord) -> Void = { _ in }
) throws -> SalesforceClient {
    SalesforceClient(
        http: try HTTPClient(options: .loopback),
        credentials: .clientCredentials(clientID: "a", clientSecret: "b", myDomainURL: server.origin),
        options: .loopback, onCall: onCall)
}

private let usage = [
    "Sforce-Limit-Info": "api-usage=101/100; api-bursts=1/750", "Date": "Sun, 06 Nov 1994 08:49:37 GMT",
]

@Suite(.timeLimit(.minutes(1))) struct SalesforceWireTests {
    @Test func pagesFollowEachOtherAndKeepValuesExact() async throws {
        let server = try org { request in
            if request.target == "/services/data/v66.0/query/01gRO0000016PIAYA2-2000" {
                return .answer(200, #"{"totalSize":2,"done":true,"records":[]}"#, headers: usage)
            }
            return .answer(
                200,
                #"{"totalSize":2,"done":false,"nextRecordsUrl":"/services/data/v66.0/query/01gRO0000016PIAYA2-2000","#
                    + #""records":[{"attributes":{"type":"Contact","url":"/x"},"Id":"001D000000K0fXOIAZ","#
                    + #""Amount__c":100.50,"Ok__c":true,"Account":{"attributes":{"type":"Account"},"Name":"Acme"},"#
                    + #""Owner":null,"Email":null}]}"#, headers: usage)
        }
        defer { server.stop() }
        let calls = Mutex<[SalesforceCallRecord]>([])
        let client = try client(server) { record in calls.withLock { $0.append(record) } }
        let answer = try await client.query(SOQLQuery(["Id", "Account.Name"], from: "Contact"))
        let record = try #require(answer.value.records.first)
        #expect(record.type == "Contact" && record.id == "001D000000K0fXOIAZ")
        #expect(record["Amount__c"] == .number("100.50") && record["Ok__c"] == .bool(true))
        #expect(record["Account.Name"] == .string("Acme") && record["Owner.Email"] == .null && record["Nope"] == nil)
        #expect(answer.usage == APIUsage(used: 101, limit: 100))
        #expect(answer.serverDate == Date(timeIntervalSince1970: 784_111_777))
        let next = try await client.nextPage(try #require(answer.value.nextRecordsURL))
        #expect(next.value.isDone && next.value.nextRecordsURL == nil)
        let books = calls.withLock { $0 }
        #expect(books.map(\.callClass) == [.token, .query, .query])
        #expect(books.map(\.usage) == [nil, APIUsage(used: 101, limit: 100), APIUsage(used: 101, limit: 100)])
        let sent = try #require(server.requests.last)
        #expect(sent.headers["authorization"] == "Bearer 00D!t")
        #expect(sent.headers["sforce-query-options"] == "batchSize=2000")
    }

    @Test func aQueryTooLongForAURLTravelsInAComposite() async throws {
        let server = try org { request in
            #expect(request.target == "/services/data/v66.0/composite" && request.body.contains("queryAll?q=SELECT"))
            let page = #"{"totalSize":0,"done":true,"records":[]}"#
            return .answer(200, #"{"compositeResponse":[{"body":\#(page),"httpStatusCode":200,"referenceId":"r0"}]}"#)
        }
        defer { server.stop() }
        let names = (0..<900).map { SOQLLiteral.string("name number \($0)") }
        let query = SOQLQuery(["Id"], from: "Contact", where: .isIn("Name", names))
        let answer = try await client(server).query(query, includingDeleted: true)
        #expect(answer.value.isDone)
    }

    @Test func everyPartOfACompositeStandsByItself() async throws {
        let server = try org { _ in
            .answer(
                200,
                #"{"compositeResponse":["#
                    + #"{"referenceId":"r1","httpStatusCode":200,"body":[{"attributes":{"type":"Contact"},"Id":"001D000000K0fXOIAZ"},null]},"#
                    + #"{"referenceId":"r0","httpStatusCode":400,"body":[{"errorCode":"INVALID_FIELD","message":"No such column"}]},"#
                    + #"{"referenceId":"r2","httpStatusCode":200,"body":["#
                    + #"{"id":"001D000000K0fXOIAZ","success":true,"created":true,"errors":[]},"#
                    + #"{"success":false,"errors":[{"statusCode":"STRING_TOO_LONG","message":"Name: x","fields":["Name"]},"#
                    + #"{"statusCode":"FIELD_CUSTOM_VALIDATION_EXCEPTION","message":"ACSYNC_PENDING: x","fields":[]}]}]}]}"#
            )
        }
        defer { server.stop() }
        let records = ["1", "2"].map { SalesforceRecord(type: "Contact", fields: [.init("AC__c", .string($0))]) }
        let id = "001D000000K0fXOIAZ"
        let answer = try await client(server).composite([
            .query("SELECT Nope FROM Contact"), .retrieve(object: "Contact", ids: [id, id], fields: ["Id"]),
            .upsert(object: "Contact", externalIDField: "AC__c", records: records), .query("SELECT Id FROM Lead"),
        ])
        let query = #expect(throws: SalesforceError.self) { try answer.value[0].page() }
        #expect(query?.verdict == .needsHuman(.mapping))
        let retrieved = try answer.value[1].records()
        #expect(retrieved.count == 2 && retrieved[0]?.id == id && retrieved[1] == nil)
        let writes = try answer.value[2].writes()
        #expect(writes[0] == WriteResult(id: id, isCreated: true))
        #expect(writes[1].errors.map(\.code) == ["STRING_TOO_LONG", "FIELD_CUSTOM_VALIDATION_EXCEPTION"])
        #expect(writes[1].errors[1].hint == .changedSinceSync)
        let missing = #expect(throws: SalesforceError.self) { try answer.value[3].page() }
        #expect(missing?.code == "UNREADABLE_ANSWER")
    }

    @Test func rowsThatDoNotMatchTheRequestAreNotTrusted() async throws {
        let server = try org { _ in
            .answer(
                200, #"{"compositeResponse":[{"referenceId":"r0","httpStatusCode":200,"body":[{"success":true}]}]}"#)
        }
        defer { server.stop() }
        let records = ["1", "2"].map { SalesforceRecord(type: "Contact", fields: [.init("AC__c", .string($0))]) }
        let packed = try PackedWrites.pack(records.map { .upsert(externalIDField: "AC__c", $0) })
        let answer = try await client(server).write(packed[0])
        #expect(answer.value.map(\.place) == [0, 1] && answer.value.allSatisfy { !$0.result.isWritten })
    }

    @Test(arguments: ["cut", "hangUp", "html"]) func aLostAnswerOfAWriteHasAFate(how: String) async throws {
        let server = try org { _ in
            switch how {
            case "cut": return .cut(#"{"compositeResp"#)
            case "hangUp": return .hangUp
            default: return .answer(200, "<html>")
            }
        }
        defer { server.stop() }
        let calls = Mutex<[SalesforceCallRecord]>([])
        let client = try client(server) { record in calls.withLock { $0.append(record) } }
        let error = await #expect(throws: SalesforceError.self) {
            try await client.composite([.create([SalesforceRecord(type: "Contact")])])
        }
        guard case .retry(_, _, let fate)? = error?.verdict else {
            Issue.record("not a retry: \(String(describing: error))")
            return
        }
        #expect(fate == (how == "hangUp" ? .unknown : .answered(status: 200)))
        #expect(calls.withLock { $0.last }?.fate == fate)
        #expect(server.requests.filter { $0.target.hasSuffix("/composite") }.count == 1)
    }

    @Test func aPageThatNamesNoSuccessorIsNotTheEnd() async throws {
        let server = try org { _ in .answer(200, #"{"totalSize":9,"done":false,"records":[]}"#) }
        defer { server.stop() }
        let error = await #expect(throws: SalesforceError.self) {
            try await client(server).query("SELECT Id FROM Contact")
        }
        #expect(error?.code == "UNREADABLE_ANSWER")
    }

    @Test func describeIsCachedByItsDate() async throws {
        let server = try org { request in
            if request.headers["if-modified-since"] == "Tue, 10 Aug 2026 00:00:00 GMT" { return .answer(304, "") }
            let field =
                #"{"name":"LastName","label":"Last Name","type":"string","length":80,"createable":true,"nillable":false,"#
                + #""picklistValues":[{"value":"a","label":"A","active":false}],"referenceTo":[],"unique":false}"#
            return .answer(
                200, #"{"name":"Contact","label":"Contact","queryable":true,"fields":[\#(field),{"odd":1}]}"#,
                headers: ["Last-Modified": "Tue, 10 Aug 2026 00:00:00 GMT"])
        }
        defer { server.stop() }
        let client = try client(server)
        let first = try #require(try await client.describe("Contact").value)
        let field = try #require(first.description.fields["LastName"])
        #expect(first.description.fields.count == 1 && field.isRequiredOnCreate && field.length == 80)
        #expect(field.choices == [ObjectDescription.Choice(value: "a", label: "A", isActive: false)])
        #expect(try await client.describe("Contact", ifModifiedSince: first.lastModified).value == nil)
        await #expect(throws: SalesforceError.self) { try await client.describe("Contact/x") }
    }

    @Test func limitsAndReplicationAreRead() async throws {
        let server = try org { request in
            switch request.target.split(separator: "?")[0] {
            case "/services/data/v66.0/limits":
                return .answer(200, #"{"DailyApiRequests":{"Max":15000,"Remaining":14998},"Odd":{"x":1}}"#)
            case "/services/data/v66.0/sobjects/Lead/updated/":
                return .answer(200, #"{"ids":["001D000000K0fXO"],"latestDateCovered":"2026-10-01T12:00:00.000+0000"}"#)
            case "/services/data/v66.0/sobjects/Lead/deleted/":
                return .answer(
                    200,
                    #"{"deletedRecords":[{"id":"001D000000K0fXO","deletedDate":"2026-10-01T11:00:00.000+0000"}],"#
                        + #""earliestDateAvailable":"2026-09-20T12:00:00.000+0000","latestDateCovered":"2026-10-01T12:00:00.000+0000"}"#
                )
            default: return .answer(200, #"[{"version":"65.0"},{"version":"66.0"}]"#)
            }
        }
        defer { server.stop() }
        let client = try client(server)
        #expect(try await client.versions().value == ["65.0", "66.0"])
        #expect(try await client.limits().value["DailyApiRequests"]?.remaining == 14_998)
        let end = Date(timeIntervalSince1970: 1_790_856_000)
        let updated = try await client.updated("Lead", from: end.addingTimeInterval(-3_600), to: end).value
        #expect(updated.ids == ["001D000000K0fXOIAZ"] && updated.latestDateCovered == end)
        let deleted = try await client.deleted("Lead", from: end.addingTimeInterval(-3_600), to: end).value
        #expect(deleted.records.map(\.id) == ["001D000000K0fXOIAZ"] && deleted.latestDateCovered == end)
        #expect(
            server.requests.last?.target.contains("start=2026-10-01T11%3A00%3A00Z&end=2026-10-01T12%3A00%3A00Z") == true
        )
    }

    @Test(arguments: [
        ("api-usage=10018/100000", 10_018, 100_000), ("api-bursts=1/750; api-usage=5/15000", 5, 15_000),
        ("api-usage=18/5000; per-app-api-usage=17/250(appName=sample)", 18, 5_000), ("api-usage=120/100", 120, 100),
    ])
    func theLimitHeaderIsReadLeniently(text: String, used: Int, limit: Int) {
        #expect(APIUsage(header: text) == APIUsage(used: used, limit: limit))
    }

    @Test(arguments: ["", "api-usage", "api-usage=x/y", "per-app-api-usage=1/2", "api-usage=5"])
    func aLimitHeaderWithoutAFigureIsNone(text: String) {
        #expect(APIUsage(header: text) == nil)
    }
}
