/// One account: a company that contacts belong to.
struct CampaignCustomerRow {
    var name: String
    var url = ""
    var owner = "1"
    var created: UInt32
    var updated: UInt32
    var isDeleted = false
}

/// A contact's place in an account.
struct CampaignAccountContactRow {
    var account: UInt32
    var contact: UInt32
    var jobTitle: String
    var created: UInt32
    var updated: UInt32
    var isDeleted = false
}

/// The accounts, who belongs to them (one account a contact), and their custom fields.
struct CampaignCustomerTable {
    private(set) var accounts = CampaignSlab<CampaignCustomerRow>()
    private(set) var associations = CampaignSlab<CampaignAccountContactRow>()
    private var byName: [String: UInt32] = [:]
    private var byContact: [UInt32: UInt32] = [:]
    var fields = CampaignCustomFieldTable()

    /// Whether the account exists.
    func contains(_ id: UInt32) -> Bool {
        accounts.isKnown(id) && !accounts[id].isDeleted
    }

    var liveIDs: [UInt32] { (1..<(accounts.count + 1)).filter { !accounts[$0].isDeleted } }

    /// The account of that name, case aside.
    func find(_ name: String) -> UInt32? { byName[name.lowercased()] }

    /// The row that puts a contact into an account.
    func association(of contact: UInt32) -> UInt32? { byContact[contact] }

    /// The account of a contact.
    func account(of contact: UInt32) -> UInt32? { byContact[contact].map { associations[$0].account } }

    /// Whether the association exists.
    func hasAssociation(_ id: UInt32) -> Bool {
        associations.isKnown(id) && !associations[id].isDeleted
    }

    var associationIDs: [UInt32] { (1..<(associations.count + 1)).filter { !associations[$0].isDeleted } }

    // MARK: - Changing

    /// Adds an account whose name is free.
    mutating func insert(_ row: CampaignCustomerRow) -> UInt32 {
        let id = accounts.append(row)
        byName[row.name.lowercased()] = id
        return id
    }

    /// Changes an account; a new name must be free.
    mutating func update(_ id: UInt32, _ change: (inout CampaignCustomerRow) -> Void) {
        byName[accounts[id].name.lowercased()] = nil
        change(&accounts[id])
        byName[accounts[id].name.lowercased()] = id
    }

    mutating func remove(_ id: UInt32) {
        byName[accounts[id].name.lowercased()] = nil
        accounts[id].isDeleted = true
        for association in associationIDs where associations[association].account == id {
            removeAssociation(association)
        }
    }

    /// Puts a contact that has no account into one.
    mutating func link(contact: UInt32, to account: UInt32, jobTitle: String, at now: UInt32) -> UInt32 {
        let id = associations.append(
            CampaignAccountContactRow(
                account: account, contact: contact, jobTitle: jobTitle, created: now, updated: now))
        byContact[contact] = id
        return id
    }

    mutating func setJobTitle(_ association: UInt32, to title: String, at now: UInt32) {
        associations[association].jobTitle = title
        associations[association].updated = now
    }

    mutating func removeAssociation(_ id: UInt32) {
        associations[id].isDeleted = true
        byContact[associations[id].contact] = nil
    }

    mutating func unlink(contact: UInt32) {
        if let id = byContact[contact] { removeAssociation(id) }
    }
}

extension CampaignState {
    /// Puts a contact into the account of that name, making the account and leaving another one if need be.
    mutating func joinAccount(named name: String, contact: UInt32) {
        let account =
            customers.find(name) ?? customers.insert(CampaignCustomerRow(name: name, created: now, updated: now))
        guard customers.account(of: contact) != account else { return }
        customers.unlink(contact: contact)
        _ = customers.link(contact: contact, to: account, jobTitle: "", at: now)
        contacts.touch(contact, at: now)
    }
}
