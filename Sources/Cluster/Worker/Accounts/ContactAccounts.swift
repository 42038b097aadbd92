import Store
import SyncRules

/// What is known of the accounts of contacts that are about to be created in Salesforce (R20, R73).
struct ContactAccounts {
    /// Names by ActiveCampaign account.
    private var names: [Int64: String] = [:]
    /// Linked Salesforce accounts by ActiveCampaign account.
    private var recordIDs: [Int64: String] = [:]
    /// Salesforce accounts by name in lower case.
    var byName: [String: String] = [:]
    /// Names to look up in Salesforce.
    private(set) var searched: [String] = []

    init() {}

    /// Reads what the chunk's creations need: the name of a lead's account, which is its company, and of contacts whose
    /// account may be found by name. A call an account, and only for those.
    init(of chunk: OutboundChunk, _ session: TenantSession) async throws {
        let settings = session.tenant.settings
        var (leads, contacts): (Set<Int64>, Set<Int64>) = ([], [])
        for (contact, intent) in chunk.intents {
            guard case .create(let object) = intent, let account = contact.accountID else { continue }
            if object == .lead { leads.insert(account) } else { contacts.insert(account) }
        }
        if settings.syncsAccounts {
            let links = try await session.store.accountLinks(tenant: session.number, accountIDs: contacts.sorted())
            recordIDs = Dictionary(
                links.filter { $0.state == .active }.map { ($0.contactID, $0.recordID) },
                uniquingKeysWith: { first, _ in first })
        }
        let unlinked = settings.matchesAccountsByName ? contacts.filter { recordIDs[$0] == nil } : []
        names = try await session.activeCampaign.accountNames(leads.union(unlinked))
        searched = Set(unlinked.compactMap { names[$0] }).sorted()
    }

    /// The name of the contact's account; nil when it has none.
    func name(of contact: ActiveCampaignContact) -> String? { contact.accountID.flatMap { names[$0] } }

    /// The Salesforce account the contact's record is to belong to: the linked one, else the one of that name.
    func recordID(of contact: ActiveCampaignContact) -> String? {
        contact.accountID.flatMap { recordIDs[$0] } ?? name(of: contact).flatMap { byName[$0.lowercased()] }
    }
}
