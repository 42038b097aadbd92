/// The kinds of contact custom field that ActiveCampaign knows; raw values are the wire's.
package enum ActiveCampaignFieldType: String, Sendable, CaseIterable {
    /// One line of text.
    case text
    /// Several lines of text.
    case textarea
    /// `YYYY-MM-DD`.
    case date
    /// ISO 8601, kept in the account's zone.
    case datetime
    /// One of the options.
    case dropdown
    /// Several of the options, `||a||b||`.
    case listbox
    /// One of the options.
    case radio
    /// Several of the options, `||a||b||`.
    case checkbox
    /// Text that forms do not show.
    case hidden
    /// A number, as text.
    case number
    /// An amount of money.
    case currency

    /// Whether values are written between double pipes.
    var isMultiple: Bool { self == .listbox || self == .checkbox }
}

/// One choice of a field.
struct CampaignFieldOption {
    var id: UInt32
    var field: UInt32
    var order: String
    var value: String
    var label: String
    var isDefault: Bool
}

/// One custom field of contacts.
struct CampaignFieldRow {
    var title: String
    var type: String
    var perstag: String
    var description: String
    var defaultValue: String?
    var isVisible = true
    var cdate: UInt32
    var udate: UInt32
    var isDeleted = false
    var options: [CampaignFieldOption] = []
    /// Relations (id, list); 0 stands for all lists. Without one the field shows nowhere in the product.
    var relations: [(id: UInt32, list: UInt32, cdate: UInt32)] = []
    var order: Int

    var isMultiple: Bool { ActiveCampaignFieldType(rawValue: type)?.isMultiple ?? false }
}

/// The contact custom fields of an account.
struct CampaignFieldTable {
    private(set) var rows: [CampaignFieldRow] = []
    private var lastOption: UInt32 = 0
    private var lastRelation: UInt32 = 0

    var liveIDs: [UInt32] { rows.indices.filter { !rows[$0].isDeleted }.map { UInt32($0 + 1) } }

    subscript(id: UInt32) -> CampaignFieldRow {
        get { rows[Int(id - 1)] }
        _modify { yield &rows[Int(id - 1)] }
    }

    func contains(_ id: UInt32) -> Bool {
        id >= 1 && id <= rows.count && !rows[Int(id - 1)].isDeleted
    }

    func find(title: String) -> UInt32? {
        liveIDs.first { self[$0].title.lowercased() == title.lowercased() }
    }

    func find(perstag: String) -> UInt32? {
        liveIDs.first { self[$0].perstag == perstag.uppercased() }
    }

    /// Adds a field; a perstag that is taken gets a number, one that is missing is made of the title.
    mutating func insert(title: String, type: String, perstag: String?, description: String = "", at now: UInt32)
        -> UInt32
    {
        let wanted = Self.perstag(from: perstag.flatMap { $0.isEmpty ? nil : $0 } ?? title)
        var free = wanted
        var number = 1
        while find(perstag: free) != nil {
            free = "\(wanted)_\(number)"
            number += 1
        }
        rows.append(
            CampaignFieldRow(
                title: title, type: type, perstag: free, description: description, cdate: now, udate: now,
                order: rows.count + 1))
        return UInt32(rows.count)
    }

    /// Adds an option and gives its id.
    mutating func addOption(
        to field: UInt32, value: String, label: String, order: String? = nil, isDefault: Bool = false
    ) -> UInt32 {
        lastOption += 1
        self[field].options.append(
            CampaignFieldOption(
                id: lastOption, field: field, order: order ?? String(self[field].options.count + 1), value: value,
                label: label, isDefault: isDefault))
        return lastOption
    }

    /// Relates a field to a list, or to all with 0, and gives the relation's id.
    mutating func relate(_ field: UInt32, to list: UInt32, at now: UInt32) -> UInt32 {
        lastRelation += 1
        self[field].relations.append((lastRelation, list, now))
        return lastRelation
    }

    /// Upper snake case of a title: `NANGO_TEST_FIELD`.
    static func perstag(from title: String) -> String {
        var tag = ""
        for character in title.uppercased() {
            if character.isASCII, character.isLetter || character.isNumber {
                tag.append(character)
            } else if !tag.hasSuffix("_") {
                tag.append("_")
            }
        }
        let trimmed = String(tag.drop { $0 == "_" })
        return trimmed.hasSuffix("_") ? String(trimmed.dropLast()) : trimmed
    }
}
