/// Relations that a client may have added to a page of contacts.
struct CampaignSideloads: OptionSet {
    let rawValue: Int
    static let fieldValues = CampaignSideloads(rawValue: 1)
    static let contactTags = CampaignSideloads(rawValue: 2)
    static let tags = CampaignSideloads(rawValue: 4)
    static let contactLists = CampaignSideloads(rawValue: 8)
    static let contactAutomations = CampaignSideloads(rawValue: 16)
    static let accountContacts = CampaignSideloads(rawValue: 32)
    static let fields = CampaignSideloads(rawValue: 64)

    /// Reads `include=`; names nobody knows are ignored.
    init(include: String) {
        var loads: CampaignSideloads = []
        for name in include.split(separator: ",") {
            switch name {
            case "fieldValues": loads.insert(.fieldValues)
            case "fieldValues.field": loads.insert([.fieldValues, .fields])
            case "contactTags": loads.insert(.contactTags)
            case "contactTags.tag": loads.insert([.contactTags, .tags])
            case "contactLists": loads.insert(.contactLists)
            case "contactAutomations": loads.insert(.contactAutomations)
            case "accountContacts": loads.insert(.accountContacts)
            case "fields": loads.insert(.fields)
            default: break
            }
        }
        self = loads
    }

    init(rawValue: Int) {
        self.rawValue = rawValue
    }
}

extension CampaignJSONWriter {
    /// A stamp with the account's offset.
    mutating func member(_ name: StaticString, stamp epoch: UInt32, _ zone: CampaignZone) {
        key(name)
        plainString { zone.appendStamp(epoch, to: &$0) }
    }

    /// The account's wall clock.
    mutating func member(_ name: StaticString, naive epoch: UInt32, _ zone: CampaignZone) {
        key(name)
        plainString { zone.appendNaiveStamp(epoch, to: &$0) }
    }

    /// An array of ids as strings.
    mutating func member(_ name: StaticString, ids: some Sequence<UInt32>) {
        key(name)
        beginArray()
        for id in ids { identifier(id) }
        endArray()
    }
}

extension CampaignState {
    /// The links of a contact: name and the end of the path.
    private static let contactLinks: [(StaticString, String)] = [
        ("bounceLogs", "bounceLogs"), ("contactAutomations", "contactAutomations?limit=2500&orders%5Blastdate%5D=DESC"),
        ("contactData", "contactData"), ("contactGoals", "contactGoals"), ("contactLists", "contactLists"),
        ("contactLogs", "contactLogs"), ("contactTags", "contactTags"), ("contactDeals", "contactDeals"),
        ("deals", "deals"), ("fieldValues", "fieldValues"), ("geoIps", "geoIps"), ("notes", "notes"),
        ("organization", "organization"), ("plusAppend", "plusAppend"), ("trackingLogs", "trackingLogs"),
        ("scoreValues", "scoreValues"), ("accountContacts", "accountContacts"),
        ("automationEntryCounts", "automationEntryCounts"),
    ]

    /// Writes the long object of a contact (3.1), with the ids of what is sideloaded.
    func writeContact(_ id: UInt32, _ loads: CampaignSideloads = [], to writer: inout CampaignJSONWriter) {
        let row = contacts[id]
        let udate = contacts.udate(of: id)
        writer.beginObject()
        writeNames(row, id, udate: udate, to: &writer)
        writer.fixedMembers(
            """
            "segmentio_id":"","bounced_hard":"0","bounced_soft":"0","bounced_date":null,"ip":"0","ua":null,\
            "socialdata_lastcheck":null,"email_local":"","sentcnt":"0","rating_tstamp":null,"gravatar":"0",\
            "deleted":"0",\
            "adate":null,"edate":null,"deleted_at":null,"created_by":null,"updated_by":null,\
            "mpp_tracking":"0","last_click_date":null,"last_open_date":null,"last_mpp_open_date":null,\
            "best_send_hour":null,\
            "sms_consent":null,"sms_consent_updated_at":null,"whatsapp_id":null,"whatsapp_username":null,\
            "scoreValues":[]
            """)
        writer.member("anonymized", anonymized.contains(id) ? "1" : "0")
        writer.member("hash", CampaignRandom.hex(options.seed, UInt64(id)))
        writer.member("email_domain", String(row.email.drop { $0 != "@" }.dropFirst()))
        writer.member("created_utc_timestamp", naive: row.cdate, zone)
        writer.member("updated_utc_timestamp", naive: udate, zone)
        writer.member("created_timestamp", naive: row.cdate, zone)
        writer.member("updated_timestamp", naive: udate, zone)
        writer.member("accountContacts", ids: customers.association(of: id).map { [$0] } ?? [])
        writeSideloadIDs(id, row, loads, to: &writer)
        writeIdentity(id, to: &writer)
        writer.endObject()
    }

