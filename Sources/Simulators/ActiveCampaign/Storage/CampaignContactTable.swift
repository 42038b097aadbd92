/// One contact, compact: relations are chains through the tables of values, tags and memberships.
struct CampaignContactRow {
    var email: String
    var firstName = ""
    var lastName = ""
    var phone = ""
    /// Seconds since 1970.
    var cdate: UInt32
    /// First row of each chain; 0 ends a chain.
    var firstValue: UInt32 = 0
    var firstTag: UInt32 = 0
    var firstMembership: UInt32 = 0
}

/// All contacts of an account by id, with an e-mail index and the column of `udate`s that makes change listings cheap.
struct CampaignContactTable {
    private static let blockRows = 256

    private var rows = CampaignSlab<CampaignContactRow>()
    /// Seconds since 1970 by id - 1; 0 marks a deleted contact.
    private var udates: [UInt32] = []
    /// Per block of 256 contacts: the newest `udate` it ever held, and how many of them live.
    private var blockNewest: [UInt32] = []
    private var blockLive: [UInt16] = []
    private var emails = CampaignEmailIndex()

    /// Living contacts.
    private(set) var count = 0

    /// The newest id ever given out.
    var lastID: UInt32 { rows.count }

    /// Whether the contact lives.
    func contains(_ id: UInt32) -> Bool {
        rows.isKnown(id) && udates[Int(id - 1)] != 0
    }

    /// The row of a living contact. Its e-mail and `udate` change through ``changeEmail(of:to:)`` and ``touch(_:at:)``.
    subscript(id: UInt32) -> CampaignContactRow {
        get { rows[id] }
        _modify { yield &rows[id] }
    }

    /// When the contact last changed, seconds since 1970.
    func udate(of id: UInt32) -> UInt32 {
        udates[Int(id - 1)]
    }

    /// The contact with an e-mail, case aside.
    func find(email: String) -> UInt32? {
        emails.find(email) { rows[$0].email }
    }

    // MARK: - Changing

    /// Adds a contact whose e-mail is free.
    mutating func insert(_ row: CampaignContactRow, udate: UInt32) -> UInt32 {
        let id = rows.append(row)
        udates.append(max(udate, 1))
        let block = Int(id - 1) / Self.blockRows
        if block == blockNewest.count {
            blockNewest.append(0)
            blockLive.append(0)
        }
        blockNewest[block] = max(blockNewest[block], udate)
        blockLive[block] += 1
        count += 1
        emails.insert(id, email: row.email) { rows[$0].email }
        return id
    }

    /// Marks a contact as changed.
    mutating func touch(_ id: UInt32, at udate: UInt32) {
        udates[Int(id - 1)] = max(udate, 1)
        let block = Int(id - 1) / Self.blockRows
        blockNewest[block] = max(blockNewest[block], udate)
    }

    /// Gives a contact another e-mail, which must be free.
    mutating func changeEmail(of id: UInt32, to email: String) {
        emails.remove(id, email: rows[id].email)
        rows[id].email = email
        emails.insert(id, email: email) { rows[$0].email }
    }

    /// Deletes a contact for good. Its id is never used again.
    mutating func remove(_ id: UInt32) {
        emails.remove(id, email: rows[id].email)
        rows[id] = CampaignContactRow(email: "", cdate: 0)
        udates[Int(id - 1)] = 0
        blockLive[Int(id - 1) / Self.blockRows] -= 1
        count -= 1
    }

    // MARK: - Walking

    /// Living contacts with `after < id < before`, without looking at each.
    func liveCount(after: UInt32, before: UInt32) -> Int {
        let end = min(before == 0 ? 0 : before - 1, lastID)
        guard after < end else { return 0 }
        var total = 0
        var index = Int(after)
        while index < Int(end) {
            let block = index / Self.blockRows
            let blockEnd = (block + 1) * Self.blockRows
            if index % Self.blockRows == 0, blockEnd <= Int(end) {
                total += Int(blockLive[block])
            } else {
                for row in index..<min(blockEnd, Int(end)) where udates[row] != 0 { total += 1 }
            }
            index = blockEnd
        }
        return total
    }

    /// Calls `body` with each living contact with `after < id < before` and `udate` in `changed`, by ascending or
    /// descending id, until it answers false. Blocks without such a change are skipped whole.
    func walk(
        after: UInt32, before: UInt32, changed: ClosedRange<UInt32>, descending: Bool = false,
        _ body: (UInt32) -> Bool
    ) {
        let end = min(before == 0 ? 0 : before - 1, lastID)
        guard after < end else { return }
        let first = Int(after) / Self.blockRows
        let last = Int(end - 1) / Self.blockRows
        for step in 0...(last - first) {
            let block = descending ? last - step : first + step
            guard blockLive[block] > 0, blockNewest[block] >= changed.lowerBound else { continue }
            let low = max(Int(after), block * Self.blockRows)
            let high = min(Int(end), (block + 1) * Self.blockRows)
            for place in 0..<(high - low) {
                let row = descending ? high - 1 - place : low + place
                let udate = udates[row]
                guard udate != 0, changed.contains(udate) else { continue }
                if !body(UInt32(row + 1)) { return }
            }
        }
    }
}
