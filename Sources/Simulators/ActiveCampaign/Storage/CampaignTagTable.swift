/// One tag and the contacts that carry it.
struct CampaignTagRow {
    var name: String
    var description: String
    var tagType: String
    var cdate: UInt32
    var udate: UInt32
    var isDeleted = false
    /// Contacts that carry the tag, ascending: `tagid=` pages and `subscriber_count` read it.
    var contacts: [UInt32] = []
}

/// The tags of an account by id and by (type, name), the name without regard to case as MySQL collates it.
struct CampaignTagTable {
    private(set) var rows: [CampaignTagRow] = []
    private var byName: [String: UInt32] = [:]

    /// Tags that are not deleted.
    var liveIDs: [UInt32] {
        rows.indices.filter { !rows[$0].isDeleted }.map { UInt32($0 + 1) }
    }

    subscript(id: UInt32) -> CampaignTagRow {
        get { rows[Int(id - 1)] }
        _modify { yield &rows[Int(id - 1)] }
    }

    /// Whether the tag exists and is not deleted.
    func contains(_ id: UInt32) -> Bool {
        id >= 1 && id <= rows.count && !rows[Int(id - 1)].isDeleted
    }

    /// The tag of that type and name.
    func find(_ name: String, tagType: String = "contact") -> UInt32? {
        byName[Self.key(name, tagType)]
    }

    /// Adds a tag whose name is free.
    mutating func insert(name: String, tagType: String = "contact", description: String = "", at now: UInt32) -> UInt32
    {
        rows.append(CampaignTagRow(name: name, description: description, tagType: tagType, cdate: now, udate: now))
        let id = UInt32(rows.count)
        byName[Self.key(name, tagType)] = id
        return id
    }

    /// Renames a tag to a free name.
    mutating func rename(_ id: UInt32, to name: String) {
        byName[Self.key(self[id].name, self[id].tagType)] = nil
        self[id].name = name
        byName[Self.key(name, self[id].tagType)] = id
    }

    /// Deletes a tag; its name is free again, unless it is kept.
    mutating func remove(_ id: UInt32, keepingName: Bool) {
        if !keepingName { byName[Self.key(self[id].name, self[id].tagType)] = nil }
        self[id].isDeleted = true
        self[id].contacts = []
    }

    /// Notes that a contact carries a tag.
    mutating func attach(_ contact: UInt32, to id: UInt32) {
        // Seeding and imports come in ascending order: appending is the usual case.
        guard let last = self[id].contacts.last, last >= contact else {
            self[id].contacts.append(contact)
            return
        }
        let place = Self.place(of: contact, in: self[id].contacts)
        if self[id].contacts[place] != contact { self[id].contacts.insert(contact, at: place) }
    }

    /// Notes that a contact carries a tag no more.
    mutating func detach(_ contact: UInt32, from id: UInt32) {
        let place = Self.place(of: contact, in: self[id].contacts)
        if place < self[id].contacts.count, self[id].contacts[place] == contact { self[id].contacts.remove(at: place) }
    }

    /// The first place in an ascending array that is not below `contact`.
    static func place(of contact: UInt32, in contacts: [UInt32]) -> Int {
        var low = 0
        var high = contacts.count
        while low < high {
            let middle = (low + high) / 2
            if contacts[middle] < contact { low = middle + 1 } else { high = middle }
        }
        return low
    }

    private static func key(_ name: String, _ tagType: String) -> String {
        tagType.lowercased() + "-" + name.lowercased()
    }
}
