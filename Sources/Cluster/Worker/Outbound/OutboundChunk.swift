import Foundation
import Store
import SyncRules

/// What Salesforce is asked before a chunk is written: records by address for the contacts to be created (R19), and, in
/// an org without the package, what the linked records hold (architecture, section 7).
struct OutboundQuestions {
    /// Addresses to look up among contacts and leads.
    var emails: [EmailAddress] = []
    /// Contacts that records of ours may carry the ids of, where the org has the field.
    var contactIDs: [Int64] = []
    /// Linked record ids to read, by object.
    var recordIDs: [ObjectKind: [String]] = [:]
    /// Names of accounts that created contacts are to belong to (R73).
    var accountNames: [String] = []

    var isEmpty: Bool { emails.isEmpty && recordIDs.values.allSatisfy(\.isEmpty) }
}

/// What Salesforce answered.
struct OutboundAnswers {
    /// Records found by address.
    var found: [SalesforceRecord] = []
    /// Linked records as they are now; a linked record that is not here is gone.
    var held: [String: SalesforceRecord] = [:]
    /// Ids among `found` that are linked to some contact already, with that contact.
    var owners: [String: Int64] = [:]
    /// When creation of a record for a contact was last attempted without a committed outcome.
    var creationAttempts: [Int64: Date] = [:]
    /// Salesforce accounts by name in lower case (R73).
    var accountsByName: [String: String] = [:]
    /// What is known of the created contacts' accounts, by ActiveCampaign account.
    var accounts = ContactAccounts()
}

/// One record to be written to Salesforce.
struct RecordWrite {
    /// What the write does, and what its link becomes.
    enum Purpose {
        /// A new record (R15, R16).
        case create(RecordCreation)
        /// A record found by address and linked by this write (R19), with what it held before.
        case match(RecordMatch, held: Projection)
        /// A linked record; `changed` is the whole change set, to be owed when Salesforce wins (R54), `echoes` are
        /// earlier writes to it whose outcome was never committed.
        case update(Link, changed: [String], echoes: [Fingerprint])
    }

    let contact: ActiveCampaignContact
    let object: ObjectKind
    /// The account through which the record is written when it is a person's (R85).
    var personAccountID: String?
    /// Nil creates the record.
    let recordID: String?
    /// Mapped fields of the write; fields Salesforce refuses are taken out of it.
    var write: FieldWrite
    let purpose: Purpose
    let projector: Projector
    /// The call that last carried it.
    var call: CallPlace?
    /// What the record will hold of our writing, for the ledger: of the write as it was planned, whatever Salesforce
    /// refuses of it.
    let intended: Fingerprint

    init(
        contact: ActiveCampaignContact, object: ObjectKind, recordID: String?, write: FieldWrite, purpose: Purpose,
        rules: OutboundRules
    ) {
        self.contact = contact
        self.object = object
        self.recordID = recordID
        self.write = write
        self.purpose = purpose
        projector = rules.projector(of: object)
        intended =
            if case .create(let creation) = purpose {
                rules.fingerprint(of: creation, object)
            } else {
                Fingerprint(write.projection)
            }
    }

    /// Whether a person account is created.
    var createsPerson: Bool {
        if case .create(let creation) = purpose { creation.isPerson } else { false }
    }

    /// The ledger's entry for this write.
    var intention: EchoIntention {
        EchoIntention(
            side: .salesforce, object: object, recordID: recordID ?? "new:\(contactID)", fingerprint: intended)
    }

    var contactID: Int64 { contact.id }

    /// Everything the record is sent, by API name.
    var values: [String: SalesforceFieldValue] {
        let mapped = projector.salesforceValues(of: write)
        return switch purpose {
        case .create(let creation): creation.fallbacks.merging(mapped) { _, mapped in mapped }
        case .match(let match, _): match.touch.merging(mapped) { _, mapped in mapped }
        case .update: mapped
        }
    }

