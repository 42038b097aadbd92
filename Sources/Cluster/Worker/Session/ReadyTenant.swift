import Store
import SyncRules

/// A tenant whose rows are complete: both connections and settings are there.
struct ReadyTenant: Sendable {
    let config: TenantConfig
    let settings: SyncSettings
    let activeCampaign: Connection
    let salesforce: Connection

    var id: String { config.id }
    var number: Int32 { config.number }
    var version: Int64 { config.version }

    /// Takes a tenant's rows.
    /// - Throws: `StreamTrouble` that names the row that is missing.
    init(_ config: TenantConfig) throws(StreamTrouble) {
        guard let settings = config.settings else { throw Self.missing("sync_settings") }
        guard let activeCampaign = config.connections[.activeCampaign] else {
            throw Self.missing("connections with provider activecampaign")
        }
        guard let salesforce = config.connections[.salesforce] else {
            throw Self.missing("connections with provider salesforce")
        }
        self.config = config
        self.settings = settings
        self.activeCampaign = activeCampaign
        self.salesforce = salesforce
    }

    /// Everything an object is mapped by: the tenant's rows over the defaults, and opting out of e-mail (R61, R84).
    func mappings(of object: ObjectKind) -> [FieldMapping] {
        FieldMapping.effective(rows: config.mappings, for: object, syncsOptOut: settings.syncsOptOut)
    }

    /// Whether custom fields of accounts are kept in step (R71).
    var mapsAccountFields: Bool { settings.syncsAccounts && config.mappings.contains { $0.object == .account } }

    private static func missing(_ row: String) -> StreamTrouble {
        StreamTrouble(
            kind: .needsHuman, code: "row_missing", message: "The tenant has no row in \(row); insert it.")
    }
}
