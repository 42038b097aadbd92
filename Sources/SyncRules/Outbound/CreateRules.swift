/// A record to be created for a contact (R15, R16).
package struct RecordCreation: Sendable, Hashable {
    /// The mapped fields.
    package var write: FieldWrite
    /// Fields Salesforce demands and the contact does not have: written on creation only (R20, D2).
    package var fallbacks: [String: SalesforceFieldValue]
}

/// What a new Salesforce record is made of (R15, R16, R20, D2), and when an existing one is taken instead (R19, D3).
extension OutboundRules {
    /// The fields of a record to be created for a contact.
    ///
    /// LastName falls back to the local part of the address and Company to the tenant's setting.
    package func creation(of object: ObjectKind, for contact: ActiveCampaignContact) -> RecordCreation {
        let projector = projector(of: object)
        let projection = projector.project(contact)
        let filled = projection.values.filter { !$0.value.isBlank }.keys.sorted()
        let write = projector.write(
            projection, changed: filled, to: .salesforce, target: Fingerprint(), clearsBlanks: settings.clearsBlanks)
        var fallbacks: [String: SalesforceFieldValue] = [:]
        if write.projection.values["LastName"] == nil {
            fallbacks["LastName"] = .string(contact.email?.localPart ?? "Unknown")
        }
        if object == .lead, write.projection.values["Company"] == nil {
            fallbacks["Company"] = .string(settings.companyFallback)
        }
        if write.projection.values["Email"] == nil, let email = contact.email {
            fallbacks["Email"] = .string(email.normalized)
        }
        return RecordCreation(write: write, fallbacks: fallbacks)
    }

    /// The link of a created record. The fallbacks count as known, so that no pull takes them for a change (D2).
    package func link(
        of object: ObjectKind, recordID: String, for contact: ActiveCampaignContact, after creation: RecordCreation
    ) -> Link {
        let projector = projector(of: object)
        var fallbacks = Projection()
        for (field, value) in creation.fallbacks {
            fallbacks.values[field] = projector.mapping(of: field)?.canonical(salesforce: value)
        }
        var link = Link(
            contactID: contact.id, object: object, recordID: recordID, emailHash: [],
            recordFingerprint: Fingerprint(fallbacks), origin: .outbound)
        link = link.settled(writing: creation.write, of: projector.project(contact), email: contact.email)
        return link
    }

    /// The link of a record that was there already, before anything is written to it, and the fields the contact has
    /// something to say about: those it holds otherwise than the record, blanks aside (R19). What the contact lacks it
    /// gets with the next pull of the record (R17).
    ///
    /// A record with a change of its own waiting wins: settle the link as a lost conflict (R53).
    package func link(
        to record: SalesforceRecord, for contact: ActiveCampaignContact
    ) -> (link: Link, changed: [String]) {
        let projector = projector(of: record.object)
        let projection = projector.project(contact)
        let held = projector.project(record)
        var known = Fingerprint(held)
        known.owe(projection.values.filter { $0.value.isBlank && !held[$0.key].isBlank }.keys)
        let link = Link(
            contactID: contact.id, object: record.object, recordID: record.id, emailHash: contact.email?.hash ?? [],
            contactFingerprint: Fingerprint(projection), recordFingerprint: known,
            changeSequence: record.changeSequence, origin: .outbound)
        let differing = projection.values.filter { !$0.value.isBlank && held[$0.key] != $0.value }.keys.sorted()
        return (link, differing)
    }

    /// The existing record a create action links to instead of creating (R19): contacts before leads, unconverted leads
    /// only, the most recently modified of several, never one that belongs to another contact (D3).
    /// - Parameters:
    ///   - candidates: records found by the contact's address.
    ///   - taken: ids of records linked to other contacts.
    /// - Returns: the record, and whether there were several to choose from; nil when a new record is to be made.
    package static func match(
        candidates: [SalesforceRecord], taken: Set<String>
    ) -> (record: SalesforceRecord, isAmbiguous: Bool)? {
        let usable = candidates.filter { !$0.isDeleted && !$0.isConverted && !taken.contains($0.id) }
        let contacts = usable.filter { $0.object == .contact }
        let pool = contacts.isEmpty ? usable.filter { $0.object == .lead } : contacts
        let newest = pool.max { ($0.modifiedAt, $1.id) < ($1.modifiedAt, $0.id) }
        return newest.map { ($0, pool.count > 1) }
    }
}
