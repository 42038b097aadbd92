/// A record to be created for a contact (R15, R16).
package struct RecordCreation: Sendable, Hashable {
    /// The mapped fields.
    package var write: FieldWrite
    /// Fields Salesforce demands and the contact does not have: written on creation only (R20, D2).
    package var fallbacks: [String: SalesforceFieldValue]
    /// Whether the record is a person account (R51).
    package var isPerson = false
}

/// What a new Salesforce record is made of (R15, R16, R20, D2).
extension OutboundRules {
    /// The fields of a record to be created for a contact.
    ///
    /// LastName falls back to the local part of the address; Company to the name of the contact's account, then to the
    /// tenant's setting (R20). Owner and record type are the tenant's options (R21).
    /// - Parameters:
    ///   - accountName: the name of the contact's ActiveCampaign account.
    ///   - accountRecordID: the Salesforce account that a created contact is to belong to (R73).
    package func creation(
        of object: ObjectKind, for contact: ActiveCampaignContact, accountName: String? = nil,
        accountRecordID: String? = nil
    ) -> RecordCreation {
        let projector = projector(of: object)
        let projection = projector.project(contact)
        let filled = projection.values.filter { !$0.value.isBlank }.keys.sorted()
        let write = projector.write(
            projection, changed: filled, to: .salesforce, target: Fingerprint(), clearsBlanks: settings.clearsBlanks)
        var fallbacks: [String: SalesforceFieldValue] = [:]
        if write.projection.values["LastName"] == nil {
            fallbacks["LastName"] = .string(contact.email?.localPart ?? "Unknown")
        }
        if object == .lead, write.projection.values["Company"] == nil, let company = company(accountName) {
            fallbacks["Company"] = .string(company)
        }
        let isPerson = object == .contact && hasPersonAccounts && asksForPerson(contact.tags)
        if object == .contact, !isPerson, write.projection.values["AccountId"] == nil, let accountRecordID {
            fallbacks["AccountId"] = .string(accountRecordID)
        }
        fallbacks.merge(options(of: object, isPerson: isPerson)) { mapped, _ in mapped }
        if write.projection.values["Email"] == nil, let email = contact.email {
            fallbacks["Email"] = .string(email.normalized)
        }
        return RecordCreation(write: write, fallbacks: fallbacks, isPerson: isPerson)
    }

    /// The company of a lead that has none; nil where a lead may go without, and becomes a person account (R70).
    private func company(_ accountName: String?) -> String? {
        let name = accountName.map { String($0.trimmed.prefix(SyncRulesLimits.accountNameLength)) } ?? ""
        if !name.isEmpty { return name }
        return hasPersonAccounts && settings.allowsLeadsWithoutCompany ? nil : settings.companyFallback
    }

    /// R21, R22: owner and record type of a created record.
    private func options(of object: ObjectKind, isPerson: Bool) -> [String: SalesforceFieldValue] {
        let recordType =
            isPerson
            ? settings.personAccountRecordTypeID
            : object == .lead ? settings.leadRecordTypeID : settings.contactRecordTypeID
        var options: [String: SalesforceFieldValue] = [:]
        options["OwnerId"] = settings.ownerID.map(SalesforceFieldValue.string)
        options["RecordTypeId"] = recordType.map(SalesforceFieldValue.string)
        return options
    }

    /// What a created record will hold, fallbacks included: for the echo ledger before it is sent (T10, T17), and for the
    /// link after. The fallbacks count as known, so that no pull takes them for a change (D2).
    package func fingerprint(of creation: RecordCreation, _ object: ObjectKind) -> Fingerprint {
        var projection = creation.write.projection
        for (field, value) in creation.fallbacks {
            projection.values[field] = projector(of: object).mapping(of: field)?.canonical(salesforce: value)
        }
        return Fingerprint(projection)
    }

    /// The link of a created record.
    package func link(
        of object: ObjectKind, recordID: String, for contact: ActiveCampaignContact, after creation: RecordCreation
    ) -> Link {
        Link(
            contactID: contact.id, object: object, recordID: recordID, emailHash: contact.email?.hash ?? [],
            contactFingerprint: Fingerprint(projector(of: object).project(contact)),
            recordFingerprint: fingerprint(of: creation, object), origin: .outbound)
    }
}