    /// Whether the record also gets the contact's id.
    var carriesContactID: Bool { if case .update = purpose { false } else { true } }

    /// `AC_Change_Seq__c` we have read and processed (salesforce-api 13.3 A).
    var changeSequence: Int64? {
        switch purpose {
        case .create: nil
        case .match(let match, _): match.link.changeSequence
        case .update(let link, _, _): link.changeSequence
        }
    }

    /// Whether a field may be dropped after Salesforce refused its value (D6).
    func mayDrop(_ field: String) -> Bool {
        write.projection.values[field] != nil && !["LastName", "Company", "Email"].contains(field)
    }
}

/// What becomes of one contact of a chunk, so that every change seen is settled exactly once (invariant 1).
enum OutboundVerdict {
    /// Settled without a write.
    case dropped([Decision])
    /// The link changes, nothing is written (conflict lost, already there, found by address).
    case relinked(Link, [Decision])
    /// To be written.
    case write(RecordWrite, [Decision])
    /// Left pending until an instant; the link, when there is one, is stored all the same.
    case deferred(Link?, until: Date, reason: String, [Decision])
}

/// Fingerprints of writes of ours whose outcome was never committed, by record id (R58, T10, T17).
struct OutstandingEchoes {
    /// Of writes to the Salesforce records.
    private(set) var records: [String: [Fingerprint]] = [:]
    /// Of writes to the contacts linked to them.
    private(set) var contacts: [String: [Fingerprint]] = [:]
    private var keys: [EchoKey] = []

    /// Sorts ledger entries by record.
    init(_ echoes: [Echo] = []) {
        for echo in echoes {
            switch echo.side {
            case .salesforce: records[echo.recordID, default: []].append(echo.fingerprint)
            case .activeCampaign: contacts[echo.recordID, default: []].append(echo.fingerprint)
            }
            keys.append(echo.key)
        }
    }

    /// Adds what is known of further records.
    mutating func merge(_ other: OutstandingEchoes) {
        records.merge(other.records) { _, new in new }
        contacts.merge(other.contacts) { _, new in new }
        keys += other.keys
    }

    /// The entries that are settled once a link of these records is stored.
    func settled(by links: [Link], side: Side) -> [EchoKey] {
        let ids = Set(links.map(\.recordID)).union(links.map { "new:\($0.contactID)" })
        return keys.filter { $0.side == side && ids.contains($0.recordID) }
    }
}

/// Records found for contacts to be created: by address, or because they carry the contact's id (R19, T17).
struct Candidates {
    private var byEmail: [EmailAddress: [SalesforceRecord]] = [:]
    private var byContact: [Int64: [SalesforceRecord]] = [:]

    init(_ records: [SalesforceRecord]) {
        for record in records {
            if let email = record.email { byEmail[email, default: []].append(record) }
            if let contactID = record.contactID { byContact[contactID, default: []].append(record) }
        }
    }

    func of(_ contact: ActiveCampaignContact) -> [SalesforceRecord] {
        let own = byContact[contact.id] ?? []
        let ids = Set(own.map(\.id))
        return own + (contact.email.flatMap { byEmail[$0] } ?? []).filter { !ids.contains($0.id) }
    }
}

/// Plans one chunk of contacts, up to the thousand records one counted call can write.
struct OutboundChunk {
    let rules: OutboundRules
    /// Whether the org has the Salesforce package.
    let isGuarded: Bool
    /// Whether records are created by external id; without one a lost answer is bridged by looking again.
    let hasExternalID: Bool
    let now: Date
    /// Of linked records and of creations, `new:` and the contact's id, by record id.
    var echoes: OutstandingEchoes

    /// How long a creation without external id whose answer was lost keeps us from trying again: Salesforce's longest
    /// transaction plus a minute, in seconds (salesforce-api 6.4).
    static let creationQuarantine: TimeInterval = 660

