/// A row that belongs to one contact and knows the contact's next row of the same table.
protocol CampaignChained {
    /// The owner; 0 once the row is deleted.
    var contact: UInt32 { get set }
    /// The next row of the owner; 0 ends the chain.
    var next: UInt32 { get set }
}

/// The value of one custom field of one contact.
struct CampaignValueRow: CampaignChained {
    var contact: UInt32
    var next: UInt32 = 0
    var field: UInt32
    var cdate: UInt32
    var udate: UInt32
    var value: String
}

/// One tag on one contact; the row's id is the association id.
struct CampaignTaggingRow: CampaignChained {
    var contact: UInt32
    var next: UInt32 = 0
    var tag: UInt32
    var cdate: UInt32
    var udate: UInt32
}

/// One contact's subscription to one list.
struct CampaignMembershipRow: CampaignChained {
    var contact: UInt32
    var next: UInt32 = 0
    var list: UInt32
    /// 0 unconfirmed, 1 active, 2 unsubscribed, 3 bounced.
    var status: UInt8
    var sdate: UInt32
    var udate: UInt32
    var source: UInt8 = 0
}

extension CampaignSlab where Row: CampaignChained {
    /// Whether the row was appended and not deleted since.
    func isLive(_ id: UInt32) -> Bool {
        isKnown(id) && self[id].contact != 0
    }

    /// The ids of a chain, oldest first.
    func chain(from first: UInt32) -> CampaignChain<Row> {
        CampaignChain(slab: self, place: first)
    }

    /// Appends a row at the end of its owner's chain and gives its id.
    mutating func append(_ row: Row, toChain first: inout UInt32) -> UInt32 {
        let id = append(row)
        guard first != 0 else {
            first = id
            return id
        }
        var tail = first
        while self[tail].next != 0 { tail = self[tail].next }
        self[tail].next = id
        return id
    }

    /// Takes a row out of its owner's chain and deletes it.
    mutating func remove(_ id: UInt32, fromChain first: inout UInt32) {
        if first == id {
            first = self[id].next
        } else {
            var previous = first
            while previous != 0, self[previous].next != id { previous = self[previous].next }
            if previous != 0 { self[previous].next = self[id].next }
        }
        self[id].contact = 0
        self[id].next = 0
    }
}

/// Walks the rows of one contact.
struct CampaignChain<Row: CampaignChained>: Sequence, IteratorProtocol {
    fileprivate let slab: CampaignSlab<Row>
    fileprivate var place: UInt32

    mutating func next() -> UInt32? {
        guard place != 0 else { return nil }
        defer { place = slab[place].next }
        return place
    }
}
