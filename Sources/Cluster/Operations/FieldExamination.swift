import ActiveCampaign
import Salesforce
import SyncRules

/// A custom field of ActiveCampaign's, of contacts or of accounts.
struct CampaignField {
    let kind: CustomField.Kind
    var options: [CustomField.Option] = []
}

/// Compares a tenant's mappings of one object with what the integration user sees of both sides. Pure.
struct FieldExamination {
    let object: ObjectKind
    let description: ObjectDescription
    /// ActiveCampaign's custom fields by personalization tag.
    let campaign: [String: CampaignField]

    private func place(_ field: String) -> String { "salesforce.\(object.name).\(field)" }

    /// What the user may do with the object.
    func permissions() -> [DoctorFinding] {
        let check = "salesforce.\(object.name)"
        let name = object.salesforceName
        guard description.isQueryable else { return [.failed(check, "the integration user may not read \(name)")] }
        let rights = [("create", description.isCreateable), ("edit", description.isUpdateable)]
        let lacking = rights.filter { !$0.1 }.map(\.0)
        guard lacking.isEmpty else {
            return [
                .failed(
                    check,
                    "the integration user may not \(lacking.joined(separator: " or ")) \(name); give it a "
                        + "permission set that allows it")
            ]
        }
        return [.ok(check, "the integration user may read, create and edit \(name)")]
    }

    /// Whether pulls can be read in order: a cursor needs a stamp to filter and sort by (T33).
    func cursor() -> DoctorFinding {
        let stamp = "SystemModstamp"
        guard let field = description.fields[stamp] else { return missing(stamp) }
        guard field.isFilterable, field.isSortable else {
            return .failed(place(stamp), "Salesforce can't filter or sort by \(stamp): pulls have no order to follow")
        }
        return .ok(place(stamp), "pulls can follow \(stamp)")
    }

    /// One mapping, from both ends.
    func examine(_ mapping: FieldMapping) -> [DoctorFinding] {
        let check = place(mapping.salesforceField)
        guard let field = description.fields[mapping.salesforceField] else { return [missing(mapping.salesforceField)] }
        var findings: [DoctorFinding] = []
        if mapping.writes(to: .salesforce), !field.isUpdateable {
            findings.append(
                .failed(
                    check,
                    "it can't be written (\(field.isCalculated ? "a formula" : "read-only for our user")); set its "
                        + "update_mode to sf_to_ac, or give the user edit access"))
        }
        if !Self.fits(mapping.salesforceType, field) {
            findings.append(
                .failed(
                    check,
                    "the row says \(mapping.salesforceType.rawValue), Salesforce says \(field.type)"
                        + "\(field.isCalculated ? " formula" : ""): values would be read as what they are not (R65); "
                        + "mend sf_type, or leave the field out"))
        }
        findings += campaignEnd(mapping, field)
        return findings.isEmpty ? [.ok(check, "it is there, of its type, and can be written as mapped")] : findings
    }

    private func campaignEnd(_ mapping: FieldMapping, _ field: ObjectDescription.Field) -> [DoctorFinding] {
        guard let tag = mapping.activeCampaignField.personalizationTag else { return [] }
        let owner = object == .account ? "account" : "contact"
        let check = object == .account ? "activecampaign.account.\(tag)" : "activecampaign.\(tag)"
        guard let custom = campaign[tag] else {
            return [
                .failed(check, "ActiveCampaign has no \(owner) field with the tag %\(tag)%; make it, or mend ac_field")
            ]
        }
        var findings: [DoctorFinding] = []
        if !Self.fits(mapping.activeCampaignType, custom.kind) {
            findings.append(
                .failed(
                    check,
                    "the row says \(mapping.activeCampaignType.rawValue), ActiveCampaign says \(custom.kind) (R65); mend "
                        + "ac_type"))
        }
        // Values of pick lists are labels of the tenant's making, not of a record: counted, not shown.
        if field.isRestrictedPicklist, !custom.options.isEmpty {
            let known = Set(field.choices.filter(\.isActive).map(\.value))
            let strange = custom.options.count { !known.contains($0.value) }
            if strange > 0 {
                findings.append(
                    .warning(
                        check, "\(strange) of its choices are not in Salesforce's restricted list; they are refused"))
            }
        }
        return findings
    }

    /// Fields that a new record must have and no mapping gives.
    func unmappedRequirements(_ mappings: [FieldMapping]) -> [DoctorFinding] {
        // The rules give these a value of their own (R20, D2).
        let given = Set(
            mappings.filter { $0.writes(to: .salesforce) }.map(\.salesforceField) + ["LastName", "Company"])
        return description.fields.values.filter { $0.isRequiredOnCreate && !given.contains($0.name) }
            .sorted { $0.name < $1.name }.map {
                .warning(place($0.name), "Salesforce wants it on every new record and no mapping fills it")
            }
    }

