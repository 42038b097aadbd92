import Drivers
import Foundation

/// A tenant's config rows as one document, in the columns' own words: what `ferry tenants apply` reads and `show` prints.
/// What is left out takes the column's default; a secret that is left out stays as it is.
package struct TenantDocument: Sendable, Codable, Hashable {
    package var id: String
    package var connections: [ConnectionDocument]?
    package var settings: SettingsDocument?
    package var mappings: [MappingDocument]?
    package var criteria: [CriterionDocument]?
    package var budgets: [BudgetDocument]?

    /// Makes a document without rows.
    package init(id: String) { self.id = id }

    enum CodingKeys: String, CodingKey, CaseIterable {
        case id, connections, settings, mappings, criteria, budgets
    }

    /// Every key a document may have.
    package static let keys = CodingKeys.allCases.map(\.rawValue)
    /// Every key the rows of a section may have, by the section's key.
    package static let sectionKeys = [
        CodingKeys.connections.rawValue: ConnectionDocument.CodingKeys.allCases.map(\.rawValue),
        CodingKeys.settings.rawValue: SettingsDocument.CodingKeys.allCases.map(\.rawValue),
        CodingKeys.mappings.rawValue: MappingDocument.CodingKeys.allCases.map(\.rawValue),
        CodingKeys.criteria.rawValue: CriterionDocument.CodingKeys.allCases.map(\.rawValue),
        CodingKeys.budgets.rawValue: BudgetDocument.CodingKeys.allCases.map(\.rawValue),
    ]
}

/// A row of `connections`.
package struct ConnectionDocument: Sendable, Codable, Hashable {
    package var provider: String
    package var baseURL: String
    /// Sealed; never shown.
    package var secret: String?
    package var apiVersion: String?
    package var packageInstalled: Bool?
    package var externalIDField: String?

    /// Makes a row with the other columns' defaults.
    package init(provider: String, baseURL: String, secret: String? = nil) {
        self.provider = provider
        self.baseURL = baseURL
        self.secret = secret
    }

    enum CodingKeys: String, CodingKey, CaseIterable {
        case provider, secret
        case baseURL = "base_url"
        case apiVersion = "api_version"
        case packageInstalled = "package_installed"
        case externalIDField = "external_id_field"
    }
}

/// A row of `sync_settings`.
package struct SettingsDocument: Sendable, Codable, Hashable {
    package var outboundEnabled: Bool?
    package var syncDirection: String?
    package var inboundIntervalHours: Int?
    package var dailyHour: Int?
    package var timeZone: String?
    package var contactSelection: String?
    package var leadSelection: String?
    package var includeUpdatedExisting: Bool?
    package var markerField: String?
    package var clearBlanks: Bool?
    package var syncOptOut: Bool?
    package var pushFormulaChanges: Bool?
    package var companyFallback: String?
    package var removeLeadTagOnConversion: Bool?
    package var defaultListID: Int64?
    package var defaultOwnerID: String?
    package var defaultRecordTypeID: String?
    package var useAssignmentRule: Bool?
    package var syncAccounts: Bool?
    package var matchAccountsByName: Bool?
    package var syncOpportunities: Bool?
    package var opportunityTarget: String?
    package var personAccountSelection: String?
    package var includeUpdatedPersonAccounts: Bool?
    package var allowLeadsWithoutCompany: Bool?
    package var contactRecordTypeID: String?
    package var personAccountRecordTypeID: String?

    /// Makes a row of defaults.
    package init() {}

    enum CodingKeys: String, CodingKey, CaseIterable {
        case outboundEnabled = "outbound_enabled"
        case syncDirection = "sync_direction"
        case inboundIntervalHours = "inbound_interval_hours"
        case dailyHour = "daily_hour"
        case timeZone = "time_zone"
        case contactSelection = "contact_selection"
        case leadSelection = "lead_selection"
        case includeUpdatedExisting = "include_updated_existing"
        case markerField = "marker_field"
        case clearBlanks = "clear_blanks"
        case syncOptOut = "sync_opt_out"
        case pushFormulaChanges = "push_formula_changes"
        case companyFallback = "company_fallback"
        case removeLeadTagOnConversion = "remove_lead_tag_on_conversion"
        case defaultListID = "default_list_id"
        case defaultOwnerID = "default_owner_id"
        case defaultRecordTypeID = "default_record_type_id"
        case useAssignmentRule = "use_assignment_rule"
        case syncAccounts = "sync_accounts"
        case matchAccountsByName = "match_accounts_by_name"
        case syncOpportunities = "sync_opportunities"
        case opportunityTarget = "opportunity_target"
        case personAccountSelection = "person_account_selection"
        case includeUpdatedPersonAccounts = "include_updated_person_accounts"
        case allowLeadsWithoutCompany = "allow_leads_without_company"
        case contactRecordTypeID = "contact_record_type_id"
        case personAccountRecordTypeID = "person_account_record_type_id"
    }
}

