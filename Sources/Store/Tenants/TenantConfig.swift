import Drivers
import Foundation
package import SyncRules

/// A tenant's life.
package enum TenantState: String, Sendable, Codable, CaseIterable {
    case active
    case paused
    /// Every request has stopped; the rows stay until they are purged (D7).
    case removed
}

/// A provider by the word config rows use.
package enum Provider: String, Sendable, Codable, CaseIterable {
    case activeCampaign = "activecampaign"
    case salesforce
}

/// One row of `connections`; the secret is still sealed.
package struct Connection: Sendable, Hashable {
    package let baseURL: String
    package let sealedSecret: String
    package let apiVersion: String
    package let isPackageInstalled: Bool
    /// API name of the external id field; nil when the org has none.
    package let externalIDField: String?
}

/// One row of `api_budgets`.
package struct ApiBudget: Sendable, Hashable {
    package let provider: Provider
    /// Calls in 24 hours.
    package let dailyCalls: Int?
    /// Share of the account's own limit, 0…1.
    package let dailyShare: Double?
    /// Share of the account's limit, used by everybody, at which Ferry stops.
    package let orgCeilingShare: Double
    /// The org's edition and its licences, from which its limit is guessed until an answer tells it.
    package var edition: OrgEdition?
    package var licences: Int?

    /// Makes a row.
    package init(
        provider: Provider, dailyCalls: Int? = nil, dailyShare: Double? = nil, orgCeilingShare: Double = 0.9,
        edition: OrgEdition? = nil, licences: Int? = nil
    ) {
        self.provider = provider
        self.dailyCalls = dailyCalls
        self.dailyShare = dailyShare
        self.orgCeilingShare = orgCeilingShare
        self.edition = edition
        self.licences = licences
    }
}

/// What an org's edition allows (salesforce-api 3.1).
package enum OrgEdition: String, Sendable, Codable, CaseIterable {
    case developer, professional, enterprise, unlimited, performance
    case fullSandbox = "full_sandbox"

    /// Calls in 24 hours with so many full licences.
    package func dailyCalls(licences: Int) -> Int {
        switch self {
        case .developer: 15_000
        case .professional, .enterprise: 100_000 + 1_000 * licences
        case .unlimited, .performance: 100_000 + 5_000 * licences
        case .fullSandbox: 5_000_000
        }
    }
}

/// All that config rows say of one tenant, as of one instant.
package struct TenantConfig: Sendable {
    package let id: String
    package let number: Int32
    package let state: TenantState
    /// Grows with every change of a row.
    package let version: Int64
    package let connections: [Provider: Connection]
    /// Nil while the tenant has no row of settings.
    package let settings: SyncSettings?
    package let mappings: [FieldMapping]
    package let criteria: [ObjectKind: SelectionCriteria]
    package let budgets: [ApiBudget]
}

extension Store {
    /// Reads a tenant's config in one round trip.
    /// - Returns: nil when there is no such tenant.
    /// - Throws: `StoreError`.
    package func tenantConfig(_ number: Int32) async throws -> TenantConfig? {
        let who = [PostgresValue.int4(number)]
        let own = "tenant = (SELECT id FROM ferry.tenants WHERE number = $1)"
        let answers = try await transact(
            [
                PostgresStatement(
                    "SELECT id, number, state, config_version FROM ferry.tenants WHERE number = $1", who),
                PostgresStatement("SELECT * FROM ferry.connections WHERE \(own)", who),
                PostgresStatement("SELECT * FROM ferry.sync_settings WHERE \(own)", who),
                PostgresStatement("SELECT * FROM ferry.field_mappings WHERE \(own) ORDER BY object, sf_field", who),
                PostgresStatement(
                    "SELECT * FROM ferry.selection_criteria WHERE \(own) ORDER BY object, group_no, position", who),
                PostgresStatement("SELECT * FROM ferry.api_budgets WHERE \(own) ORDER BY provider", who),
            ], isolation: .repeatableRead)
        let connections = try decode(answers[1]) {
            (try $0.word("provider", as: Provider.self), try ConfigRows.connection($0))
        }
        let criteria = try ConfigRows.criteria(try decode(answers[4], CriterionDocument.init(row:)))
        let settings = try decode(answers[2], ConfigRows.settings)
        let mappings = try decode(answers[3], ConfigRows.mapping)
        let budgets = try decode(answers[5], ConfigRows.budget)
        return try decode(answers[0]) { row in
            TenantConfig(
                id: try row.get("id"), number: try row.get("number"), state: try row.word("state"),
                version: try row.get("config_version"), connections: Dictionary(uniqueKeysWithValues: connections),
                settings: settings.first, mappings: mappings, criteria: criteria, budgets: budgets)
        }.first
    }

    /// The present versions of tenants' configs; cheap enough to ask before every run.
    /// - Returns: by number; tenants that do not exist are missing.
    /// - Throws: `StoreError`.
    package func configVersions(_ numbers: [Int32]) async throws -> [Int32: Int64] {
        guard !numbers.isEmpty else { return [:] }
        let rows = try await query(
            "SELECT number, config_version FROM ferry.tenants WHERE number = ANY ($1)", [.array(numbers)])
        let pairs = try decode(rows) {
            (try $0.get("number", as: Int32.self), try $0.get("config_version", as: Int64.self))
        }
        return Dictionary(uniqueKeysWithValues: pairs)
    }
}

