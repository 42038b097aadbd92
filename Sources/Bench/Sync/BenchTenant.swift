import ActiveCampaign
import Cluster
import Drivers
import Foundation
import Simulators
import Store

import enum SyncRules.Direction

/// A tenant of a measurement: an account, an org without a limit of calls, and its rows.
struct BenchTenant {
    let account: ActiveCampaignAccount
    let org: SalesforceOrg
    let id: String
    let number: Int32
    private let cluster: BenchCluster

    /// What differs between measurements.
    struct Options {
        var id = "bench"
        var hasPackage = true
        /// Whether ActiveCampaign keeps its limits, and the tenant has budgets.
        var isLimited = false
        /// Whether accounts and opportunities are synced beside people.
        var hasObjects = false
        /// Salesforce contacts that are there before the tenant comes on board.
        var existing = 0
        /// Where ActiveCampaign answers, if not where everything does.
        var campaignURL: String?
        /// Calls a day of each budget.
        var dailyCalls = 1_000_000
    }

    /// Makes account, org and rows.
    init(in cluster: BenchCluster, _ options: Options = Options()) async throws {
        self.cluster = cluster
        var campaign = ActiveCampaignOptions(name: options.id)
        campaign.importLatency = 0.5...1
        if !options.isLimited {
            campaign.rateLimit = nil
            campaign.limitsImports = false
        }
        account = cluster.activeCampaign.makeAccount(campaign)
        var org = SalesforceOrgOptions(name: options.id)
        org.hasPackage = options.hasPackage
        org.hasExternalIdField = true
        self.org = cluster.salesforce.makeOrg(org)
        self.org.setAPILimit(Int(Int32.max))
        if options.existing > 0 {
            // Rows are stamped by PostgreSQL's clock, which is not moved: what is there is older than that says.
            cluster.clock.advance(by: -3_600)
            Self.enter(options.existing, "Contact", self.org)
            cluster.clock.advance(by: 3_600)
        }
        try await Self.insertRows(cluster, account, self.org, options)
        guard let row = try await cluster.store.tenant(options.id) else { throw CancellationError() }
        id = options.id
        number = row.number
    }

    /// Makes a tenant whose first runs, which find nothing, are over when it is returned.
    static func settled(in cluster: BenchCluster, _ options: Options = Options()) async throws -> BenchTenant {
        let tenant = try await BenchTenant(in: cluster, options)
        try await cluster.settle()
        cluster.clock.advance(by: 3_600)
        try await cluster.settle()
        return tenant
    }

    private static func insertRows(
        _ cluster: BenchCluster, _ account: ActiveCampaignAccount, _ org: SalesforceOrg, _ options: Options
    ) async throws {
        let credentials = [
            "flow": "jwt", "client_id": org.clientID, "username": org.username, "private_key": org.privateKeyPEM,
            "login_url": cluster.baseURL,
        ]
        let (id, key) = (options.id, cluster.key.publicKey)
        let campaign = try SealedSecret(sealing: Data(account.token.utf8), tenant: id, to: key)
        let salesforce = try SealedSecret(sealing: try JSONEncoder().encode(credentials), tenant: id, to: key)
        try await cluster.pool.transact([
            PostgresStatement("INSERT INTO ferry.tenants (id) VALUES ($1)", [.text(id)]),
            PostgresStatement(
                "INSERT INTO ferry.connections (tenant, provider, base_url, secret) VALUES ($1, 'activecampaign', $2, $3)",
                [.text(id), .text(options.campaignURL ?? cluster.baseURL), .text(campaign.text)]),
            PostgresStatement(
                """
                INSERT INTO ferry.connections (tenant, provider, base_url, secret, package_installed)
                VALUES ($1, 'salesforce', $2, $3, $4)
                """, [.text(id), .text(cluster.baseURL), .text(salesforce.text), .bool(options.hasPackage)]),
            PostgresStatement(
                """
                INSERT INTO ferry.sync_settings
                    (tenant, contact_selection, lead_selection, sync_accounts, sync_opportunities)
                VALUES ($1, 'new', 'new', $2, $2)
                """, [.text(id), .bool(options.hasObjects)]),
            PostgresStatement(
                """
                INSERT INTO ferry.api_budgets (tenant, provider, daily_calls)
                SELECT $1, provider, $3 FROM unnest(ARRAY['activecampaign', 'salesforce']) AS provider WHERE $2
                """, [.text(id), .bool(options.isLimited), .int(options.dailyCalls)]),
        ])
    }

    // MARK: - Work

    /// New Salesforce accounts.
    /// - Returns: their ids.
    func enterAccounts(_ count: Int) -> [String] {
        org.seed("Account", count: count) { ["Name": .text("Company \($0)")] }
    }

    /// New opportunities, one each of the first contacts there are.
    func enterOpportunities(_ count: Int) {
        let contacts = org.records("Contact").prefix(count).map(\.id)
        let ids = org.seed("Opportunity", count: contacts.count) { number in
            [
                "Name": .text("Opportunity \(number)"), "StageName": "Prospecting", "CloseDate": .date(20_818),
                "Amount": .number(Double(number)),
            ]
        }
        org.seed("OpportunityContactRole", count: ids.count) { number in
            ["OpportunityId": .text(ids[number]), "ContactId": .text(contacts[number]), "IsPrimary": true]
        }
    }

    /// New Salesforce records of one object, with everything that is mapped.
    /// - Parameter accounts: where the first of them belong, so many in each.
    func enter(_ count: Int, _ object: String, accounts: [String] = [], inEach: Int = 0) {
        Self.enter(count, object, org, accounts: accounts, inEach: inEach)
    }