/// A row of `field_mappings`.
package struct MappingDocument: Sendable, Codable, Hashable {
    package var object: String
    package var sfField: String
    package var acField: String
    package var sfType: String?
    package var acType: String?
    package var updateMode: String?
    package var truncate: Bool?
    package var copyBlank: Bool?

    /// Makes a row with the other columns' defaults.
    package init(object: String, sfField: String, acField: String) {
        self.object = object
        self.sfField = sfField
        self.acField = acField
    }

    enum CodingKeys: String, CodingKey, CaseIterable {
        case object, truncate
        case copyBlank = "copy_blank"
        case sfField = "sf_field"
        case acField = "ac_field"
        case sfType = "sf_type"
        case acType = "ac_type"
        case updateMode = "update_mode"
    }
}

/// A row of `selection_criteria`.
package struct CriterionDocument: Sendable, Codable, Hashable {
    package var object: String
    package var groupNo: Int?
    package var position: Int?
    package var field: String
    package var `operator`: String
    package var valueType: String?
    package var operands: [String]?

    /// Makes a row of the first group.
    package init(object: String, field: String, operator: String, operands: [String]? = nil) {
        self.object = object
        self.field = field
        self.operator = `operator`
        self.operands = operands
    }

    enum CodingKeys: String, CodingKey, CaseIterable {
        case object, position, field, `operator`, operands
        case groupNo = "group_no"
        case valueType = "value_type"
    }
}

/// A row of `api_budgets`.
package struct BudgetDocument: Sendable, Codable, Hashable {
    package var provider: String
    package var dailyCalls: Int?
    package var dailyShare: Double?
    package var orgCeilingShare: Double?
    package var edition: String?
    package var licences: Int?

    /// Makes a budget of so many calls a day.
    package init(provider: String, dailyCalls: Int?) {
        self.provider = provider
        self.dailyCalls = dailyCalls
    }

    enum CodingKeys: String, CodingKey, CaseIterable {
        case provider
        case dailyCalls = "daily_calls"
        case dailyShare = "daily_share"
        case orgCeilingShare = "org_ceiling_share"
        case edition, licences
    }
}

// MARK: - From rows

extension ConnectionDocument {
    init(row: PostgresRow) throws {
        self.init(provider: try row.get("provider"), baseURL: try row.get("base_url"))
        apiVersion = try row.get("api_version")
        packageInstalled = try row.get("package_installed")
        externalIDField = try row.optional("external_id_field")
    }
}

extension SettingsDocument {
    init(row: PostgresRow) throws {
        outboundEnabled = try row.get("outbound_enabled")
        syncDirection = try row.get("sync_direction")
        inboundIntervalHours = try row.get("inbound_interval_hours")
        dailyHour = try row.optional("daily_hour")
        timeZone = try row.get("time_zone")
        contactSelection = try row.get("contact_selection")
        leadSelection = try row.get("lead_selection")
        includeUpdatedExisting = try row.get("include_updated_existing")
        markerField = try row.get("marker_field")
        clearBlanks = try row.get("clear_blanks")
        syncOptOut = try row.get("sync_opt_out")
        pushFormulaChanges = try row.get("push_formula_changes")
        companyFallback = try row.get("company_fallback")
        removeLeadTagOnConversion = try row.get("remove_lead_tag_on_conversion")
        defaultListID = try row.optional("default_list_id")
        defaultOwnerID = try row.optional("default_owner_id")
        defaultRecordTypeID = try row.optional("default_record_type_id")
        useAssignmentRule = try row.get("use_assignment_rule")
        syncAccounts = try row.get("sync_accounts")
        matchAccountsByName = try row.get("match_accounts_by_name")
        syncOpportunities = try row.get("sync_opportunities")
        opportunityTarget = try row.get("opportunity_target")
        personAccountSelection = try row.get("person_account_selection")
        includeUpdatedPersonAccounts = try row.get("include_updated_person_accounts")
        allowLeadsWithoutCompany = try row.get("allow_leads_without_company")
        contactRecordTypeID = try row.optional("contact_record_type_id")
        personAccountRecordTypeID = try row.optional("person_account_record_type_id")
    }
}

extension MappingDocument {
    init(row: PostgresRow) throws {
        self.init(object: try row.get("object"), sfField: try row.get("sf_field"), acField: try row.get("ac_field"))
        sfType = try row.get("sf_type")
        acType = try row.get("ac_type")
        updateMode = try row.get("update_mode")
        truncate = try row.get("truncate")
        copyBlank = try row.optional("copy_blank")
    }
}

extension CriterionDocument {
    init(row: PostgresRow) throws {
        self.init(
            object: try row.get("object"), field: try row.get("field"), operator: try row.get("operator"),
            operands: try row.array("operands"))
        groupNo = try row.get("group_no")
        position = try row.get("position")
        valueType = try row.get("value_type")
    }
}

extension BudgetDocument {
    init(row: PostgresRow) throws {
        self.init(provider: try row.get("provider"), dailyCalls: try row.optional("daily_calls"))
        dailyShare = try row.optional("daily_share")
        orgCeilingShare = try row.get("org_ceiling_share")
        edition = try row.optional("edition")
        licences = try row.optional("licences")
    }
}
