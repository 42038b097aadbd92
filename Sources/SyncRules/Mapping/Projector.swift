/// Reads records of both sides into canonical projections, by one object's mappings.
package struct Projector: Sendable {
    /// The object's effective mappings, ordered by Salesforce field.
    package let mappings: [FieldMapping]
    private let byField: [String: FieldMapping]

    /// Makes a projector.
    /// - Parameter mappings: `FieldMapping.effective(rows:for:)` of one object.
    package init(mappings: [FieldMapping]) {
        self.mappings = mappings
        byField = Dictionary(mappings.map { ($0.salesforceField, $0) }, uniquingKeysWith: { first, _ in first })
    }

    /// The mapping of a Salesforce field.
    package func mapping(of field: String) -> FieldMapping? { byField[field] }

    /// The Salesforce fields a query must ask for.
    package var salesforceFields: [String] { mappings.map(\.salesforceField) }

    /// Whether some field is written only while its target is blank: such a write must know what the target holds.
    package var fillsBlanks: Bool { mappings.contains { $0.updateMode == .fillBlank } }

    /// What ActiveCampaign holds, in canonical form.
    package func project(_ contact: ActiveCampaignContact) -> Projection {
        project { mapping in
            let text = contact.fields[mapping.activeCampaignField.description]
            // A contact that was never on a list says nothing of e-mail.
            if mapping.activeCampaignField == .optOut, text == nil { return .absent }
            return mapping.canonical(activeCampaign: text)
        }
    }

    /// What an ActiveCampaign account holds, in canonical form, without what we added to its name (R72).
    /// - Parameter recordID: the Salesforce account it is linked to, or about to be.
    package func project(_ account: ActiveCampaignAccount, of recordID: String) -> Projection {
        project { mapping in
            // Custom values come by a call of their own: what was not read says nothing.
            guard let text = account.fields[mapping.activeCampaignField.description] else { return .absent }
            let isName = mapping.activeCampaignField == .accountName
            return mapping.canonical(
                activeCampaign: isName ? AccountNameRules.salesforceName(of: text, recordID: recordID) : text)
        }
    }

    /// What Salesforce holds, in canonical form; fields the answer did not have stay absent.
    package func project(_ record: SalesforceRecord) -> Projection {
        project { mapping in
            record.fields[mapping.salesforceField].map(mapping.canonical(salesforce:)) ?? .absent
        }
    }

    private func project(_ read: (FieldMapping) -> FieldValue) -> Projection {
        Projection(
            values: Dictionary(
                mappings.map { ($0.salesforceField, read($0)) }, uniquingKeysWith: { first, _ in first }))
    }
}
