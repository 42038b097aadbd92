import Foundation
import Testing

@testable import Simulators

@Suite(.timeLimit(.minutes(2)))
struct SalesforceRecordTests {
    @Test func checkCharactersAgreeWithThePlatforms() {
        #expect(RecordID.normalise("001D000000K0fXO") == "001D000000K0fXOIAZ")
        #expect(RecordID.normalise("001D000000K0fXOIAZ") == "001D000000K0fXOIAZ")
        #expect(RecordID.normalise("001D000000K0fXOIAA") == nil)
        #expect(RecordID.normalise("001D000000K0fX") == nil)
    }

    @Test func idsRoundTripAndSortAsTheirRowsDo() {
        var previous = ""
        for sequence in [0, 1, 61, 62, 3843, 3844, 1_000_000] {
            let id = RecordID.make(prefix: "003", org: 7, sequence: sequence)
            #expect(RecordID.parse(id).map { $0 == ("003", 7, sequence) } == true)
            #expect(id > previous)
            previous = id
        }
    }

    @Test func aRowIsCreatedReadChangedAndDeleted() async throws {
        let caller = try SalesforceCaller()
        let created = try await caller.call("POST", "sobjects/Lead", ["LastName": "A", "Company": "C"])
        #expect(created.status == 201)
        let id = try #require(created.body?["id"]?.stringValue)
        #expect(id.hasPrefix("00Q") && id.count == 18)
        #expect(created.header("Location") == "/services/data/v66.0/sobjects/Lead/\(id)")
        let read = try await caller.call("GET", "sobjects/Lead/\(id.prefix(15))", query: [("fields", "Status,Company")])
        #expect(read.body?["Status"] == "Open - Not Contacted")
        #expect(try await caller.call("PATCH", "sobjects/Lead/\(id)", ["Company": "D"]).status == 204)
        #expect(caller.org.record(id)?["Company"] == "D")
        #expect(caller.org.record(id)?["LastModifiedById"] == .text(caller.org.integrationUserID))
        #expect(try await caller.call("DELETE", "sobjects/Lead/\(id)").status == 204)
        #expect(try await caller.call("GET", "sobjects/Lead/\(id)").errorCode == "ENTITY_IS_DELETED")
    }

    @Test func aRowUpsertSaysWhetherItCreated() async throws {
        let caller = try SalesforceCaller()
        let path = "sobjects/Contact/AC_Contact_Id__c/a/b"
        let missing = try await caller.call("PATCH", path, query: [("updateOnly", "true")], ["LastName": "A"])
        #expect(missing.status == 404)
        let first = try await caller.call("PATCH", path, ["LastName": "A"])
        #expect(first.status == 201 && first.body?["created"] == true)
        let second = try await caller.call("PATCH", path, ["LastName": "B"])
        #expect(second.status == 200 && second.body?["created"] == false)
        #expect(caller.org.records("Contact").first?["AC_Contact_Id__c"] == "a/b")
        let inBody = try await caller.call("PATCH", path, ["AC_Contact_Id__c": "a/b", "LastName": "C"])
        #expect(inBody.status == 400)
    }

    @Test func aConvertedLeadIsReadOnlyAndLeadsOn() async throws {
        let caller = try SalesforceCaller()
        let (lead, made) = try caller.org.actAsUser { user in
            let lead = try user.create(
                "Lead",
                ["LastName": "L", "Company": "Acme", "Email": "l@x.org", "AC_Contact_Id__c": "9", "City": "Bonn"])
            return (lead, try user.convertLead(lead, opportunityName: "Deal"))
        }
        let record = try #require(caller.org.record(lead))
        #expect(record["IsConverted"] == true)
        #expect(record["ConvertedContactId"] == .text(made.contactID))
        #expect(record["ConvertedAccountId"] == .text(made.accountID))
        let contact = try #require(caller.org.record(made.contactID))
        #expect(contact["Email"] == "l@x.org" && contact["MailingCity"] == "Bonn")
        #expect(contact["AC_Contact_Id__c"] == "9")
        #expect(contact["AC_Sync_Status__c"] == "Waiting for next sync")
        #expect(caller.org.record(made.accountID)?["Name"] == "Acme")
        #expect(caller.org.records("Opportunity").first?["Probability"] == 10)
        let write = try await caller.call("PATCH", "sobjects/Lead/\(lead)", ["Title": "T"])
        #expect(write.errorCode == "CANNOT_UPDATE_CONVERTED_LEAD")
        #expect(write.message == "cannot reference converted lead")
    }

    @Test func conversionIntoAnExistingContactFillsOnlyWhatIsEmpty() throws {
        let caller = try SalesforceCaller { $0.convertsContactID = false }
        try caller.org.actAsUser { user in
            let contact = try user.create("Contact", ["LastName": "Kept", "Phone": "1"])
            let lead = try user.create(
                "Lead", ["LastName": "L", "Company": "Acme", "Phone": "2", "Title": "T", "AC_Contact_Id__c": "9"])
            try user.convertLead(lead, intoContact: contact)
        }
        let contact = try #require(caller.org.records("Contact").first)
        #expect(contact["LastName"] == "Kept" && contact["Phone"] == "1" && contact["Title"] == "T")
        #expect(contact["AC_Contact_Id__c"].isNull)
    }

    @Test func mergingMovesTheChildrenToTheWinner() throws {
        let caller = try SalesforceCaller()
        let (winner, child) = try caller.org.actAsUser { user in
            let winner = try user.create("Account", ["Name": "W"])
            let loser = try user.create("Account", ["Name": "L"])
            let child = try user.create("Contact", ["LastName": "C", "AccountId": .text(loser)])
            try user.merge(winner, [loser])
            return (winner, child)
        }
        #expect(caller.org.record(child)?["AccountId"] == .text(winner))
        #expect(caller.org.record(child)?.isDeleted == false)
    }

