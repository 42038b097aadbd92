import Drivers
import Foundation
import Simulators
import Store
import Testing

import enum SyncRules.Direction

/// Rules that only show when both providers, the store and the runs play together.
@Suite(.timeLimit(.minutes(5)))
struct RuleTests {
    @Test(arguments: [true, false])
    func R8_changedAddressesAreFollowedOnBothSides(hasPackage: Bool) async throws {
        let cluster = try await TestCluster.start()
        let tenant = try await TestTenant("acme", in: cluster, TestTenant.Options(hasPackage: hasPackage))
        let record = try tenant.createContact("old@a.example", last: "Mover")
        try await cluster.round()
        let contact = try #require(tenant.account.contact(email: "old@a.example")).id

        try tenant.update("Contact", record, ["Email": "new@a.example"])
        cluster.advance(3_600)
        try await cluster.round()
        #expect(tenant.account.contact(contact)?.email == "new@a.example")

        cluster.advance(60)
        try tenant.account.actAsPerson { try $0.edit(contact, ActiveCampaignEdit(email: "newest@a.example")) }
        cluster.advance(3_600)
        try await cluster.round()
        #expect(tenant.org.record(record)?["Email"] == "newest@a.example")
        #expect(tenant.account.contactCount == 1 && tenant.org.count("Contact") == 1)
        await cluster.stop()
    }

    @Test func R8_aRecordWhoseNewAddressAFreeContactHoldsGoesOnWithThatContact() async throws {
        let cluster = try await TestCluster.start()
        let tenant = try await TestTenant("acme", in: cluster)
        let record = try tenant.createContact("old@a.example", last: "Mover", ["Phone": "+49 1"])
        try await cluster.round()
        let left = try #require(tenant.account.contact(email: "old@a.example")).id
        let free = try tenant.signUp("taken@a.example", last: "Other", automation: nil)

        try tenant.update("Contact", record, ["Email": "taken@a.example"])
        for _ in 1...2 {
            cluster.advance(3_600)
            try await cluster.round()
        }
        let contact = try #require(tenant.account.contact(free))
        #expect(contact.lastName == "Mover" && contact.phone == "+49 1")
        #expect(contact.tags == ["created-from-salesforce-contact"])

        cluster.advance(60)
        try tenant.account.actAsPerson { try $0.edit(free, ActiveCampaignEdit(phone: "+49 2")) }
        try tenant.account.actAsPerson { try $0.edit(left, ActiveCampaignEdit(phone: "+49 3")) }
        cluster.advance(3_600)
        try await cluster.round()
        #expect(tenant.org.record(record)?["Phone"] == "+49 2", "the contact it goes on with, and not the one it left")
        #expect(tenant.org.count("Contact") == 1)
        let failures: Int64 = try await cluster.value("SELECT count(*) AS value FROM ferry.record_failures")
        #expect(failures == 0)
        await cluster.stop()
    }

    /// The contact a record has left is one like any other without a record (R14, R27).
    @Test(arguments: [false, true])
    func R8_theContactItsRecordLeftIsCreatedAnewOnlyByItsCreateAction(hasAction: Bool) async throws {
        let cluster = try await TestCluster.start()
        let tenant = try await TestTenant("acme", in: cluster)
        let record: String
        let left: Int
        if hasAction {
            left = try tenant.signUp("old@a.example", last: "Mover")
            try await cluster.round()
            record = try #require(tenant.record("Contact", "old@a.example")).id
        } else {
            record = try tenant.createContact("old@a.example", last: "Mover")
            try await cluster.round()
            left = try #require(tenant.account.contact(email: "old@a.example")).id
        }
        _ = try tenant.signUp("taken@a.example", last: "Other", automation: nil)
        try tenant.update("Contact", record, ["Email": "taken@a.example"])
        for _ in 1...2 {
            cluster.advance(3_600)
            try await cluster.round()
        }
        #expect(tenant.org.count("Contact") == 1, "leaving it is no change of its own")
        let number = try await tenant.number(in: cluster)
        let file = try await cluster.store.recordFile(tenant: number, .contact(Int64(left)))
        #expect(file.decisions.contains { $0.decision.reason == "R8.left" })

        try tenant.account.actAsPerson { try $0.edit(left, ActiveCampaignEdit(phone: "+49 3")) }
        cluster.advance(3_600)
        try await cluster.round()
        #expect(tenant.record("Contact", "taken@a.example")?["Phone"] != "+49 3")
        #expect(tenant.record("Contact", "old@a.example")?["Phone"] == (hasAction ? "+49 3" : nil))
        #expect(tenant.org.count("Contact") == (hasAction ? 2 : 1))
        await cluster.stop()
    }

    @Test func R18_aTagIsNoProofOfACreation() async throws {
        let cluster = try await TestCluster.start()
        let tenant = try await TestTenant("acme", in: cluster)
        tenant.org.addValidationRule(
            ValidationRule(object: "Contact", message: "No Smiths.") { $0["LastName"] == "Smith" })
        let contact = try tenant.signUp("smith@a.example", last: "Smith")
        try await cluster.round()
        #expect(tenant.account.contact(contact)?.tags == ["added-to-salesforce-contact"])
        #expect(tenant.org.count("Contact") == 0)
        let code: String = try await cluster.value("SELECT code AS value FROM ferry.record_failures")
        #expect(code == "FIELD_CUSTOM_VALIDATION_EXCEPTION")

        cluster.advance(60)
        try tenant.account.actAsPerson { try $0.edit(contact, ActiveCampaignEdit(lastName: "Schmidt")) }
        cluster.advance(3_600)
        try await cluster.round()
        #expect(tenant.record("Contact", "smith@a.example")?["LastName"] == "Schmidt")
        await cluster.stop()
    }