    private(set) var intents: [(contact: ActiveCampaignContact, intent: OutboundIntent)] = []

    /// Takes the chunk's contacts with their links.
    mutating func take(_ contacts: [ActiveCampaignContact], links: [Int64: [Link]]) {
        intents += contacts.map {
            (
                $0,
                rules.intent(
                    for: $0, links: links[$0.id] ?? [], echoes: echoes.records, contactEchoes: echoes.contacts)
            )
        }
    }

    /// What must be asked before the chunk can be decided.
    var questions: OutboundQuestions {
        var questions = OutboundQuestions()
        for (contact, intent) in intents {
            switch intent {
            case .create:
                if let email = contact.email { questions.emails.append(email) }
                questions.contactIDs.append(contact.id)
            case .update(let link, _) where !isGuarded:
                questions.recordIDs[link.object, default: []].append(link.recordID)
            case .update, .drop, .observe:
                break
            }
        }
        return questions
    }

    /// Decides every contact of the chunk.
    func verdicts(_ answers: OutboundAnswers) -> [(contactID: Int64, verdict: OutboundVerdict)] {
        let found = Candidates(answers.found)
        // A record found for one contact of the chunk is taken for the others (D3).
        var owners = answers.owners
        return intents.map { contact, intent in
            switch intent {
            case .drop(let code, let reason):
                return (contact.id, .dropped([decision(code, contact, reason: reason)]))
            case .create(let object):
                return (contact.id, create(object, contact, found: found, owners: &owners, answers))
            case .update(let link, let changed):
                return (contact.id, update(contact, link: link, changed: changed, answers: answers))
            case .observe(let link):
                let kept = decision(
                    .readonlyObserved, contact, link.object, record: link.recordID, reason: SyncDirection.rule)
                return (contact.id, .relinked(link, [kept]))
            }
        }
    }

    // MARK: - Creations

    private func create(
        _ object: ObjectKind, _ contact: ActiveCampaignContact, found: Candidates, owners: inout [String: Int64],
        _ answers: OutboundAnswers
    ) -> OutboundVerdict {
        let candidates = found.of(contact)
        let taken = Set(candidates.map(\.id).filter { owners[$0, default: contact.id] != contact.id })
        if let match = OutboundRules.match(candidates: candidates, taken: taken) {
            owners[match.record.id] = contact.id
            return link(contact, to: match.record, isAmbiguous: match.isAmbiguous)
        }
        let isRepeatable = hasExternalID && !rules.asksForPerson(contact.tags)
        if !isRepeatable, let attempt = answers.creationAttempts[contact.id],
            now.timeIntervalSince(attempt) < Self.creationQuarantine
        {
            return .deferred(
                nil, until: attempt.addingTimeInterval(Self.creationQuarantine), reason: "creation_outcome_unknown",
                [decision(.queued, contact, object, reason: "T17")])
        }
        let creation = rules.creation(
            of: object, for: contact, accountName: answers.accounts.name(of: contact),
            accountRecordID: answers.accounts.recordID(of: contact))
        return .write(
            RecordWrite(
                contact: contact, object: object, recordID: nil, write: creation.write, purpose: .create(creation),
                rules: rules),
            kept(creation.write, contact, object, record: nil))
    }

    /// R19: the record that is there already is linked and updated; Salesforce's own pending change comes first.
    private func link(
        _ contact: ActiveCampaignContact, to record: SalesforceRecord, isAmbiguous: Bool
    ) -> OutboundVerdict {
        let isOurs = record.contactID == contact.id || !hasExternalID
        let match = rules.matching(
            record, for: contact, echoes: isOurs ? echoes.records["new:\(contact.id)"] ?? [] : [],
            earlier: echoes.records[record.id] ?? [], contactEchoes: echoes.contacts[record.id] ?? [])
        let reason = isAmbiguous ? "R19.several" : "R19"
        var decisions = [decision(.linked, contact, record.object, record: record.id, reason: reason)]
        if record.status == .waiting {
            decisions.append(decision(.conflictLost, contact, record.object, record: record.id, reason: "R53"))
        }
        decisions += kept(match.write, contact, record.object, record: record.id)
        if match.isEmpty, !hasExternalID || record.contactID == contact.id { return .relinked(match.link, decisions) }
        var write = RecordWrite(
            contact: contact, object: record.object, recordID: record.id, write: match.write,
            purpose: .match(match, held: rules.projector(of: record.object).project(record)), rules: rules)
        write.personAccountID = record.isPersonAccount ? record.accountID : nil
        return .write(write, decisions)
    }

