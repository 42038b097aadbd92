import Foundation
import Testing

@testable import Simulators

/// Person accounts: an account and a contact that are one person.
@Suite(.timeLimit(.minutes(2)))
struct SalesforcePersonTests {
    private static func org() throws -> SalesforceCaller { try SalesforceCaller { $0.hasPersonAccounts = true } }

    @Test func anAccountWithALastNameIsAPersonAndHasAContact() async throws {
        let caller = try Self.org()
        caller.org.addCustomField("Contact", "Tier__c", .text(length: 10))
        let made = try await caller.call(
            "POST", "sobjects/Account",
            [
                "FirstName": "Ada", "LastName": "Love", "PersonEmail": "ada@x.example", "Tier__pc": "Gold",
                "Industry": "Other",
            ])
        #expect(made.status == 201)
        let id = try #require(made.body?["id"]?.stringValue)
        let found = try await caller.query(
            """
            SELECT Name, IsPersonAccount, PersonContactId, PersonContact.Email, PersonEmail, Tier__pc FROM Account
            WHERE PersonEmail = 'ada@x.example'
            """)
        let account = try #require(found["records"]?[0])
        #expect(account["Name"] == "Ada Love" && account["IsPersonAccount"] == true && account["Tier__pc"] == "Gold")
        #expect(account["PersonContact"]?["Email"] == "ada@x.example")
        let contact = try #require(account["PersonContactId"]?.stringValue)
        #expect(caller.org.record(contact)?["AccountId"] == .text(id))
        #expect(caller.org.record(contact)?["IsPersonAccount"] == true)
        #expect(caller.org.record(contact)?["Tier__c"] == "Gold")
    }

    @Test func aPersonIsChangedThroughItsAccountOnly() async throws {
        let caller = try Self.org()
        let id = try caller.org.actAsUser { try $0.create("Account", ["LastName": "Love"]) }
        let contact = try #require(caller.org.record(id)?["PersonContactId"].text)
        let direct = try await caller.call("PATCH", "sobjects/Contact/\(contact)", ["Title": "T"])
        #expect(direct.errorCode == "INVALID_FIELD_FOR_INSERT_UPDATE")
        #expect(try await caller.call("DELETE", "sobjects/Contact/\(contact)").status == 400)
        caller.clock.advance(by: 10)
        let change: WireJSON = ["PersonTitle": "T", "LastName": "Lace", "AC_Write_Id__pc": "w", "AC_Acked_Seq__pc": 1]
        #expect(try await caller.call("PATCH", "sobjects/Account/\(id)", change).status == 204)
        let record = try #require(caller.org.record(id))
        #expect(record["Name"] == "Lace" && record["PersonTitle"] == "T")
        #expect(caller.org.record(contact)?["Title"] == "T")
        #expect(caller.org.record(contact)?["SystemModstamp"] == record["SystemModstamp"])
        let named = try await caller.call("PATCH", "sobjects/Account/\(id)", ["Name": "No"])
        #expect(named.errorCode == "INVALID_FIELD_FOR_INSERT_UPDATE")
    }

    @Test func theSyncPackageGuardsThePersonToo() async throws {
        let caller = try Self.org()
        let id = try caller.org.actAsUser { try $0.create("Account", ["LastName": "Love", "AC_Contact_Id__pc": "7"]) }
        let blind: WireJSON = ["PersonTitle": "T", "AC_Write_Id__pc": "w"]
        let refused = try await caller.call("PATCH", "sobjects/Account/AC_Contact_Id__pc/7", blind)
        #expect(refused.errorCode == "FIELD_CUSTOM_VALIDATION_EXCEPTION")
        #expect(caller.org.record(id)?["PersonTitle"].isNull == true)
    }

    @Test func aBusinessHasNoPersonFields() async throws {
        let caller = try Self.org()
        let id = try caller.org.actAsUser { try $0.create("Account", ["Name": "Acme"]) }
        #expect(caller.org.record(id)?["IsPersonAccount"] == false)
        let refused = try await caller.call("PATCH", "sobjects/Account/\(id)", ["PersonEmail": "a@x.example"])
        #expect(refused.errorCode == "INVALID_FIELD_FOR_INSERT_UPDATE")
        let types = try await caller.values("Id", "SELECT Id FROM RecordType WHERE IsPersonType = TRUE")
        let type = try #require(types.first)
        let made = try await caller.call(
            "POST", "sobjects/Account", ["RecordTypeId": type, "LastName": "Love"])
        #expect(made.status == 201)
        #expect(caller.org.count("Contact") == 1)
    }

    @Test func aPersonIsDeletedAndMergedWithItsContact() async throws {
        let caller = try Self.org()
        let ids = try caller.org.actAsUser { user in
            try (0..<2).map { try user.create("Account", ["LastName": .text("L\($0)")]) }
        }
        let contacts = ids.compactMap { caller.org.record($0)?["PersonContactId"].text }
        try caller.org.actAsUser { try $0.merge(ids[0], [ids[1]]) }
        #expect(caller.org.record(contacts[1])?["MasterRecordId"] == .text(contacts[0]))
        #expect(caller.org.count("Contact") == 1)
        #expect(try await caller.call("DELETE", "sobjects/Account/\(ids[0])").status == 204)
        #expect(caller.org.count("Contact") == 0)
    }

    @Test func aLeadWithoutACompanyBecomesAPerson() throws {
        let caller = try Self.org()
        let made = try caller.org.actAsUser { user in
            let lead = try user.create(
                "Lead", ["LastName": "Love", "Email": "a@x.example", "AC_Contact_Id__c": "9", "City": "Ulm"])
            return try user.convertLead(lead)
        }
        let account = try #require(caller.org.record(made.accountID))
        #expect(account["IsPersonAccount"] == true && account["PersonEmail"] == "a@x.example")
        #expect(account["PersonContactId"] == .text(made.contactID) && account["PersonMailingCity"] == "Ulm")
        #expect(account["AC_Contact_Id__pc"] == "9")
    }
}
