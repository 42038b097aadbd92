import Drivers
import Foundation
import Simulators
import Store
import Testing

import enum SyncRules.Direction

/// Accounts, through real queue, PostgreSQL and HTTP (R71–R73, R20, R90).
@Suite(.timeLimit(.minutes(5)))
struct AccountTests {
    private static func start(
        _ settings: [String: String] = ["sync_accounts": "true"], contacts: String = "new", fields: [String] = []
    ) async throws -> (cluster: TestCluster, tenant: TestTenant) {
        let cluster = try await TestCluster.start()
        var options = TestTenant.Options()
        options.settings = settings
        options.contactSelection = contacts
        options.mappings = fields.map { ("account", $0, "text", "custom:" + $0.uppercased(), "text") }
        let tenant = try await TestTenant("acme", in: cluster, options)
        for field in fields { tenant.account.addAccountField(label: field) }
        return (cluster, tenant)
    }

    /// Rounds until nothing moves any more.
    private static func rounds(_ cluster: TestCluster, _ count: Int = 3) async throws {
        for _ in 1...count {
            cluster.advance(3_700)
            try await cluster.round()
        }
    }

    private static func company(_ tenant: TestTenant, _ name: String) -> ActiveCampaignCompany? {
        tenant.account.companies().first { $0.name == name }
    }

    private static func createAccount(
        _ tenant: TestTenant, _ name: String, _ more: [String: FieldValue] = [:]
    ) throws -> String {
        try tenant.org.actAsUser { actions in
            try actions.create("Account", ["Name": .text(name)].merging(more) { _, new in new })
        }
    }

    private static func expectQuiet(_ tenant: TestTenant, _ cluster: TestCluster) async throws {
        func all() -> ([ActiveCampaignCompany], [Simulators.SalesforceRecord], TestTenant.Snapshot) {
            (tenant.account.companies(), tenant.org.records("Account"), tenant.snapshot())
        }
        let before = all()
        try await rounds(cluster, 2)
        #expect(all() == before, "further rounds write nothing")
    }

    @Test func R71_R72_theAccountOfASyncedPersonEntersAndThePersonIsPutIntoIt() async throws {
        let (cluster, tenant) = try await Self.start(fields: ["AccountNumber"])
        let account = try Self.createAccount(tenant, "Acme Inc", ["AccountNumber": "Oslo"])
        _ = try Self.createAccount(tenant, "Nobody's Ltd")
        try tenant.createContact("ann@a.example", ["AccountId": .text(account)])
        try await Self.rounds(cluster)
        let person = try #require(tenant.account.contact(email: "ann@a.example"))
        #expect(
            tenant.account.companies() == [
                ActiveCampaignCompany(id: 1, name: "Acme Inc", fields: ["ACCOUNTNUMBER": "Oslo"], contacts: [person.id])
            ])

