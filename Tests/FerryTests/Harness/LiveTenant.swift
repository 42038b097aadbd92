import Cluster
import Drivers
import Foundation
import Simulators
import Store
import Synchronization

/// A tenant of a live cluster: its account, its org, its rows, and what its people entered on either side.
final class LiveTenant: Sendable {
    /// Where a person was entered, which tells what must become of her.
    private enum Origin { case salesforce, activeCampaign }

    let id: String
    let account: ActiveCampaignAccount
    let org: SalesforceOrg
    private let cluster: LiveCluster
    private let people = Mutex<[String: Origin]>([:])

    /// Makes account and org, without rows.
    init(_ id: String, in cluster: LiveCluster, hasPackage: Bool = true) {
        self.id = id
        self.cluster = cluster
        var campaign = ActiveCampaignOptions(name: id)
        campaign.rateLimit = nil
        campaign.importLatency = 0.5...1
        account = cluster.activeCampaign.makeAccount(campaign)
        var org = SalesforceOrgOptions(name: id)
        org.hasPackage = hasPackage
        org.hasExternalIdField = true
        self.org = cluster.salesforce.makeOrg(org)
    }

    /// Makes account, org and rows.
    static func onBoard(_ id: String, in cluster: LiveCluster, hasPackage: Bool = true) async throws -> LiveTenant {
        let tenant = LiveTenant(id, in: cluster, hasPackage: hasPackage)
        var document = TenantDocument(id: id)
        var salesforce = ConnectionDocument(
            provider: "salesforce", baseURL: cluster.baseURL, secret: try tenant.sealed(tenant.salesforceSecret))
        salesforce.packageInstalled = hasPackage
        document.connections = [
            ConnectionDocument(
                provider: "activecampaign", baseURL: cluster.baseURL, secret: try tenant.sealed(tenant.account.token)),
            salesforce,
        ]
        document.settings = SettingsDocument()
        try await cluster.store.apply(document, by: Errand(actor: "test"))
        return tenant
    }

    /// The Salesforce credentials as they are before they are sealed.
    var salesforceSecret: String {
        get throws {
            let secret = [
                "flow": "jwt", "client_id": org.clientID, "username": org.username, "private_key": org.privateKeyPEM,
                "login_url": cluster.baseURL,
            ]
            return String(decoding: try JSONEncoder().encode(secret), as: UTF8.self)
        }
    }

    /// A secret as rows hold it.
    func sealed(_ secret: String) throws -> String {
        try SealedSecret(sealing: Data(secret.utf8), tenant: id, to: cluster.publicKey).text
    }

    /// The tenant's number in rows.
    var number: Int32 {
        get async throws {
            guard let row = try await cluster.store.tenant(id) else { throw HarnessError("no tenant \(id)") }
            return row.number
        }
    }

    /// Makes all streams due.
    func requestRun() async throws {
        try await cluster.store.requestRun(tenant: try await number, now: cluster.now)
    }

    // MARK: - People

    /// Salesforce users enter contacts.
    func enterInSalesforce(_ numbers: ClosedRange<Int>) throws {
        try org.actAsUser { actions in
            for number in numbers {
                _ = try actions.create(
                    "Contact",
                    [
                        "Email": .text(Self.email("entered", number)), "LastName": .text("Entered \(number)"),
                        "Phone": .text("+49 30 \(number)"),
                    ])
            }
        }
        people.withLock { people in numbers.forEach { people[Self.email("entered", $0)] = .salesforce } }
    }

    /// People sign up in ActiveCampaign and reach the automation that makes them contacts in Salesforce.
    func signUp(_ numbers: ClosedRange<Int>) throws {
        for number in numbers {
            let contact = try account.actAsPerson {
                try $0.addContact(email: Self.email("signed", number), firstName: "Ada", lastName: "Signed \(number)")
            }
            try account.runAutomation(.createContactInSalesforce, contact: contact)
        }
        people.withLock { people in numbers.forEach { people[Self.email("signed", $0)] = .activeCampaign } }
    }

    private static func email(_ word: String, _ number: Int) -> String { "\(word)\(number)@people.example" }

    // MARK: - Looking

    /// Whether both sides hold exactly what they must and nothing is under way.
    func isSettled() async throws -> Bool {
        guard disagreements().isEmpty else { return false }
        let totals = try await cluster.store.totals(tenant: id)
        return totals.pending == 0 && totals.openImports == 0 && totals.writebacks == 0
    }

    /// What is not as it must be in the end, in sentences: every person is on both sides exactly once, with the same
    /// names, and nobody else is there.
    func disagreements() -> [String] {
        let people = people.withLock { $0 }
        let contacts = Dictionary(grouping: account.contacts(), by: \.email)
        let records = Dictionary(grouping: org.records("Contact") + org.records("Lead")) { $0["Email"].text ?? "" }
        var found: [String] = []
        for (email, origin) in people {
            guard let contact = contacts[email], let record = records[email], contact.count == 1, record.count == 1
            else {
                found.append(
                    "\(email) is \(contacts[email]?.count ?? 0) contacts, \(records[email]?.count ?? 0) records")
                continue
            }
            if contact[0].lastName != record[0]["LastName"].text { found.append("\(email) has two names") }
            let tag = origin == .salesforce ? "created-from-salesforce-contact" : "added-to-salesforce-contact"
            if !contact[0].tags.contains(tag) { found.append("\(email) lacks \(tag)") }
        }
        let strangers = Set(contacts.keys).union(records.keys).subtracting(people.keys)
        return found + strangers.map { "\($0) should not be there" }
    }

    /// Everything both sides hold, stamps included.
    func snapshot() -> Snapshot { Snapshot(contacts: account.contacts(), records: org.records("Contact")) }

    /// What both sides hold.
    struct Snapshot {
        let contacts: [ActiveCampaignContact]
        let records: [SalesforceRecord]

        /// What is not as it was, one line each; empty when nothing was written to either side.
        func changes(since before: Snapshot) -> [String] {
            let contacts = Dictionary(uniqueKeysWithValues: before.contacts.map { ($0.id, $0) })
            let records = Dictionary(uniqueKeysWithValues: before.records.map { ($0.id, $0) })
            var changes = self.contacts.compactMap { contact in
                contacts[contact.id] == contact ? nil : "\(contacts[contact.id].debugDescription) is now \(contact)"
            }
            for record in self.records where records[record.id] != record {
                let old = records[record.id]
                let fields = record.fields.filter { old?[$0.key] != $0.value }
                changes.append("\(record.id): \(fields) were \(fields.keys.map { old?[$0] ?? .null })")
            }
            return changes
        }
    }
}
