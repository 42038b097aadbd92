import Foundation

/// Who has the word on one field that changed on both sides since they agreed, where the mapping's mode decides by field
/// and not by record (R63, T27): every mode ends in a write to one side, or in a decision that names the field.
extension UpdateMode {
    /// Whether a pull must know what ActiveCampaign holds before it writes a field there.
    package var weighsBothSides: Bool { self == .activeCampaignWins || self == .newestField }
}

extension FieldMapping {
    /// Whether a pull must know what ActiveCampaign holds before it writes the field there.
    package var weighsBothSides: Bool { updateMode.weighsBothSides }

    /// Whether a change of the field in ActiveCampaign stands against what Salesforce holds.
    /// - Parameters:
    ///   - isContradicted: whether Salesforce changed the field as well.
    ///   - isBlankThere: whether Salesforce holds a blank.
    ///   - changedHere: when the contact changed; nil when it is not known.
    ///   - changedThere: when the record changed.
    func standsInActiveCampaign(
        isContradicted: Bool, isBlankThere: Bool, changedHere: Date?, changedThere: Date
    ) -> Bool {
        switch updateMode {
        case .activeCampaignWins: true
        case .newestField: !isContradicted || changedHere.map { $0 > changedThere } ?? false
        case .salesforceUnlessBlank: !isContradicted && isBlankThere
        // R54: by record, and Salesforce's record has won already.
        case .always, .fillBlank, .toActiveCampaign, .toSalesforce, .never: false
        }
    }
}

extension InboundChange {
    /// Contested fields that the pull leaves to ActiveCampaign, and those among them whose change in Salesforce is lost.
    func standing(by projector: Projector, changedHere: Date?) -> (fields: Set<String>, lost: Set<String>) {
        var (fields, lost) = (Set<String>(), Set<String>())
        for field in link.contested(in: projection) where foreign.contains(field) {
            let isContradicted = !(link.recordFingerprint?.agrees(with: projection[field], in: field) ?? false)
            guard let mapping = projector.mapping(of: field), mapping.writes(to: .salesforce),
                mapping.standsInActiveCampaign(
                    isContradicted: isContradicted, isBlankThere: projection[field].isBlank, changedHere: changedHere,
                    changedThere: record.modifiedAt)
            else { continue }
            fields.insert(field)
            if isContradicted { lost.insert(field) }
        }
        return (fields, lost)
    }
}

extension Link {
    /// Whether a pull of this record must read its contact first.
    package func mustBeWeighed(_ record: Projection, by projector: Projector) -> Bool {
        let outstanding = (recordFingerprint ?? Fingerprint()).outstandingFields(in: record)
        return outstanding.contains { projector.mapping(of: $0)?.weighsBothSides ?? false }
    }

    /// The link as a pull is to see it: what the contact changed of such fields since it was last looked at is contested.
    /// - Parameter contactEchoes: unsettled writes of ours to the contact; what agrees with one is no change of its own.
    package func weighed(
        _ record: Projection, against contact: Projection, by projector: Projector, contactEchoes: [Fingerprint]
    ) -> Link {
        var known = contactFingerprint ?? Fingerprint()
        var theirs = recordFingerprint ?? Fingerprint()
        for field in theirs.outstandingFields(in: record) {
            guard projector.mapping(of: field)?.weighsBothSides ?? false,
                !known.agrees(with: contact[field], in: field),
                !contactEchoes.contains(where: { $0.records(field) && $0.agrees(with: contact[field], in: field) })
            else { continue }
            known.record(contact, fields: [field])
            known.owe([field])
            theirs.owe([field])
        }
        var link = self
        link.contactFingerprint = known
        link.recordFingerprint = theirs
        return link
    }
}
