/// What a new Salesforce record is made of (R15, R16, R20, D2), and when an existing one is taken instead (R19, D3).
extension OutboundRules {
    /// The fields of a record to be created for a contact.
    ///
    /// LastName falls back to the local part of the address and Company to the tenant's setting; fallbacks are written on
    /// creation only and never flow back (R20, D2).
    package func creation(
        of object: ObjectKind, for contact: ActiveCampaignContact
    ) -> (write: FieldWrite, fallbacks: [String: SalesforceFieldValue]) {
        let projector = projector(of: object)
        let projection = projector.project(contact)
        let filled = projection.values.filter { !$0.value.isBlank }.keys.sorted()
        let write = projector.write(
            projection, changed: filled, to: .salesforce, target: nil, clearsBlanks: settings.clearsBlanks)
        var fallbacks: [String: SalesforceFieldValue] = [:]
        if write.projection.values["LastName"] == nil {
            fallbacks["LastName"] = .string(contact.email?.localPart ?? "Unknown")
        }
        if object == .lead, write.projection.values["Company"] == nil {
            fallbacks["Company"] = .string(settings.companyFallback)
        }
        if write.projection.values["Email"] == nil, let email = contact.email {
            fallbacks["Email"] = .string(email.normalized)
        }
        return (write, fallbacks)
    }

    /// The existing record a create action links to instead of creating (R19): contacts before leads, unconverted leads
    /// only, the most recently modified of several, never one that belongs to another contact (D3).
    /// - Parameters:
    ///   - candidates: records found by the contact's address.
    ///   - taken: ids of records linked to other contacts.
    /// - Returns: the record, and whether there were several to choose from; nil when a new record is to be made.
    package static func match(
        candidates: [SalesforceRecord], taken: Set<String>
    ) -> (record: SalesforceRecord, isAmbiguous: Bool)? {
        let usable = candidates.filter { !$0.isDeleted && !$0.isConverted && !taken.contains($0.id) }
        let contacts = usable.filter { $0.object == .contact }
        let pool = contacts.isEmpty ? usable.filter { $0.object == .lead } : contacts
        let newest = pool.max { ($0.modifiedAt, $1.id) < ($1.modifiedAt, $0.id) }
        return newest.map { ($0, pool.count > 1) }
    }
}
