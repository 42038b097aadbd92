/// What is done with a record a create action found by address (R19).
package struct RecordMatch: Sendable, Hashable {
    /// The link as it will be once the write is accepted; at once when nothing is written.
    package var link: Link
    /// The mapped fields to be written.
    package var write = FieldWrite()
    /// A value the record holds already, written back so that the next pull reads the record: it holds something the
    /// contact is to get.
    package var touch: [String: SalesforceFieldValue] = [:]

    /// Whether the record is left alone.
    package var isEmpty: Bool { write.isEmpty && touch.isEmpty }
}

/// When an existing Salesforce record is taken instead of a new one, and what the two then tell each other (R19, D3).
extension OutboundRules {
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

    /// Links a contact to the record found for it (R19, R17): the contact's values are written, blanks aside, and what
    /// the contact lacks it gets with the next pull. A record whose own change waits wins altogether (R53).
    /// - Parameter echoes: fingerprints of creations for this contact whose outcome was never committed: the record is
    ///   then our own, and the link what it would have been (T17).
    /// - Parameter earlier: the same of earlier attempts at this match: a value they wrote is the contact's own and does
    ///   not come back to it.
    /// - Parameter contactEchoes: the same of writes to the contact that a pull made for this record: such a value is
    ///   Salesforce's, maybe an old one of it, and nothing the contact has to say.
    package func matching(
        _ record: SalesforceRecord, for contact: ActiveCampaignContact, echoes: [Fingerprint] = [],
        earlier: [Fingerprint] = [], contactEchoes: [Fingerprint] = []
    ) -> RecordMatch {
        let projection = projector(of: record.object).project(contact)
        let held = projector(of: record.object).project(record)
        if !echoes.isEmpty,
            let link = Link(adopting: record, held, contactID: contact.id, echoes: echoes + earlier)
        {
            return resume(link, record, held, contact, earlier: earlier)
        }
        let apart = projection.values.filter { $0.value != held[$0.key] && !($0.value.isBlank && held[$0.key].isBlank) }
        let fromContact = { (field: String) in
            earlier.contains { $0.records(field) && $0.agrees(with: held[field], in: field) }
        }
        let fromRecord = { (field: String) in
            contactEchoes.contains { $0.records(field) && $0.agrees(with: projection[field], in: field) }
        }
        let lacking = apart.filter { fromRecord($0.key) || ($0.value.isBlank && !fromContact($0.key)) }.keys.sorted()
        let differing = apart.keys.filter { !lacking.contains($0) }.sorted()
        var known = Fingerprint(held)
        if settings.direction.writes(to: .activeCampaign) { known.owe(lacking) }
        var match = RecordMatch(
            link: Link(
                contactID: contact.id, object: record.object, recordID: record.id,
                emailHash: contact.email?.hash ?? [], contactFingerprint: Fingerprint(projection),
                recordFingerprint: known, changeSequence: record.changeSequence, origin: .outbound))
        let isOneWay = !settings.direction.writes(to: .activeCampaign)
        if record.status == .waiting, !isOneWay {
            match.link = match.link.settled(losing: differing, of: projection)
            match.touch = touch(record)
        } else {
            match.write = write(differing, of: projection, link: match.link)
            match.link = match.link.settled(writing: match.write, of: projection, email: contact.email)
            if match.write.isEmpty, !isOneWay, !lacking.isEmpty || !match.write.reverted.isEmpty {
                match.touch = touch(record)
            }
        }
        return match
    }

    /// Goes on where a creation was cut off before its link was stored.
    private func resume(
        _ link: Link, _ record: SalesforceRecord, _ held: Projection, _ contact: ActiveCampaignContact,
        earlier: [Fingerprint]
    ) -> RecordMatch {
        let projection = projector(of: record.object).project(contact)
        let changed = (link.contactFingerprint ?? Fingerprint()).changedFields(in: projection)
        let unsettled = projection.values.keys.filter { field in earlier.contains { $0.records(field) } }
        let fields = Set(changed + unsettled).sorted()
        let write = write(fields, of: projection, link: link)
        let settled = link.settled(writing: write, of: projection, email: contact.email)
        switch verdict(of: write, link: link, state: .read(held, status: record.status), echoes: earlier) {
        case .write: return RecordMatch(link: settled.reading(record), write: write)
        case .alreadyThere: return touching(settled, record, held)
        case .salesforceWins, .missing: return touching(link.settled(losing: fields, of: projection), record, held)
        }
    }

    /// What the record holds and the contact is to get may have been passed by the pull while there was no link.
    private func touching(_ link: Link, _ record: SalesforceRecord, _ held: Projection) -> RecordMatch {
        let isSettled = (link.recordFingerprint ?? Fingerprint()).outstandingFields(in: held).isEmpty
        guard !isSettled, settings.direction.writes(to: .activeCampaign) else { return RecordMatch(link: link) }
        return RecordMatch(link: link.reading(record), touch: touch(record))
    }

    private func write(_ changed: [String], of projection: Projection, link: Link) -> FieldWrite {
        projector(of: link.object).write(
            projection, changed: changed, to: .salesforce, target: link.recordFingerprint,
            clearsBlanks: settings.clearsBlanks)
    }

    private func touch(_ record: SalesforceRecord) -> [String: SalesforceFieldValue] {
        record.fields.filter { $0.key == "Email" }
    }
}