    @Test func deletingAnAccountTakesItsContactsAlong() throws {
        let caller = try SalesforceCaller()
        let child = try caller.org.actAsUser { user in
            let account = try user.create("Account", ["Name": "A"])
            let child = try user.create("Contact", ["LastName": "C", "AccountId": .text(account)])
            try user.delete(account)
            return child
        }
        #expect(caller.org.record(child)?.isDeleted == true)
    }

    @Test func whatAPersonDoesIsOneTransaction() throws {
        let caller = try SalesforceCaller()
        #expect(throws: SaveRefusal.self) {
            try caller.org.actAsUser { user in
                _ = try user.create("Contact", ["LastName": "A"])
                _ = try user.create("Contact", ["FirstName": "No last name"])
            }
        }
        #expect(caller.org.count("Contact") == 0)
    }

    @Test func describeNamesTheFieldsAndKnowsWhenNothingChanged() async throws {
        let caller = try SalesforceCaller()
        caller.org.addCustomField("Contact", "Tier__c", .picklist(["Gold", "Silver"], restricted: true))
        caller.org.setFieldAccess("Contact", "Title", isWritable: false)
        let answer = try await caller.call("GET", "sobjects/Contact/describe")
        let fields = Dictionary(
            (answer.body?["fields"]?.arrayValue ?? []).compactMap { field in
                field["name"]?.stringValue.map { ($0, field) }
            }, uniquingKeysWith: { $1 })
        #expect(fields["LastName"]?["nillable"] == false)
        #expect(fields["LastName"]?["length"] == 80)
        #expect(fields["Title"]?["updateable"] == false)
        #expect(fields["Tier__c"]?["restrictedPicklist"] == true)
        #expect(fields["Tier__c"]?["picklistValues"]?[1]?["value"] == "Silver")
        #expect(fields["AC_Contact_Id__c"]?["externalId"] == true)
        #expect(fields["AccountId"]?["referenceTo"] == ["Account"])

        let modified = try #require(answer.header("Last-Modified"))
        let again = try await caller.call("GET", "sobjects/Contact/describe", headers: ["if-modified-since": modified])
        #expect(again.status == 304 && again.body == nil)
        caller.clock.advance(by: 5)
        caller.org.addCustomField("Contact", "New__c", .date)
        let changed = try await caller.call(
            "GET", "sobjects/Contact/describe", headers: ["if-modified-since": modified])
        #expect(changed.status == 200)
    }

    @Test func updatedAndDeletedAnswerASpan() async throws {
        let caller = try SalesforceCaller()
        caller.clock.advance(by: 60)
        let (kept, gone) = try caller.org.actAsUser { user in
            let kept = try user.create("Contact", ["LastName": "K"])
            let gone = try user.create("Contact", ["LastName": "G"])
            try user.delete(gone)
            return (kept, gone)
        }
        let now = Int(caller.clock.now.timeIntervalSince1970)
        caller.clock.advance(by: 300)
        let span = [
            (name: "start", value: Timestamp.json(now - 120).replacing(".000", with: "")),
            (name: "end", value: Timestamp.json(now + 120).replacing(".000", with: "")),
        ]
        let updated = try await caller.call("GET", "sobjects/Contact/updated", query: span)
        #expect(updated.body?["ids"] == [.string(kept)])
        let deleted = try await caller.call("GET", "sobjects/Contact/deleted", query: span)
        #expect(deleted.body?["deletedRecords"]?[0]?["id"] == .string(gone))
    }

    @Test func theAllocationRollsMinuteByMinute() async throws {
        let caller = try SalesforceCaller {
            $0.apiLimit = 3
            $0.sessionLifetime = 1e9
        }
        for used in 1...3 {
            let answer = try await caller.call("GET", "limits")
            #expect(answer.header("Sforce-Limit-Info") == "api-usage=\(used)/3")
        }
        let refused = try await caller.call("GET", "limits")
        #expect(refused.status == 403)
        #expect(refused.errorCode == "REQUEST_LIMIT_EXCEEDED" && refused.message == "TotalRequests Limit exceeded.")
        #expect(refused.header("Sforce-Limit-Info") == "api-usage=3/3")
        caller.clock.advance(by: 23 * 3600)
        #expect(try await caller.call("GET", "limits").status == 403)
        caller.clock.advance(by: 3660)
        #expect(try await caller.call("GET", "limits").status == 200)
        caller.org.setAPILimit(1, overage: 1)
        #expect(try await caller.call("GET", "limits").header("Sforce-Limit-Info") == "api-usage=2/1")
    }

    @Test func versionsAreListedFreeAndOldOnesAreGone() async throws {
        let caller = try SalesforceCaller()
        let list = try await caller.call("GET", "/services/data")
        #expect(list.body?.arrayValue?.contains { $0["version"] == "66.0" } == true)
        #expect(caller.org.apiUsage.used == 0)
        #expect(try await caller.call("GET", "/services/data/v20.0/limits").status == 410)
        #expect(try await caller.call("GET", "/services/data/v66.0/nothing").status == 404)
        #expect(try await caller.call("POST", "/services/data/v66.0/query").status == 405)
    }

    @Test func anEditionWithoutTheAPISaysSo() async throws {
        let caller = try SalesforceCaller { $0.hasAPI = false }
        let answer = try await caller.call("GET", "limits")
        #expect(answer.status == 403 && answer.errorCode == "API_DISABLED_FOR_ORG")
    }
}
