import Cluster
import Drivers
import Foundation
import Simulators
import Store

import enum SyncRules.Direction

/// A tenant of a test cluster: its account, its org, and its rows.
struct TestTenant {
    /// How the tenant is set up; every test says only what matters to it.
    struct Options {
        var hasPackage = true
        var hasExternalID = true
        var contactSelection = "new"
        var leadSelection = "new"
        /// Whether ActiveCampaign keeps its limit of calls a second.
        var isPaced = false
        /// Further columns of `sync_settings` as SQL, `"sync_accounts": "true"`.
        var settings: [String: String] = [:]
        /// The org's own options, where a test asks for some.
        var org: (inout SalesforceOrgOptions) -> Void = { _ in }
        /// The account's, likewise.
        var campaign: (inout ActiveCampaignOptions) -> Void = { _ in }
        /// Text fields both sides have and both objects map, `Note` to `Note__c` and `custom:NOTE`.
        var customFields: [String] = []
        var mappings: [(object: String, salesforce: String, type: String, campaign: String, campaignType: String)] = []
    }

    let id: String
    let account: ActiveCampaignAccount
    let org: SalesforceOrg

    /// Makes account, org and rows.
    init(_ id: String, in cluster: TestCluster, _ options: Options = Options()) async throws {
        self.id = id
        var campaign = ActiveCampaignOptions(name: id)
        if !options.isPaced { campaign.rateLimit = nil }
        campaign.importLatency = 1...2
        options.campaign(&campaign)
        account = cluster.activeCampaign.makeAccount(campaign)
        var org = SalesforceOrgOptions(name: id)
        org.hasPackage = options.hasPackage
        org.hasExternalIdField = options.hasExternalID
        options.org(&org)
        self.org = cluster.salesforce.makeOrg(org)
        for name in options.customFields {
            account.addField(title: name, perstag: name.uppercased())
            for object in ["Contact", "Lead"] { self.org.addCustomField(object, name + "__c", .text(length: 255)) }
        }
        try await insertRows(cluster, options)
    }

    private func insertRows(_ cluster: TestCluster, _ options: Options) async throws {
        let credentials = [
            "flow": "jwt", "client_id": org.clientID, "username": org.username, "private_key": org.privateKeyPEM,
            "login_url": cluster.baseURL,
        ]
        let campaign = try SealedSecret(
            sealing: Data(account.token.utf8), tenant: id, to: cluster.key.publicKey)
        let salesforce = try SealedSecret(
            sealing: try JSONEncoder().encode(credentials), tenant: id, to: cluster.key.publicKey)
        var statements = [
            PostgresStatement("INSERT INTO ferry.tenants (id) VALUES ($1)", [.text(id)]),
            PostgresStatement(
                "INSERT INTO ferry.connections (tenant, provider, base_url, secret) VALUES ($1, 'activecampaign', $2, $3)",
                [.text(id), .text(cluster.baseURL), .text(campaign.text)]),
            PostgresStatement(
                """
                INSERT INTO ferry.connections (tenant, provider, base_url, secret, package_installed, external_id_field)
                VALUES ($1, 'salesforce', $2, $3, $4, $5)
                """,
                [
                    .text(id), .text(cluster.baseURL), .text(salesforce.text), .bool(options.hasPackage),
                    .text(options.hasExternalID ? "AC_Contact_Id__c" : nil),
                ]),
        ]
        let common = options.customFields.flatMap { name in
            ["contact", "lead"].map { ($0, name + "__c", "text", "custom:" + name.uppercased(), "text") }
        }
        for mapping in options.mappings + common {
            statements.append(
                PostgresStatement(
                    """
                    INSERT INTO ferry.field_mappings (tenant, object, sf_field, sf_type, ac_field, ac_type)
                    VALUES ($1, $2, $3, $4, $5, $6)
                    """,
                    [
                        .text(id), .text(mapping.0), .text(mapping.1), .text(mapping.2), .text(mapping.3),
                        .text(mapping.4),
                    ]))
        }
        let further = options.settings.sorted { $0.key < $1.key }
        statements.append(
            PostgresStatement(
                """
                INSERT INTO ferry.sync_settings (tenant, contact_selection, lead_selection\(
                    further.map { ", " + $0.key }.joined()))
                VALUES ($1, $2, $3\(further.map { ", " + $0.value }.joined()))
                """,
                [.text(id), .text(options.contactSelection), .text(options.leadSelection)]))
        try await cluster.pool.transact(statements)
    }

    // MARK: - People

    /// A Salesforce user creates a contact.
    @discardableResult
    func createContact(_ email: String, last: String = "Person", _ more: [String: FieldValue] = [:]) throws -> String {
        try org.actAsUser { actions in
            try actions.create(
                "Contact", ["Email": .text(email), "LastName": .text(last)].merging(more) { _, new in new })
        }
    }

    /// A Salesforce user creates a lead.
    @discardableResult
    func createLead(_ email: String, last: String = "Person", _ more: [String: FieldValue] = [:]) throws -> String {
        try org.actAsUser { actions in
            try actions.create(
                "Lead",
                ["Email": .text(email), "LastName": .text(last), "Company": "Acme"].merging(more) { _, new in new })
        }
    }

    /// A Salesforce user changes a record.
    func update(_ object: String, _ id: String, _ fields: [String: FieldValue]) throws {
        try org.actAsUser { actions in try actions.update(object, id, fields) }
    }

    /// Somebody signs up in ActiveCampaign and reaches one of the automations.
    @discardableResult
    func signUp(
        _ email: String, last: String = "Person", automation: ActiveCampaignAutomation? = .createContactInSalesforce
    ) throws -> Int {
        let contact = try account.actAsPerson { try $0.addContact(email: email, firstName: "Ada", lastName: last) }
        if let automation { try account.runAutomation(automation, contact: contact) }
        return contact
    }

    // MARK: - Looking

    /// Everything both sides hold, stamps included: equal before and after means that nothing was written.
    func snapshot() -> Snapshot {
        Snapshot(
            contacts: account.contacts(),
            records: org.records("Contact", includingDeleted: true)
                + org.records("Lead", includingDeleted: true))
    }

    /// The tenant's number.
    func number(in cluster: TestCluster) async throws -> Int32 {
        guard let tenant = try await cluster.store.tenant(id) else { throw CancellationError() }
        return tenant.number
    }

    /// Makes one direction due.
    func request(_ direction: Direction, in cluster: TestCluster) async throws {
        try await cluster.store.requestRun(
            tenant: try await number(in: cluster), direction: direction, now: cluster.wallClock.now)
    }

    /// The one Salesforce record of an address; nil when there is none or more than one.
    func record(_ object: String, _ email: String) -> Simulators.SalesforceRecord? {
        let found = org.records(object).filter { $0["Email"].text == email }
        return found.count == 1 ? found[0] : nil
    }

    /// What both sides hold.
    struct Snapshot: Equatable {
        let contacts: [Simulators.ActiveCampaignContact]
        let records: [Simulators.SalesforceRecord]

        /// What is new or other than before, a line each; what a failed expectation prints is then to be read.
        func changes(since before: Snapshot) -> [String] {
            contacts.filter { !before.contacts.contains($0) }.map { "\($0)" }
                + records.filter { !before.records.contains($0) }.map { "\($0)" }
        }
    }
}
