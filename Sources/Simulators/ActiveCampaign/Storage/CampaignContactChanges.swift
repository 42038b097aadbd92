import Foundation

/// What a request, an import or a person wants a contact to be. Nil and missing mean: leave it.
struct CampaignContactDraft {
    var email: String?
    var firstName: String?
    var lastName: String?
    var phone: String?
    var values: [(field: UInt32, value: String)] = []
    /// Currencies of money values, by field.
    var currencies: [UInt32: String] = [:]
}

/// Why a contact cannot be written.
enum CampaignContactFault {
    case missingEmail
    case invalidEmail
    case duplicateEmail
    case contactLimit
}

extension CampaignState {
    // MARK: - Creating and changing

    /// What stands against creating this contact.
    func faultOfCreating(_ draft: CampaignContactDraft) -> CampaignContactFault? {
        guard let email = draft.email, !email.isEmpty else { return .missingEmail }
        guard Self.isEmail(email) else { return .invalidEmail }
        if contacts.find(email: email) != nil { return .duplicateEmail }
        if let limit = options.contactLimit, contacts.count >= limit { return .contactLimit }
        return nil
    }

    /// What stands against changing this contact.
    func faultOfChanging(_ id: UInt32, to draft: CampaignContactDraft) -> CampaignContactFault? {
        guard let email = draft.email else { return nil }
        if email.isEmpty { return .missingEmail }
        guard Self.isEmail(email) else { return .invalidEmail }
        if let other = contacts.find(email: email), other != id { return .duplicateEmail }
        return nil
    }

    /// Creates a contact that ``faultOfCreating(_:)`` lets through.
    mutating func createContact(_ draft: CampaignContactDraft) -> UInt32 {
        let row = CampaignContactRow(
            email: draft.email ?? "", firstName: draft.firstName ?? "", lastName: draft.lastName ?? "",
            phone: draft.phone ?? "", cdate: now)
        let id = contacts.insert(row, udate: now)
        for value in draft.values {
            _ = setValue(of: id, field: value.field, to: value.value, currency: draft.currencies[value.field])
        }
        if source != .api || options.createFiresUpdate { emit(.update, contact: id) }
        return id
    }

    /// Changes what the draft names of a living contact. Its `udate` moves if something changed, or in any case with
    /// `movesUpdateTime`.
    mutating func changeContact(_ id: UInt32, to draft: CampaignContactDraft, movesUpdateTime: Bool = true) {
        var isChanged = false
        if let email = draft.email, email != contacts[id].email {
            contacts.changeEmail(of: id, to: email)
            isChanged = true
        }
        isChanged = change(id, \.firstName, to: draft.firstName) || isChanged
        isChanged = change(id, \.lastName, to: draft.lastName) || isChanged
        isChanged = change(id, \.phone, to: draft.phone) || isChanged
        for value in draft.values {
            let set = setValue(of: id, field: value.field, to: value.value, currency: draft.currencies[value.field])
            isChanged = set.isChanged || isChanged
        }
        guard isChanged || movesUpdateTime else { return }
        contacts.touch(id, at: now)
        emit(.update, contact: id)
    }

    private mutating func change(
        _ id: UInt32, _ path: WritableKeyPath<CampaignContactRow, String>, to text: String?
    ) -> Bool {
        guard let text, text != contacts[id][keyPath: path] else { return false }
        contacts[id][keyPath: path] = text
        return true
    }

    /// Deletes a living contact with all that hangs on it. No webhook exists for this.
    mutating func deleteContact(_ id: UInt32) {
        for tagging in Array(taggings.chain(from: contacts[id].firstTag)) {
            tags.detach(id, from: taggings[tagging].tag)
            taggings[tagging].contact = 0
        }
        for value in Array(values.chain(from: contacts[id].firstValue)) {
            values[value].contact = 0
            values[value].value = ""
            currencies[value] = nil
        }
        anonymized.remove(id)
        for membership in Array(memberships.chain(from: contacts[id].firstMembership)) {
            memberships[membership].contact = 0
        }
        automations.forget(contact: id)
        customers.unlink(contact: id)
        contacts.remove(id)
    }

    // MARK: - Field values

    /// The row that holds a contact's value of a field.
    func valueID(of contact: UInt32, field: UInt32) -> UInt32? {
        values.chain(from: contacts[contact].firstValue).first { values[$0].field == field }
    }

