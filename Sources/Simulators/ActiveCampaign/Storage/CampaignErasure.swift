extension CampaignState {
    /// Erases a living contact (3.1: what sets `anonymized` is not documented). Its `udate` moves and no webhook tells.
    mutating func eraseContact(_ id: UInt32) {
        switch options.erasure {
        case .deletes: return deleteContact(id)
        case .flags: break
        case .anonymizes: removePersonalData(id)
        }
        anonymized.insert(id)
        contacts.touch(id, at: now)
    }

    private mutating func removePersonalData(_ id: UInt32) {
        // Every contact has an address and no two the same one; this one leads nowhere and tells nothing.
        contacts.changeEmail(of: id, to: "anonymized-\(id)@erased.invalid")
        contacts[id].firstName = ""
        contacts[id].lastName = ""
        contacts[id].phone = ""
        for value in Array(values.chain(from: contacts[id].firstValue)) {
            values[value].value = ""
            values[value].udate = now
            currencies[value] = nil
        }
        for membership in Array(memberships.chain(from: contacts[id].firstMembership)) {
            memberships[membership].status = 2
        }
    }
}
