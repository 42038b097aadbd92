import Foundation
import Testing

@testable import Simulators

@Suite(.timeLimit(.minutes(3)))
struct SalesforceCompositeTests {
    private static let base = "/services/data/v66.0/"

    private static func part(
        _ method: String, _ path: String, _ reference: String, _ body: WireJSON? = nil,
        headers: WireJSON? = nil
    ) -> WireJSON {
        var object = WireObject([
            ("method", .string(method)), ("url", .string(base + path)), ("referenceId", .string(reference)),
        ])
        object["body"] = body
        object["httpHeaders"] = headers
        return .object(object)
    }

    private static func send(
        _ caller: SalesforceCaller, _ parts: [WireJSON], allOrNone: Bool = false
    ) async throws -> SalesforceCaller.Answer {
        try await caller.call(
            "POST", "composite", ["allOrNone": .bool(allOrNone), "compositeRequest": .array(parts)])
    }

    private static func statuses(_ answer: SalesforceCaller.Answer) -> [Int?] {
        answer.body?["compositeResponse"]?.arrayValue?.map { $0["httpStatusCode"]?.intValue } ?? []
    }

    @Test func aThousandUpsertsAreOneCall() async throws {
        let caller = try SalesforceCaller()
        let parts = (0..<5).map { part -> WireJSON in
            let records = (0..<200).map { index -> WireJSON in
                [
                    "attributes": ["type": "Contact"], "AC_Contact_Id__c": .string("\(part * 200 + index)"),
                    "LastName": .string("L\(index)"), "AC_Write_Id__c": "w",
                ]
            }
            return Self.part(
                "PATCH", "composite/sobjects/Contact/AC_Contact_Id__c", "r\(part)",
                ["allOrNone": false, "records": .array(records)])
        }
        let answer = try await Self.send(caller, parts)
        #expect(Self.statuses(answer) == [200, 200, 200, 200, 200])
        #expect(caller.org.count("Contact") == 1000)
        #expect(caller.org.calls.byClass == ["composite": 1])
        #expect(answer.header("Sforce-Limit-Info") == "api-usage=1/115000")
        let stamps = Set(caller.org.records("Contact").map { $0["SystemModstamp"] })
        #expect(stamps.count == 1)
    }

    @Test func laterPartsReferToEarlierOnes() async throws {
        let caller = try SalesforceCaller()
        let answer = try await Self.send(
            caller,
            [
                Self.part("POST", "sobjects/Account", "acc", ["Name": "Acme"]),
                Self.part("POST", "sobjects/Contact", "con", ["LastName": "A", "AccountId": "@{acc.id}"]),
                Self.part("GET", "query?q=SELECT+Id,+Account.Name+FROM+Contact+WHERE+AccountId='@{acc.id}'", "q"),
                Self.part(
                    "PATCH", "sobjects/Contact/@{q.records[0].Id}", "fix", ["Title": "@{q.records[0].Account.Name}"]),
            ])
        #expect(Self.statuses(answer) == [201, 201, 200, 204])
        #expect(
            answer.body?["compositeResponse"]?[0]?["httpHeaders"]?["Location"]?.stringValue?.contains(
                "/sobjects/Account/001") == true)
        #expect(caller.org.records("Contact").first?["Title"] == "Acme")
    }

    @Test func whatDependsOnAFailureIsHaltedAndTheRestRuns() async throws {
        let caller = try SalesforceCaller()
        let answer = try await Self.send(
            caller,
            [
                Self.part("POST", "sobjects/Account", "acc", ["Phone": "1"]),
                Self.part("POST", "sobjects/Contact", "con", ["LastName": "A", "AccountId": "@{acc.id}"]),
                Self.part("POST", "sobjects/Contact", "free", ["LastName": "B"]),
            ])
        #expect(Self.statuses(answer) == [400, 400, 201])
        let codes = answer.body?["compositeResponse"]?.arrayValue?.map { $0["body"]?[0]?["errorCode"]?.stringValue }
        #expect(codes == ["REQUIRED_FIELD_MISSING", "PROCESSING_HALTED", nil])
    }

    @Test func allOrNoneRollsTheWholeSeriesBack() async throws {
        let caller = try SalesforceCaller()
        let answer = try await Self.send(
            caller,
            [
                Self.part("POST", "sobjects/Contact", "a", ["LastName": "A"]),
                Self.part("POST", "sobjects/Contact", "b", ["FirstName": "No"]),
                Self.part("POST", "sobjects/Contact", "c", ["LastName": "C"]),
            ], allOrNone: true)
        let codes = answer.body?["compositeResponse"]?.arrayValue?.map { $0["body"]?[0]?["errorCode"]?.stringValue }
        #expect(codes == ["PROCESSING_HALTED", "REQUIRED_FIELD_MISSING", "PROCESSING_HALTED"])
        #expect(caller.org.count("Contact") == 0)
    }

    @Test func theLimitsOfASeriesRefuseAllOfIt() async throws {
        let caller = try SalesforceCaller()
        let rows = (0...25).map { Self.part("POST", "sobjects/Contact", "r\($0)", ["LastName": "A"]) }
        #expect(try await Self.send(caller, rows).status == 400)
        let queries = (0...5).map { Self.part("GET", "query?q=SELECT+Id+FROM+Contact", "q\($0)") }
        #expect(try await Self.send(caller, queries).status == 400)
        let twins = [Self.part("GET", "limits", "x"), Self.part("GET", "limits", "x")]
        #expect(try await Self.send(caller, twins).status == 400)
        let header = [Self.part("GET", "limits", "x", headers: ["Accept": "text/html"])]
        #expect(try await Self.send(caller, header).status == 400)
        #expect(caller.org.count("Contact") == 0)
    }

    @Test func aPartMayBeConditional() async throws {
        let caller = try SalesforceCaller()
        let id = try caller.org.actAsUser { try $0.create("Contact", ["LastName": "A"]) }
        let read = HTTPDate.string(caller.clock.now)
        caller.clock.advance(by: 10)
        try caller.org.actAsUser { try $0.update("Contact", id, ["Title": "newer"]) }
        let headers: WireJSON = ["If-Unmodified-Since": .string(read)]
        let stale = try await Self.send(
            caller, [Self.part("PATCH", "sobjects/Contact/\(id)", "r", ["Title": "older"], headers: headers)])
        #expect(Self.statuses(stale) == [412])
        #expect(caller.org.record(id)?["Title"] == "newer")
    }

    @Test func aBatchCountsEachOfItsCalls() async throws {
        let caller = try SalesforceCaller()
        let answer = try await caller.call(
            "POST", "composite/batch",
            [
                "haltOnError": true,
                "batchRequests": [
                    ["method": "POST", "url": "v66.0/sobjects/Contact", "richInput": ["LastName": "A"]],
                    ["method": "GET", "url": "v66.0/sobjects/Contact/003000000000000"],
                    ["method": "GET", "url": "v66.0/limits"],
                ],
            ])
        #expect(answer.body?["hasErrors"] == true)
        #expect(answer.body?["results"]?.arrayValue?.map { $0["statusCode"] } == [201, 404, 412])
        #expect(caller.org.apiUsage.used == 3)
        #expect(caller.org.calls["batch"] == 3)
    }
}