/// Reads config rows into the rules' types. PostgreSQL has checked the words; what still can't be read is an error that
/// names the column.
enum ConfigRows {
    static func connection(_ row: PostgresRow) throws -> Connection {
        Connection(
            baseURL: try row.get("base_url"), sealedSecret: try row.get("secret"),
            apiVersion: try row.get("api_version"), isPackageInstalled: try row.get("package_installed"),
            externalIDField: try row.optional("external_id_field"))
    }

    static func settings(_ row: PostgresRow) throws -> SyncSettings {
        var settings = SyncSettings()
        settings.outboundEnabled = try row.get("outbound_enabled")
        settings.direction = try row.word("sync_direction")
        settings.inboundIntervalHours = try row.get("inbound_interval_hours")
        settings.dailyHour = try row.optional("daily_hour")
        settings.timeZone = try row.get("time_zone")
        settings.contactSelection = try row.word("contact_selection")
        settings.leadSelection = try row.word("lead_selection")
        settings.includeUpdatedExisting = try row.get("include_updated_existing")
        settings.markerField = try row.get("marker_field")
        settings.clearsBlanks = try row.get("clear_blanks")
        settings.syncsOptOut = try row.get("sync_opt_out")
        settings.pushesFormulaChanges = try row.get("push_formula_changes")
        settings.companyFallback = try row.get("company_fallback")
        settings.removesLeadTagOnConversion = try row.get("remove_lead_tag_on_conversion")
        settings.defaultListID = try row.optional("default_list_id")
        settings.ownerID = try row.optional("default_owner_id")
        settings.leadRecordTypeID = try row.optional("default_record_type_id")
        settings.contactRecordTypeID = try row.optional("contact_record_type_id")
        settings.personAccountRecordTypeID = try row.optional("person_account_record_type_id")
        settings.usesAssignmentRule = try row.get("use_assignment_rule")
        settings.syncsAccounts = try row.get("sync_accounts")
        settings.matchesAccountsByName = try row.get("match_accounts_by_name")
        settings.syncsOpportunities = try row.get("sync_opportunities")
        settings.opportunityTarget = try row.word("opportunity_target")
        settings.personAccountSelection = try row.word("person_account_selection")
        settings.includeUpdatedPersonAccounts = try row.get("include_updated_person_accounts")
        settings.allowsLeadsWithoutCompany = try row.get("allow_leads_without_company")
        return settings
    }

    static func mapping(_ row: PostgresRow) throws -> FieldMapping {
        guard let field = ActiveCampaignField(try row.get("ac_field", as: String.self)) else {
            throw StoreError(.unreadable, "column \"ac_field\" holds an unknown field")
        }
        return FieldMapping(
            object: try object(row), salesforceField: try row.get("sf_field"), activeCampaignField: field,
            salesforceType: try row.word("sf_type"), activeCampaignType: try row.word("ac_type"),
            updateMode: try row.word("update_mode"), truncates: try row.get("truncate"),
            copiesBlanks: try row.optional("copy_blank"))
    }

    static func object(_ row: PostgresRow) throws -> ObjectKind {
        guard let kind = ObjectKind(name: try row.get("object")) else {
            throw StoreError(.unreadable, "column \"object\" holds an unknown object")
        }
        return kind
    }

    static func budget(_ row: PostgresRow) throws -> ApiBudget {
        ApiBudget(
            provider: try row.word("provider"), dailyCalls: try row.optional("daily_calls"),
            dailyShare: try row.optional("daily_share"), orgCeilingShare: try row.get("org_ceiling_share"),
            edition: try row.optional("edition", as: String.self).flatMap(OrgEdition.init),
            licences: try row.optional("licences", as: Int32.self).map { Int($0) })
    }

    /// Rows in order of group and position, as criteria by object.
    static func criteria(_ rows: [CriterionDocument]) throws -> [ObjectKind: SelectionCriteria] {
        var criteria: [ObjectKind: SelectionCriteria] = [:]
        for (name, own) in Dictionary(grouping: rows, by: \.object) {
            let groups = Dictionary(grouping: own) { $0.groupNo ?? 1 }.sorted { $0.key < $1.key }.map(\.value)
            let parsed = try groups.map { try $0.map(criterion) }
            guard let kind = ObjectKind(name: name), let whole = SelectionCriteria(anyOf: parsed) else {
                throw StoreError(.unreadable, "the selection criteria of object \(name) can't be read")
            }
            criteria[kind] = whole
        }
        return criteria
    }

    private static func criterion(_ row: CriterionDocument) throws -> SelectionCriteria.Row {
        guard let comparison = SelectionCriteria.Operator(rawValue: row.operator) else {
            throw StoreError(.unreadable, "column \"operator\" holds an unknown word")
        }
        return SelectionCriteria.Row(
            row.field, comparison,
            try (row.operands ?? []).map { operand in
                switch row.valueType ?? "text" {
                case "text": .text(operand)
                case "number": .number(operand)
                case "bool": .bool(operand == "true")
                case "date": .date(operand)
                default: throw StoreError(.unreadable, "column \"value_type\" holds an unknown word")
                }
            })
    }
}
