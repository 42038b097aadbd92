import Foundation
import Testing

@testable import Simulators

/// Reference section 13: who made a record wait, and whose write is refused.
@Suite(.timeLimit(.minutes(2)))
struct SalesforcePackageTests {
    private static let waiting = FieldValue.text("Waiting for next sync")

    @Test func whoCreatesARecordDecidesWhetherItWaits() async throws {
        let caller = try SalesforceCaller()
        let human = try caller.org.actAsUser { try $0.create("Contact", ["LastName": "A"]) }
        #expect(caller.org.record(human)?["AC_Sync_Status__c"] == Self.waiting)
        #expect(caller.org.record(human)?["AC_Change_Seq__c"] == 1)
        let rows = try await caller.upsert([["AC_Contact_Id__c": "1", "LastName": "B", "AC_Write_Id__c": "w1"]])
        let ours = try #require(rows[0]["id"]?.stringValue)
        #expect(caller.org.record(ours)?["AC_Sync_Status__c"] == "Synced")
    }

    @Test func aPersonsEditMakesTheRecordWaitAndCounts() async throws {
        let caller = try SalesforceCaller()
        let rows = try await caller.upsert([["AC_Contact_Id__c": "1", "LastName": "B", "AC_Write_Id__c": "w1"]])
        let id = try #require(rows[0]["id"]?.stringValue)
        try caller.org.actAsUser { try $0.update("Contact", id, ["LastName": "B"]) }
        #expect(caller.org.record(id)?["AC_Sync_Status__c"] == "Synced")
        try caller.org.actAsUser { try $0.update("Contact", id, ["LastName": "C"]) }
        try caller.org.actAsUser { try $0.update("Contact", id, ["Title": "T"]) }
        #expect(caller.org.record(id)?["AC_Sync_Status__c"] == Self.waiting)
        #expect(caller.org.record(id)?["AC_Change_Seq__c"] == 2)
    }

    @Test func aWriteToAWaitingRecordIsRefusedUntilItAcknowledgesTheLastChange() async throws {
        let caller = try SalesforceCaller()
        let rows = try await caller.upsert([["AC_Contact_Id__c": "1", "LastName": "B", "AC_Write_Id__c": "w1"]])
        let id = try #require(rows[0]["id"]?.stringValue)
        try caller.org.actAsUser { try $0.update("Contact", id, ["LastName": "C"]) }
        let blind = try await caller.upsert([
            ["AC_Contact_Id__c": "1", "LastName": "D", "AC_Write_Id__c": "w2", "AC_Sync_Status__c": "Synced"],
            ["AC_Contact_Id__c": "2", "LastName": "E", "AC_Write_Id__c": "w2"],
        ])
        #expect(blind[0].rowError == "FIELD_CUSTOM_VALIDATION_EXCEPTION")
        #expect(blind[0]["errors"]?[0]?["message"]?.stringValue?.hasPrefix("ACSYNC_PENDING:") == true)
        #expect(blind[1]["success"] == true)
        #expect(caller.org.record(id)?["LastName"] == "C")

        let informed = try await caller.upsert([
            [
                "AC_Contact_Id__c": "1", "LastName": "D", "AC_Write_Id__c": "w3", "AC_Sync_Status__c": "Synced",
                "AC_Acked_Seq__c": 1,
            ]
        ])
        #expect(informed[0]["success"] == true)
        #expect(caller.org.record(id)?["LastName"] == "D")
        #expect(caller.org.record(id)?["AC_Sync_Status__c"] == "Synced")
    }

    @Test func anEditBetweenReadAndWriteWins() async throws {
        let caller = try SalesforceCaller()
        let id = try caller.org.actAsUser { try $0.create("Contact", ["LastName": "A", "AC_Contact_Id__c": "1"]) }
        try caller.org.actAsUser { try $0.update("Contact", id, ["Title": "slipped in"]) }
        let rows = try await caller.upsert([
            ["AC_Contact_Id__c": "1", "Title": "ours", "AC_Write_Id__c": "w", "AC_Acked_Seq__c": 1]
        ])
        #expect(rows[0].rowError == "FIELD_CUSTOM_VALIDATION_EXCEPTION")
        #expect(caller.org.record(id)?["Title"] == "slipped in")
    }

    /// Amendment B: a retry that keeps the old marker slips past the rule and flags our own write.
    @Test func aReusedMarkerIsTakenForAPersonsEdit() async throws {
        let caller = try SalesforceCaller()
        _ = try await caller.upsert([["AC_Contact_Id__c": "1", "LastName": "A", "AC_Write_Id__c": "w"]])
        let rows = try await caller.upsert([["AC_Contact_Id__c": "1", "LastName": "B", "AC_Write_Id__c": "w"]])
        let id = try #require(rows[0]["id"]?.stringValue)
        #expect(caller.org.record(id)?["AC_Sync_Status__c"] == Self.waiting)
    }

    @Test func theOrgsOwnRulesLookDifferent() async throws {
        let caller = try SalesforceCaller()
        caller.org.addValidationRule(
            ValidationRule(object: "Contact", message: "Title needs a phone", field: "Title") {
                $0["Title"] != nil && $0["Phone"] == nil
            })
        let rows = try await caller.upsert([["AC_Contact_Id__c": "1", "LastName": "A", "Title": "T"]])
        #expect(rows[0].rowError == "FIELD_CUSTOM_VALIDATION_EXCEPTION")
        #expect(rows[0]["errors"]?[0]?["message"] == "Title needs a phone")
        #expect(rows[0]["errors"]?[0]?["fields"] == ["Title"])
    }

    @Test func withoutThePackageThereIsNoField() async throws {
        let bare = try SalesforceCaller { $0.hasPackage = false }
        let missing = try await bare.call("GET", "query", query: [("q", "SELECT AC_Contact_Id__c FROM Lead")])
        #expect(missing.errorCode == "INVALID_FIELD")
        let upsert = try await bare.call(
            "PATCH", "composite/sobjects/Contact/AC_Contact_Id__c", ["records": []])
        #expect(upsert.status == 404 && upsert.errorCode == "NOT_FOUND")

        let keyed = try SalesforceCaller {
            $0.hasPackage = false
            $0.hasExternalIdField = true
        }
        #expect(try await keyed.upsert([["AC_Contact_Id__c": "1", "LastName": "A"]])[0]["created"] == true)
        let status = try await keyed.call("GET", "query", query: [("q", "SELECT AC_Sync_Status__c FROM Contact")])
        #expect(status.errorCode == "INVALID_FIELD")
    }

    @Test func theStatusFindsWaitingRecords() async throws {
        let caller = try SalesforceCaller()
        caller.org.seed("Contact", count: 500) { ["LastName": .text("L\($0)")] }
        let id = try caller.org.actAsUser { try $0.create("Contact", ["LastName": "W"]) }
        let found = try await caller.values(
            "Id", "SELECT Id FROM Contact WHERE AC_Sync_Status__c = 'Waiting for next sync'")
        #expect(found == [.string(id)])
    }
}
