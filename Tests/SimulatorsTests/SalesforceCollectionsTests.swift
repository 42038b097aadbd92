import Foundation
import Testing

@testable import Simulators

@Suite(.timeLimit(.minutes(2)))
struct SalesforceCollectionsTests {
    private static func contact(_ members: WireJSON, id: String? = nil) -> WireJSON {
        var object = members.objectValue ?? WireObject()
        object["attributes"] = ["type": "Contact"]
        if let id { object["id"] = .string(id) }
        return .object(object)
    }

    @Test func createAnswersRowByRowInOrder() async throws {
        let caller = try SalesforceCaller()
        let answer = try await caller.call(
            "POST", "composite/sobjects",
            [
                "records": [
                    Self.contact(["LastName": "One"]), Self.contact(["FirstName": "No last name"]),
                    Self.contact(["LastName": "Three", "Email": "foo@"]), Self.contact(["LastName": "Four"]),
                ]
            ])
        let rows = try #require(answer.body?.arrayValue)
        #expect(rows.map { $0["success"] } == [true, false, false, true])
        #expect(rows[1].rowError == "REQUIRED_FIELD_MISSING")
        #expect(rows[1]["errors"]?[0]?["message"] == "Required fields are missing: [LastName]")
        #expect(rows[1]["errors"]?[0]?["fields"] == ["LastName"])
        #expect(rows[1]["id"] == nil)
        #expect(rows[2].rowError == "INVALID_EMAIL_ADDRESS")
        #expect(caller.org.count("Contact") == 2)
        #expect(caller.org.calls["collections"] == 1)
        #expect(caller.org.apiUsage.used == 1)
    }

