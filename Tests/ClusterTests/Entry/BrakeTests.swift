import Cluster
import Drivers
import Foundation
import Simulators
import Store
import SyncRules
import Testing

/// The brakes: loops of successful writes (T13), and many records that vanish at once (T20).
@Suite(.timeLimit(.minutes(5)))
struct BrakeTests {
    @Test(arguments: [SyncRules.Direction.inbound, .outbound])
    func T13_aRecordWrittenTooOftenIsHeldUntilTheHourIsOver(direction: SyncRules.Direction) async throws {
        let cluster = try await TestCluster.start()
        let tenant = try await TestTenant("acme", in: cluster)
        let record = try tenant.createContact("ann@a.example")
        let other = try tenant.createContact("bo@a.example")
        try await cluster.rounds(2)
        cluster.advance(3_600)
        let person = try #require(tenant.account.contact(email: "ann@a.example")).id
        func edit(_ value: String) throws {
            if direction == .inbound {
                try tenant.update("Contact", record, ["Phone": .text(value)])
            } else {
                try tenant.account.actAsPerson { try $0.edit(person, ActiveCampaignEdit(phone: value)) }
            }
        }
        func reached() throws -> String {
            direction == .inbound
                ? try #require(tenant.account.contact(email: "ann@a.example")).phone
                : tenant.org.record(record)?["Phone"].text ?? ""
        }
        func run() async throws {
            try await tenant.request(direction, in: cluster)
            try await cluster.settle()
        }
        for number in 1...LoopBrake.writes {
            try edit("\(number)")
            try await run()
            cluster.advance(10)
        }
        #expect(try reached() == "\(LoopBrake.writes)")
        try edit("too often")
        try tenant.update("Contact", other, ["Phone": "5"])
        try await run()
        #expect(try reached() == "\(LoopBrake.writes)")
        let held = try await cluster.store.failures(
            tenant: try await tenant.number(in: cluster), code: LoopBrake.code)
        #expect(held == 1)
        #expect(try await cluster.decisions(22, reason: "T13") == 1)
        cluster.advance(30)
        try edit("still")
        try await run()
        #expect(try reached() == "\(LoopBrake.writes)", "another edit does not release it")
        #expect(try await cluster.decisions(22, reason: "T13") == 1, "it is held once")

        cluster.advance(3_700)
        try await cluster.round()
        #expect(try reached() == "still", "the hour is over")
        #expect(
            try await cluster.store.failures(tenant: try await tenant.number(in: cluster), code: LoopBrake.code) == 0)
        await cluster.stop()
    }

    @Test func T13_aHeldRecordIsLetGoByARetry() async throws {
        let cluster = try await TestCluster.start()
        let tenant = try await TestTenant("acme", in: cluster)
        let record = try tenant.createContact("ann@a.example")
        try await cluster.rounds(2)
        for number in 0...LoopBrake.writes {
            try tenant.update("Contact", record, ["Phone": .text("\(number)")])
            try await tenant.request(.inbound, in: cluster)
            try await cluster.settle()
            cluster.advance(10)
        }
        let number = try await tenant.number(in: cluster)
        #expect(try await cluster.store.failures(tenant: number, code: LoopBrake.code) == 1)
        _ = try await cluster.store.retryFailures(
            tenant: number, FailureFilter(), by: Errand(actor: "test"), now: cluster.wallClock.now)
        try await cluster.settle()
        #expect(tenant.account.contact(email: "ann@a.example")?.phone == "\(LoopBrake.writes)")
        #expect(try await cluster.store.failures(tenant: number, code: LoopBrake.code) == 0)
        await cluster.stop()
    }

    @Test func T20_manyDeletionsAtOnceAreHeldBackUntilSomebodyConfirms() async throws {
        let cluster = try await TestCluster.start()
        let tenant = try await TestTenant("acme", in: cluster)
        let records = try (1...40).map { try tenant.createContact("p\($0)@a.example") }
        try await cluster.rounds(2)
        try tenant.org.actAsUser { actions in
            for record in records.prefix(30) { try actions.delete(record) }
        }
        try await cluster.rounds(1)
        func missing() async throws -> Int64 {
            try await cluster.value("SELECT count(*) AS value FROM ferry.links WHERE state = 2")
        }
        #expect(try await missing() == 0)
        #expect(try await cluster.decisions(21, reason: "T20") >= 30)
        func alert() async throws -> SyncStatusRow? {
            try await cluster.store.status(tenant: "acme").first { $0.direction == "inbound" && $0.object == "contact" }
        }
        let row = try #require(try await alert())
        #expect(row.state == "needs attention" && row.lastError?.contains("confirm-missing acme") == true)

        // The alarm stands while nobody says a word; one that is there again goes on by itself.
        try tenant.org.actAsUser { try $0.undelete(records[0]) }
        try await cluster.rounds(2)
        #expect(try await missing() == 0)
        let number = try await tenant.number(in: cluster)
        #expect(try await cluster.store.withheldMissing(tenant: number) == 29)

        _ = try await cluster.store.confirmMissing(
            tenant: number, until: cluster.wallClock.now.addingTimeInterval(86_400), by: Errand(actor: "test"),
            now: cluster.wallClock.now)
        try await cluster.settle()
        #expect(try await missing() == 29)
        try await cluster.rounds(1)
        #expect(try await alert()?.state == "waiting")
        #expect(tenant.account.contactCount == 40, "nothing is ever deleted")
        await cluster.stop()
    }

    /// Of records that were emptied from the recycle bin Salesforce shows nothing, so that only a person's word counts.
    @Test func T20_R91_aLeadTakesThePlaceOfAContactThatIsConfirmedGone() async throws {
        let cluster = try await TestCluster.start()
        let tenant = try await TestTenant("acme", in: cluster)
        let ann = try tenant.createContact("ann@a.example", last: "Lee")
        let others = try (1...30).map { try tenant.createContact("p\($0)@a.example") }
        try await cluster.rounds(2)
        // The lead is linked while the contact is away, and passed by once it is back.
        try tenant.org.actAsUser { try $0.delete(ann) }
        try await cluster.rounds(2)
        let lead = try tenant.createLead("ann@a.example", last: "Lee")
        try await cluster.rounds(2)
        try tenant.org.actAsUser { try $0.undelete(ann) }
        try await cluster.rounds(2)
        let person = try #require(tenant.account.contact(email: "ann@a.example")).id
        try tenant.account.actAsPerson { try $0.edit(person, ActiveCampaignEdit(firstName: "Ann")) }
        try await cluster.rounds(2)
        #expect(tenant.org.record(ann)?["FirstName"] == "Ann" && tenant.org.record(lead)?["FirstName"].text == nil)

        try tenant.org.actAsUser { actions in
            for record in others + [ann] { try actions.delete(record) }
        }
        try await cluster.rounds(1)
        let number = try await tenant.number(in: cluster)
        #expect(try await cluster.store.withheldMissing(tenant: number) == 31)
        tenant.org.emptyRecycleBin()
        try await cluster.rounds(1)
        #expect(tenant.org.record(lead)?["FirstName"].text == nil, "nobody has said a word yet")
        _ = try await cluster.store.confirmMissing(
            tenant: number, until: cluster.wallClock.now.addingTimeInterval(86_400), by: Errand(actor: "test"),
            now: cluster.wallClock.now)
        try await cluster.rounds(2)
        #expect(tenant.org.record(lead)?["FirstName"] == "Ann", "what passed the lead by reaches it")
        await cluster.stop()
    }

    @Test func T20_aFewDeletionsAreBelieved() async throws {
        let cluster = try await TestCluster.start()
        let tenant = try await TestTenant("acme", in: cluster)
        let records = try (1...12).map { try tenant.createContact("p\($0)@a.example") }
        try await cluster.rounds(2)
        try tenant.org.actAsUser { actions in
            for record in records.prefix(3) { try actions.delete(record) }
        }
        try await cluster.rounds(1)
        let missing: Int64 = try await cluster.value("SELECT count(*) AS value FROM ferry.links WHERE state = 2")
        #expect(missing == 3)
        await cluster.stop()
    }

    // MARK: - Accounts and opportunities

    private static func withAccounts() async throws -> (cluster: TestCluster, tenant: TestTenant) {
        let cluster = try await TestCluster.start()
        var options = TestTenant.Options()
        options.settings = ["sync_accounts": "true", "sync_opportunities": "true"]
        return (cluster, try await TestTenant("acme", in: cluster, options))
    }

    @Test(arguments: [SyncRules.Direction.inbound, .outbound])
    func T13_anAccountWrittenTooOftenIsHeldUntilTheHourIsOver(direction: SyncRules.Direction) async throws {
        let (cluster, tenant) = try await Self.withAccounts()
        let account = try tenant.org.actAsUser { try $0.create("Account", ["Name": "Acme"]) }
        try tenant.createContact("ann@a.example", ["AccountId": .text(account)])
        try await cluster.rounds(2)
        cluster.advance(3_600)
        let company = try #require(tenant.account.companies().first).id
        func edit(_ name: String) throws {
            if direction == .inbound { return try tenant.update("Account", account, ["Name": .text(name)]) }
            try tenant.account.actAsPerson { try $0.editCompany(company, name: name) }
        }
        func reached() -> String? {
            direction == .inbound
                ? tenant.account.companies().first?.name : tenant.org.record(account)?["Name"].text
        }
        func run() async throws {
            try await tenant.request(direction, in: cluster)
            try await cluster.settle()
        }
        for number in 1...LoopBrake.writes {
            try edit("Acme \(number)")
            try await run()
            cluster.advance(10)
        }
        #expect(reached() == "Acme \(LoopBrake.writes)")
        for name in ["too often", "still"] {
            try edit(name)
            try await run()
            #expect(reached() == "Acme \(LoopBrake.writes)")
            cluster.advance(30)
        }
        #expect(try await cluster.decisions(22, reason: "T13") == 1, "it is held once")
        cluster.advance(3_700)
        try await cluster.round()
        #expect(reached() == "still", "the hour is over")
        let number = try await tenant.number(in: cluster)
        #expect(try await cluster.store.failures(tenant: number, code: LoopBrake.code) == 0)
        await cluster.stop()
    }

    @Test func T20_manyAccountsAndOpportunitiesThatVanishAreHeldBackUntilSomebodyConfirms() async throws {
        let (cluster, tenant) = try await Self.withAccounts()
        var (accounts, deals): ([String], [String]) = ([], [])
        try tenant.org.actAsUser { actions in
            for number in 1...30 {
                let account = try actions.create("Account", ["Name": .text("Acme \(number)")])
                let contact = try actions.create(
                    "Contact",
                    ["Email": .text("p\(number)@a.example"), "LastName": "P", "AccountId": .text(account)])
                let deal = try actions.create(
                    "Opportunity", ["Name": "Big", "StageName": "Prospecting", "CloseDate": .date(20_818)])
                _ = try actions.create(
                    "OpportunityContactRole",
                    ["OpportunityId": .text(deal), "ContactId": .text(contact), "IsPrimary": .bool(true)])
                accounts.append(account)
                deals.append(deal)
            }
        }
        try await cluster.rounds(2)
        func gone(_ table: String) async throws -> Int64 {
            try await cluster.value("SELECT count(*) AS value FROM ferry.\(table) WHERE state = 2")
        }
        try tenant.org.actAsUser { actions in
            for record in deals.prefix(25) + accounts.prefix(25) { try actions.delete(record) }
        }
        try await cluster.rounds(2)
        #expect(try await gone("account_links") == 0)
        #expect(try await gone("opportunity_links") == 0)
        let rows = try await cluster.store.status(tenant: "acme").filter { $0.state == "needs attention" }
        #expect(Set(rows.map(\.object)).isSuperset(of: ["account", "opportunity"]))

        try tenant.org.actAsUser { try $0.undelete(accounts[0]) }
        try await cluster.rounds(1)
        let number = try await tenant.number(in: cluster)
        let held: Int64 = try await cluster.value(
            """
            SELECT count(*) AS value FROM ferry.record_failures WHERE object IN (3, 4) AND code = '\(MassDeleteBrake.code)'
            """)
        #expect(held == 49, "one is there again")
        _ = try await cluster.store.confirmMissing(
            tenant: number, until: cluster.wallClock.now.addingTimeInterval(86_400), by: Errand(actor: "test"),
            now: cluster.wallClock.now)
        try await cluster.settle()
        #expect(try await gone("account_links") == 24)
        #expect(try await gone("opportunity_links") == 25)
        try await cluster.rounds(1)
        #expect(try await cluster.store.status(tenant: "acme").allSatisfy { $0.state != "needs attention" })
        await cluster.stop()
    }
}
