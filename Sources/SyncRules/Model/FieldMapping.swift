/// Which way and when a mapped field is written (R63).
package enum UpdateMode: String, Sendable, CaseIterable, Hashable {
    /// Every change on either side is written to the other; the default.
    case always
    /// Written only while the target is blank.
    case fillBlank = "fill_blank"
    /// Salesforce → ActiveCampaign only.
    case toActiveCampaign = "sf_to_ac"
    /// ActiveCampaign → Salesforce only.
    case toSalesforce = "ac_to_sf"
    /// Mapped, but never written.
    case never
    /// As `always`, but where both sides changed the field ActiveCampaign's value counts.
    case activeCampaignWins = "ac_wins"
    /// As `always`, but where both sides changed the field the later change counts: Salesforce's `SystemModstamp` against
    /// ActiveCampaign's `udate`, to the second. Salesforce's when they are equal or unknown.
    case newestField = "newest_field"
    /// As `always`, but ActiveCampaign's value is written only while Salesforce's is blank; else it is reported, and
    /// replaced by Salesforce's when the record is next read.
    case salesforceUnlessBlank = "prefer_sf_unless_blank"
}

/// An ActiveCampaign contact field: one of the four standard ones, or a custom field by its personalization tag.
package struct ActiveCampaignField: Sendable, Hashable, CustomStringConvertible {
    /// `email`, `firstName`, `lastName`, `phone`, or `custom:` and the tag without percent signs, `custom:BIRTHDAY`.
    package let description: String

    /// Takes a field's name as config rows spell it; nil when it is neither standard nor `custom:TAG`.
    package init?(_ name: String) {
        let standard = ["email", "firstName", "lastName", "phone"]
        guard standard.contains(name) || (name.hasPrefix("custom:") && name.utf8.count > 7) else { return nil }
        description = name.hasPrefix("custom:") ? "custom:" + name.dropFirst(7).uppercased() : name
    }

    private init(standard name: String) { description = name }

    /// The identity of a contact on the ActiveCampaign side (R8).
    package static let email = ActiveCampaignField(standard: "email")
    package static let firstName = ActiveCampaignField(standard: "firstName")
    package static let lastName = ActiveCampaignField(standard: "lastName")
    package static let phone = ActiveCampaignField(standard: "phone")
    /// The name of an account (R71); rows can't name it, for it is always mapped.
    package static let accountName = ActiveCampaignField(standard: "name")
    /// What the contact's lists say of e-mail (R79–R81): no field of ActiveCampaign's, and none that rows can name.
    package static let optOut = ActiveCampaignField(standard: "optOut")

    /// The personalization tag of a custom field, upper case; nil for a standard field.
    package var personalizationTag: String? {
        description.hasPrefix("custom:") ? String(description.dropFirst(7)) : nil
    }
}

/// One row of `field_mappings`: a Salesforce field of one object and the ActiveCampaign field it is kept in step with.
package struct FieldMapping: Sendable, Hashable {
    package var object: ObjectKind
    /// API name of the Salesforce field, as describe spells it.
    package var salesforceField: String
    package var activeCampaignField: ActiveCampaignField
    package var salesforceType: SalesforceFieldType
    package var activeCampaignType: ActiveCampaignFieldType
    package var updateMode: UpdateMode
    /// Whether a value that is too long for Salesforce is cut instead of dropped (D6).
    package var truncates: Bool
    /// Whether an emptied value empties the other side; nil leaves it to the tenant's switch (R68).
    package var copiesBlanks: Bool?
    /// Characters the Salesforce field holds, by describe; nil when not known.
    package var maxLength: Int?

    /// Makes a mapping; pairs that R65 does not allow are refused where rows are written, not here.
    package init(
        object: ObjectKind, salesforceField: String, activeCampaignField: ActiveCampaignField,
        salesforceType: SalesforceFieldType = .text, activeCampaignType: ActiveCampaignFieldType = .text,
        updateMode: UpdateMode = .always, truncates: Bool = false, copiesBlanks: Bool? = nil, maxLength: Int? = nil
    ) {
        self.object = object
        self.salesforceField = salesforceField
        self.activeCampaignField = activeCampaignField
        self.salesforceType = salesforceType
        self.activeCampaignType = activeCampaignType
        self.updateMode = updateMode
        self.truncates = truncates
        self.copiesBlanks = copiesBlanks
        self.maxLength = maxLength
    }

    /// The mapping every tenant starts with (R61). A row for the same Salesforce field or the same ActiveCampaign field
    /// takes its place.
    package static func defaults(for object: ObjectKind) -> [FieldMapping] {
        if object == .account {
            return [FieldMapping(object: .account, salesforceField: "Name", activeCampaignField: .accountName)]
        }
        guard object == .contact || object == .lead else { return [] }
        return [
            FieldMapping(
                object: object, salesforceField: "Email", activeCampaignField: .email, salesforceType: .email),
            FieldMapping(object: object, salesforceField: "FirstName", activeCampaignField: .firstName),
            FieldMapping(object: object, salesforceField: "LastName", activeCampaignField: .lastName),
            FieldMapping(
                object: object, salesforceField: "Phone", activeCampaignField: .phone, salesforceType: .phone),
        ]
    }

    /// The tenant's rows laid over the defaults, ordered by Salesforce field.
    /// - Parameter syncsOptOut: whether opting out of e-mail travels as well (R84).
    package static func effective(
        rows: [FieldMapping], for object: ObjectKind, syncsOptOut: Bool = false
    ) -> [FieldMapping] {
        let own = rows.filter { $0.object == object }
        let takenFields = Set(own.map(\.salesforceField))
        let takenTargets = Set(own.map(\.activeCampaignField))
        let optOut = syncsOptOut && (object == .contact || object == .lead) ? [OptOutRules.mapping(for: object)] : []
        let kept = (defaults(for: object) + optOut).filter {
            !takenFields.contains($0.salesforceField) && !takenTargets.contains($0.activeCampaignField)
        }
        return (kept + own).sorted { $0.salesforceField < $1.salesforceField }
    }

    /// Whether changes may flow to `side` at all (R63, R66).
    package func writes(to side: Side) -> Bool {
        switch updateMode {
        case .always, .fillBlank, .activeCampaignWins, .newestField, .salesforceUnlessBlank:
            side == .activeCampaign || !salesforceType.isFormula
        case .toActiveCampaign: side == .activeCampaign
        case .toSalesforce: side == .salesforce && !salesforceType.isFormula
        case .never: false
        }
    }

    /// Fields whose value is never cleared by a blank on the other side (R68).
    package var isProtectedFromBlanks: Bool {
        activeCampaignField == .email || salesforceField == "LastName" || salesforceField == "Company"
            || salesforceField == "Email" || activeCampaignField == .accountName
    }
}