    private static func enter(
        _ count: Int, _ object: String, _ org: SalesforceOrg, accounts: [String] = [], inEach: Int = 0
    ) {
        let name = object.lowercased()
        org.seed(object, count: count) { number in
            var fields: [String: FieldValue] = [
                "FirstName": .text("First \(number % 1_000)"), "LastName": .text("Last \(number)"),
                "Email": .text("\(name)\(number)@bench.example"), "Phone": .text("+1 312 \(1_000_000 + number)"),
            ]
            if number < accounts.count * inEach { fields["AccountId"] = .text(accounts[number / inEach]) }
            if object == "Lead" { fields["Company"] = .text("Company \(number % 5_000)") }
            return fields
        }
    }

    /// Everybody in ActiveCampaign gets another number.
    func renumber() throws {
        let contacts = account.contacts()
        try account.actAsPerson { person in
            for contact in contacts { try person.edit(contact.id, .init(phone: "+1 415 \(1_000_000 + contact.id)")) }
        }
    }

    /// People sign up, and an automation sends them to Salesforce as contacts.
    func sendToSalesforce(_ count: Int) throws {
        for number in 0..<count {
            let contact = try account.actAsPerson {
                try $0.addContact(
                    email: "signup\(number)@bench.example", firstName: "First \(number % 1_000)",
                    lastName: "Last \(number)", phone: "+1 503 \(1_000_000 + number)")
            }
            try account.runAutomation(.createContactInSalesforce, contact: contact)
        }
    }

    /// Lets accounts and opportunities be synced from now on.
    func followObjects() async throws {
        try await cluster.pool.query(
            "UPDATE ferry.sync_settings SET sync_accounts = true, sync_opportunities = true WHERE tenant = $1",
            [.text(id)])
    }

    /// Lets contacts that were there before enter by a back-fill.
    func backfill() async throws {
        var opening = SweepOpening(.backfill, .contact, actor: "bench")
        opening.createdFrom = Date(timeIntervalSince1970: 0)
        opening.createdUntil = cluster.wallClock.now
        try await cluster.store.openBackfill(tenant: number, opening, now: cluster.wallClock.now)
        try await cluster.settle()
    }

    /// Makes a direction due and runs it to its end.
    func run(_ direction: Direction) async throws {
        try await cluster.store.requestRun(tenant: number, direction: direction, now: cluster.wallClock.now)
        try await cluster.settle()
    }

    // MARK: - Looking

    /// The calls each provider has counted so far.
    var calls: Calls { Calls(salesforce: org.apiUsage.used, activeCampaign: account.calls.total) }

    /// Calls, as the providers count them.
    struct Calls: Equatable {
        var salesforce: Int
        var activeCampaign: Int

        static func - (later: Calls, earlier: Calls) -> Calls {
            Calls(
                salesforce: later.salesforce - earlier.salesforce,
                activeCampaign: later.activeCampaign - earlier.activeCampaign)
        }
    }

    /// Everything in Salesforce.
    func records() -> [SalesforceRecord] {
        ["Contact", "Lead", "Account", "Opportunity"].flatMap { org.records($0) }
    }

    /// Salesforce accounts whose people do not stand in an ActiveCampaign account of that name, and opportunities that no
    /// record of the custom object shows with the same values on the same person.
    func objectDisagreements() -> (accounts: Int, opportunities: Int) {
        let emails = Dictionary(
            account.contacts().map { ($0.id, $0.email.lowercased()) }, uniquingKeysWith: { first, _ in first })
        let companies = Dictionary(
            account.companies().map { ($0.name, Set($0.contacts.compactMap { emails[$0] })) },
            uniquingKeysWith: { first, _ in first })
        let people = Dictionary(grouping: org.records("Contact").filter { $0["AccountId"].text != nil }) {
            $0["AccountId"].text ?? ""
        }
        let apart = org.records("Account").count { record in
            let members = Set((people[record.id] ?? []).compactMap { $0["Email"].text?.lowercased() })
            return companies[record["Name"].text ?? ""] != members
        }
        let held = Dictionary(
            account.objectRecords("salesforce-opportunity").map { ($0.externalID, $0) },
            uniquingKeysWith: { first, _ in first })
        let contactEmails = Dictionary(
            uniqueKeysWithValues: org.records("Contact").map { ($0.id, $0["Email"].text?.lowercased()) })
        let missing = org.records("OpportunityContactRole").count { role in
            guard let record = held[role["OpportunityId"].text ?? ""] else { return true }
            return record.contacts.compactMap { emails[$0] } != [contactEmails[role["ContactId"].text ?? ""] ?? ""]
        }
        let wrong = org.records("Opportunity").count { record in
            held[record.id]?.fields["name"] != record["Name"].text
        }
        return (apart, max(missing, wrong))
    }

    /// Records of both objects that do not stand on the other side with the same values.
    func disagreements() -> Int {
        let contacts = Dictionary(
            account.contacts().map { ($0.email.lowercased(), $0) }, uniquingKeysWith: { first, _ in first })
        return ["Contact", "Lead"].flatMap { org.records($0) }.count { record in
            guard let contact = contacts[record["Email"].text?.lowercased() ?? ""] else { return true }
            return record["FirstName"].text != contact.firstName || record["LastName"].text != contact.lastName
                || record["Phone"].text != contact.phone
        }
    }
}
