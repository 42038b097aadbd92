/// What an inbound pull does with one Salesforce record.
package enum InboundIntent: Sendable, Hashable {
    /// Nothing is written; why, and by which rule.
    case drop(DecisionCode, reason: String)
    /// Nothing is written, but the record waits: its status is written back (R52).
    case acknowledge(Link)
    /// The record's mapped values go to the linked contact.
    case update(Link, FieldWrite)
    /// A contact is made, or the one with this address is taken, and tagged (R43).
    case create(EmailAddress, FieldWrite)
    /// The record carries the id of an ActiveCampaign contact it was created for, but the link was never stored (T17).
    case adopt(contactID: Int64, FieldWrite)
    /// The record is gone; the link is kept and says so (R89, T15, T20).
    case markMissing(Link)
}

/// The rules of Salesforce → ActiveCampaign: R7, R29, R36–R43, R52, R53, R58, R68, R89, R91, D3–D5.
/// Conversion (R47–R50) and merges (R90, D1) will live beside this file.
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

    /// Decides what becomes of a record.
    /// - Parameters:
    ///   - record: the record as just read.
    ///   - link: the record's own link.
    ///   - owners: active links of other records that hold the record's address (R91, D3).
    ///   - echoes: fingerprints of writes of ours whose outcome was never committed (R58, T10).
    package func intent(
        for record: SalesforceRecord, link: Link?, owners: [Link], echoes: [Fingerprint]
    ) -> InboundIntent {
        if record.isDeleted {
            return link.map(InboundIntent.markMissing) ?? .drop(.tombstoned, reason: "R89")
        }
        if record.isConverted {
            return .drop(.outOfScope, reason: "R49")
        }
        if let link {
            return update(record, link: link, echoes: echoes)
        }
        return enter(record, owners: owners)
    }

    // MARK: - Linked records

    private func update(_ record: SalesforceRecord, link: Link, echoes: [Fingerprint]) -> InboundIntent {
        guard link.state != .closed else { return .drop(.outOfScope, reason: "R49") }
        guard record.email != nil else { return .drop(.noEmail, reason: "D4") }
        if let refusal = selection.refusal(of: record, isLinked: true) {
            return .drop(.outOfScope, reason: refusal)
        }
        let projection = projector.project(record)
        let known = link.recordFingerprint ?? Fingerprint()
        let changed = known.changedFields(in: projection)
        if changed.isEmpty {
            return record.status == .waiting ? .acknowledge(link) : .drop(.unchangedProjection, reason: "R29")
        }
        // What agrees with a write of ours is our own, unless Salesforce says that somebody changed the record since.
        let isEcho = changed.allSatisfy { field in
            echoes.contains { $0.records(field) && $0.agrees(with: projection[field], in: field) }
        }
        if isEcho, record.status != .waiting {
            return .drop(.echoDropped, reason: "R58")
        }
        let write = fields(of: projection, differingFrom: link.contactFingerprint)
        return write.isEmpty ? .acknowledge(link) : .update(link, write)
    }

    // MARK: - Records without a link

    private func enter(_ record: SalesforceRecord, owners: [Link]) -> InboundIntent {
        guard let email = record.email else { return .drop(.noEmail, reason: "R7") }
        let projection = projector.project(record)
        if let contactID = record.contactID, owners.allSatisfy({ $0.contactID == contactID }) {
            return .adopt(contactID: contactID, fields(of: projection, differingFrom: nil))
        }
        if let refusal = selection.refusal(of: record, isLinked: false) {
            return .drop(.outOfScope, reason: refusal)
        }
        if owners.contains(where: { $0.object == record.object }) {
            return .drop(.duplicateMatch, reason: "D3")
        }
        if record.object == .lead, owners.contains(where: { $0.object == .contact }) {
            return .drop(.duplicateMatch, reason: "R91")
        }
        return .create(email, fields(of: projection, differingFrom: nil))
    }

    /// Everything Salesforce holds that the contact, as last seen, does not: after a lost conflict this takes the
    /// dropped ActiveCampaign values back as well, so that both sides agree again (R54, R55).
    private func fields(of projection: Projection, differingFrom contact: Fingerprint?) -> FieldWrite {
        let differing = (contact ?? Fingerprint()).changedFields(in: projection)
        return projector.write(
            projection, changed: differing, to: .activeCampaign, target: contact, clearsBlanks: settings.clearsBlanks)
    }
}
