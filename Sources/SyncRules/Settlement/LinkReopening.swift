/// Looking at a linked pair anew: both sides were just read, and the ordinary rules are to decide as if both had changed.
///
/// Used when a person asks for a resync of a record, and when a field is newly mapped (T7). Salesforce's value wins (R53),
/// unless Salesforce has never said anything of the field: a blank that was never seen to be anything else is no
/// statement (R68), and what ActiveCampaign holds then goes to Salesforce. A field that was seen set in Salesforce and is
/// blank now was emptied there, and empties ActiveCampaign's as the tenant's switch for blanks says.
extension Link {
    /// The link as the rules are to see it, and whether the contact has something to tell Salesforce.
    /// - Parameters:
    ///   - fields: Salesforce names of the fields to be looked at.
    ///   - record: what Salesforce holds.
    ///   - contact: what ActiveCampaign holds.
    ///   - sides: the sides that are to be brought up to date.
    ///   - trustsHistory: whether what the link knows of the fields is of this very mapping; a field that is newly mapped
    ///     was never seen emptied.
    package func reopened(
        _ fields: some Sequence<String>, record: Projection, contact: Projection, by projector: Projector,
        updating sides: Set<Side> = [.activeCampaign, .salesforce], trustsHistory: Bool = true
    ) -> (link: Link, hasContactToSpeak: Bool) {
        var theirs = recordFingerprint ?? Fingerprint()
        var ours = contactFingerprint ?? Fingerprint()
        var speaks = false
        for field in fields {
            guard let mapping = projector.mapping(of: field), record[field] != .absent, contact[field] != .absent
            else { continue }
            let (there, here) = (record[field], contact[field])
            let wasSet = trustsHistory && !theirs.isBlank(field)
            theirs.record(record, fields: [field])
            ours.record(contact, fields: [field])
            if there == here || (there.isBlank && here.isBlank) { continue }
            let isSilent = (there.isBlank && !wasSet) || (mapping.updateMode == .activeCampaignWins && !here.isBlank)
            let goesHere = sides.contains(.activeCampaign) && mapping.writes(to: .activeCampaign) && !isSilent
            let goesThere = sides.contains(.salesforce) && mapping.writes(to: .salesforce) && !here.isBlank
            if goesHere {
                theirs.owe([field])
            } else if goesThere {
                ours.forget([field])
                speaks = true
            }
        }
        var link = self
        link.recordFingerprint = theirs
        link.contactFingerprint = ours
        return (link, speaks)
    }

    /// The link without what it knows of some fields, for it was learned by another mapping (T7): a value that is set in
    /// Salesforce is then a change, and a blank one says nothing.
    package func forgetting(_ fields: some Sequence<String>) -> Link {
        var link = self
        link.recordFingerprint?.forget(fields)
        link.contactFingerprint?.forget(fields)
        return link
    }
}