    @Test func R26_aTagTakenOffStopsUpdatesAndKeepsTheLink() async throws {
        let cluster = try await TestCluster.start()
        let tenant = try await TestTenant("acme", in: cluster)
        let record = try tenant.createContact("tag@a.example", last: "Tag")
        try await cluster.round()
        let contact = try #require(tenant.account.contact(email: "tag@a.example")).id

        cluster.advance(60)
        try tenant.account.actAsPerson { person in
            try person.removeTag(contact, "created-from-salesforce-contact")
            try person.edit(contact, ActiveCampaignEdit(phone: "+49 1"))
        }
        cluster.advance(3_600)
        try await cluster.round()
        #expect(tenant.org.record(record)?["Phone"].isNull == true)

        try tenant.update("Contact", record, ["FirstName": "Tag"])
        cluster.advance(3_600)
        try await cluster.round()
        #expect(tenant.account.contact(contact)?.firstName == "Tag", "the link holds")
        await cluster.stop()
    }

    @Test func R32_R34_nothingComesBetweenTwoPullsAndTheNextBringsEveryObject() async throws {
        let cluster = try await TestCluster.start()
        let tenant = try await TestTenant("acme", in: cluster)
        let contact = try tenant.createContact("con@a.example")
        let lead = try tenant.createLead("lead@a.example")
        try await cluster.round()
        // To the tenant's own minute of the hour, whenever the test began: the next pull is then an hour away.
        let next: Date = try await cluster.value(
            "SELECT max(next_run_at) AS value FROM ferry.streams WHERE direction = 2")
        cluster.advance(next.timeIntervalSince(cluster.wallClock.now) + 1)
        try await cluster.settle()
        for (object, id) in [("Contact", contact), ("Lead", lead)] {
            try tenant.update(object, id, ["Phone": "+49 9"])
        }
        for _ in 1...5 {
            cluster.advance(660)
            try await cluster.settle()
            #expect(tenant.account.contacts().allSatisfy { $0.phone == "" })
        }
        #expect(tenant.org.record(contact)?["AC_Sync_Status__c"] == "Waiting for next sync")
        cluster.advance(660)
        try await cluster.settle()
        #expect(tenant.account.contacts().allSatisfy { $0.phone == "+49 9" })
        await cluster.stop()
    }

    @Test(arguments: [1, 30])
    func R44_recordsThatEnterGetOnTheDefaultListAndWhoLeftItStaysOff(newcomers: Int) async throws {
        let cluster = try await TestCluster.start()
        let tenant = try await TestTenant("acme", in: cluster)
        let news = tenant.account.addList(name: "News")
        try await cluster.pool.query("UPDATE ferry.sync_settings SET default_list_id = \(news)")
        let left = try tenant.signUp("left@a.example", automation: nil)
        try tenant.account.actAsPerson { person in
            try person.subscribe(left, list: news)
            try person.unsubscribe(left, list: news)
        }
        try tenant.createContact("left@a.example")
        for number in 1...newcomers { try tenant.createContact("new\(number)@a.example") }
        let out = try tenant.createContact("out@a.example", ["HasOptedOutOfEmail": .bool(true)])
        try await cluster.round()
        #expect(tenant.account.contact(left)?.lists == [news: 2])
        #expect(tenant.account.contact(email: "new1@a.example")?.lists == [news: 1])
        #expect(tenant.account.contact(email: "out@a.example")?.lists[news] != 1, "\(out)")
        await cluster.stop()
    }

    @Test(arguments: [true, false])
    func R92_linksThatWereLostAreFoundAgainAndNobodyIsDoubled(hasExternalID: Bool) async throws {
        let cluster = try await TestCluster.start()
        let tenant = try await TestTenant(
            "acme", in: cluster, TestTenant.Options(hasPackage: false, hasExternalID: hasExternalID))
        let record = try tenant.createContact("pulled@a.example", last: "Pulled")
        let contact = try tenant.signUp("sent@a.example", last: "Sent")
        try await cluster.round()
        #expect(tenant.org.count("Contact") == 2 && tenant.account.contactCount == 2)

        try await cluster.pool.query("DELETE FROM ferry.links")
        try await cluster.pool.query("UPDATE ferry.streams SET cursor = NULL")
        cluster.advance(3_600)
        try await cluster.round()
        try tenant.update("Contact", record, ["Phone": "+49 1"])
        try tenant.account.actAsPerson { try $0.edit(contact, ActiveCampaignEdit(phone: "+49 2")) }
        for _ in 1...2 {
            cluster.advance(3_600)
            try await cluster.round()
        }
        #expect(tenant.org.count("Contact") == 2 && tenant.account.contactCount == 2)
        #expect(tenant.account.contact(email: "pulled@a.example")?.phone == "+49 1")
        #expect(tenant.record("Contact", "sent@a.example")?["Phone"] == "+49 2")
        await cluster.stop()
    }
}