        try tenant.update("Account", account, ["Name": "Acme AS", "AccountNumber": .null])
        try await Self.rounds(cluster)
        let renamed = try #require(tenant.account.companies().first)
        #expect(renamed.name == "Acme AS" && renamed.fields["ACCOUNTNUMBER"] == "")
        try await Self.expectQuiet(tenant, cluster)
        await cluster.stop()
    }

    @Test func R71_aFieldChangedInActiveCampaignGoesToSalesforceWhichWinsAConflict() async throws {
        let (cluster, tenant) = try await Self.start(fields: ["AccountNumber"])
        let account = try Self.createAccount(tenant, "Acme", ["AccountNumber": "Oslo"])
        try tenant.createContact("ann@a.example", ["AccountId": .text(account)])
        try await Self.rounds(cluster)
        let company = try #require(Self.company(tenant, "Acme")).id

        try tenant.account.actAsPerson {
            try $0.editCompany(company, name: "Acme AS", fields: ["ACCOUNTNUMBER": "Rome"])
        }
        try await tenant.request(.outbound, in: cluster)
        try await cluster.settle()
        let record = try #require(tenant.org.record(account))
        #expect(record["Name"] == "Acme AS" && record["AccountNumber"] == "Rome")

        // Before the next pull is due, which would take Salesforce's change over first.
        cluster.advance(60)
        try tenant.update("Account", account, ["AccountNumber": "Bern"])
        try tenant.account.actAsPerson { try $0.editCompany(company, name: "Acme Oy") }
        try await tenant.request(.outbound, in: cluster)
        try await cluster.settle()
        #expect(try #require(tenant.org.record(account))["Name"] == "Acme AS", "R53, R54: the whole change set is lost")
        try await Self.rounds(cluster)
        let after = try #require(tenant.account.companies().first)
        #expect(after.name == "Acme AS" && after.fields["ACCOUNTNUMBER"] == "Bern")
        try await Self.expectQuiet(tenant, cluster)
        await cluster.stop()
    }

    @Test func R72_aNameThatIsTakenIsReusedWhenNobodysAndMarkedWhenSomebodys() async throws {
        let (cluster, tenant) = try await Self.start()
        let free = try tenant.account.actAsPerson { try $0.addCompany("Acme") }
        let accounts = try (0..<2).map { _ in try Self.createAccount(tenant, "ACME") }
        for (number, account) in accounts.enumerated() {
            try tenant.createContact("p\(number)@a.example", ["AccountId": .text(account)])
        }
        try await Self.rounds(cluster)
        let companies = tenant.account.companies()
        #expect(companies.count == 2)
        #expect(companies.first { $0.id == free }?.contacts.count == 1, "the one that was there is taken")
        let marked = try #require(companies.first { $0.id != free })
        #expect(accounts.contains { marked.name == "ACME (SF \($0.suffix(6)))" })
        // The mark never flows back, and a change of the name keeps it.
        let other = try #require(accounts.first { marked.name.hasSuffix("\($0.suffix(6)))") })
        try await Self.rounds(cluster, 2)
        #expect(tenant.org.records("Account").allSatisfy { $0["Name"] == "ACME" })
        try tenant.account.actAsPerson { try $0.editCompany(marked.id, name: "Acme 2") }
        try await Self.rounds(cluster)
        #expect(tenant.org.record(other)?["Name"] == "Acme 2")
        try await Self.expectQuiet(tenant, cluster)
        await cluster.stop()
    }

    @Test func R72_aPersonMovesAndLeavesWithTheRecordButIsNotStolen() async throws {
        let (cluster, tenant) = try await Self.start()
        let (one, two) = (try Self.createAccount(tenant, "One"), try Self.createAccount(tenant, "Two"))
        let elsewhere = try tenant.account.actAsPerson { try $0.addCompany("Elsewhere") }
        let bo = try tenant.signUp("bo@a.example", automation: nil)
        try tenant.account.actAsPerson { try $0.join(bo, company: elsewhere) }
        let ann = try tenant.createContact("ann@a.example", ["AccountId": .text(one)])
        try tenant.createContact("bo@a.example", ["AccountId": .text(one)])
        try await Self.rounds(cluster)
        let person = try #require(tenant.account.contact(email: "ann@a.example")).id
        #expect(Self.company(tenant, "One")?.contacts == [person])
        #expect(Self.company(tenant, "Elsewhere")?.contacts == [bo], "R72: not stolen")
        let told: Int64 = try await cluster.value(
            "SELECT count(*) AS value FROM ferry.record_decisions WHERE detail = 'R72.elsewhere' AND ac_id = \(bo)")
        #expect(told == 1, "reported once")

        try tenant.update("Contact", ann, ["AccountId": .text(two)])
        try await Self.rounds(cluster)
        #expect(Self.company(tenant, "One")?.contacts == [] && Self.company(tenant, "Two")?.contacts == [person])
        try tenant.update("Contact", ann, ["AccountId": .null])
        try await Self.rounds(cluster)
        #expect(Self.company(tenant, "Two")?.contacts == [])
        try await Self.expectQuiet(tenant, cluster)
        await cluster.stop()
    }

    @Test func peopleOfAnImportAndThoseLinkedBeforeTheSwitchAreFollowed() async throws {
        let (cluster, tenant) = try await Self.start([:])
        let account = try Self.createAccount(tenant, "Acme")
        for number in 1...30 {
            try tenant.createContact("p\(number)@a.example", ["AccountId": .text(account)])
        }
        try await Self.rounds(cluster, 1)
        #expect(tenant.account.companies().isEmpty, "R71: a toggle")
        try await cluster.pool.query("UPDATE ferry.sync_settings SET sync_accounts = true")
        for number in 31...60 {
            try tenant.createContact("p\(number)@a.example", ["AccountId": .text(account)])
        }
        try await Self.rounds(cluster)
        #expect(Self.company(tenant, "Acme")?.contacts.count == 60)
        try await Self.expectQuiet(tenant, cluster)
        await cluster.stop()
    }

    @Test func R90_theAccountOfALoserGoesOnWithTheWinner() async throws {
        let (cluster, tenant) = try await Self.start()
        let (winner, loser) = (try Self.createAccount(tenant, "Winner"), try Self.createAccount(tenant, "Loser"))
        try tenant.createContact("ann@a.example", ["AccountId": .text(loser)])
        try await Self.rounds(cluster)
        let company = try #require(Self.company(tenant, "Loser"))
        try tenant.org.actAsUser { try $0.merge(winner, [loser]) }
        try await Self.rounds(cluster)
        let after = tenant.account.companies()
        #expect(after.map(\.id) == [company.id] && after.map(\.name) == ["Winner"])
        #expect(after.first?.contacts == company.contacts)
        try await Self.expectQuiet(tenant, cluster)
        await cluster.stop()
    }

    @Test func R73_aCreatedContactGetsTheAccountOfItsName() async throws {
        let (cluster, tenant) = try await Self.start(["match_accounts_by_name": "true"], contacts: "none")
        let account = try Self.createAccount(tenant, "Acme")
        for _ in 1...2 { _ = try Self.createAccount(tenant, "Twice") }
        let companies = try ["acme", "Twice", "Unknown"].map { name in
            try tenant.account.actAsPerson { try $0.addCompany(name) }
        }
        for (number, company) in companies.enumerated() {
            let person = try tenant.signUp("p\(number)@a.example")
            try tenant.account.actAsPerson { try $0.join(person, company: company) }
        }
        let lead = try tenant.signUp("lead@a.example", automation: .createLeadInSalesforce)
        try tenant.account.actAsPerson { try $0.join(lead, company: companies[2]) }
        try await Self.rounds(cluster)
        #expect(tenant.record("Contact", "p0@a.example")?["AccountId"] == .text(account))
        #expect(tenant.record("Contact", "p1@a.example")?["AccountId"] == .null, "two of that name")
        #expect(tenant.record("Contact", "p2@a.example")?["AccountId"] == .null)
        #expect(tenant.org.count("Account") == 3, "R73: none is created")
        #expect(tenant.record("Lead", "lead@a.example")?["Company"] == "Unknown", "R20")
        await cluster.stop()
    }
}
