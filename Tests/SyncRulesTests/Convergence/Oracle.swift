import SyncRules

/// What must hold once everything is settled, told by the rules and not by the code that keeps them.
extension World {
    /// Everything that is wrong, in words.
    func faults() -> [String] {
        violations + doubles() + links.values.map(\.link).filter { $0.state == .active }.flatMap(disagreements)
    }

    /// Nobody is twice in Salesforce because of us.
    private func doubles() -> [String] {
        // A record deleted while its creation was under way may be made once more, and undeleted later.
        let made = records.values.filter { $0.madeByUs && !$0.wasDeleted }
        return Dictionary(grouping: made, by: \.record.contactID).filter { $0.value.count > 1 }
            .map { "contact \($0.key ?? 0) was created \($0.value.count) times" }
    }

    private func disagreements(_ link: Link) -> [String] {
        guard let contact = contacts[link.contactID], let record = records[link.recordID],
            OutboundRules.leading(links(of: link.contactID))?.recordID == link.recordID
        else { return [] }
        let projector = projector(link.object)
        let left = projector.project(contact.read)
        let right = projector.project(record.record)
        return projector.mappings.compactMap { mapping in
            let field = mapping.salesforceField
            let (ours, theirs) = (left[field], right[field])
            let wasEqual = ours == theirs || (ours.isBlank && theirs.isBlank)
            if !wasEqual, mustAgree(mapping, ours, theirs, link: link, contact: contact, record: record) {
                return "\(link.recordID) \(field): AC \(ours) SF \(theirs)"
            }
            return lostEdit(mapping, ours, theirs, contact: contact, record: record)
        }
    }

    /// Fields that may stay different: those that one side's users set and that do not flow from there, filled blanks,
    /// blanks that are not copied, and who opted out and is not subscribed again (R83).
    private func mustAgree(
        _ mapping: FieldMapping, _ ours: FieldValue, _ theirs: FieldValue, link: Link, contact: Contact, record: Record
    ) -> Bool {
        // A lead that takes over from a deleted contact gives what it was held back (R91) when it is next saved.
        if link.object == .lead, link.recordFingerprint?.owes(mapping.salesforceField) == true { return false }
        guard !isWithheld(record, link: link) else { return false }
        let (setHere, setThere) = (contact.userSet[mapping.salesforceField], record.userSet[mapping.salesforceField])
        if mapping.activeCampaignField == .optOut {
            return ours != .absent && !(theirs.isBlank && setThere == .bool(false))
        }
        let isAlone = records.values.filter { $0.person == contact.person }.count == 1
        let isCopied = !mapping.isProtectedFromBlanks && (mapping.copiesBlanks ?? settings.clearsBlanks)
        // Who emptied a value that empties nothing meant the own side only.
        let isKept = (ours.isBlank && setHere != nil) || (theirs.isBlank && setThere != nil) || !isAlone
        let isBlankKept = (ours.isBlank || theirs.isBlank) && isKept
        return switch mapping.updateMode {
        case .always, .activeCampaignWins, .newestField: isCopied || !isBlankKept
        case .fillBlank: (ours.isBlank || theirs.isBlank) && !isBlankKept
        case .toActiveCampaign: isAlone && setHere == nil && (isCopied || !isBlankKept)
        case .toSalesforce: isAlone && setThere == nil && (isCopied || !isBlankKept)
        case .salesforceUnlessBlank: isAlone && (theirs.isBlank || setHere == nil) && (isCopied || !isBlankKept)
        case .never: false
        }
    }

    /// R41, D4: the record's changes may not go to ActiveCampaign now.
    private func isWithheld(_ record: Record, link: Link) -> Bool {
        record.record.email == nil
            || (settings.contactSelection == .marked && link.origin == .inbound && record.record.isMarked != true)
    }

    /// Where only one side's users ever set a field, their last value stands.
    private func lostEdit(
        _ mapping: FieldMapping, _ ours: FieldValue, _ theirs: FieldValue, contact: Contact, record: Record
    ) -> String? {
        // A second record of the person brings values of its own.
        guard records.values.filter({ $0.person == contact.person }).count == 1, mapping.updateMode == .always else {
            return nil
        }
        let field = mapping.salesforceField
        let name = "\(record.record.id) \(field)"
        if let last = record.userSet[field], contact.userSet[field] == nil,
            mapping.copiesBlanks ?? settings.clearsBlanks || last != .null
        {
            var copy = record.record
            copy.fields = [field: last]
            if projector(copy.object).project(copy)[field] != theirs { return "\(name): Salesforce's \(last) was lost" }
        }
        if let last = contact.userSet[field], record.madeByUs, !record.wasSavedByUser {
            var copy = contact.read
            copy.fields = [mapping.activeCampaignField.description: last]
            if projector(record.record.object).project(copy)[field] != ours {
                return "\(name): ActiveCampaign's \(last) was lost"
            }
        }
        return nil
    }
}
