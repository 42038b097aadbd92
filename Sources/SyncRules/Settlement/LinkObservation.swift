/// What a link becomes when one side's change was seen and may not be written to the other (one-way mode).
///
/// The change counts as seen and is owed to nobody: when both ways are switched on again, nothing that was kept back is
/// replayed over what is newer by then. Whoever wants the two sides alike again asks for a resync.
extension Link {
    /// A change made in ActiveCampaign that Salesforce does not get.
    func observing(contact: Projection, email: EmailAddress?) -> Link {
        var link = self
        var known = contactFingerprint ?? Fingerprint()
        known.record(contact)
        link.contactFingerprint = known
        if let email { link.emailHash = email.hash }
        link.state = .active
        return link
    }

    /// A change made in Salesforce that ActiveCampaign does not get.
    func observing(record: SalesforceRecord, _ projection: Projection) -> Link {
        var link = reading(record)
        var known = recordFingerprint ?? Fingerprint()
        known.record(projection)
        link.recordFingerprint = known
        link.state = .active
        return link
    }
}
