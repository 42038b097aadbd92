/// What a link becomes once an outcome is known. Every run stores links through these, so that the two fingerprints
/// always mean the same: what each side held when it was last read or written.
///
/// A link read, changed here and stored must not have been stored by another run in between: the store compares the
/// link's version, or a tenant's runs exclude each other.
extension Link {
    // MARK: - Outbound

    /// The write was accepted by Salesforce, or Salesforce held its values already.
    /// - Parameters:
    ///   - write: what was sent, without the fields Salesforce refused.
    ///   - contact: what the contact held when the write was planned.
    ///   - email: the contact's address.
    ///   - echoes: unsettled writes of ours to the record that this outcome consumes: of a field now kept back, the
    ///     record holds what they wrote.
    package func settled(
        writing write: FieldWrite, of contact: Projection, email: EmailAddress?, echoes: [Fingerprint] = []
    ) -> Link {
        var link = noting(
            contact, contesting: contested(in: contact).filter { write.projection[$0] == .absent } + write.reverted)
        if let email { link.emailHash = email.hash }
        var known = recordFingerprint ?? Fingerprint()
        for echo in echoes { known.merge(echo, fields: write.kept.keys) }
        known.record(write.projection)
        if !write.reverted.isEmpty { known.owe(write.reverted) }
        link.recordFingerprint = known
        link.state = .active
        return link
    }

    /// Salesforce won: the contact's change set is not written, and the record's values of the same fields are owed to
    /// ActiveCampaign, also when Salesforce's own edit is taken back before the next pull (R53–R55).
    ///
    /// The fields are contested from here on: each side owes its value to the other. The pull settles it, for only it
    /// knows what the record holds and may write: what it takes back is nobody's change any more, what it may not take
    /// back (an opt-out, a blank that is not copied, a field that flows to Salesforce only) goes to Salesforce after it.
    /// - Parameter changed: the fields of the change set.
    package func settled(losing changed: [String], of contact: Projection) -> Link {
        let lost = changed.filter { contact[$0] != .absent }
        var link = noting(contact, contesting: contested(in: contact) + lost)
        var record = recordFingerprint ?? Fingerprint()
        record.owe(lost)
        link.recordFingerprint = record
        return link
    }

    private func noting(_ contact: Projection, contesting fields: [String]) -> Link {
        var link = self
        var known = contactFingerprint ?? Fingerprint()
        known.record(contact)
        known.owe(fields)
        link.contactFingerprint = known
        return link
    }

    /// Fields of which each side owes its value to the other.
    func contested(in contact: Projection) -> [String] {
        contact.values.keys.filter { field in
            contactFingerprint?.owes(field) ?? false && recordFingerprint?.owes(field) ?? false
        }
    }

    /// The fields in which the contact has something to say to Salesforce: those that changed, and those that lost a
    /// conflict and were not taken back by the pull. Contested ones wait for the pull, unless they change again.
    /// - Parameter contact: what the contact holds.
    func outstandingFields(in contact: Projection) -> [String] {
        let known = contactFingerprint ?? Fingerprint()
        return known.outstandingFields(in: contact).filter { field in
            !known.agrees(with: contact[field], in: field) || !(recordFingerprint?.owes(field) ?? false)
        }
    }

    /// Whether ActiveCampaign's values of some fields are still to go to Salesforce.
    package var speaks: Bool { contactFingerprint?.owesMore(than: recordFingerprint ?? Fingerprint()) ?? false }

    // MARK: - Lost answers

    /// The link of a record we created or matched for a contact, had that been committed (T17); nil when the ledger has
    /// no such write. Of several attempts each field takes the one that arrived.
    init?(adopting record: SalesforceRecord, _ projection: Projection, contactID: Int64, echoes: [Fingerprint]) {
        guard !echoes.isEmpty else { return nil }
        var known = Fingerprint()
        for echo in echoes { known.merge(echo) }
        known.record(
            projection,
            fields: projection.values.keys.filter { field in
                echoes.contains { $0.records(field) && $0.agrees(with: projection[field], in: field) }
            })
        self.init(
            contactID: contactID, object: record.object, recordID: record.id, emailHash: record.email?.hash ?? [],
            contactFingerprint: known, recordFingerprint: known, origin: .outbound)
    }

    // MARK: - Inbound

    /// The write was accepted by ActiveCampaign, or was empty: the contact holds all it is to hold of the record.
    /// - Parameter contactEchoes: unsettled writes of ours to the contact: of a field now kept back, it holds theirs.
    func settled(
        writing write: FieldWrite, of record: SalesforceRecord, _ projection: Projection,
        contactEchoes: [Fingerprint] = []
    ) -> Link {
        var link = reading(record)
        var known = recordFingerprint ?? Fingerprint()
        known.record(projection)
        link.recordFingerprint = known
        if var contact = contactFingerprint ?? (write.isEmpty && contactEchoes.isEmpty ? nil : Fingerprint()) {
            for echo in contactEchoes { contact.merge(echo, fields: write.kept.keys) }
            contact.record(write.projection)
            // A contested value that both sides hold by now is owed no more.
            contact.record(
                projection,
                fields: projection.values.filter { contact.owes($0.key) && contact.agrees(with: $0.value, in: $0.key) }
                    .keys)
            link.contactFingerprint = contact
        }
        if let email = record.email { link.emailHash = email.hash }
        link.state = .active
        return link
    }

    /// The record's change may not go to ActiveCampaign now: it counts as seen, so that it does not stand in the way of
    /// ActiveCampaign's own changes for ever (T27), and is owed until it may (R40, R41, R91, D4).
    func settled(withholding changed: [String], of record: SalesforceRecord, _ projection: Projection) -> Link {
        var link = reading(record)
        var known = recordFingerprint ?? Fingerprint()
        // No pull takes a contested value back as long as this lasts: it goes to Salesforce, as any later change does.
        let released = projection.values.keys.filter { contactFingerprint?.owes($0) ?? false && !changed.contains($0) }
        known.record(projection, fields: changed + released)
        known.owe(changed)
        link.recordFingerprint = known
        link.state = .active
        return link
    }

    /// The record's address is another contact's by now, with whom the link goes on (R8). As with any contact a record meets
    /// (R43) every value the record holds is owed to the contact, and what stood there before is nobody's edit. A blank has
    /// nothing to say to a contact that may hold a value: there the contact's value is owed to the record, as is one of a
    /// field that flows to Salesforce only. Where both may have the word the next pull weighs them (R63).
    /// - Parameter contact: what the other contact holds.
    package func moved(to contactID: Int64, holding contact: Projection, by projector: Projector) -> Link {
        let theirs = recordFingerprint ?? Fingerprint()
        var ours = Fingerprint(contact)
        for mapping in projector.mappings {
            let field = mapping.salesforceField
            let isSilent = theirs.isBlank(field) || !mapping.writes(to: .activeCampaign)
            if isSilent, mapping.writes(to: .salesforce), !contact[field].isBlank {
                ours.owe([field])
            } else if mapping.weighsBothSides {
                ours.forget([field])
            }
        }
        var link = self
        link.contactID = contactID
        link.contactFingerprint = ours
        link.recordFingerprint = nil
        return link
    }

    /// What a read tells apart from field values.
    package func reading(_ record: SalesforceRecord) -> Link {
        var link = self
        link.changeSequence = record.changeSequence ?? changeSequence
        return link
    }
}
