package import Foundation

/// What an inbound pull does with one Salesforce record.
package enum InboundIntent: Sendable, Hashable {
    /// Nothing is written, nothing changes; why, and by which rule.
    case drop(DecisionCode, reason: String)
    /// Nothing is written to ActiveCampaign; the link is stored as it stands here and, where the org has the status
    /// fields, the record's status is written back (R52). Code and rule say why nothing was written.
    case acknowledge(Link, DecisionCode, reason: String)
    /// The record's mapped values go to the linked contact; the link is as it will be once they are accepted. A write of
    /// nothing says of each field that changed why it stays away.
    case update(Link, FieldWrite)
    /// A contact is made, or the one with this address is taken, and tagged (R43).
    case create(EmailAddress, FieldWrite)
    /// The record carries the id of an ActiveCampaign contact it was created for, but the link was never stored (T17).
    case adopt(contactID: Int64, FieldWrite)
    /// The record is gone; the link is kept and says so (R89, T15, T20).
    case markMissing(Link)
}

/// The rules of Salesforce → ActiveCampaign: R7, R29, R36–R43, R52, R53, R58, R59, R68, R89, R91, D3–D5.
/// Conversions (R47–R50) and merges (R90, D1) live in `Lifecycle`.
package struct InboundRules: Sendable {
    package let settings: SyncSettings
    package let selection: SelectionRules
    package let projector: Projector

    /// Makes the rules of one object of one tenant.
    package init(settings: SyncSettings, selection: SelectionRules, projector: Projector) {
        self.settings = settings
        self.selection = selection
        self.projector = projector
    }

    /// The same rules for a pair that is looked at anew on purpose: a formula alone is then reason enough (R59).
    package func countingFormulas() -> InboundRules {
        var settings = settings
        settings.pushesFormulaChanges = true
        return InboundRules(settings: settings, selection: selection, projector: projector)
    }

    /// Decides what becomes of a record.
    /// - Parameters:
    ///   - record: the record as just read.
    ///   - link: the record's own link.
    ///   - owners: active links of other records that hold the record's address, or the contact of `link`, or the contact
    ///     whose id the record carries (R91, D3).
    ///   - echoes: fingerprints of writes of ours to this record whose outcome was never committed (R58, T10); of a
    ///     record without a link, those of its creation for the contact whose id it carries (T17).
    ///   - contactEchoes: the same of writes of ours to ActiveCampaign made for this record.
    ///   - existing: what a contact with the record's address holds, when somebody looked; needed only when the
    ///     projector `fillsBlanks`.
    ///   - contactChangedAt: when the link's contact changed, when somebody looked; needed only when the link
    ///     `mustBeWeighed`.
    package func intent(
        for record: SalesforceRecord, link: Link?, owners: [Link], echoes: [Fingerprint],
        contactEchoes: [Fingerprint] = [], existing: Fingerprint? = nil, contactChangedAt: Date? = nil
    ) -> InboundIntent {
        let intent = decide(
            record, link: link, owners: owners, echoes: echoes, contactEchoes: contactEchoes, existing: existing,
            contactChangedAt: contactChangedAt)
        return observed(intent, record, link: link)
    }

    /// The decision as both ways would have it.
    private func decide(
        _ record: SalesforceRecord, link: Link?, owners: [Link], echoes: [Fingerprint], contactEchoes: [Fingerprint],
        existing: Fingerprint?, contactChangedAt: Date?
    ) -> InboundIntent {
        if record.isDeleted { return deletion(of: link) }
        if record.isConverted { return .drop(.outOfScope, reason: "R49") }
        guard let link else {
            return enter(record, owners: owners, echoes: echoes, contactEchoes: contactEchoes, existing: existing)
        }
        switch link.state {
        case .closed: return .drop(.outOfScope, reason: "R49")
        case .contactMissing: return remake(record, link: link, owners: owners)
        case .active, .missing, .merged: break
        }
        if link.state.isAway,
            owners.contains(where: { $0.object == link.object && $0.contactID == link.contactID })
        {
            // Undeleted, but its contact has gone on with another record meanwhile.
            return .drop(.duplicateMatch, reason: "D3")
        }
        let projection = projector.project(record)
        if let (code, reason) = refusal(of: record, link: link, owners: owners) {
            return withhold(record, projection, link: link, code: code, reason: reason)
        }
        return update(
            InboundChange(record: record, projection: projection, link: link, echoes: echoes, projector: projector),
            contactEchoes: contactEchoes, contactChangedAt: contactChangedAt)
    }

    /// The link of a record that entered, once the contact is written.
    package func link(of record: SalesforceRecord, contactID: Int64, after write: FieldWrite) -> Link {
        Link(contactID: contactID, object: record.object, recordID: record.id, emailHash: record.email?.hash ?? [])
            .settled(writing: write, of: record, projector.project(record))
    }

    /// The contact whose own changes must be looked at again when an intent is stored, for they were dropped while there
    /// was no link they could go through: the record was deleted then (R89), or its link had not been stored (T17). Also
    /// when the record is gone now: a lead of the same person may take its place (R91); and when something that lost a
    /// conflict was not taken back, and goes to Salesforce now (R80, T27).
    ///
    /// For the same reason a batch that finds a record gone stores the link as *missing* and leaves the change pending:
    /// the next batch settles it through the other link, or as *tombstoned*.
    package static func contactToReview(before link: Link?, after intent: InboundIntent) -> Int64? {
        switch intent {
        case .acknowledge(let stored, _, _), .update(let stored, _):
            stored.state == .active && (link?.state != .active || stored.speaks) ? stored.contactID : nil
        case .adopt(let contactID, _): contactID
        case .markMissing(let link): link.contactID
        case .drop, .create: nil
        }
    }

    // MARK: - Linked records

    private func deletion(of link: Link?) -> InboundIntent {
        switch link?.state {
        case nil: .drop(.tombstoned, reason: "R89")
        case .active: link.map(InboundIntent.markMissing) ?? .drop(.tombstoned, reason: "R89")
        case .missing, .contactMissing: .drop(.tombstoned, reason: "R89")
        case .merged: .drop(.tombstoned, reason: "D1")
        case .closed: .drop(.outOfScope, reason: "R49")
        }
    }

    /// Why a linked record's changes may not go to ActiveCampaign now.
    private func refusal(of record: SalesforceRecord, link: Link, owners: [Link]) -> (DecisionCode, String)? {
        if record.email == nil { return (.noEmail, "D4") }
        // R91: the contact is authoritative.
        if record.object == .lead, owners.contains(where: { $0.object == .contact && $0.contactID == link.contactID }) {
            return (.duplicateMatch, "R91")
        }
        return selection.refusalOfUpdate(record, origin: link.origin).map { (.outOfScope, $0) }
    }

    private func withhold(
        _ record: SalesforceRecord, _ projection: Projection, link: Link, code: DecisionCode, reason: String
    ) -> InboundIntent {
        let changed = (link.recordFingerprint ?? Fingerprint()).changedFields(in: projection)
        if changed.isEmpty, record.status != .waiting, link.state == .active, link.contested(in: projection).isEmpty {
            return .drop(code, reason: reason)
        }
        return .acknowledge(
            link.settled(withholding: changed, of: record, projection), code, reason: reason)
    }

    private func update(
        _ change: InboundChange, contactEchoes: [Fingerprint], contactChangedAt: Date? = nil
    ) -> InboundIntent {
        // What ActiveCampaign holds of these fields is not known: our own write may or may not have reached it.
        let unsettled = unsettledFields(contactEchoes)
        if unsettled.isEmpty, !change.isTrigger(countingFormulas: settings.pushesFormulaChanges) {
            return change.isToBeAcknowledged
                ? .acknowledge(change.acknowledged, .unchangedProjection, reason: "R52") : change.drop
        }
        let known = change.link.contactFingerprint ?? Fingerprint()
        let standing = change.standing(by: projector, changedHere: contactChangedAt)
        let fields = change.foreign.filter { !known.agrees(with: change.projection[$0], in: $0) }
        var write = projector.write(
            change.projection, changed: Set(fields + unsettled).subtracting(standing.fields).sorted(),
            to: .activeCampaign, target: change.link.contactFingerprint, clearsBlanks: settings.clearsBlanks)
        for field in standing.lost where fields.contains(field) { write.kept[field] = .conflictLost }
        let settled = change.link.settled(
            writing: write, of: change.record, change.projection, contactEchoes: contactEchoes)
        return write == FieldWrite()
            ? .acknowledge(settled, .unchangedProjection, reason: "R29") : .update(settled, write)
    }

    /// R89: a contact deleted in ActiveCampaign is made again only when the record changes and may enter.
    private func remake(_ record: SalesforceRecord, link: Link, owners: [Link]) -> InboundIntent {
        let projection = projector.project(record)
        let hasChanged = !(link.recordFingerprint ?? Fingerprint()).changedFields(in: projection).isEmpty
        guard hasChanged else { return .drop(.tombstoned, reason: "R89") }
        let others = owners.filter { $0.recordID != record.id }
        return enter(record, owners: others, echoes: [], contactEchoes: [], existing: nil)
    }

    // MARK: - Records without a link

    private func enter(
        _ record: SalesforceRecord, owners: [Link], echoes: [Fingerprint], contactEchoes: [Fingerprint],
        existing: Fingerprint?
    ) -> InboundIntent {
        guard let email = record.email else { return .drop(.noEmail, reason: "R7") }
        if owners.contains(where: { $0.object == record.object }) {
            return .drop(.duplicateMatch, reason: "D3")
        }
        if let contactID = record.contactID, owners.allSatisfy({ $0.contactID == contactID }) {
            return adopt(
                record, contactID: contactID, echoes: echoes, contactEchoes: contactEchoes, existing: existing)
        }
        if let refusal = selection.refusalOfEntry(record) {
            return .drop(.outOfScope, reason: refusal)
        }
        if record.object == .lead, owners.contains(where: { $0.object == .contact }) {
            return .drop(.duplicateMatch, reason: "R91")
        }
        return .create(email, everything(of: record, contactEchoes, target: existing ?? Fingerprint()))
    }

    /// T17: a record we created whose link was never stored goes on as if it had been. What it holds of our own writing
    /// is not Salesforce's and does not go back: the contact may hold something newer by now (D2, R58).
    private func adopt(
        _ record: SalesforceRecord, contactID: Int64, echoes: [Fingerprint], contactEchoes: [Fingerprint],
        existing: Fingerprint?
    ) -> InboundIntent {
        let projection = projector.project(record)
        guard let link = Link(adopting: record, projection, contactID: contactID, echoes: echoes) else {
            return .adopt(contactID: contactID, everything(of: record, contactEchoes, target: existing))
        }
        let change = InboundChange(
            record: record, projection: projection, link: link, echoes: echoes, projector: projector)
        let intent = update(change, contactEchoes: contactEchoes)
        if case .drop = intent { return .acknowledge(change.acknowledged, .linked, reason: "T17") }
        return intent
    }

    /// Every mapped field that is set, and what an earlier attempt may have written; any other blank has nothing to say
    /// to a contact that may hold a value.
    private func everything(
        of record: SalesforceRecord, _ contactEchoes: [Fingerprint], target: Fingerprint?
    ) -> FieldWrite {
        let projection = projector.project(record)
        let fields = Set(Fingerprint().changedFields(in: projection) + unsettledFields(contactEchoes))
        return projector.write(
            projection, changed: fields.sorted(), to: .activeCampaign, target: target,
            clearsBlanks: settings.clearsBlanks)
    }

    private func unsettledFields(_ contactEchoes: [Fingerprint]) -> [String] {
        projector.salesforceFields.filter { field in contactEchoes.contains { $0.records(field) } }
    }
}
