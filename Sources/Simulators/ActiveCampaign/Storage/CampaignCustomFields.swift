/// One custom field of accounts or deals.
struct CampaignCustomFieldRow {
    var label: String
    var type: String
    var options: [CampaignJSON]
    var defaultValue: CampaignJSON
    var currency: CampaignJSON
    var created: UInt32
    var updated: UInt32
    var isDeleted = false
}

/// The value of one custom field of one account or deal. Multiple values are JSON arrays here, money is in cents.
struct CampaignCustomDatumRow {
    var owner: UInt32
    var field: UInt32
    var value: CampaignJSON
    var currency: CampaignJSON
    var created: UInt32
    var updated: UInt32
    var isDeleted = false
}

/// Custom fields of accounts or of deals with their values.
struct CampaignCustomFieldTable {
    var metas: [CampaignCustomFieldRow] = []
    var data: [CampaignCustomDatumRow] = []
    private var byOwner: [UInt32: [UInt32]] = [:]

    var liveMetaIDs: [UInt32] { metas.indices.filter { !metas[$0].isDeleted }.map { UInt32($0 + 1) } }

    var liveDataIDs: [UInt32] { data.indices.filter { !data[$0].isDeleted }.map { UInt32($0 + 1) } }

    func hasMeta(_ id: UInt32) -> Bool { id >= 1 && id <= metas.count && !metas[Int(id - 1)].isDeleted }

    func hasDatum(_ id: UInt32) -> Bool { id >= 1 && id <= data.count && !data[Int(id - 1)].isDeleted }

    /// The values of one owner.
    func dataIDs(of owner: UInt32) -> [UInt32] { (byOwner[owner] ?? []).filter { hasDatum($0) } }

    /// Whether a value fits the field's type; ActiveCampaign checks dates and numbers.
    func accepts(_ value: CampaignJSON, for field: UInt32) -> Bool {
        guard value != .null, value.text != "" else { return true }
        switch metas[Int(field - 1)].type {
        case "date": return isDate(value.text, letters: 10)
        case "datetime": return isDate(value.text, letters: nil)
        case "number", "currency": return value.text.flatMap { Double($0) } != nil
        case "multiselect", "checkbox": return value.elements != nil || value.text != nil
        default: return value.text != nil
        }
    }

    private func isDate(_ text: String?, letters: Int?) -> Bool {
        guard let text else { return false }
        return (letters == nil || text.count == letters)
            && CampaignInstant.parse(text, zone: CampaignZone.named("UTC"), naiveIsUTC: true) != nil
    }

    /// Adds a definition without options and defaults.
    mutating func addMeta(label: String, type: String, at now: UInt32) {
        metas.append(
            CampaignCustomFieldRow(
                label: label, type: type, options: [], defaultValue: .null, currency: .null, created: now, updated: now)
        )
    }

    /// Sets a value, replacing one of the same owner and field; gives the datum's id.
    mutating func set(
        owner: UInt32, field: UInt32, value: CampaignJSON, currency: CampaignJSON, at now: UInt32
    ) -> UInt32 {
        if let known = dataIDs(of: owner).first(where: { data[Int($0 - 1)].field == field }) {
            data[Int(known - 1)].value = value
            data[Int(known - 1)].currency = currency
            data[Int(known - 1)].updated = now
            return known
        }
        data.append(
            CampaignCustomDatumRow(
                owner: owner, field: field, value: value, currency: currency, created: now, updated: now))
        byOwner[owner, default: []].append(UInt32(data.count))
        return UInt32(data.count)
    }
}