    /// Fields that must be readable and can be filtered by.
    func names(_ names: [String], purpose: String) -> [DoctorFinding] {
        Set(names).sorted().map { name in
            description.fields[name] == nil
                ? .failed(place(name), "\(purpose) needs it, and the user does not see it")
                : .ok(place(name), "it is there for \(purpose)")
        }
    }

    /// One row of the selection criteria: whether the user sees its field, whether its values can be compared with the
    /// field's, and whether Salesforce can be asked by it (R42).
    func criterion(_ row: SelectionCriteria.Row) -> DoctorFinding {
        let check = place(row.field)
        let what = "the criterion \(row.field) \(row.comparison.rawValue)"
        guard let field = description.fields[row.field] else {
            return .failed(check, "the selection criteria needs it, and the user does not see it")
        }
        guard row.values.allSatisfy({ $0.isComparable(with: field) }) else {
            return .failed(
                check, "\(what) compares a field of type \(field.type) with a value of another type: it meets nothing")
        }
        let known = Set(field.choices.filter(\.isActive).map { $0.value.lowercased() })
        let isStrange = row.values.contains { value in
            if case .text(let text) = value, !text.isEmpty { !known.contains(text.lowercased()) } else { false }
        }
        if field.isRestrictedPicklist, isStrange, [.equals, .notEquals, .isOneOf].contains(row.comparison) {
            return .warning(check, "\(what) names a value that is not in Salesforce's restricted list")
        }
        guard let whole = SelectionCriteria(anyOf: [[row]]),
            CriteriaFilter(description: description).condition(whole) != nil
        else {
            return .warning(
                check, "\(what) can't be asked of Salesforce: a back-fill reads all records to judge them")
        }
        return .ok(check, "\(what) can be asked of Salesforce")
    }

    /// The field that holds the contact's id: creations are safe from doubles by it (T17).
    func externalID(_ name: String) -> DoctorFinding {
        guard let field = description.fields[name] else {
            return .failed(
                place(name),
                "the external id field is not there; install the Salesforce package, make it, or set "
                    + "external_id_field to null")
        }
        guard field.isExternalID else { return .failed(place(name), "it is not marked as an external id") }
        return field.isUnique
            ? .ok(place(name), "it is an external id and unique")
            : .warning(place(name), "it is not marked as unique; two records could claim one contact")
    }

    private func missing(_ name: String) -> DoctorFinding {
        let twin = description.fields.keys.first { $0.lowercased() == name.lowercased() }
        return .failed(
            place(name),
            twin.map { "Salesforce spells it \($0); mend sf_field" }
                ?? "Salesforce has no such field, or hides it from our user; mend the row or give the user read access")
    }

    // MARK: - Types

    private static func fits(_ type: SalesforceFieldType, _ field: ObjectDescription.Field) -> Bool {
        switch type {
        case .formula: field.isCalculated && field.type != "boolean"
        case .formulaCheckbox: field.isCalculated && field.type == "boolean"
        case .checkbox: field.type == "boolean"
        case .number: ["double", "int", "long"].contains(field.type)
        case .picklist: ["picklist", "combobox"].contains(field.type)
        // Neither ids nor lookups, which R65 leaves out: they mean nothing outside the org.
        case .text: ["string", "combobox", "picklist"].contains(field.type)
        case .textarea, .longTextarea, .richTextarea: field.type == "textarea"
        case .encrypted: field.type == "encryptedstring"
        case .currency, .date, .email, .percent, .multipicklist, .phone, .url: field.type == type.rawValue
        }
    }

    private static func fits(_ type: ActiveCampaignFieldType, _ kind: CustomField.Kind) -> Bool {
        switch (type, kind) {
        case (.text, .text), (.text, .number), (.textarea, .textarea), (.hidden, .hidden), (.dropdown, .dropdown),
            (.dropdown, .radio), (.listbox, .listbox), (.checkbox, .checkbox), (.date, .date), (.currency, .currency):
            true
        default: false
        }
    }
}

extension SelectionCriteria.Value {
    /// Whether a field's values are of this one's type.
    fileprivate func isComparable(with field: ObjectDescription.Field) -> Bool {
        let numbers = ["double", "int", "long", "currency", "percent"]
        let others = numbers + ["boolean", "date", "datetime"]
        return switch self {
        case .text: !others.contains(field.type)
        case .number: numbers.contains(field.type)
        case .bool: field.type == "boolean"
        case .date: field.type == "date" || field.type == "datetime"
        }
    }
}
