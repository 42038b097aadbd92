/// What an outbound batch does with one ActiveCampaign contact, before anything is asked of Salesforce.
package enum OutboundIntent: Sendable, Hashable {
    /// Nothing is written; why, and by which rule.
    case drop(DecisionCode, reason: String)
    /// The contact carries a create action and is not linked as this object yet (R14–R18).
    case create(ObjectKind)
    /// The linked record gets the mapped fields that changed (R24, R28).
    case update(Link, changed: [String])
}

/// The rules of ActiveCampaign → Salesforce: R14–R18, R24–R30, R40, R91, D9.
package struct OutboundRules: Sendable {
    package let settings: SyncSettings
    package let contacts: Projector
    package let leads: Projector

    /// Makes the rules of one tenant.
    package init(settings: SyncSettings, contacts: Projector, leads: Projector) {
        self.settings = settings
        self.contacts = contacts
        self.leads = leads
    }

    /// The projector of an object's mappings.
    package func projector(of object: ObjectKind) -> Projector { object == .lead ? leads : contacts }

    /// Decides what becomes of a contact.
    /// - Parameters:
    ///   - contact: the contact as just read; queue items carry ids only (T14).
    ///   - links: the contact's links, of any object and state.
    package func intent(for contact: ActiveCampaignContact, links: [Link]) -> OutboundIntent {
        let linked = Dictionary(links.map { ($0.object, $0) }, uniquingKeysWith: { first, _ in first })
        // R30: contact tags beat lead tags, so the contact is tried first.
        for object in [ObjectKind.contact, .lead] {
            if object == .lead, linked[.contact] != nil { break }  // R91: the contact is authoritative.
            guard contact.tags.contains(where: { $0.object == object }) else { continue }
            if let link = linked[object] {
                return update(contact, link: link)
            }
            if contact.tags.contains(where: { $0.object == object && $0.createsRecord }) {
                return contact.email == nil ? .drop(.noEmail, reason: "R7") : .create(object)
            }
        }
        return unmatched(contact, linked: linked)
    }

    /// R24, R29: only what changed in mapped fields since both sides agreed.
    private func update(_ contact: ActiveCampaignContact, link: Link) -> OutboundIntent {
        guard link.state == .active else { return .drop(.tombstoned, reason: "R89") }
        let projector = projector(of: link.object)
        guard let agreed = link.contactFingerprint else {
            return .update(link, changed: projector.salesforceFields)
        }
        let changed = agreed.changedFields(in: projector.project(contact))
        return changed.isEmpty ? .drop(.unchangedProjection, reason: "R29") : .update(link, changed: changed)
    }

    /// Names the half of R24 that is missing.
    private func unmatched(_ contact: ActiveCampaignContact, linked: [ObjectKind: Link]) -> OutboundIntent {
        if linked.isEmpty {
            // R14, R27, D9: a tag alone creates nothing unless it is a create action.
            return .drop(.outOfScope, reason: contact.tags.isEmpty ? "R14" : "R27")
        }
        if linked[.contact] != nil, contact.tags.contains(where: { $0.object == .lead }) {
            return .drop(.outOfScope, reason: "R91")
        }
        return .drop(.outOfScope, reason: "R26")
    }
}
