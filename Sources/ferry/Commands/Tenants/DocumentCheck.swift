import Foundation
import Store
import SyncRules

/// Something about a tenant's rows that can't work, or may not be meant.
struct Finding: Encodable, Equatable {
    enum Weight: String, Encodable { case error, warning }

    let weight: Weight
    /// The row and column at fault: `mappings[2].ac_type`.
    let place: String
    /// What is wrong and what to do.
    let message: String
}

/// Checks a tenant's rows without a network: the words, the pairs of types (R65), the criteria. Says all that is wrong at
/// once, where PostgreSQL stops at the first. Values of secrets are never repeated. Pure.
struct DocumentCheck {
    private(set) var findings: [Finding] = []

    /// Checks a document.
    /// - Parameter isStored: whether it came from rows, whose secrets are never read back.
    init(_ document: TenantDocument, isStored: Bool) {
        if !document.id.matches(#/[a-z0-9][a-z0-9_\-]{0,39}/#) {
            error("id", "a tenant id is a-z, 0-9, - and _, 40 characters at most")
        }
        connections(document.connections ?? [], isStored: isStored)
        if let settings = document.settings {
            check(settings, document.criteria ?? [])
        } else {
            error("settings", "without settings nothing runs; `settings: {}` takes the defaults")
        }
        mappings(document.mappings ?? [])
        if document.mappings?.contains(where: { $0.object == "account" }) ?? false,
            document.settings?.syncAccounts != true
        {
            warning("settings.sync_accounts", "account fields are mapped, and accounts are not synced")
        }
        for (index, row) in (document.criteria ?? []).enumerated() { criterion(row, "criteria[\(index)]") }
        unique(document.criteria ?? [], "criteria", "this place in the group is taken") {
            "\($0.object) \($0.groupNo ?? 1) \($0.position ?? 1)"
        }
        budgets(document.budgets ?? [])
    }

    var hasErrors: Bool { findings.contains { $0.weight == .error } }

    // MARK: - Connections and settings

