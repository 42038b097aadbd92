import Foundation
import Synchronization
import Testing

@testable import Simulators

/// What an org's administrator installs: duplicate rules, assignment, automation; and what the platform does by itself.
@Suite(.timeLimit(.minutes(2)))
struct SalesforceRulesTests {
    private static func contact(_ members: WireJSON) -> WireJSON {
        var object = members.objectValue ?? WireObject()
        object["attributes"] = ["type": "Contact"]
        return .object(object)
    }

    // MARK: - Duplicates

    @Test func aDuplicateIsShownAndSavedOnlyWhenAllowed() async throws {
        let caller = try SalesforceCaller()
        caller.org.addDuplicateRule(.sameEmail("Contact"))
        let twin = try caller.org.actAsUser { try $0.create("Contact", ["LastName": "A", "Email": "a@x.example"]) }
        let record: WireJSON = ["LastName": "B", "Email": "A@X.example"]
        let refused = try await caller.call("POST", "sobjects/Contact", record)
        #expect(refused.status == 400 && refused.errorCode == "DUPLICATES_DETECTED")
        let result = try #require(refused.body?[0]?["duplicateResult"])
        #expect(result["allowSave"] == true && result["duplicateRule"] == "Standard_Contact_Duplicate_Rule")
        let match = result["matchResults"]?[0]?["matchRecords"]?[0]
        #expect(match?["record"]?["Id"] == .string(twin) && match?["record"]?["Email"] == nil)
        let detailed = try await caller.call(
            "POST", "sobjects/Contact", record,
            headers: ["sforce-duplicate-rule-header": "allowSave=false; includeRecordDetails=true"])
        let details = detailed.body?[0]?["duplicateResult"]?["matchResults"]?[0]?["matchRecords"]?[0]?["record"]
        #expect(details?["Email"] == "a@x.example")
        let allowed = try await caller.call(
            "POST", "sobjects/Contact", record, headers: ["sforce-duplicate-rule-header": "allowSave=true"])
        #expect(allowed.status == 201)
        // A row's error in a collection has no room for the twins.
        let rows = try await caller.call("POST", "composite/sobjects", ["records": [Self.contact(record)]])
        #expect(rows.body?[0]?.rowError == "DUPLICATES_DETECTED")
        #expect(rows.body?[0]?["errors"]?[0]?["duplicateResult"] == nil)
    }

