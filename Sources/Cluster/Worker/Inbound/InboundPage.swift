import Foundation
import SyncRules

/// One contact to be written to ActiveCampaign for a Salesforce record.
struct ContactWrite {
    let email: EmailAddress
    /// Mapped fields of the write; fields ActiveCampaign refuses are taken out of it.
    private(set) var write: FieldWrite
    /// The tag the contact gets with the write (R43); nil for none.
    let tag: SyncTag?
    /// The link as it is once the write is accepted; its contact id is 0 until a new contact has one.
    private(set) var settled: Link
    /// What the contact was known to hold before; nil when nothing was.
    let known: Fingerprint?
    /// What the ledger says the contact will hold: of the write as it was planned, whatever is refused of it.
    let intended: Fingerprint
    /// Texts by ActiveCampaign field name.
    private(set) var values: [String: String]
    /// Whether the address of a linked contact changes: it is then written by id, never by address (R8).
    let changesEmail: Bool
    /// A link of the same record to a contact that is gone, which this write takes the place of (R89).
    let replaced: Link?
    /// By what the record may cross.
    let ground: EntryGround
    /// The call that last carried it.
    var call: CallPlace?

    var object: ObjectKind { settled.object }
    var recordID: String { settled.recordID }
    /// Nil when the record enters ActiveCampaign for the first time.
    var contactID: Int64? { settled.contactID == 0 ? nil : settled.contactID }

    /// Whether a bulk import can carry it: by address, and without clearing a field (activecampaign-api 6).
    ///
    /// Not who opted out, although an import can name lists to unsubscribe from: whoever is on the account's other lists
    /// could only be reached by naming every list, what that leaves on a contact who was never on one is not documented,
    /// and a person recorded as unsubscribed is refused by every later subscription of an import (R83).
    var fitsImport: Bool { !changesEmail && !optsOut && !values.values.contains("") }

    /// Whether the contact is to get no more mail (R83).
    var optsOut: Bool { values[ActiveCampaignField.optOut.description].map { !$0.isEmpty } ?? false }

    /// The write without fields that were refused: of these the contact holds what it held (D6).
    func without(_ fields: [String], by projector: Projector) -> ContactWrite {
        var reduced = self
        reduced.write = write.without(fields)
        reduced.values = projector.activeCampaignValues(of: reduced.write)
        reduced.settled.contactFingerprint?.restore(known, fields: fields)
        return reduced
    }

    /// The link once the contact's id is known.
    func link(contactID: Int64) -> Link {
        var link = settled
        link.contactID = contactID
        return link
    }
}

/// What becomes of one record of a page.
enum InboundVerdict {
    /// Settled without a write.
    case dropped([Decision])
    /// The link changes, nothing is written; `acknowledges` asks for a status write-back (R52), `review` for another
    /// look at the contact's own changes (R89, T17).
    case relinked(Link, acknowledges: Bool, review: Int64?, [Decision])
    /// To be written; `review` as above.
    case write(ContactWrite, review: Int64?, [Decision])
}

extension InboundVerdict {
    /// The record to be written; nil when nothing is written.
    var writtenRecordID: String? {
        if case .write(let write, _, _) = self { write.recordID } else { nil }
    }
}

/// Plans one page of Salesforce records of one object.
struct InboundPage {
    let rules: InboundRules
    /// Whether the org has the status fields of the Salesforce package.
    let hasStatus: Bool

    /// Addresses taken by records earlier in this run.
    private(set) var claims: AddressClaims

    /// Makes a planner; `claims` is handed from page to page of one run.
    init(rules: InboundRules, hasStatus: Bool, claims: AddressClaims = AddressClaims()) {
        self.rules = rules
        self.hasStatus = hasStatus
        self.claims = claims
    }

    /// A record that enters with a value for a field that only fills blanks: what its contact holds must be known (R63).
    struct Entry {
        let recordID: String
        let email: EmailAddress
        /// The contact whose id the record carries; nil when it is found by address.
        let contactID: Int64?
    }

    /// The records of a page that can't be decided before their contacts were read.
    func entries(
        _ records: [SalesforceRecord], links: [String: Link], related: RelatedLinks, echoes: OutstandingEchoes
    ) -> [Entry] {
        let fillers = rules.projector.mappings.filter { $0.updateMode == .fillBlank }.map(\.salesforceField)
        guard !fillers.isEmpty else { return [] }
        return records.compactMap { record in
            let projection = rules.projector.project(record)
            guard let email = record.email, fillers.contains(where: { !projection[$0].isBlank }) else { return nil }
            switch intent(for: record, links[record.id], related, echoes, existing: nil) {
            case .create: return Entry(recordID: record.id, email: email, contactID: nil)
            case .adopt(let contactID, _): return Entry(recordID: record.id, email: email, contactID: contactID)
            case .drop, .acknowledge, .update, .markMissing: return nil
            }
        }
    }

    private func intent(
        for record: SalesforceRecord, _ link: Link?, _ related: RelatedLinks, _ echoes: OutstandingEchoes,
        existing: Fingerprint?, contactChangedAt: Date? = nil
    ) -> InboundIntent {
        rules.intent(
            for: record, link: link, owners: related.owners(of: record, link: link),
            echoes: creation(of: record, link, echoes), contactEchoes: echoes.contacts[record.id] ?? [],
            existing: existing, contactChangedAt: contactChangedAt)
    }

