/// Finds a contact by e-mail, without regard to case: an open-addressing table of contact ids, four bytes a slot. The
/// addresses themselves stay in the contact rows; callers pass a way to reach them.
struct CampaignEmailIndex {
    private static let empty: UInt32 = 0
    private static let removed: UInt32 = .max

    private var slots: [UInt32] = Array(repeating: empty, count: 16)
    /// Slots that are not empty, removed ones included.
    private var used = 0

    /// The contact of an e-mail, if there is one.
    func find(_ email: String, emailOf: (UInt32) -> String) -> UInt32? {
        var slot = Self.hash(email) & (slots.count - 1)
        while slots[slot] != Self.empty {
            let id = slots[slot]
            if id != Self.removed, Self.isSame(emailOf(id), email) { return id }
            slot = (slot + 1) & (slots.count - 1)
        }
        return nil
    }

    /// Adds a contact whose e-mail is not in the table.
    mutating func insert(_ id: UInt32, email: String, emailOf: (UInt32) -> String) {
        if (used + 1) * 4 > slots.count * 3 { rebuild(emailOf: emailOf) }
        place(id, email: email)
    }

    /// Takes a contact out.
    mutating func remove(_ id: UInt32, email: String) {
        var slot = Self.hash(email) & (slots.count - 1)
        while slots[slot] != Self.empty {
            if slots[slot] == id {
                slots[slot] = Self.removed
                return
            }
            slot = (slot + 1) & (slots.count - 1)
        }
    }

    private mutating func place(_ id: UInt32, email: String) {
        var slot = Self.hash(email) & (slots.count - 1)
        while slots[slot] != Self.empty { slot = (slot + 1) & (slots.count - 1) }
        slots[slot] = id
        used += 1
    }

    private mutating func rebuild(emailOf: (UInt32) -> String) {
        let ids = slots.filter { $0 != Self.empty && $0 != Self.removed }
        var size = 16
        while size < (ids.count + 1) * 2 { size *= 2 }
        slots = Array(repeating: Self.empty, count: size)
        used = 0
        for id in ids { place(id, email: emailOf(id)) }
    }

    // MARK: - Comparing

    private static func folded(_ byte: UInt8) -> UInt8 {
        (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte | 0x20 : byte
    }

    private static func hash(_ email: String) -> Int {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in email.utf8 {
            hash = (hash ^ UInt64(folded(byte))) &* 0x100_0000_01b3
        }
        // FNV's low bits alone cluster for addresses that differ in one digit.
        return Int(truncatingIfNeeded: (hash ^ (hash >> 29)) & 0x7fff_ffff)
    }

    /// Whether two addresses are the same to ActiveCampaign: letter case does not count.
    static func isSame(_ first: String, _ second: String) -> Bool {
        first.utf8.count == second.utf8.count
            && zip(first.utf8, second.utf8).allSatisfy { folded($0) == folded($1) }
    }
}