    private mutating func connections(_ rows: [ConnectionDocument], isStored: Bool) {
        for provider in Provider.allCases.map(\.rawValue) where !rows.contains(where: { $0.provider == provider }) {
            error("connections", "there is no connection to \(provider); nothing runs without both")
        }
        unique(rows, "connections", "a tenant has one connection per provider", \.provider)
        for (index, row) in rows.enumerated() {
            let place = "connections[\(index)]"
            word(row.provider, of: Provider.allCases.map(\.rawValue), "\(place).provider", "provider")
            let isSecure = row.baseURL.matches(#/https:\/\/[^\/@?#\s]+(\/[^@?#\s]*)?/#)
            let isLoopback = row.baseURL.matches(#/http:\/\/(127\.0\.0\.1|localhost|\[::1\])(:[0-9]+)?(\/[^@?#\s]*)?/#)
            if !isSecure && !isLoopback || row.baseURL.count > 500 {
                error(
                    "\(place).base_url",
                    "want https://host, without user, query or blank, as the account's page shows it")
            }
            if let secret = row.secret {
                if !secret.matches(#/ferry1\.[A-Za-z0-9_\-]+\.[A-Za-z0-9_\-]+/#) {
                    error("\(place).secret", "it is not sealed: use what `ferry seal --tenant ID` prints")
                }
            } else if !isStored {
                warning("\(place).secret", "none is given; an existing connection keeps its own, a new one is refused")
            }
            if let version = row.apiVersion, !version.matches(#/[0-9]{2}\.0/#) {
                error("\(place).api_version", "the API version is written like 66.0")
            }
            name(row.externalIDField, "\(place).external_id_field", "AC_Contact_Id__c")
        }
    }

    private mutating func check(_ row: SettingsDocument, _ criteria: [CriterionDocument]) {
        let hours = [1, 2, 3, 4, 6, 8, 12, 24]
        if let interval = row.inboundIntervalHours, !hours.contains(interval) {
            error("settings.inbound_interval_hours", "the pull interval is 1, 2, 3, 4, 6, 8, 12 or 24 hours (R31)")
        }
        if let hour = row.dailyHour {
            if !(0...23).contains(hour) { error("settings.daily_hour", "the daily hour is 0 to 23 (R33)") }
            if row.inboundIntervalHours != 24 {
                error("settings.daily_hour", "a daily hour goes with inbound_interval_hours: 24")
            }
        }
        if let zone = row.timeZone, zone != "UTC",
            !zone.matches(#/[A-Z][A-Za-z_]+(\/[A-Za-z0-9_+\-]+)+/#) || TimeZone(identifier: zone) == nil
        {
            error("settings.time_zone", "use an IANA name such as Europe/Berlin, or UTC")
        }
        if let direction = row.syncDirection {
            word(direction, of: SyncDirection.allCases.map(\.rawValue), "settings.sync_direction", "sync direction")
        }
        let selections = [("contact", row.contactSelection), ("lead", row.leadSelection)]
        for (object, selection) in selections {
            let place = "settings.\(object)_selection"
            if let selection { word(selection, of: SelectionMode.allCases.map(\.rawValue), place, "selection") }
            let isUsed = criteria.contains { $0.object == object }
            if selection == "criteria", !isUsed {
                error(place, "selection by criteria needs a row in criteria for object \(object) (R42)")
            } else if selection != "criteria", isUsed {
                warning(place, "the criteria of object \(object) are not used: its selection is \(selection ?? "new")")
            }
        }
        name(row.markerField, "settings.marker_field", "AC_Sync__c")
        if let company = row.companyFallback, !(1...255).contains(company.count) || company.allSatisfy(\.isWhitespace) {
            error("settings.company_fallback", "the company fallback is 1 to 255 characters long")
        }
        if let list = row.defaultListID, list <= 0 { error("settings.default_list_id", "a list id is positive") }
        let ids = [
            ("default_owner_id", row.defaultOwnerID), ("default_record_type_id", row.defaultRecordTypeID),
            ("contact_record_type_id", row.contactRecordTypeID),
            ("person_account_record_type_id", row.personAccountRecordTypeID),
        ]
        for (column, id) in ids {
            if let id, !id.matches(#/[A-Za-z0-9]{15}|[A-Za-z0-9]{18}/#) {
                error("settings.\(column)", "a Salesforce id has 15 or 18 letters and digits")
            }
        }
        objects(row)
    }

    /// Accounts, opportunities and person accounts (R71, R76, R86).
    private mutating func objects(_ row: SettingsDocument) {
        if let target = row.opportunityTarget {
            word(target, of: OpportunityTarget.allCases.map(\.rawValue), "settings.opportunity_target", "target")
            if row.syncOpportunities != true {
                warning("settings.opportunity_target", "it has no effect without sync_opportunities: true")
            }
        }
        if let selection = row.personAccountSelection {
            word(selection, of: ["none", "new", "marked"], "settings.person_account_selection", "selection")
        }
        if row.useAssignmentRule == true, row.defaultOwnerID != nil {
            warning(
                "settings.default_owner_id", "the assignment rule of use_assignment_rule may give leads another owner")
        }
    }

    // MARK: - Mappings

    private mutating func mappings(_ rows: [MappingDocument]) {
        for (index, row) in rows.enumerated() { mapping(row, "mappings[\(index)]") }
        unique(rows, "mappings", "a Salesforce field is mapped once per object") { "\($0.object) \($0.sfField)" }
        unique(rows, "mappings", "an ActiveCampaign field is mapped once per object") {
            "\($0.object) \(ActiveCampaignField($0.acField)?.description ?? $0.acField)"
        }
    }

    private mutating func mapping(_ row: MappingDocument, _ place: String) {
        word(row.object, of: ObjectKind.allCases.map(\.name), "\(place).object", "object")
        name(row.sfField, "\(place).sf_field", "Birthdate")
        let field = ActiveCampaignField(row.acField)
        if field == nil || field?.personalizationTag?.matches(#/[A-Z0-9_]{1,100}/#) == false {
            error("\(place).ac_field", "want email, firstName, lastName, phone or custom:TAG")
        }
        if let mode = row.updateMode {
            word(mode, of: UpdateMode.allCases.map(\.rawValue), "\(place).update_mode", "update mode")
            if row.object == "account", UpdateMode(rawValue: mode)?.weighsBothSides ?? false {
                error("\(place).update_mode", "ac_wins and newest_field are for contacts and leads (R63)")
            }
        }
        types(row, field, place)
        if row.object == "opportunity" {
            error("\(place).object", "the four fields of an opportunity are fixed (R75)")
        }
        if row.object == "account", field?.personalizationTag == nil || row.sfField == "Name" {
            error("\(place).ac_field", "account fields go with custom account fields; the name is always mapped (R71)")
        }
        if row.object != "account", (row.acField == "email") != (row.sfField == "Email") {
            error("\(place).ac_field", "the e-mail of one side is mapped to that of the other (R8)")
        }
    }

    /// R64, R65: which types go together.
    private mutating func types(_ row: MappingDocument, _ field: ActiveCampaignField?, _ place: String) {
        let (salesforce, campaign) = (row.sfType ?? "text", row.acType ?? "text")
        if let field, field.personalizationTag == nil, campaign != "text" {
            error("\(place).ac_type", "the standard ActiveCampaign fields are of type text")
        }
        guard let type = SalesforceFieldType(rawValue: salesforce) else {
            return word(
                salesforce, of: SalesforceFieldType.allCases.map(\.rawValue), "\(place).sf_type", "Salesforce type")
        }
        let fitting = ActiveCampaignFieldType.allCases.filter(type.compatibleTypes.contains).map(\.rawValue)
        if !fitting.contains(campaign) {
            error(
                "\(place).ac_type",
                "a Salesforce \(salesforce) field goes with an ActiveCampaign field of type "
                    + "\(fitting.joined(separator: " or ")), not \(campaign.prefix(40)) (R65)")
        }
        guard type.isFormula else { return }
        if row.updateMode == "ac_to_sf" {
            error("\(place).update_mode", "a formula flows from Salesforce to ActiveCampaign only (R66)")
        }
        if ["email", "lastName"].contains(row.acField) {
            error("\(place).ac_field", "a formula never feeds the e-mail or the last name")
        }
    }

    // MARK: - Criteria and budgets

    private mutating func criterion(_ row: CriterionDocument, _ place: String) {
        word(row.object, of: ["contact", "lead"], "\(place).object", "object of criteria")
        name(row.field, "\(place).field", "Region__c")
        word(row.operator, of: SelectionCriteria.Operator.allCases.map(\.rawValue), "\(place).operator", "operator")
        let (operands, type) = (row.operands ?? [], row.valueType ?? "text")
        if !(1...10).contains(row.groupNo ?? 1) || !(1...10).contains(row.position ?? 1) {
            error("\(place).position", "groups and positions are 1 to 10")
        }
        let wanted: ClosedRange<Int> =
            switch row.operator {
            case "blank", "not_blank": 0...0
            case "in": 1...100
            default: 1...1
            }
        if !wanted.contains(operands.count) {
            error(
                "\(place).operands",
                "\(row.operator) takes \(wanted.lowerBound == wanted.upperBound ? "\(wanted.lowerBound)" : "1 to 100") operands, not \(operands.count)"
            )
        }
        if operands.map(\.count).reduce(0, +) > 25_500 {
            error("\(place).operands", "operands have 25,500 characters in all at most")
        }
        if ["contains", "starts"].contains(row.operator), type != "text" {
            error("\(place).value_type", "contains and starts compare text")
        }
        let fits: (String) -> Bool
        switch type {
        case "text": fits = { _ in true }
        case "number": fits = { $0.matches(#/-?[0-9]+(\.[0-9]+)?/#) }
        case "bool": fits = { ["true", "false"].contains($0) }
        case "date": fits = { $0.matches(#/[0-9]{4}-[01][0-9]-[0-3][0-9]/#) }
        default: return word(type, of: ["text", "number", "bool", "date"], "\(place).value_type", "value type")
        }
        if !operands.allSatisfy(fits) {
            error(
                "\(place).operands",
                "a \(type) operand is written like \(["number": "-12.5", "bool": "true", "date": "2026-11-23"][type] ?? "so")"
            )
        }
    }

    private mutating func budgets(_ rows: [BudgetDocument]) {
        unique(rows, "budgets", "a tenant has one budget per provider", \.provider)
        for (index, row) in rows.enumerated() {
            let place = "budgets[\(index)]"
            word(row.provider, of: Provider.allCases.map(\.rawValue), "\(place).provider", "provider")
            if row.dailyCalls != nil, row.dailyShare != nil {
                error(place, "a budget is daily_calls or daily_share, not both")
            }
            if let edition = row.edition {
                word(edition, of: OrgEdition.allCases.map(\.rawValue), "\(place).edition", "edition")
            }
            if let licences = row.licences, licences < 0 {
                error("\(place).licences", "licences are counted from 0")
            }
            if let calls = row.dailyCalls, calls <= 0 { error("\(place).daily_calls", "daily calls are positive") }
            for (column, share) in [("daily_share", row.dailyShare), ("org_ceiling_share", row.orgCeilingShare)] {
                if let share, !(share > 0 && share <= 1) {
                    error("\(place).\(column)", "a share is above 0 and at most 1")
                }
            }
        }
    }

    // MARK: - Saying so

    private mutating func error(_ place: String, _ message: String) {
        findings.append(Finding(weight: .error, place: place, message: message))
    }

    private mutating func warning(_ place: String, _ message: String) {
        findings.append(Finding(weight: .warning, place: place, message: message))
    }

    private mutating func word(_ given: String, of words: [String], _ place: String, _ what: String) {
        guard !words.contains(given) else { return }
        error(
            place,
            "\"\(given.prefix(40))\" is no \(what); did you mean \(given.nearest(of: words))? There are "
                + words.joined(separator: ", "))
    }

    private mutating func name(_ given: String?, _ place: String, _ example: String) {
        guard let given, !given.matches(#/[A-Za-z][A-Za-z0-9_]{0,79}/#) else { return }
        error(place, "want an API name such as \(example)")
    }

    private mutating func unique<Row>(_ rows: [Row], _ section: String, _ message: String, _ key: (Row) -> String) {
        var seen: [String: Int] = [:]
        for (index, row) in rows.enumerated() {
            if let first = seen[key(row)] {
                error("\(section)[\(index)]", "\(message); see \(section)[\(first)]")
            } else {
                seen[key(row)] = index
            }
        }
    }
}

extension String {
    /// Whether the whole text matches.
    fileprivate func matches(_ pattern: some RegexComponent) -> Bool { wholeMatch(of: pattern) != nil }
}
