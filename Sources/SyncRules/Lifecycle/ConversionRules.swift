/// What a lead's conversion in Salesforce asks for (R47–R50, T23).
package struct ConversionPlan: Sendable, Hashable {
    /// The lead's link, closed: its person goes on as a contact.
    package var lead: Link
    /// The link of the contact the lead became, to be stored; nil when the lead was converted to no contact, or when the
    /// contact goes on with another ActiveCampaign contact.
    package var contact: Link?
    package var addedTags: Set<SyncTag>
    package var removedTags: Set<SyncTag>
    /// What the record timeline says: `relinked` by R49 or R50, or the rule that kept it from being relinked.
    package var decision: DecisionCode
    package var reason: String
}

/// Conversion, pure: what happens to tags and links.
package struct ConversionRules: Sendable {
    package let settings: SyncSettings
    package let contacts: Projector
    package let leads: Projector

    /// Makes the rules of one tenant.
    package init(settings: SyncSettings, contacts: Projector, leads: Projector) {
        self.settings = settings
        self.contacts = contacts
        self.leads = leads
    }

    /// What becomes of a linked lead that is converted; nil when there is nothing to do (not converted, or done).
    /// - Parameters:
    ///   - record: the lead as just read.
    ///   - lead: its link.
    ///   - person: the lead's ActiveCampaign contact as just read; nil when it is gone.
    ///   - contact: the link of the record with id `convertedContactID`, when there is one.
    ///   - siblings: other active links of the lead's ActiveCampaign contact.
    package func plan(
        for record: SalesforceRecord, lead: Link, person: ActiveCampaignContact?, contact: Link?, siblings: [Link] = []
    ) -> ConversionPlan? {
        guard record.object == .lead, record.isConverted, lead.object == .lead, lead.state != .closed else {
            return nil
        }
        var closed = lead
        closed.state = .closed
        var plan = ConversionPlan(
            lead: closed, contact: nil,
            addedTags: [record.isConvertedToPerson ? .convertedToPersonAccount : .convertedToContact],
            removedTags: removedTags, decision: .relinked, reason: "R49")
        guard let contactID = record.convertedContactID else {
            // A person account, or a right we lack: nothing to go on with.
            return ConversionPlan(
                lead: closed, contact: nil, addedTags: [], removedTags: [], decision: .tombstoned,
                reason: "R49.no_contact")
        }
        if let contact, contact.state == .active {
            // R50: the contact was linked already and stays as it is, whoever's it is (D3).
            let isSame = contact.contactID == lead.contactID
            plan.reason = "R50"
            return isSame ? plan : withoutTags(plan, as: .duplicateMatch)
        }
        if siblings.contains(where: { $0.object == .contact && $0.recordID != contactID && $0.state == .active }) {
            // R50: the person goes on with the contact record it has.
            plan.reason = "R50"
            return plan
        }
        plan.contact = relinked(lead, to: contactID, person)
        return plan
    }

    /// The seed names `created-from-salesforce-contact`; the lead's own tag goes under a switch (R47, R48). The tag of an
    /// outbound creation stays: it is history, and the contact's tag wins (R30).
    private var removedTags: Set<SyncTag> {
        settings.removesLeadTagOnConversion ? [.createdFromContact, .createdFromLead] : [.createdFromContact]
    }

    private func withoutTags(_ plan: ConversionPlan, as decision: DecisionCode) -> ConversionPlan {
        var plan = plan
        plan.addedTags = []
        plan.removedTags = []
        plan.decision = decision
        return plan
    }

    /// What both sides agreed on for the lead goes on for the contact where the mappings are the same. Of other fields
    /// ActiveCampaign's present values count as seen, so that Salesforce's come first (R53).
    private func relinked(_ lead: Link, to recordID: String, _ person: ActiveCampaignContact?) -> Link {
        let shared = contacts.mappings.filter { mapping in
            var own = leads.mapping(of: mapping.salesforceField)
            own?.object = mapping.object
            own?.maxLength = mapping.maxLength
            return own == mapping
        }.map(\.salesforceField)
        var ours = Fingerprint()
        if let person {
            ours.record(
                contacts.project(person),
                fields: contacts.mappings.map(\.salesforceField).filter { !shared.contains($0) })
        }
        if let agreed = lead.contactFingerprint { ours.merge(agreed, fields: shared) }
        var theirs = Fingerprint()
        if let agreed = lead.recordFingerprint { theirs.merge(agreed, fields: shared) }
        return Link(
            contactID: lead.contactID, object: .contact, recordID: recordID,
            state: person == nil ? .contactMissing : .active, emailHash: lead.emailHash, contactFingerprint: ours,
            recordFingerprint: theirs, origin: lead.origin)
    }
}