    // MARK: - Updates

    private func update(
        _ contact: ActiveCampaignContact, link: Link, changed: [String], answers: OutboundAnswers
    ) -> OutboundVerdict {
        let projector = rules.projector(of: link.object)
        let projection = rules.projection(of: contact, forRecordOf: link.object)
        let write = projector.write(
            projection, changed: changed, to: .salesforce, target: link.recordFingerprint,
            clearsBlanks: rules.settings.clearsBlanks)
        let kept = kept(write, contact, link.object, record: link.recordID)
        let echoes = echoes.records[link.recordID] ?? []
        let settled = link.settled(writing: write, of: projection, email: contact.email, echoes: echoes)
        if write.isEmpty { return .relinked(settled, kept) }
        if answers.held[link.recordID]?.isConverted ?? false {
            return .deferred(
                nil, until: now.addingTimeInterval(ClusterLimits.conversionPause), reason: "lead_converted",
                [decision(.queued, contact, link.object, record: link.recordID, reason: "lead_converted")])
        }
        let verdict = rules.verdict(
            of: write, link: link, state: state(of: link, projector: projector, answers: answers),
            echoes: echoes)
        switch verdict {
        case .write:
            let held = answers.held[link.recordID]
            var update = RecordWrite(
                contact: contact, object: link.object, recordID: link.recordID, write: write,
                purpose: .update(held.map { link.reading($0) } ?? link, changed: changed, echoes: echoes), rules: rules)
            update.personAccountID = held?.isPersonAccount ?? false ? held?.accountID : nil
            return .write(update, kept)
        case .alreadyThere:
            let held = decision(.unchangedProjection, contact, link.object, record: link.recordID, reason: "R56")
            return .relinked(settled, kept + [held])
        case .salesforceWins:
            let lost = decision(
                .conflictLost, contact, link.object, record: link.recordID, reason: "R53", fields: changed)
            return .relinked(link.settled(losing: changed, of: projection), kept + [lost])
        case .missing:
            // What the contact held stays as it was, so that its change is seen again after an undelete (R89).
            var gone = link
            gone.state = .missing
            // The change stays for the next run: it goes through the contact's other link, or is dropped there (R91).
            return .deferred(
                gone, until: now, reason: "record_gone",
                [decision(.tombstoned, contact, link.object, record: link.recordID, reason: "R89")])
        }
    }

    private func state(of link: Link, projector: Projector, answers: OutboundAnswers) -> SalesforceState {
        if isGuarded { return .guardedByPackage }
        guard let record = answers.held[link.recordID], !record.isDeleted else { return .gone }
        return .read(projector.project(record), status: record.status)
    }

    // MARK: - Decisions

    private func kept(
        _ write: FieldWrite, _ contact: ActiveCampaignContact, _ object: ObjectKind, record: String?
    ) -> [Decision] {
        rules.projector(of: object).decisions(
            of: write, .outbound, object, contactID: contact.id, recordID: record)
    }

    private func decision(
        _ code: DecisionCode, _ contact: ActiveCampaignContact, _ object: ObjectKind = .contact,
        record: String? = nil, reason: String? = nil, fields: [String] = []
    ) -> Decision {
        Decision(
            code, .outbound, object, contactID: contact.id, recordID: record, reason: reason, fields: fields)
    }
}
