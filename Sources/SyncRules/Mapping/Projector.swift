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

    /// What ActiveCampaign holds, in canonical form.
    package func project(_ contact: ActiveCampaignContact) -> Projection {
        project { mapping throws(UnreadableValue) in
            try mapping.canonical(activeCampaign: contact.fields[mapping.activeCampaignField.description])
        }
    }

    /// What Salesforce holds, in canonical form; fields the answer did not have stay absent.
    package func project(_ record: SalesforceRecord) -> Projection {
        project { mapping throws(UnreadableValue) in
            guard let value = record.fields[mapping.salesforceField] else { return .absent }
            return try mapping.canonical(salesforce: value)
        }
    }

    private func project(_ read: (FieldMapping) throws(UnreadableValue) -> FieldValue) -> Projection {
        var projection = Projection()
        for mapping in mappings {
            do {
                projection.values[mapping.salesforceField] = try read(mapping)
            } catch {
                projection.values[mapping.salesforceField] = .absent
                projection.unreadable.insert(mapping.salesforceField)
            }
        }
        return projection
    }
}