    @Test func allOrNoneTakesTheGoodRowsBack() async throws {
        let caller = try SalesforceCaller()
        let answer = try await caller.call(
            "POST", "composite/sobjects",
            ["allOrNone": true, "records": [Self.contact(["LastName": "One"]), Self.contact(["FirstName": "x"])]])
        #expect(
            answer.body?.arrayValue?.map(\.rowError) == ["ALL_OR_NONE_OPERATION_ROLLED_BACK", "REQUIRED_FIELD_MISSING"])
        #expect(caller.org.count("Contact") == 0)
        #expect(try await caller.values("Id", "SELECT Id FROM Contact").isEmpty)
    }

    @Test func fieldFlawsHaveTheirCodes() async throws {
        let caller = try SalesforceCaller()
        caller.org.addCustomField("Contact", "Tier__c", .picklist(["Gold", "Silver"], restricted: true))
        caller.org.addCustomField("Contact", "Score__c", .number(precision: 4, scale: 1))
        caller.org.setFieldAccess("Contact", "Title", isWritable: false)
        let account = try caller.org.actAsUser { try $0.create("Account", ["Name": "Acme"]) }
        let flaws: [(WireJSON, String)] = [
            (["LastName": "x", "Department": .string(String(repeating: "d", count: 81))], "STRING_TOO_LONG"),
            (["LastName": "x", "Tier__c": "Bronze"], "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"),
            (["LastName": "x", "DoNotCall": .null], "INVALID_TYPE_ON_FIELD_IN_RECORD"),
            (["LastName": "x", "Nope__c": "1"], "INVALID_FIELD"),
            (["LastName": "x", "Title": "Boss"], "INVALID_FIELD_FOR_INSERT_UPDATE"),
            (["LastName": "x", "Name": "Boss"], "INVALID_FIELD_FOR_INSERT_UPDATE"),
            (["LastName": "x", "Score__c": 1000], "NUMBER_OUTSIDE_VALID_RANGE"),
            (["LastName": "x", "ReportsToId": .string(account)], "MALFORMED_ID"),
            (["LastName": "x", "AccountId": "001xx"], "MALFORMED_ID"),
            (["LastName": "x", "Account": ["Nope__c": "1"]], "INVALID_FIELD"),
        ]
        let answer = try await caller.call(
            "POST", "composite/sobjects", ["records": .array(flaws.map { Self.contact($0.0) })])
        #expect(answer.body?.arrayValue?.map(\.rowError) == flaws.map(\.1))
    }

    @Test func aValueOfTheWrongTypeRefusesTheWholeRequest() async throws {
        let caller = try SalesforceCaller()
        let answer = try await caller.call(
            "POST", "composite/sobjects",
            [
                "records": [
                    Self.contact(["LastName": "One"]), Self.contact(["LastName": "Two", "Birthdate": "31.12.2020"]),
                ]
            ])
        #expect(answer.status == 400)
        #expect(answer.errorCode == "JSON_PARSER_ERROR")
        #expect(caller.org.count("Contact") == 0)
    }

    @Test func nullClearsAbsentLeavesAndEmptyIsNull() async throws {
        let caller = try SalesforceCaller()
        let id = try caller.org.actAsUser {
            try $0.create("Contact", ["LastName": "A", "Title": "T", "Department": "D", "Phone": "1"])
        }
        let answer = try await caller.call(
            "PATCH", "composite/sobjects",
            ["records": [Self.contact(["Title": .null, "Department": ""], id: id)]])
        #expect(answer.body?[0]?["success"] == true)
        let record = try #require(caller.org.record(id))
        #expect(record["Title"].isNull && record["Department"].isNull)
        #expect(record["Phone"] == "1")
    }

    @Test func aRecordTwiceInOneUpdateIsRefusedTwice() async throws {
        let caller = try SalesforceCaller()
        let id = try caller.org.actAsUser { try $0.create("Contact", ["LastName": "A"]) }
        let answer = try await caller.call(
            "PATCH", "composite/sobjects",
            [
                "records": [
                    Self.contact(["Title": "1"], id: id), Self.contact(["Title": "2"], id: String(id.prefix(15))),
                ]
            ])
        #expect(answer.body?.arrayValue?.map(\.rowError) == ["DUPLICATE_VALUE", "DUPLICATE_VALUE"])
        #expect(caller.org.record(id)?["Title"].isNull == true)
    }

    @Test func upsertCreatesThenUpdatesByExternalID() async throws {
        let caller = try SalesforceCaller()
        let first = try await caller.upsert([["AC_Contact_Id__c": "77", "LastName": "A", "AC_Write_Id__c": "w1"]])
        #expect(first[0]["created"] == true)
        let second = try await caller.upsert([["AC_Contact_Id__c": "77", "Title": "T", "AC_Write_Id__c": "w2"]])
        #expect(second[0]["created"] == false)
        #expect(second[0]["id"] == first[0]["id"])
        #expect(caller.org.count("Contact") == 1)
    }

    @Test func twinsInOneUpsertAreBothRefused() async throws {
        let caller = try SalesforceCaller()
        let rows = try await caller.upsert([
            ["AC_Contact_Id__c": "1", "LastName": "A"], ["AC_Contact_Id__c": "1", "LastName": "B"],
            ["AC_Contact_Id__c": "2", "LastName": "C"],
        ])
        #expect(rows.map(\.rowError) == ["DUPLICATE_VALUE", "DUPLICATE_VALUE", nil])
        #expect(rows[0]["errors"]?[0]?["message"] == "Duplicate external id specified: 1")
    }

    @Test func anAmbiguousExternalIDIsRefusedInBothForms() async throws {
        let caller = try SalesforceCaller()
        caller.org.addCustomField("Contact", "Legacy__c", .externalID(length: 20, unique: false))
        let ids = try caller.org.actAsUser { user in
            try (0..<2).map { try user.create("Contact", ["LastName": .text("L\($0)"), "Legacy__c": "x"]) }
        }
        let rows = try await caller.call(
            "PATCH", "composite/sobjects/Contact/Legacy__c",
            ["records": [Self.contact(["Legacy__c": "x", "Title": "T"])]])
        #expect(rows.body?[0]?.rowError == "DUPLICATE_EXTERNAL_ID")
        let single = try await caller.call("PATCH", "sobjects/Contact/Legacy__c/x", ["Title": "T"])
        #expect(single.status == 300)
        #expect(single.body?.arrayValue?.count == 2)
        #expect(single.body?[0]?.stringValue?.hasSuffix(ids[0]) == true)
        #expect(caller.org.records("Contact").allSatisfy { $0["Title"].isNull })
    }

    @Test func aUniqueValueNamesTheRecordThatHasIt() async throws {
        let caller = try SalesforceCaller()
        let first = try await caller.upsert([["AC_Contact_Id__c": "1", "LastName": "A"]])
        let id = try #require(first[0]["id"]?.stringValue)
        let answer = try await caller.call(
            "POST", "composite/sobjects", ["records": [Self.contact(["LastName": "B", "AC_Contact_Id__c": "1"])]])
        #expect(answer.body?[0]?.rowError == "DUPLICATE_VALUE")
        #expect(
            answer.body?[0]?["errors"]?[0]?["message"]
                == .string("duplicate value found: AC_Contact_Id__c duplicates value on record with id: \(id)"))
    }

    @Test func limitsOfRecordsAndChunksHold() async throws {
        let caller = try SalesforceCaller()
        let many = (0...200).map { Self.contact(["LastName": .string("L\($0)")]) }
        let tooMany = try await caller.call("POST", "composite/sobjects", ["records": .array(many)])
        #expect(tooMany.status == 400)
        #expect(caller.org.count("Contact") == 0)
        let mixed = (0..<11).map { index -> WireJSON in
            index % 2 == 0
                ? Self.contact(["LastName": "x"]) : ["attributes": ["type": "Account"], "Name": "Acme"]
        }
        let chunks = try await caller.call("POST", "composite/sobjects", ["records": .array(mixed)])
        #expect(chunks.status == 400)
        #expect(chunks.message?.contains("10 chunks") == true)
    }

    @Test func retrieveKeepsPlacesAndHidesTheDeleted() async throws {
        let caller = try SalesforceCaller()
        let (kept, gone) = try caller.org.actAsUser { user in
            let kept = try user.create("Contact", ["LastName": "Kept"])
            let gone = try user.create("Contact", ["LastName": "Gone"])
            try user.delete(gone)
            return (kept, gone)
        }
        let body: WireJSON = ["ids": [.string(gone), .string(kept), "nonsense"], "fields": ["Id", "LastName"]]
        let answer = try await caller.call("POST", "composite/sobjects/Contact", body)
        #expect(answer.body?[0] == .null)
        #expect(answer.body?[1]?["LastName"] == "Kept")
        #expect(answer.body?[2] == .null)
        #expect(caller.org.calls["retrieve"] == 1)
        let get = try await caller.call(
            "GET", "composite/sobjects/Contact", query: [("ids", kept), ("fields", "LastName")])
        #expect(get.body?[0]?["LastName"] == "Kept")
        let bad = try await caller.call(
            "POST", "composite/sobjects/Contact", ["ids": [.string(kept)], "fields": ["Nope"]])
        #expect(bad.status == 400 && bad.errorCode == "INVALID_FIELD")
    }

    @Test func aDeletedRecordRefusesWrites() async throws {
        let caller = try SalesforceCaller()
        let id = try caller.org.actAsUser { user in
            let id = try user.create("Contact", ["LastName": "Gone"])
            try user.delete(id)
            return id
        }
        let row = try await caller.call("PATCH", "sobjects/Contact/\(id)", ["Title": "T"])
        #expect(row.status == 404 && row.errorCode == "ENTITY_IS_DELETED")
        let rows = try await caller.call(
            "PATCH", "composite/sobjects", ["records": [Self.contact(["Title": "T"], id: id)]])
        #expect(rows.body?[0]?.rowError == "ENTITY_IS_DELETED")
    }

    @Test func aParentMayBeNamedByExternalID() async throws {
        let caller = try SalesforceCaller()
        caller.org.addCustomField("Account", "AC_Account_Id__c", .externalID(length: 32, unique: true))
        let account = try caller.org.actAsUser { try $0.create("Account", ["Name": "Acme", "AC_Account_Id__c": "77"]) }
        let answer = try await caller.call(
            "POST", "composite/sobjects",
            [
                "records": [
                    Self.contact(["LastName": "A", "Account": ["AC_Account_Id__c": "77"]]),
                    Self.contact(["LastName": "B", "Account": ["AC_Account_Id__c": "78"]]),
                ]
            ])
        let id = try #require(answer.body?[0]?["id"]?.stringValue)
        #expect(caller.org.record(id)?["AccountId"] == .text(account))
        #expect(answer.body?[1]?.rowError == "INVALID_FIELD")
    }

    @Test func aLockedRowFailsAloneAndIsNotWritten() async throws {
        let caller = try SalesforceCaller { $0.lockErrorRate = 1 }
        let rows = try await caller.upsert([["AC_Contact_Id__c": "1", "LastName": "A"]])
        #expect(rows[0].rowError == "UNABLE_TO_LOCK_ROW")
        #expect(caller.org.count("Contact") == 0)
        caller.org.setLockErrorRate(0)
        #expect(try await caller.upsert([["AC_Contact_Id__c": "1", "LastName": "A"]])[0]["created"] == true)
    }
}
