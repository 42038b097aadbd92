/// One mailing list.
struct CampaignListRow {
    var name: String
    var stringID: String
    var senderURL = ""
    var senderReminder = ""
    var cdate: UInt32
    var udate: UInt32
    var isDeleted = false
}

extension CampaignState {
    /// Whether the list exists.
    func hasList(_ id: UInt32) -> Bool {
        id >= 1 && id <= lists.count && !lists[Int(id - 1)].isDeleted
    }

    /// The ids of all lists.
    var listIDs: [UInt32] {
        lists.indices.filter { !lists[$0].isDeleted }.map { UInt32($0 + 1) }
    }

    /// The row of a contact's subscription to a list.
    func membershipID(of contact: UInt32, list: UInt32) -> UInt32? {
        memberships.chain(from: contacts[contact].firstMembership).first { memberships[$0].list == list }
    }

    /// Subscribes (1) or unsubscribes (2) a contact. Repeating a status changes nothing, `sdate` included.
    mutating func setMembership(of contact: UInt32, list: UInt32, status: UInt8) -> UInt32 {
        let membership: UInt32
        if let known = membershipID(of: contact, list: list) {
            guard memberships[known].status != status else { return known }
            memberships[known].status = status
            memberships[known].udate = now
            membership = known
        } else {
            var first = contacts[contact].firstMembership
            let row = CampaignMembershipRow(
                contact: contact, list: list, status: status, sdate: now, udate: now, source: 4)
            membership = memberships.append(row, toChain: &first)
            contacts[contact].firstMembership = first
        }
        contacts.touch(contact, at: now)
        emit(status == 2 ? .unsubscribe : .subscribe, contact: contact, list: list)
        return membership
    }
}

/// What an automation has done with a contact, as `contactAutomations` shows it.
struct CampaignAutomationEntry {
    var id: UInt32
    var contact: UInt32
    var automation: UInt32
    var entered: UInt32
}

/// The account's automations (their number is their place, from 1) and who went through them.
struct CampaignAutomationTable {
    private(set) var names: [String] = []
    private(set) var entries: [UInt32: [CampaignAutomationEntry]] = [:]
    private var lastEntry: UInt32 = 0

    /// Notes that a contact went through an automation, making the automation if need be.
    mutating func enter(_ contact: UInt32, named name: String, at now: UInt32) {
        let index = names.firstIndex(of: name) ?? names.count
        if index == names.count { names.append(name) }
        lastEntry += 1
        entries[contact, default: []].append(
            CampaignAutomationEntry(id: lastEntry, contact: contact, automation: UInt32(index + 1), entered: now))
    }

    mutating func forget(contact: UInt32) {
        entries[contact] = nil
    }
}

/// A note on a contact.
struct CampaignNoteRow {
    var contact: UInt32
    var text: String
    var cdate: UInt32
}
