/// What Salesforce holds of a linked record at the moment of an outbound write.
package enum SalesforceState: Sendable, Hashable {
    /// The org has the Salesforce package: it refuses a write to a waiting record itself, so nothing is read first.
    case guardedByPackage
    /// What was just read, in canonical form.
    case read(Projection, status: SyncStatus?)
    /// The record is not there any more, or not visible.
    case gone
}

/// Who wins (R53–R56).
package enum ConflictVerdict: Sendable, Hashable {
    /// The ActiveCampaign change is applied (R56).
    case write
    /// Salesforce already holds what would be written: nothing is spent.
    case alreadyThere
    /// The whole change set of the record is dropped; Salesforce's values follow with the next pull (R53, R54, R55).
    case salesforceWins
    /// The record is gone (R89).
    case missing
}

extension OutboundRules {
    /// Decides one record's conflict, per record and not per field (R54).
    /// - Parameters:
    ///   - write: what the batch wants to write.
    ///   - link: the record's link.
    ///   - state: what Salesforce holds.
    ///   - echoes: fingerprints of writes of ours whose outcome was never committed; what agrees with one is our own
    ///     write, not a Salesforce change (R58, T10).
    package func verdict(
        of write: FieldWrite, link: Link, state: SalesforceState, echoes: [Fingerprint]
    ) -> ConflictVerdict {
        switch state {
        case .guardedByPackage:
            return write.isEmpty ? .alreadyThere : .write
        case .gone:
            return .missing
        case .read(let held, let status):
            if write.projection.values.allSatisfy({ held[$0.key] == $0.value }) { return .alreadyThere }
            // Where ActiveCampaign is never written to, Salesforce's change has nowhere to go and can't win.
            guard settings.direction.writes(to: .activeCampaign) else { return .write }
            if status == .waiting || hasForeignChange(held, link: link, echoes: echoes) { return .salesforceWins }
            return .write
        }
    }

    /// Whether somebody but us changed a field in Salesforce that ActiveCampaign is still to get. Formulas change by
    /// themselves (R59), and a field that never flows to ActiveCampaign has no say (R63), nor has one
    /// whose mapping is being re-evaluated (T21).
    private func hasForeignChange(_ held: Projection, link: Link, echoes: [Fingerprint]) -> Bool {
        guard let agreed = link.recordFingerprint else { return false }
        let projector = projector(of: link.object)
        return agreed.changedFields(in: held).contains { field in
            guard let mapping = projector.mapping(of: field), mapping.writes(to: .activeCampaign),
                !mapping.salesforceType.isFormula, !(paused[link.object]?.contains(field) ?? false)
            else { return false }
            return !echoes.contains { $0.records(field) && $0.agrees(with: held[field], in: field) }
        }
    }
}
