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
        var link = noting(contact, email: email)
        var known = recordFingerprint ?? Fingerprint()
        for echo in echoes { known.merge(echo, fields: write.kept.keys) }
        known.record(write.projection)
        link.recordFingerprint = known
        link.state = .active
        return link
    }

    /// Salesforce won: the contact's change set is dropped, and the record's values of the same fields are owed to
    /// ActiveCampaign, also when Salesforce's own edit is taken back before the next pull (R53–R55).
    /// - Parameter changed: the fields of the dropped change set.
    package func settled(losing changed: [String], of contact: Projection, email: EmailAddress?) -> Link {
        var link = self
        var known = contactFingerprint ?? Fingerprint()
        known.record(contact)
        link.contactFingerprint = known
        var record = recordFingerprint ?? Fingerprint()
        record.owe(changed)
        link.recordFingerprint = record
        return link
    }

    private func noting(_ contact: Projection, email: EmailAddress?) -> Link {
        var link = self
        var known = contactFingerprint ?? Fingerprint()
        known.record(contact)
        link.contactFingerprint = known
        if let email { link.emailHash = email.hash }
        return link
    }

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
        if !write.isEmpty || !contactEchoes.isEmpty {
            var contact = contactFingerprint ?? Fingerprint()
            for echo in contactEchoes { contact.merge(echo, fields: write.kept.keys) }
            contact.record(write.projection)
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
        known.record(projection, fields: changed)
        known.owe(changed)
        link.recordFingerprint = known
        link.state = .active
        return link
    }

    /// What a read tells apart from field values.
    package func reading(_ record: SalesforceRecord) -> Link {
        var link = self
        link.changeSequence = record.changeSequence ?? changeSequence
        return link
    }
}