    /// Writes the short object that a create answers.
    func writeShortContact(_ id: UInt32, to writer: inout CampaignJSONWriter) {
        writer.beginObject()
        writeNames(contacts[id], id, udate: contacts.udate(of: id), to: &writer)
        writer.fixedMembers(#""email_empty":false"#)
        writeSideloadIDs(id, contacts[id], .fieldValues, to: &writer)
        writeIdentity(id, to: &writer)
        writer.endObject()
    }

    private func writeNames(
        _ row: CampaignContactRow, _ id: UInt32, udate: UInt32, to writer: inout CampaignJSONWriter
    ) {
        writer.member("cdate", stamp: row.cdate, zone)
        writer.member("email", row.email)
        writer.member("phone", row.phone)
        writer.member("firstName", row.firstName)
        writer.member("lastName", row.lastName)
        writer.member("orgid", id: customers.account(of: id) ?? 0)
        writer.member("orgname", customers.account(of: id).map { customers.accounts[$0].name } ?? "")
        writer.member("udate", stamp: udate, zone)
    }

    private func writeIdentity(_ id: UInt32, to writer: inout CampaignJSONWriter) {
        let root = "\(baseURL)/contacts/\(id)/"
        writer.key("links")
        writer.beginObject()
        for (name, end) in Self.contactLinks {
            writer.key(name)
            writer.plainString {
                $0.append(contentsOf: root.utf8)
                $0.append(contentsOf: end.utf8)
            }
        }
        writer.endObject()
        writer.member("id", id: id)
        writer.member("organization", optional: customers.account(of: id).map { String($0) })
    }

    private func writeSideloadIDs(
        _ id: UInt32, _ row: CampaignContactRow, _ loads: CampaignSideloads, to writer: inout CampaignJSONWriter
    ) {
        if loads.contains(.fieldValues) { writer.member("fieldValues", ids: values.chain(from: row.firstValue)) }
        if loads.contains(.contactTags) { writer.member("contactTags", ids: taggings.chain(from: row.firstTag)) }
        if loads.contains(.contactLists) {
            writer.member("contactLists", ids: memberships.chain(from: row.firstMembership))
        }
        if loads.contains(.contactAutomations) {
            writer.member("contactAutomations", ids: (automations.entries[id] ?? []).map(\.id))
        }
    }

    // MARK: - Sideloaded arrays

    /// Writes the top-level arrays of what a page asked for.
    func writeSideloads(_ loads: CampaignSideloads, of ids: [UInt32], to writer: inout CampaignJSONWriter) {
        if loads.contains(.fieldValues) { writeValues(of: ids, to: &writer) }
        if loads.contains(.contactTags) { writeTaggings(of: ids, alsoTags: loads.contains(.tags), to: &writer) }
        if loads.contains(.contactLists) { writeMemberships(of: ids, to: &writer) }
        if loads.contains(.contactAutomations) {
            writer.member("contactAutomations", .array(ids.flatMap { automationJSON(of: $0) }))
        }
        if loads.contains(.accountContacts) {
            let rows = ids.compactMap { customers.association(of: $0) }
            writer.member("accountContacts", .array(rows.map { accountContactJSON($0) }))
        }
        if loads.contains(.fields) { writer.member("fields", .array(fields.liveIDs.map { fieldJSON($0) })) }
    }

    /// Writes `fieldValues` of some contacts.
    func writeValues(of ids: [UInt32], to writer: inout CampaignJSONWriter) {
        writer.key("fieldValues")
        writer.beginArray()
        for id in ids {
            for value in values.chain(from: contacts[id].firstValue) { writeValue(value, to: &writer) }
        }
        writer.endArray()
    }

    /// Writes one row of `fieldValues`.
    func writeValue(_ id: UInt32, to writer: inout CampaignJSONWriter) {
        let row = values[id]
        writer.beginObject()
        writer.member("contact", id: row.contact)
        writer.member("field", id: row.field)
        writeMoney(row.value, currency: currencies.isEmpty ? nil : currencies[id], to: &writer)
        writer.member("cdate", stamp: row.cdate, zone)
        writer.member("udate", stamp: row.udate, zone)
        writer.fixedMembers(#""created_by":null,"updated_by":null"#)
        writer.member("id", id: id)
        writer.member("owner", id: row.contact)
        writer.endObject()
    }

    /// Writes a value, with its currency where it has one, in the account's shape.
    private func writeMoney(_ value: String, currency: String?, to writer: inout CampaignJSONWriter) {
        guard let currency else { return writer.member("value", value) }
        switch options.currencyShape {
        case .nested: writer.member("value", ["value": .string(value), "currency": .string(currency)])
        case .currency, .fieldCurrency, .none:
            writer.member("value", value)
            if options.currencyShape == .currency { writer.member("currency", currency) }
            if options.currencyShape == .fieldCurrency { writer.member("fieldCurrency", currency) }
        }
    }

    /// Writes one row of `contactTags`.
    func writeTagging(_ id: UInt32, to writer: inout CampaignJSONWriter) {
        let row = taggings[id]
        writer.beginObject()
        writer.member("contact", id: row.contact)
        writer.member("tag", id: row.tag)
        writer.member("cdate", stamp: row.cdate, zone)
        writer.member("created_timestamp", naive: row.cdate, zone)
        writer.member("updated_timestamp", naive: row.udate, zone)
        writer.fixedMembers(#""created_by":null,"updated_by":null"#)
        let root = "\(baseURL)/contactTags/\(id)/"
        writer.member("links", ["tag": .string(root + "tag"), "contact": .string(root + "contact")])
        writer.member("id", id: id)
        writer.endObject()
    }

    private func writeTaggings(of ids: [UInt32], alsoTags: Bool, to writer: inout CampaignJSONWriter) {
        var used: Set<UInt32> = []
        writer.key("contactTags")
        writer.beginArray()
        for id in ids {
            for tagging in taggings.chain(from: contacts[id].firstTag) {
                used.insert(taggings[tagging].tag)
                writeTagging(tagging, to: &writer)
            }
        }
        writer.endArray()
        guard alsoTags else { return }
        writer.member("tags", .array(used.sorted().filter { tags.contains($0) }.map { tagJSON($0) }))
    }

    /// Writes `contactLists` of some contacts.
    func writeMemberships(of ids: [UInt32], to writer: inout CampaignJSONWriter) {
        writer.key("contactLists")
        writer.beginArray()
        for id in ids {
            for membership in memberships.chain(from: contacts[id].firstMembership) {
                writer.value(membershipJSON(membership))
            }
        }
        writer.endArray()
    }
}
