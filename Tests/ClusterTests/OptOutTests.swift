import Foundation
import Simulators
import Testing

import enum SyncRules.Direction

/// Scenario 5 of the sync rules: opting out of e-mail, through real queue, PostgreSQL and HTTP (R79–R83, T28).
@Suite(.timeLimit(.minutes(5)))
struct OptOutTests {
    @Test(arguments: [true, false])
    func R79_R80_R83_T28_optingOutTravelsBothWaysAndNobodyIsSubscribedAgain(hasPackage: Bool) async throws {
        let cluster = try await TestCluster.start()
        var options = TestTenant.Options()
        options.hasPackage = hasPackage
        let tenant = try await TestTenant("acme", in: cluster, options)
        let (news, offers) = (tenant.account.addList(name: "News"), tenant.account.addList(name: "Offers"))
        let person = try tenant.signUp("ann@a.example", last: "Lee")
        func subscribe(_ list: Int) throws { try tenant.account.actAsPerson { try $0.subscribe(person, list: list) } }
        func unsubscribe(_ list: Int?) throws {
            try tenant.account.actAsPerson { try $0.unsubscribe(person, list: list) }
        }
        func round() async throws {
            for _ in 1...2 {
                cluster.advance(3_600)
                try await cluster.round()
            }
        }
        func isOptedOut() throws -> FieldValue {
            try #require(tenant.record("Contact", "ann@a.example"))["HasOptedOutOfEmail"]
        }
        func activeLists() throws -> [Int] {
            try #require(tenant.account.contact(email: "ann@a.example")).lists.filter { $0.value == 1 }.keys.sorted()
        }

        try subscribe(news)
        try subscribe(offers)
        try await round()
        #expect(try isOptedOut() == .bool(false))

        try unsubscribe(news)
        try await round()
        #expect(try isOptedOut() == .bool(false), "R80: one of two lists")
        try unsubscribe(nil)
        try await round()
        #expect(try isOptedOut() == .bool(true), "R80: the last one")
        try subscribe(news)
        try await round()
        #expect(try isOptedOut() == .bool(false), "R79")

        let record = try #require(tenant.record("Contact", "ann@a.example")).id
        try tenant.update("Contact", record, ["HasOptedOutOfEmail": .bool(true)])
        try await round()
        #expect(try activeLists() == [], "R83")
        try tenant.update("Contact", record, ["HasOptedOutOfEmail": .bool(false)])
        try await round()
        #expect(try activeLists() == [], "R83: never subscribed again")

        let before = tenant.snapshot()
        try await round()
        #expect(tenant.snapshot().changes(since: before).isEmpty)
        await cluster.stop()
    }

    @Test(arguments: [true, false])
    func R80_unsubscribeThatLosesAConflictStillReachesSalesforce(hasPackage: Bool) async throws {
        let cluster = try await TestCluster.start()
        var options = TestTenant.Options()
        options.hasPackage = hasPackage
        let tenant = try await TestTenant("acme", in: cluster, options)
        let news = tenant.account.addList(name: "News")
        let person = try tenant.signUp("ann@a.example", last: "Lee")
        try tenant.account.actAsPerson { try $0.subscribe(person, list: news) }
        for _ in 1...2 {
            cluster.advance(3_600)
            try await cluster.round()
        }
        let record = try #require(tenant.record("Contact", "ann@a.example")).id

        cluster.advance(60)
        try tenant.update("Contact", record, ["Phone": "+49 1"])
        try tenant.account.actAsPerson { try $0.unsubscribe(person, list: nil) }
        try await tenant.request(.outbound, in: cluster)
        try await cluster.settle()
        #expect(tenant.org.record(record)?["HasOptedOutOfEmail"] == false, "R54: the record waits")
        let lost: Int64 = try await cluster.value(
            "SELECT count(*) AS value FROM ferry.record_decisions WHERE code = 7")
        #expect(lost == 1)

        // Nobody touches the contact again.
        cluster.advance(3_600)
        try await tenant.request(.inbound, in: cluster)
        try await cluster.settle()
        cluster.advance(660)
        try await cluster.settle()
        #expect(tenant.org.record(record)?["HasOptedOutOfEmail"] == true)
        let contact = try #require(tenant.account.contact(person))
        #expect(contact.phone == "+49 1" && contact.lists == [news: 2])
        let before = tenant.snapshot()
        for _ in 1...2 {
            cluster.advance(3_600)
            try await cluster.round()
        }
        #expect(tenant.snapshot().changes(since: before).isEmpty)
        await cluster.stop()
    }

    @Test func aNewcomerWhoOptedOutLeavesTheListsOfTheContactItMeets() async throws {
        let cluster = try await TestCluster.start()
        let tenant = try await TestTenant("acme", in: cluster)
        let news = tenant.account.addList(name: "News")
        let person = try tenant.signUp("bo@a.example", last: "Bo", automation: nil)
        try tenant.account.actAsPerson { try $0.subscribe(person, list: news) }
        try tenant.createContact("bo@a.example", last: "Bo", ["HasOptedOutOfEmail": .bool(true)])
        for number in 1...30 {
            try tenant.createContact("more\(number)@a.example", ["HasOptedOutOfEmail": .bool(false)])
        }
        try await cluster.round()
        let contact = try #require(tenant.account.contact(email: "bo@a.example"))
        #expect(contact.lists == [news: 2] && contact.tags == ["created-from-salesforce-contact"])
        #expect(tenant.account.contactCount == 31)
        await cluster.stop()
    }
}
