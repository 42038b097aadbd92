import SyncRules

/// One contact to be written to ActiveCampaign for a Salesforce record.
struct ContactWrite {
    let object: ObjectKind
    let recordID: String
    /// Nil when the record enters ActiveCampaign for the first time.
    let contactID: Int64?
    let email: EmailAddress
    /// Mapped fields of the write.
    let write: FieldWrite
    /// The tag the contact gets with the write (R43); nil for none.
    let tag: SyncTag?
    /// What Salesforce holds, for the link's fingerprint.
    let recordFingerprint: Fingerprint
    /// What the contact held when last seen.
    let contactFingerprint: Fingerprint?
    /// `AC_Change_Seq__c` as read; acknowledged when the write is settled.
    let changeSequence: Int64?
    /// Whether the address of a linked contact changes: it is then written by id, never by address (R8).
    let changesEmail: Bool

    /// Whether a bulk import can carry it: by address, and without clearing a field (activecampaign-api 6).
    var fitsImport: Bool { !changesEmail && !write.projection.values.values.contains { $0.isBlank } }

    /// The link once the write is settled.
    func link(contactID: Int64) -> Link {
        var contact = contactFingerprint ?? Fingerprint()
        contact.record(write.projection, fields: write.fields)
        return Link(
            contactID: contactID, object: object, recordID: recordID, emailHash: email.hash,
            contactFingerprint: contact, recordFingerprint: recordFingerprint, changeSequence: changeSequence)
    }
}

/// What becomes of one record of a page.
enum InboundVerdict {
    /// Settled without a write.
    case dropped([Decision])
    /// The link changes, nothing is written; `acknowledges` asks for a status write-back (R52).
    case relinked(Link, acknowledges: Bool, [Decision])
    /// To be written.
    case write(ContactWrite, [Decision])
}

/// Plans one page of Salesforce records of one object.
struct InboundPage {
    let rules: InboundRules
    /// Whether the org has the status fields of the Salesforce package.
    let hasStatus: Bool

    /// Addresses taken by records earlier in this run, so that two new records with one address do not both enter (D3).
    private(set) var claimed: [EmailAddress: (object: ObjectKind, recordID: String)]

    /// Makes a planner; `claimed` is handed from page to page of one run.
    init(rules: InboundRules, hasStatus: Bool, claimed: [EmailAddress: (object: ObjectKind, recordID: String)] = [:]) {
        self.rules = rules
        self.hasStatus = hasStatus
        self.claimed = claimed
    }

    /// Decides every record of the page, in the page's order.
    /// - Parameters:
    ///   - links: links of the page's records, by record id.
    ///   - owners: active links by address hash.
    ///   - echoes: fingerprints of our own uncommitted writes, by record id.
    mutating func verdicts(
        _ records: [SalesforceRecord], links: [String: Link], owners: [[UInt8]: [Link]],
        echoes: [String: [Fingerprint]]
    ) -> [InboundVerdict] {
        var verdicts: [InboundVerdict] = []
        verdicts.reserveCapacity(records.count)
        for record in records {
            let others = (record.email.flatMap { owners[$0.hash] } ?? []).filter {
                $0.recordID != record.id && $0.state == .active
            }
            let intent = rules.intent(
                for: record, link: links[record.id], owners: others, echoes: echoes[record.id] ?? [])
            verdicts.append(verdict(of: intent, record))
        }
        return verdicts
    }

    private mutating func verdict(of intent: InboundIntent, _ record: SalesforceRecord) -> InboundVerdict {
        switch intent {
        case .drop(let code, let reason):
            return .dropped([decision(code, record, reason: reason)])
        case .acknowledge(var link):
            refresh(&link, from: record)
            return .relinked(link, acknowledges: hasStatus, [decision(.unchangedProjection, record, link)])
        case .markMissing(var link):
            link.state = .missing
            return .relinked(link, acknowledges: false, [decision(.tombstoned, record, link, reason: "R89")])
        case .update(let link, let write):
            return .write(contactWrite(record, write, contactID: link.contactID, link: link, tag: nil), kept(write, record))
        case .adopt(let contactID, let write):
            return .write(contactWrite(record, write, contactID: contactID, link: nil, tag: nil), kept(write, record))
        case .create(let email, let write):
            if let first = claimed[email], first.recordID != record.id {
                let rule = first.object == record.object ? "D3" : "R91"
                return .dropped([decision(.duplicateMatch, record, reason: rule)])
            }
            claimed[email] = (record.object, record.id)
            let tag = SyncTag.createdFrom(record.object)
            return .write(contactWrite(record, write, contactID: nil, link: nil, tag: tag), kept(write, record))
        }
    }

    private func contactWrite(
        _ record: SalesforceRecord, _ write: FieldWrite, contactID: Int64?, link: Link?, tag: SyncTag?
    ) -> ContactWrite {
        // The intent was made for a record with an address; "" can't be looked up and never matches.
        let email = record.email ?? EmailAddress("nobody@invalid")!
        return ContactWrite(
            object: record.object, recordID: record.id, contactID: contactID, email: email, write: write, tag: tag,
            recordFingerprint: Fingerprint(rules.projector.project(record)),
            contactFingerprint: link?.contactFingerprint, changeSequence: record.changeSequence,
            changesEmail: link.map { $0.emailHash != email.hash } ?? false)
    }

    private func refresh(_ link: inout Link, from record: SalesforceRecord) {
        link.state = .active
        link.recordFingerprint = Fingerprint(rules.projector.project(record))
        link.changeSequence = record.changeSequence
    }

    private func kept(_ write: FieldWrite, _ record: SalesforceRecord) -> [Decision] {
        write.kept.sorted { $0.key < $1.key }.map { decision($0.value, record, field: $0.key) }
    }

    private func decision(
        _ code: DecisionCode, _ record: SalesforceRecord, _ link: Link? = nil, reason: String? = nil,
        field: String? = nil
    ) -> Decision {
        Decision(
            code, .inbound, record.object, contactID: link?.contactID, recordID: record.id, reason: reason,
            field: field)
    }
}