    /// Sets one value; unknown fields are ignored. `""` leaves a row with an empty value.
    mutating func setValue(
        of contact: UInt32, field: UInt32, to text: String, currency: String? = nil
    ) -> (id: UInt32, isChanged: Bool) {
        guard fields.contains(field) else { return (0, false) }
        let set = setText(of: contact, field: field, to: text)
        guard let currency, fields[field].type == ActiveCampaignFieldType.currency.rawValue,
            currencies[set.id] != currency
        else { return set }
        currencies[set.id] = currency
        return (set.id, true)
    }

    private mutating func setText(
        of contact: UInt32, field: UInt32, to text: String
    ) -> (id: UInt32, isChanged: Bool) {
        let text = storedValue(text, type: fields[field].type)
        if let id = valueID(of: contact, field: field) {
            let isChanged = values[id].value != text
            if isChanged {
                values[id].value = text
                values[id].udate = now
            }
            return (id, isChanged)
        }
        let row = CampaignValueRow(contact: contact, field: field, cdate: now, udate: now, value: text)
        var first = contacts[contact].firstValue
        let id = values.append(row, toChain: &first)
        contacts[contact].firstValue = first
        return (id, true)
    }

    /// Removes a value row; the contact then never had the field.
    mutating func removeValue(_ id: UInt32) {
        let contact = values[id].contact
        var first = contacts[contact].firstValue
        values.remove(id, fromChain: &first)
        contacts[contact].firstValue = first
        values[id].value = ""
        currencies[id] = nil
        contacts.touch(contact, at: now)
        emit(.update, contact: contact)
    }

    /// Date and time fields are kept in the account's zone; all other text is kept as it came.
    private func storedValue(_ text: String, type: String) -> String {
        guard type == ActiveCampaignFieldType.datetime.rawValue,
            let epoch = CampaignInstant.parse(text, zone: zone, naiveIsUTC: false), epoch >= 0, epoch < Int(UInt32.max)
        else { return text }
        return zone.stamp(UInt32(epoch))
    }

    // MARK: - Tags

    /// The association of a contact with a tag.
    func taggingID(of contact: UInt32, tag: UInt32) -> UInt32? {
        taggings.chain(from: contacts[contact].firstTag).first { taggings[$0].tag == tag }
    }

    /// Tags a contact. Both the contact's and the tag's stamps move, as live.
    mutating func addTag(_ tag: UInt32, to contact: UInt32) -> (id: UInt32, isNew: Bool) {
        if let id = taggingID(of: contact, tag: tag) { return (id, false) }
        var first = contacts[contact].firstTag
        let row = CampaignTaggingRow(contact: contact, tag: tag, cdate: now, udate: now)
        let id = taggings.append(row, toChain: &first)
        contacts[contact].firstTag = first
        tags.attach(contact, to: tag)
        tags[tag].udate = now
        contacts.touch(contact, at: now)
        emit(.contactTagAdded, contact: contact, tag: tags[tag].name)
        return (id, true)
    }

    /// Tags a contact by name, making the tag if need be.
    mutating func addTag(named name: String, to contact: UInt32) {
        let tag = tags.find(name) ?? tags.insert(name: name, at: now)
        _ = addTag(tag, to: contact)
    }

    /// Takes a tag off by its association.
    mutating func removeTagging(_ id: UInt32) {
        let row = taggings[id]
        var first = contacts[row.contact].firstTag
        taggings.remove(id, fromChain: &first)
        contacts[row.contact].firstTag = first
        tags.detach(row.contact, from: row.tag)
        contacts.touch(row.contact, at: now)
        emit(.contactTagRemoved, contact: row.contact, tag: tags[row.tag].name)
    }

    /// Deletes a tag and takes it off everybody.
    mutating func deleteTag(_ tag: UInt32) {
        for contact in options.tagDeleteRemovesAssociations ? tags[tag].contacts : [] {
            if let id = taggingID(of: contact, tag: tag) { removeTagging(id) }
        }
        tags.remove(tag, keepingName: options.deletedTagNameStaysTaken)
    }

    // MARK: - Addresses

    /// The importer's and the contact API's idea of an e-mail address.
    static func isEmail(_ text: String) -> Bool {
        let parts = text.split(separator: "@", omittingEmptySubsequences: false)
        guard parts.count == 2, let local = parts.first, let domain = parts.last,
            text.utf8.count <= SimulatorsLimits.ActiveCampaign.emailLetters
        else { return false }
        let isClean = text.unicodeScalars.allSatisfy {
            $0.value > 0x20 && $0 != "," && $0 != ";" && $0 != "<" && $0 != ">"
        }
        return isClean && !local.isEmpty && domain.contains(".") && !domain.hasPrefix(".") && !domain.hasSuffix(".")
            && !domain.contains("..")
    }
}
