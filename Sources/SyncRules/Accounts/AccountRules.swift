/// What an inbound pull does with one Salesforce account.
package enum AccountIntent: Sendable, Hashable {
    /// Nothing is written, nothing changes; why, and by which rule.
    case drop(DecisionCode, reason: String)
    /// Nothing is written; the link is stored as it stands here.
    case acknowledge(Link, DecisionCode, reason: String)
    /// The record's mapped values go to the linked account; the link is as it will be once they are accepted. A write of
    /// nothing says of each field that changed why it stays away.
    case update(Link, FieldWrite)
    /// An account is made, or the one of this name that belongs to nobody is taken (R72).
    case create(FieldWrite)
    /// The record is gone; the link is kept and says so (R89).
    case markMissing(Link)
}

/// The rules of accounts, both ways: R71–R73, and for accounts R29, R53, R58, R59, R63, R68, R89.
///
/// An account enters ActiveCampaign when a synced person belongs to it, and by no selection of its own: an account that
/// nobody synced belongs to would be a name without use there, and orgs have many times more accounts than customers.
package struct AccountRules: Sendable {
    package let settings: SyncSettings
    package let projector: Projector
    /// The way to Salesforce is that of people, over the accounts' own mappings (R53, R56).
    private let outbound: OutboundRules

    /// Makes the rules of one tenant.
    /// - Parameter projector: of the mappings of object account.
    package init(settings: SyncSettings, projector: Projector) {
        self.settings = settings
        self.projector = projector
        outbound = OutboundRules(settings: settings, contacts: projector, leads: projector)
    }

    // MARK: - Inbound

    /// Decides what becomes of a Salesforce account.
    /// - Parameters:
    ///   - record: the account as just read.
    ///   - link: its link.
    ///   - isWanted: whether a synced person belongs to it.
    ///   - echoes: fingerprints of writes of ours to it whose outcome was never committed (R58).
    ///   - accountEchoes: the same of writes of ours to ActiveCampaign made for it.
    package func intent(
        for record: SalesforceRecord, link: Link?, isWanted: Bool, echoes: [Fingerprint] = [],
        accountEchoes: [Fingerprint] = []
    ) -> AccountIntent {
        if record.isDeleted { return deletion(of: link) }
        // R85: a person's account is that person, and syncs as one.
        if record.isPersonAccount { return .drop(.outOfScope, reason: "R85") }
        guard let link else { return enter(record, isWanted: isWanted) }
        guard link.state == .contactMissing else {
            return update(record, link: link, echoes: echoes, accountEchoes: accountEchoes)
        }
        // R89: an account deleted in ActiveCampaign is made again only when the record changes.
        return hasChanged(record, link) ? enter(record, isWanted: isWanted) : .drop(.tombstoned, reason: "R89")
    }

    /// The link of an account that entered.
    /// - Parameter account: the ActiveCampaign account as it is once written; its name may differ from Salesforce's.
    package func link(of record: SalesforceRecord, account: ActiveCampaignAccount, after write: FieldWrite) -> Link {
        var link = Link(contactID: account.id, object: .account, recordID: record.id, emailHash: [])
            .settled(writing: write, of: record, projector.project(record))
        link.note(projector.project(account, of: record.id))
        return link
    }

    private func hasChanged(_ record: SalesforceRecord, _ link: Link) -> Bool {
        !(link.recordFingerprint ?? Fingerprint()).changedFields(in: projector.project(record)).isEmpty
    }

    private func deletion(of link: Link?) -> AccountIntent {
        guard var link, link.state == .active else { return .drop(.tombstoned, reason: "R89") }
        link.state = .missing
        return .markMissing(link)
    }

    private func enter(_ record: SalesforceRecord, isWanted: Bool) -> AccountIntent {
        guard isWanted else { return .drop(.outOfScope, reason: "R71") }
        let projection = projector.project(record)
        guard !projection["Name"].isBlank, projection["Name"] != .absent else {
            return .drop(.invalidBeforeSend, reason: "R72.unnamed")
        }
        return .create(
            projector.write(
                projection, changed: Fingerprint().changedFields(in: projection), to: .activeCampaign,
                target: Fingerprint(), clearsBlanks: settings.clearsBlanks))
    }

    private func update(
        _ record: SalesforceRecord, link: Link, echoes: [Fingerprint], accountEchoes: [Fingerprint]
    ) -> AccountIntent {
        let projection = projector.project(record)
        let change = InboundChange(
            record: record, projection: projection, link: link, echoes: echoes, projector: projector)
        // What ActiveCampaign holds of these is not known: our own write may or may not have reached it.
        let unsettled = projector.salesforceFields.filter { field in accountEchoes.contains { $0.records(field) } }
        if unsettled.isEmpty, !change.isTrigger(countingFormulas: settings.pushesFormulaChanges) {
            if change.isToBeAcknowledged {
                return .acknowledge(change.acknowledged, .unchangedProjection, reason: "R89")
            }
            guard case .drop(let code, let reason) = change.drop else {
                return .drop(.unchangedProjection, reason: "R29")
            }
            return .drop(code, reason: reason)
        }
        let known = link.contactFingerprint ?? Fingerprint()
        let standing = change.standing(by: projector, changedHere: nil).fields
        let fields = change.foreign.filter { !standing.contains($0) && !known.agrees(with: projection[$0], in: $0) }
        let write = projector.write(
            projection, changed: Set(fields + unsettled).sorted(), to: .activeCampaign,
            target: link.contactFingerprint, clearsBlanks: settings.clearsBlanks)
        let settled = link.settled(writing: write, of: record, projection, contactEchoes: accountEchoes)
        return write == FieldWrite()
            ? .acknowledge(settled, .unchangedProjection, reason: "R29") : .update(settled, write)
    }

    // MARK: - Outbound

    /// The mapped fields of a linked account that changed in ActiveCampaign, and those a lost write of ours may have
    /// changed in Salesforce.
    package func changedFields(
        in account: ActiveCampaignAccount, link: Link, echoes: [Fingerprint] = [], accountEchoes: [Fingerprint] = []
    ) -> [String] {
        guard link.state == .active else { return [] }
        let projection = projector.project(account, of: link.recordID)
        let changed = link.outstandingFields(in: projection).filter { field in
            !accountEchoes.contains { $0.records(field) && $0.agrees(with: projection[field], in: field) }
        }
        let unsettled = projection.values.keys.filter { field in echoes.contains { $0.records(field) } }
        return Set(changed + unsettled).sorted()
    }

    /// What the change carries to Salesforce.
    package func write(_ changed: [String], of account: ActiveCampaignAccount, link: Link) -> FieldWrite {
        projector.write(
            projector.project(account, of: link.recordID), changed: changed, to: .salesforce,
            target: link.recordFingerprint, clearsBlanks: settings.clearsBlanks)
    }

    /// Who wins (R53): as for people, and per record (R54).
    /// - Parameter held: the Salesforce account as just read; nil when it is gone.
    package func verdict(
        of write: FieldWrite, link: Link, held: SalesforceRecord?, echoes: [Fingerprint] = []
    ) -> ConflictVerdict {
        guard let held, !held.isDeleted else { return .missing }
        return outbound.verdict(
            of: write, link: link, state: .read(projector.project(held), status: nil), echoes: echoes)
    }
}

extension Link {
    /// What the ActiveCampaign side holds, as just read or written.
    package mutating func note(_ held: Projection) {
        var known = contactFingerprint ?? Fingerprint()
        known.record(held)
        contactFingerprint = known
    }
}
