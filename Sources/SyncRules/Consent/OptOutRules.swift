/// E-mail opt-out (R79–R84, T28): Salesforce's checkbox and ActiveCampaign's lists say the same in two ways, so the two
/// are mapped to each other like any field. What sets it apart: ActiveCampaign says nothing at all of a contact that was
/// never on a list, and nobody is ever subscribed again by us.
package enum OptOutRules {
    /// API name of Salesforce's checkbox, of contacts and leads.
    package static let salesforceField = "HasOptedOutOfEmail"

    /// A contact's standing with one list.
    package enum Standing: Sendable {
        /// Gets its mail.
        case active
        /// Unsubscribed, or bounced.
        case ended
        /// Never confirmed.
        case unconfirmed
    }

    /// What a contact's lists say: opted out once it gets mail from none of the lists it was on (R79, R80, R82), or its
    /// address is dead (R81).
    /// - Returns: nil when they say nothing.
    package static func isOptedOut(_ standings: [Standing], isHardBounced: Bool) -> Bool? {
        if isHardBounced { return true }
        if standings.contains(.active) { return false }
        return standings.contains(.ended) ? true : nil
    }

    /// The mapping of an object, unless the tenant maps the checkbox itself.
    static func mapping(for object: ObjectKind) -> FieldMapping {
        FieldMapping(
            object: object, salesforceField: salesforceField, activeCampaignField: .optOut, salesforceType: .checkbox,
            activeCampaignType: .checkbox)
    }

    /// Whether a contact that was on no list when it was last seen has joined one, while Salesforce has it opted out (R79).
    static func hasJoined(_ contact: Projection, _ link: Link) -> Bool {
        contact[salesforceField] == .checkbox(false) && !(link.contactFingerprint?.records(salesforceField) ?? false)
            && !(link.recordFingerprint?.isBlank(salesforceField) ?? true)
    }

    /// Whether writing a value to ActiveCampaign would subscribe somebody again (R83).
    static func resubscribes(_ value: FieldValue, by mapping: FieldMapping, to side: Side) -> Bool {
        side == .activeCampaign && mapping.activeCampaignField == .optOut && value.isBlank
    }
}
