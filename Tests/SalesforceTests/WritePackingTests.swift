import Drivers
import Foundation
import Testing

@testable import Salesforce

private func id(_ number: Int) -> String {
    let digits = String(number)
    return SalesforceID.normalise("003" + String(repeating: "0", count: 12 - digits.count) + digits)!
}

private func contact(_ number: Int, type: String = "Contact", account: String? = nil) -> SalesforceRecord {
    var record = SalesforceRecord(type: type, id: id(number), fields: [.init("LastName", .string("N\(number)"))])
    if let account { record.set("AccountId", .string(account)) }
    return record
}

private func upsert(_ number: Int, type: String = "Contact") -> SalesforceWrite {
    let fields = [SalesforceRecord.Field("AC_Id__c", .string("\(number)")), .init("LastName", .string("N"))]
    return .upsert(externalIDField: "AC_Id__c", SalesforceRecord(type: type, fields: fields))
}

struct WritePackingTests {
    @Test func aThousandUpsertsArePackedIntoOneCall() throws {
        let calls = try PackedWrites.pack((0..<1_000).map { upsert($0) })
        #expect(calls.count == 1 && calls[0].parts.count == 5 && calls[0].count == 1_000)
        #expect(calls[0].places.flatMap { $0 } == Array(0..<1_000))
    }

    @Test func oneMoreIsASecondCall() throws {
        let calls = try PackedWrites.pack((0..<1_001).map { upsert($0) })
        #expect(calls.map(\.count) == [1_000, 1])
    }

    @Test func everyWriteHasExactlyOnePlaceWhateverTheMix() throws {
        let types = (0..<14).map { "T\($0)__c" }
        var writes: [SalesforceWrite] = []
        for number in 0..<900 {
            switch number % 3 {
            case 0: writes.append(upsert(number, type: types[number % 2]))
            case 1: writes.append(.update(contact(number, type: types[number % 14])))
            default: writes.append(.create(SalesforceRecord(type: types[number % 14])))
            }
        }
        let calls = try PackedWrites.pack(writes)
        #expect(calls.flatMap { $0.places.flatMap { $0 } }.sorted() == Array(0..<900))
        for call in calls {
            #expect(call.parts.count <= 5)
            for part in call.parts { try part.check() }
        }
    }

    @Test func recordsOfOneAccountStayTogether() throws {
        let writes = (0..<6).map { SalesforceWrite.update(contact($0, account: $0 % 2 == 0 ? "A" : "B")) }
        #expect(try PackedWrites.pack(writes)[0].places == [[0, 2, 4, 1, 3, 5]])
    }

    @Test func theSameRecordTwiceIsRefusedBeforeItCosts() {
        #expect(throws: SalesforceError.self) { try PackedWrites.pack([.update(contact(1)), .update(contact(1))]) }
        #expect(throws: SalesforceError.self) { try PackedWrites.pack([upsert(1), upsert(1)]) }
        #expect(throws: Never.self) { try PackedWrites.pack([upsert(1), upsert(1, type: "Lead")]) }
    }

    @Test func aPartThatFailsAsAWholeFailsEachOfItsRecords() throws {
        let call = try PackedWrites.pack((0..<201).map { upsert($0) })[0]
        let error = SalesforceError(code: "X", verdict: .needsHuman(.mapping))
        let good = SubrequestResult.writes((0..<200).map { WriteResult(id: id($0)) })
        let results = call.results([good, .failure(error)])
        #expect(results.count == 201 && results[199].result.isWritten)
        #expect(results[200].place == 200 && results[200].result.errors == [error])
    }

    @Test func boundsAreCheckedBeforeACallIsSpent() {
        let mixed = (0..<11).map { SalesforceRecord(type: "T\($0)") }
        let tooMany = (0..<201).map { _ in SalesforceRecord(type: "Contact") }
        let bad: [Subrequest] = [
            .create(mixed), .create(tooMany), .create([]), .update([SalesforceRecord(type: "Contact")]),
            .delete(ids: ["x"]), .queryMore("https://evil.example/"), .queryMore("/services/data/../x"),
            .retrieve(object: "Contact", ids: (0..<2_001).map { id($0) }, fields: ["Id"]),
            .upsert(object: "Contact/../Lead", externalIDField: "A", records: [SalesforceRecord(type: "Contact")]),
            .query(String(repeating: "x", count: 100_001)),
        ]
        for part in bad { #expect(throws: SalesforceError.self) { try part.check() } }
        let queries = (0..<6).map { _ in Subrequest.query("SELECT Id FROM Contact") }
        #expect(throws: SalesforceError.self) {
            try CompositeBody.make(queries, version: "66.0", options: WriteOptions())
        }
    }

    @Test func theBodyIsTheDocumentedOne() throws {
        var record = SalesforceRecord(type: "Lead", fields: [.init("AC_Id__c", .string("7")), .init("Email", .null)])
        record.set("Amount__c", .number("100.50"))
        record.set("Account", .record(SalesforceRecord(type: "", fields: [.init("AC_Account_Id__c", .string("77"))])))
        let parts: [Subrequest] = [
            .upsert(object: "Lead", externalIDField: "AC_Id__c", records: [record]),
            .update([contact(1)]), .query("SELECT Id FROM Contact WHERE Name = 'a+b'"),
        ]
        let data = try CompositeBody.make(
            parts, version: "66.0", options: WriteOptions(assignOnCreate: true, allowDuplicates: true))
        let json = try JSONValue(reading: data)
        #expect(json["allOrNone"]?.bool == false && json["collateSubrequests"]?.bool == false)
        let requests = try #require(json["compositeRequest"]?.array)
        #expect(requests[0]["url"]?.string == "/services/data/v66.0/composite/sobjects/Lead/AC_Id__c")
        #expect(requests[0]["method"]?.string == "PATCH")
        #expect(requests[0]["httpHeaders"]?["Sforce-Auto-Assign"]?.string == "TRUE")
        #expect(requests[0]["httpHeaders"]?["Sforce-Duplicate-Rule-Header"]?.string == "allowSave=true")
        #expect(requests[0]["body"]?["allOrNone"]?.bool == false)
        let sent = try #require(requests[0]["body"]?["records"]?.array?.first)
        #expect(sent["attributes"]?["type"]?.string == "Lead" && sent["id"] == nil)
        #expect(sent["Email"] == .null && sent["Amount__c"] == .number("100.50"))
        #expect(sent["Account"]?["AC_Account_Id__c"]?.string == "77")
        #expect(requests[1]["httpHeaders"]?["Sforce-Auto-Assign"]?.string == "FALSE")
        #expect(requests[1]["body"]?["records"]?.array?.first?["id"]?.string == id(1))
        #expect(
            requests[2]["url"]?.string?.hasSuffix("?q=SELECT%20Id%20FROM%20Contact%20WHERE%20Name%20%3D%20%27a%2Bb%27")
                == true)
    }
}
