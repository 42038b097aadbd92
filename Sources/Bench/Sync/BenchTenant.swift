import ActiveCampaign
import Cluster
import Drivers
import Foundation
import Simulators
import Store

import enum SyncRules.Direction

/// The one tenant of a measurement: an account and an org without limits, and its rows.
struct BenchTenant {
    static let id = "bench"

    let account: ActiveCampaignAccount
    let org: SalesforceOrg
    let number: Int32
    private let cluster: BenchCluster

    /// What differs between measurements.
    struct Options {
        var hasPackage = true
        /// Whether ActiveCampaign keeps its limits.
        var isLimited = false
        var selection = "new"
    }

    /// Makes account, org and rows; the first runs, which find nothing, are over when it returns.
    init(in cluster: BenchCluster, _ options: Options = Options()) async throws {
        self.cluster = cluster
        var campaign = ActiveCampaignOptions(name: Self.id)
        campaign.importLatency = 0.5...1
        if !options.isLimited {
            campaign.rateLimit = nil
            campaign.limitsImports = false
        }
        account = cluster.activeCampaign.makeAccount(campaign)
        var org = SalesforceOrgOptions(name: Self.id)
        org.hasPackage = options.hasPackage
        org.hasExternalIdField = true
        self.org = cluster.salesforce.makeOrg(org)
        self.org.setAPILimit(Int(Int32.max))
        try await Self.insertRows(cluster, account, self.org, options)
        guard let row = try await cluster.store.tenant(Self.id) else { throw CancellationError() }
        number = row.number
        try await cluster.settle()
        cluster.clock.advance(by: 3_600)
        try await cluster.settle()
    }

    private static func insertRows(
        _ cluster: BenchCluster, _ account: ActiveCampaignAccount, _ org: SalesforceOrg, _ options: Options
    ) async throws {
        let credentials = [
            "flow": "jwt", "client_id": org.clientID, "username": org.username, "private_key": org.privateKeyPEM,
            "login_url": cluster.baseURL,
        ]
        let key = cluster.key.publicKey
        let campaign = try SealedSecret(sealing: Data(account.token.utf8), tenant: id, to: key)
        let salesforce = try SealedSecret(sealing: try JSONEncoder().encode(credentials), tenant: id, to: key)
        try await cluster.pool.transact([
            PostgresStatement("INSERT INTO ferry.tenants (id) VALUES ($1)", [.text(id)]),
            PostgresStatement(
                "INSERT INTO ferry.connections (tenant, provider, base_url, secret) VALUES ($1, 'activecampaign', $2, $3)",
                [.text(id), .text(cluster.baseURL), .text(campaign.text)]),
            PostgresStatement(
                """
                INSERT INTO ferry.connections (tenant, provider, base_url, secret, package_installed)
                VALUES ($1, 'salesforce', $2, $3, $4)
                """, [.text(id), .text(cluster.baseURL), .text(salesforce.text), .bool(options.hasPackage)]),
            PostgresStatement(
                "INSERT INTO ferry.sync_settings (tenant, contact_selection, lead_selection) VALUES ($1, $2, $2)",
                [.text(id), .text(options.selection)]),
        ])
    }

    // MARK: - Work

    /// New Salesforce records of one object, with everything that is mapped.
    func enter(_ count: Int, _ object: String) {
        let name = object.lowercased()
        org.seed(object, count: count) { number in
            var fields: [String: FieldValue] = [
                "FirstName": .text("First \(number % 1_000)"), "LastName": .text("Last \(number)"),
                "Email": .text("\(name)\(number)@bench.example"), "Phone": .text("+1 312 \(1_000_000 + number)"),
            ]
            if object == "Lead" { fields["Company"] = .text("Company \(number % 5_000)") }
            return fields
        }
    }

    /// Everybody in ActiveCampaign gets another number.
    /// - Parameter most: how many contacts.
    /// - Returns: how many were changed.
    @discardableResult
    func renumber(_ most: Int = .max) throws -> Int {
        let contacts = account.contacts(after: 0, limit: most)
        try account.actAsPerson { person in
            for contact in contacts { try person.edit(contact.id, .init(phone: "+1 415 \(1_000_000 + contact.id)")) }
        }
        return contacts.count
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

    /// Makes a direction due and runs it to its end.
    func run(_ direction: Direction) async throws {
        try await cluster.store.requestRun(tenant: number, direction: direction, now: cluster.wallClock.now)
        try await cluster.settle()
    }

    // MARK: - Looking

    /// The calls each provider has counted so far.
    var calls: Calls { Calls(salesforce: org.apiUsage.used, activeCampaign: account.calls.total) }

    /// Calls, as the providers count them.
    struct Calls {
        var salesforce: Int
        var activeCampaign: Int

        static func - (later: Calls, earlier: Calls) -> Calls {
            Calls(
                salesforce: later.salesforce - earlier.salesforce,
                activeCampaign: later.activeCampaign - earlier.activeCampaign)
        }
    }

    /// Everybody in Salesforce.
    func records() -> [SalesforceRecord] { ["Contact", "Lead"].flatMap { org.records($0) } }

    /// Records of both objects that do not stand on the other side with the same values.
    func disagreements() -> Int {
        let contacts = Dictionary(
            account.contacts().map { ($0.email.lowercased(), $0) }, uniquingKeysWith: { first, _ in first })
        return records().count { record in
            guard let contact = contacts[record["Email"].text?.lowercased() ?? ""] else { return true }
            return record["FirstName"].text != contact.firstName || record["LastName"].text != contact.lastName
                || record["Phone"].text != contact.phone
        }
    }
}
