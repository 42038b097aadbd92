/// What an outbound batch does with one ActiveCampaign contact, before anything is asked of Salesforce.
package enum OutboundIntent: Sendable, Hashable {
    /// Nothing is written; why, and by which rule.
    case drop(DecisionCode, reason: String)
    /// The contact carries a create action and is not linked yet (R14–R18).
    case create(ObjectKind)
    /// The linked record gets the mapped fields that changed (R24, R28).
    case update(Link, changed: [String])
    /// Salesforce is not written to: the link notes what the contact holds.
    case observe(Link)
}

/// The rules of ActiveCampaign → Salesforce: R14–R18, R24–R30, R40, R58, R89, R91, D9.
package struct OutboundRules: Sendable {
    package let settings: SyncSettings
    package let contacts: Projector
    package let leads: Projector
    /// Whether the org's accounts may be persons (R70, R85).
    package var hasPersonAccounts = false
    /// Fields that are not written to linked records for now: their mapping changed, and until both sides were looked at
    /// anew nobody knows whose value counts (T7, T21).
    package let paused: [ObjectKind: Set<String>]

    /// Makes the rules of one tenant.
    package init(
        settings: SyncSettings, contacts: Projector, leads: Projector, paused: [ObjectKind: Set<String>] = [:]
    ) {
        self.settings = settings
        self.contacts = contacts
        self.leads = leads
        self.paused = paused
    }

    /// The projector of an object's mappings.
    package func projector(of object: ObjectKind) -> Projector { object == .lead ? leads : contacts }

    /// Decides what becomes of a contact.
    /// - Parameters:
    ///   - contact: the contact as just read; queue items carry ids only (T14).
    ///   - links: the contact's links, of any object and state.
    ///   - echoes: fingerprints of writes of ours to the linked records whose outcome was never committed, by record id.
    ///   - contactEchoes: the same of writes of ours to this contact, by the record id of the link they were made for.
    package func intent(
        for contact: ActiveCampaignContact, links: [Link], echoes: [String: [Fingerprint]] = [:],
        contactEchoes: [String: [Fingerprint]] = [:]
    ) -> OutboundIntent {
        let intent = decide(contact, links: links, echoes: echoes, contactEchoes: contactEchoes)
        guard !settings.direction.writes(to: .salesforce) else { return intent }
        return switch intent {
        case .drop, .observe: intent
        case .create: .drop(.readonlyObserved, reason: SyncDirection.rule)
        case .update(let link, _):
            .observe(
                link.observing(contact: projection(of: contact, forRecordOf: link.object), email: contact.email))
        }
    }

    /// What a linked contact has to say of its record: paused fields count as not read.
    package func projection(of contact: ActiveCampaignContact, forRecordOf object: ObjectKind) -> Projection {
        var projection = projector(of: object).project(contact)
        for field in paused[object] ?? [] { projection.values[field] = nil }
        return projection
    }

    /// Fields of a linked contact that changed and are not written for now.
    package func pausedFields(of link: Link, contact: ActiveCampaignContact) -> [String] {
        let fields = paused[link.object] ?? []
        guard !fields.isEmpty else { return [] }
        let known = link.contactFingerprint ?? Fingerprint()
        return known.changedFields(in: projector(of: link.object).project(contact)).filter(fields.contains)
    }

    /// The decision as both ways would have it.
    private func decide(
        _ contact: ActiveCampaignContact, links: [Link], echoes: [String: [Fingerprint]],
        contactEchoes: [String: [Fingerprint]]
    ) -> OutboundIntent {
        guard !contact.tags.isEmpty else {
            return .drop(.outOfScope, reason: links.isEmpty ? "R14" : "R26")
        }
        if let link = Self.leading(links) {
            return update(
                contact, link: link, echoes: echoes[link.recordID] ?? [],
                contactEchoes: contactEchoes[link.recordID] ?? [])
        }
        if let object = Self.requested(by: contact.tags) {
            // R51: what was asked for is something this org does not have.
            if !hasPersonAccounts, asksForPerson(contact.tags) { return .drop(.outOfScope, reason: "R51") }
            if let dead = links.first {
                // T15: what was deleted or converted in Salesforce is never made again from here.
                return .drop(.tombstoned, reason: Self.epitaph(dead))
            }
            return contact.email == nil ? .drop(.noEmail, reason: "R7") : .create(object)
        }
        // R27, D9: any other tag alone creates nothing.
        return links.first.map { .drop(.tombstoned, reason: Self.epitaph($0)) } ?? .drop(.outOfScope, reason: "R27")
    }

    /// The rule by which a link that takes no changes is at rest.
    private static func epitaph(_ link: Link) -> String {
        switch link.state {
        case .closed: "R49"
        case .merged: "D1"
        case .active, .missing, .contactMissing: "R89"
        }
    }

    /// The link a contact's changes go through: any of the five tags lets them pass (R24), and a contact is
    /// authoritative where there is a lead as well (R30, R91).
    ///
    /// A contact that was just read is there, so a link that took it for deleted is good again.
    package static func leading(_ links: [Link]) -> Link? {
        let usable = links.filter { $0.state == .active || $0.state == .contactMissing }
        return usable.first { $0.object == .contact } ?? usable.first { $0.object == .lead }
    }

    /// The object a create action asks for; contact tags beat lead tags (R15, R16, R30).
    private static func requested(by tags: Set<SyncTag>) -> ObjectKind? {
        let actions = tags.filter(\.createsRecord).map(\.object)
        return [.contact, .lead].first(where: actions.contains)
    }

    /// Whether the record asked for is a person account (R51); the other two actions come first.
    package func asksForPerson(_ tags: Set<SyncTag>) -> Bool {
        tags.filter(\.createsRecord) == [.addedToPersonAccount]
    }

    /// R24, R29: only what changed in mapped fields since both sides agreed, and what we can't know to have agreed.
    private func update(
        _ contact: ActiveCampaignContact, link: Link, echoes: [Fingerprint], contactEchoes: [Fingerprint]
    ) -> OutboundIntent {
        let projection = projection(of: contact, forRecordOf: link.object)
        var changed = link.outstandingFields(in: projection)
        let optOut = OptOutRules.salesforceField
        if projector(of: link.object).mapping(of: optOut)?.activeCampaignField == .optOut,
            OptOutRules.hasJoined(projection, link)
        {
            changed.append(optOut)
        }
        // What agrees with a pull's unsettled write is Salesforce's value, not a change made in ActiveCampaign.
        let foreign = changed.filter { field in
            !contactEchoes.contains { $0.records(field) && $0.agrees(with: projection[field], in: field) }
        }
        // A write of ours may or may not have reached Salesforce: its fields are written again as they are now.
        let unsettled = projection.values.keys.filter { field in echoes.contains { $0.records(field) } }
        let fields = Set(foreign + unsettled).sorted()
        if !fields.isEmpty { return .update(link, changed: fields) }
        return changed.isEmpty ? .drop(.unchangedProjection, reason: "R29") : .drop(.echoDropped, reason: "R58")
    }
}