    /// Decides every record of the page, in the page's order.
    /// - Parameters:
    ///   - links: links of the page's records, by record id.
    ///   - related: links that hold a record's address, its contact, or the contact whose id it carries.
    ///   - echoes: fingerprints of our own uncommitted writes.
    ///   - existing: what the contacts of `entries` hold, by record id.
    ///   - contactsChangedAt: when contacts that were weighed changed, by record id.
    mutating func verdicts(
        _ records: [SalesforceRecord], links: [String: Link], related: RelatedLinks, echoes: OutstandingEchoes,
        existing: [String: Fingerprint] = [:], contactsChangedAt: [String: Date] = [:]
    ) -> [InboundVerdict] {
        var verdicts: [InboundVerdict] = []
        verdicts.reserveCapacity(records.count)
        for record in records {
            let link = links[record.id]
            let intent = intent(
                for: record, link, related, echoes, existing: existing[record.id],
                contactChangedAt: contactsChangedAt[record.id])
            let review = InboundRules.contactToReview(before: link, after: intent)
            verdicts.append(verdict(of: intent, record, link: link, review: review))
        }
        return verdicts
    }

    /// Of a linked record its own echoes; of one without a link those of its creation for the contact it names (T17).
    private func creation(of record: SalesforceRecord, _ link: Link?, _ echoes: OutstandingEchoes) -> [Fingerprint] {
        let own = echoes.records[record.id] ?? []
        if link != nil { return own }
        return own + (record.contactID.flatMap { echoes.records["new:\($0)"] } ?? [])
    }

    private mutating func verdict(
        of intent: InboundIntent, _ record: SalesforceRecord, link: Link?, review: Int64?
    ) -> InboundVerdict {
        if let refusal = claim(for: intent, record, link) { return refusal }
        switch intent {
        case .drop(let code, let reason):
            return .dropped([decision(code, record, link, reason: reason)])
        case .acknowledge(let settled, let code, let reason):
            return .relinked(
                settled, acknowledges: hasStatus, review: review, [decision(code, record, settled, reason: reason)])
        case .markMissing(var link):
            link.state = .missing
            return .relinked(
                link, acknowledges: false, review: nil, [decision(.tombstoned, record, link, reason: "R89")])
        case .update(let settled, let write) where write.isEmpty:
            return .relinked(settled, acknowledges: hasStatus, review: review, kept(write, record, settled))
        case .update(let settled, let write):
            return self.write(record, write, settled: settled, before: link, tag: nil, review: review)
        case .adopt(let contactID, let write):
            let settled = rules.link(of: record, contactID: contactID, after: write)
            return self.write(record, write, settled: settled, before: nil, tag: nil, review: review)
        case .create(_, let write):
            let settled = rules.link(of: record, contactID: 0, after: write)
            return self.write(
                record, write, settled: settled, before: link, tag: SyncTag.createdFrom(record), replaces: true)
        }
    }

    /// Every intent that gives a record its first link, or a new one after it was missing, claims the address for it.
    /// - Returns: why the record can't have it, when another record of this run was first (D3, R91).
    private mutating func claim(
        for intent: InboundIntent, _ record: SalesforceRecord, _ link: Link?
    ) -> InboundVerdict? {
        switch intent {
        case .drop, .markMissing: return nil
        case .acknowledge where link?.state == .active, .update where link?.state == .active: return nil
        case .acknowledge, .update, .create, .adopt: break
        }
        guard let email = record.email else { return nil }
        guard let first = claims.claim(email.hash, for: record.object, record.id) else { return nil }
        let rule = first.object == record.object ? "D3" : "R91"
        return .dropped([decision(.duplicateMatch, record, link, reason: rule)])
    }

    private func write(
        _ record: SalesforceRecord, _ write: FieldWrite, settled: Link, before: Link?, tag: SyncTag?,
        replaces: Bool = false, review: Int64? = nil
    ) -> InboundVerdict {
        guard let email = record.email else { return .dropped([decision(.noEmail, record, before, reason: "R7")]) }
        let contact = ContactWrite(
            email: email, write: write, tag: tag, settled: settled,
            known: replaces ? nil : before?.contactFingerprint, intended: Fingerprint(write.projection),
            values: rules.projector.activeCampaignValues(of: write),
            changesEmail: !replaces && before.map { $0.emailHash != email.hash } ?? false,
            replaced: replaces ? before : nil, ground: replaces ? rules.selection.groundOfEntry(record) : .followed)
        return .write(contact, review: review, kept(write, record, before))
    }

    private func kept(_ write: FieldWrite, _ record: SalesforceRecord, _ link: Link?) -> [Decision] {
        rules.projector.decisions(
            of: write, .inbound, record.object, contactID: link?.contactID, recordID: record.id)
    }

    private func decision(
        _ code: DecisionCode, _ record: SalesforceRecord, _ link: Link? = nil, reason: String? = nil
    ) -> Decision {
        Decision(code, .inbound, record.object, contactID: link?.contactID, recordID: record.id, reason: reason)
    }
}

/// Active links that have something to do with a page's records (R91, D3).
struct RelatedLinks {
    private var byEmail: [[UInt8]: [Link]]
    private var byContact: [Int64: [Link]]

    /// Sorts links by what they are found by.
    init(_ links: [Link]) {
        let active = links.filter { $0.state == .active }
        byEmail = Dictionary(grouping: active, by: \.emailHash)
        byContact = Dictionary(grouping: active, by: \.contactID)
    }

    /// Links of other records that hold the record's address, its contact, or the contact whose id it carries.
    func owners(of record: SalesforceRecord, link: Link?) -> [Link] {
        let found =
            (record.email.flatMap { byEmail[$0.hash] } ?? []) + (link.flatMap { byContact[$0.contactID] } ?? [])
            + (record.contactID.flatMap { byContact[$0] } ?? [])
        return Array(Set(found.filter { $0.recordID != record.id }))
    }
}