    @Test func aBlockingRuleBlocksWhateverTheHeaderSays() async throws {
        let caller = try SalesforceCaller()
        caller.org.addDuplicateRule(
            DuplicateRule(
                name: "Lead_Is_Contact", object: "Lead", matchesObject: "Contact", fields: [("Email", "Email")],
                blocks: true))
        _ = try caller.org.actAsUser { try $0.create("Contact", ["LastName": "A", "Email": "a@x.example"]) }
        let answer = try await caller.call(
            "POST", "sobjects/Lead", ["LastName": "A", "Company": "C", "Email": "a@x.example"],
            headers: ["sforce-duplicate-rule-header": "allowSave=true"])
        #expect(answer.errorCode == "DUPLICATES_DETECTED")
        #expect(answer.body?[0]?["duplicateResult"]?["allowSave"] == false)
        #expect(answer.body?[0]?["duplicateResult"]?["matchResults"]?[0]?["entityType"] == "Contact")
        #expect(throws: SaveRefusal.self) {
            try caller.org.actAsUser {
                _ = try $0.create("Lead", ["LastName": "A", "Company": "C", "Email": "a@x.example"])
            }
        }
    }

    @Test func anUpdateThatTouchesNothingOfTheRuleSaves() async throws {
        let caller = try SalesforceCaller()
        let ids = try caller.org.actAsUser { user in
            try (0..<2).map { _ in try user.create("Contact", ["LastName": "A", "Email": "a@x.example"]) }
        }
        caller.org.addDuplicateRule(.sameEmail("Contact"))
        #expect(try await caller.call("PATCH", "sobjects/Contact/\(ids[0])", ["Title": "T"]).status == 204)
        #expect(try await caller.call("PATCH", "sobjects/Contact/\(ids[0])", ["Email": "b@x.example"]).status == 204)
        let back = try await caller.call("PATCH", "sobjects/Contact/\(ids[0])", ["Email": "a@x.example"])
        #expect(back.errorCode == "DUPLICATES_DETECTED")
    }

    // MARK: - Assignment

    @Test func assignmentRunsUnlessTheCallSaysNo() async throws {
        let caller = try SalesforceCaller()
        caller.org.activateAssignment(of: "Lead")
        let lead: WireJSON = ["LastName": "A", "Company": "C"]
        let assigned = try await caller.call("POST", "sobjects/Lead", lead)
        let kept = try await caller.call("POST", "sobjects/Lead", lead, headers: ["sforce-auto-assign": "FALSE"])
        let ids = [assigned, kept].compactMap { $0.body?["id"]?.stringValue }
        #expect(caller.org.record(ids[0])?["OwnerId"] == .text(caller.org.humanUserID))
        #expect(caller.org.record(ids[1])?["OwnerId"] == .text(caller.org.integrationUserID))
        // An update re-owns too: what the header is there for.
        #expect(try await caller.call("PATCH", "sobjects/Lead/\(ids[1])", ["Title": "T"]).status == 204)
        #expect(caller.org.record(ids[1])?["OwnerId"] == .text(caller.org.humanUserID))
    }

    // MARK: - Automation

    /// Reference 13.3, B: what automation writes after our write carries no new marker.
    @Test func automationAfterOurWriteMakesTheRecordWait() async throws {
        let caller = try SalesforceCaller()
        caller.org.addAutomation(
            OrgAutomation(object: "Contact", name: "Fill Department") { call in
                [AutomationEdit(id: call.id, fields: ["Department": "Filled"])]
            })
        let rows = try await caller.upsert([["AC_Contact_Id__c": "1", "LastName": "A", "AC_Write_Id__c": "w1"]])
        let id = try #require(rows[0]["id"]?.stringValue)
        let record = try #require(caller.org.record(id))
        #expect(record["Department"] == "Filled" && record["AC_Sync_Status__c"] == "Waiting for next sync")
        #expect(record["LastModifiedById"] == .text(caller.org.integrationUserID))
    }

    @Test func automationMayTouchOtherRecordsAndMoveTheirStamp() async throws {
        let caller = try SalesforceCaller()
        let account = try caller.org.actAsUser { try $0.create("Account", ["Name": "Acme"]) }
        caller.org.addAutomation(
            OrgAutomation(object: "Contact", name: "Count") { call in
                guard let account = call.after["AccountId"]?.text else { return [] }
                return [AutomationEdit(id: account, fields: ["Description": "touched by \(call.id)".fieldValue])]
            })
        caller.clock.advance(by: 100)
        _ = try await caller.upsert([
            ["AC_Contact_Id__c": "1", "LastName": "A", "AC_Write_Id__c": "w", "AccountId": .string(account)]
        ])
        let record = try #require(caller.org.record(account))
        #expect(record["Description"].text?.hasPrefix("touched by 003") == true)
        #expect(record["SystemModstamp"] != record["CreatedDate"])
        #expect(record["SystemModstamp"] == caller.org.records("Contact")[0]["SystemModstamp"])
    }

    @Test func aRefusalInsideAutomationFailsTheRowThatSetItOff() async throws {
        let caller = try SalesforceCaller()
        let account = try caller.org.actAsUser { try $0.create("Account", ["Name": "Acme"]) }
        caller.org.addValidationRule(ValidationRule(object: "Account", message: "Hands off") { $0["Phone"] == "1" })
        caller.org.addAutomation(
            OrgAutomation(object: "Contact", name: "Copy Phone") { call in
                [AutomationEdit(id: account, fields: ["Phone": call.after["Phone"] ?? .null])]
            })
        let rows = try await caller.upsert([
            ["AC_Contact_Id__c": "1", "LastName": "A", "AC_Write_Id__c": "w", "Phone": "1"],
            ["AC_Contact_Id__c": "2", "LastName": "B", "AC_Write_Id__c": "w", "Phone": "2"],
        ])
        #expect(rows.map(\.rowError) == ["CANNOT_EXECUTE_FLOW_TRIGGER", nil])
        #expect(rows[0]["errors"]?[0]?["message"]?.stringValue?.contains("Hands off") == true)
        #expect(caller.org.count("Contact") == 1)
        #expect(caller.org.record(account)?["Phone"] == "2")
    }

    @Test func automationWithoutEndIsStopped() async throws {
        let caller = try SalesforceCaller()
        caller.org.addAutomation(
            OrgAutomation(object: "Contact", name: "Count Up") { call in
                let next = (Int(call.after["Title"]?.text ?? "") ?? 0) + 1
                return [AutomationEdit(id: call.id, fields: ["Title": .text(String(next))])]
            })
        let rows = try await caller.upsert([["AC_Contact_Id__c": "1", "LastName": "A", "AC_Write_Id__c": "w"]])
        #expect(rows[0].rowError == "CANNOT_EXECUTE_FLOW_TRIGGER")
        #expect(caller.org.count("Contact") == 0)
    }

    // MARK: - Partial save

    /// Reference section 4: automation runs again for the clean rows, and rows that fail anew make a third attempt.
    @Test func aFailureStartsTheBatchOverWithTheCleanRows() async throws {
        let caller = try SalesforceCaller()
        let runs = Mutex<[String]>([])
        caller.org.addAutomation(
            OrgAutomation(object: "Contact", name: "Watch") { call in
                runs.withLock { $0.append("\(call.pass)\(call.after["LastName"]?.text ?? "")") }
                return []
            })
        let answer = try await caller.call(
            "POST", "composite/sobjects",
            [
                "records": [
                    Self.contact(["LastName": "A"]), Self.contact(["FirstName": "x"]), Self.contact(["LastName": "C"]),
                ]
            ])
        #expect(answer.body?.arrayValue?.map(\.rowError) == [nil, "REQUIRED_FIELD_MISSING", nil])
        #expect(runs.withLock { $0 } == ["1A", "1C", "2A", "2C"])
        #expect(caller.org.count("Contact") == 2)
    }

    @Test func failuresInTheThirdAttemptFailEverything() async throws {
        let caller = try SalesforceCaller()
        caller.org.addAutomation(
            OrgAutomation(object: "Contact", name: "Picky") { call in
                struct Refusal: Error {}
                if call.after["LastName"] == .text("L\(call.pass)") { throw Refusal() }
                return []
            })
        let records = (1...4).map { Self.contact(["LastName": .string("L\($0)")]) }
        let answer = try await caller.call("POST", "composite/sobjects", ["records": .array(records)])
        let messages = answer.body?.arrayValue?.map { $0["errors"]?[0]?["message"]?.stringValue ?? "" } ?? []
        #expect(messages.count == 4)
        #expect(messages.allSatisfy { $0.hasPrefix("Too many batch retries in the presence of Apex triggers") })
        #expect(caller.org.count("Contact") == 0)
        // Two attempts are enough when only the second row fails in it.
        let fewer = try await caller.call("POST", "composite/sobjects", ["records": .array([records[0], records[3]])])
        #expect(fewer.body?.arrayValue?.map(\.rowError) == ["CANNOT_EXECUTE_FLOW_TRIGGER", nil])
    }

    // MARK: - Address picklists

    @Test func statesAndCountriesArePicklistsWhereSwitchedOn() async throws {
        let caller = try SalesforceCaller { $0.hasStateCountryPicklists = true }
        let free = try await caller.call(
            "POST", "sobjects/Contact", ["LastName": "A", "MailingCountry": "Deutschland"])
        #expect(free.status == 400 && free.errorCode == "FIELD_INTEGRITY_EXCEPTION")
        let made = try await caller.call(
            "POST", "sobjects/Contact", ["LastName": "A", "MailingCountryCode": "US", "MailingState": "Texas"])
        let id = try #require(made.body?["id"]?.stringValue)
        #expect(caller.org.record(id)?["MailingCountry"] == "United States")
        #expect(caller.org.record(id)?["MailingStateCode"] == "TX")
        let without = try SalesforceCaller()
        let text: WireJSON = ["LastName": "A", "MailingCountry": "Deutschland"]
        #expect(try await without.call("POST", "sobjects/Contact", text).status == 201)
    }

    // MARK: - The platform by itself

    @Test func maintenanceMovesOnlyTheModstamp() async throws {
        let caller = try SalesforceCaller()
        let id = try caller.org.actAsUser { try $0.create("Contact", ["LastName": "A"]) }
        caller.clock.advance(by: 100)
        caller.org.runMaintenance(on: "Contact")
        let record = try #require(caller.org.record(id))
        #expect(record["SystemModstamp"] != record["LastModifiedDate"])
        #expect(record["AC_Change_Seq__c"] == 1)
    }

    @Test func anEmptiedBinLeavesNoTrace() async throws {
        let caller = try SalesforceCaller()
        try caller.org.actAsUser { try $0.delete(try $0.create("Contact", ["LastName": "A"])) }
        #expect(try await caller.values("Id", "SELECT Id FROM Contact", all: true).count == 1)
        caller.org.emptyRecycleBin()
        #expect(try await caller.values("Id", "SELECT Id FROM Contact", all: true).isEmpty)
    }

    @Test func anAmountBesideProductsIsIgnored() async throws {
        let caller = try SalesforceCaller()
        let id = try caller.org.actAsUser { user in
            let id = try user.create(
                "Opportunity", ["Name": "O", "StageName": "Prospecting", "CloseDate": .date(20_000)])
            try user.addProducts(id, total: 500)
            return id
        }
        #expect(
            try await caller.call("PATCH", "sobjects/Opportunity/\(id)", ["Amount": 1, "NextStep": "n"]).status == 204)
        #expect(caller.org.record(id)?["Amount"] == 500 && caller.org.record(id)?["NextStep"] == "n")
    }

    @Test func aLockNamesTheParentThatIsFoughtOver() async throws {
        let caller = try SalesforceCaller()
        let account = try caller.org.actAsUser { try $0.create("Account", ["Name": "Acme"]) }
        caller.org.setLockErrorRate(1)
        let rows = try await caller.upsert([
            ["AC_Contact_Id__c": "1", "LastName": "A", "AccountId": .string(account)]
        ])
        #expect(rows[0].rowError == "UNABLE_TO_LOCK_ROW")
        #expect(rows[0]["errors"]?[0]?["message"]?.stringValue?.hasSuffix(account) == true)
    }
}

extension String {
    fileprivate var fieldValue: FieldValue { .text(self) }
}
