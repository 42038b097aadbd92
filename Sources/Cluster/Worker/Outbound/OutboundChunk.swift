import Foundation
import SyncRules

/// What Salesforce is asked before a chunk is written: records by address for the contacts to be created (R19), and, in
/// an org without the package, what the linked records hold (architecture, section 7).
struct OutboundQuestions {
    /// Addresses to look up among contacts and leads.
    var emails: [EmailAddress] = []
    /// Linked record ids to read, by object.
    var recordIDs: [ObjectKind: [String]] = [:]

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
    /// Fingerprints of writes of ours whose outcome was never committed, by record id (R58).
    var echoes: [String: [Fingerprint]] = [:]
    /// When creation of a record for a contact was last attempted without a committed outcome.
    var creationAttempts: [Int64: Date] = [:]
}

/// One record to be written to Salesforce.
struct SalesforceWrite {
    let contactID: Int64
    let object: ObjectKind
    /// Nil creates the record.
    let recordID: String?
    /// Mapped fields of the write.
    var write: FieldWrite
    /// Fields written on creation only: fallbacks (D2).
    var fallbacks: [String: SalesforceFieldValue] = [:]
    /// The link as it will be when the write is accepted; nil until a created record has an id.
    var link: Link?
    /// What the contact holds, for the link's fingerprint.
    let projection: Projection
    let email: EmailAddress?
    /// `AC_Change_Seq__c` we have read and processed (salesforce-api 13.3 A).
    var acknowledgedSequence: Int64?
    /// Whether the record was found by address and is linked by this write (R19).
    var isMatch = false

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
    case write(SalesforceWrite)
    /// Left pending until an instant.
    case deferred(until: Date, reason: String, [Decision])
}

/// Plans one chunk of contacts, up to the thousand records one counted call can write.
struct OutboundChunk {
    let rules: OutboundRules
    /// Whether the org has the Salesforce package.
    let isGuarded: Bool
    /// Whether records are created by external id; without one a lost answer is bridged by looking again.
    let hasExternalID: Bool
    let now: Date

    /// How long a creation without external id whose answer was lost keeps us from trying again: Salesforce's longest
    /// transaction plus a minute (salesforce-api 6.4).
    static let creationQuarantine: TimeInterval = 660

    private(set) var intents: [(contact: ActiveCampaignContact, intent: OutboundIntent)] = []

    /// Takes the chunk's contacts with their links.
    mutating func take(_ contacts: [ActiveCampaignContact], links: [Int64: [Link]]) {
        intents += contacts.map { ($0, rules.intent(for: $0, links: links[$0.id] ?? [])) }
    }

    /// What must be asked before the chunk can be decided.
    var questions: OutboundQuestions {
        var questions = OutboundQuestions()
        for (contact, intent) in intents {
            switch intent {
            case .create:
                if let email = contact.email { questions.emails.append(email) }
            case .update(let link, _) where !isGuarded:
                questions.recordIDs[link.object, default: []].append(link.recordID)
            case .update, .drop:
                break
            }
        }
        return questions
    }

    /// Decides every contact of the chunk.
    func verdicts(_ answers: OutboundAnswers) -> [(contactID: Int64, verdict: OutboundVerdict)] {
        var candidates: [EmailAddress: [SalesforceRecord]] = [:]
        for record in answers.found {
            if let email = record.email { candidates[email, default: []].append(record) }
        }
        return intents.map { contact, intent in
            switch intent {
            case .drop(let code, let reason):
                (contact.id, .dropped([decision(code, contact, reason: reason)]))
            case .create(let object):
                (contact.id, create(object, contact, candidates: candidates, answers: answers))
            case .update(let link, let changed):
                (contact.id, update(contact, link: link, changed: changed, answers: answers))
            }
        }
    }

    // MARK: - Creations

    private func create(
        _ object: ObjectKind, _ contact: ActiveCampaignContact, candidates: [EmailAddress: [SalesforceRecord]],
        answers: OutboundAnswers
    ) -> OutboundVerdict {
        let found = contact.email.flatMap { candidates[$0] } ?? []
        let taken = Set(answers.owners.filter { $0.value != contact.id }.keys)
        if let match = OutboundRules.match(candidates: found, taken: taken) {
            return link(contact, to: match.record, isAmbiguous: match.isAmbiguous)
        }
        if !hasExternalID, let attempt = answers.creationAttempts[contact.id],
            now.timeIntervalSince(attempt) < Self.creationQuarantine
        {
            return .deferred(
                until: attempt.addingTimeInterval(Self.creationQuarantine), reason: "creation_outcome_unknown",
                [decision(.queued, contact, object, reason: "T17")])
        }
        let creation = rules.creation(of: object, for: contact)
        return .write(
            SalesforceWrite(
                contactID: contact.id, object: object, recordID: nil, write: creation.write,
                fallbacks: creation.fallbacks, projection: rules.projector(of: object).project(contact),
                email: contact.email))
    }

    /// R19: the record that is there already is linked and updated; Salesforce's own pending change comes first.
    private func link(
        _ contact: ActiveCampaignContact, to record: SalesforceRecord, isAmbiguous: Bool
    ) -> OutboundVerdict {
        let projector = rules.projector(of: record.object)
        let projection = projector.project(contact)
        let held = projector.project(record)
        var link = Link(
            contactID: contact.id, object: record.object, recordID: record.id,
            emailHash: contact.email?.hash ?? [], contactFingerprint: Fingerprint(projection),
            recordFingerprint: Fingerprint(held), changeSequence: record.changeSequence)
        let linked = decision(
            .linked, contact, record.object, record: record.id, reason: isAmbiguous ? "R19.several" : "R19")
        let differing = projection.values.filter { !$0.value.isBlank && held[$0.key] != $0.value }.keys.sorted()
        if record.status == .waiting {
            // Left without what Salesforce holds, so that the next pull brings all of it (R53).
            link.recordFingerprint = nil
            return .relinked(link, [linked, decision(.conflictLost, contact, record.object, reason: "R53")])
        }
        let write = projector.write(
            projection, changed: differing, to: .salesforce, target: link.recordFingerprint,
            clearsBlanks: rules.settings.clearsBlanks)
        if write.isEmpty, !hasExternalID || record.contactID == contact.id { return .relinked(link, [linked]) }
        return .write(
            SalesforceWrite(
                contactID: contact.id, object: record.object, recordID: record.id, write: write, link: link,
                projection: projection, email: contact.email, acknowledgedSequence: record.changeSequence,
                isMatch: true))
    }

    // MARK: - Updates

    private func update(
        _ contact: ActiveCampaignContact, link: Link, changed: [String], answers: OutboundAnswers
    ) -> OutboundVerdict {
        let projector = rules.projector(of: link.object)
        let projection = projector.project(contact)
        let write = projector.write(
            projection, changed: changed, to: .salesforce, target: link.recordFingerprint,
            clearsBlanks: rules.settings.clearsBlanks)
        var settled = link
        settled.contactFingerprint = Fingerprint(projection)
        if let email = contact.email { settled.emailHash = email.hash }
        let kept = write.kept.sorted { $0.key < $1.key }.map {
            decision($0.value, contact, link.object, record: link.recordID, field: $0.key)
        }
        if write.isEmpty { return .relinked(settled, kept) }
        let verdict = OutboundRules.verdict(
            of: write, link: link, state: state(of: link, projector: projector, answers: answers),
            echoes: answers.echoes[link.recordID] ?? [])
        switch verdict {
        case .write:
            return .write(
                SalesforceWrite(
                    contactID: contact.id, object: link.object, recordID: link.recordID, write: write, link: settled,
                    projection: projection, email: contact.email, acknowledgedSequence: link.changeSequence))
        case .alreadyThere:
            var known = settled.recordFingerprint ?? Fingerprint()
            known.record(write.projection, fields: write.fields)
            settled.recordFingerprint = known
            return .relinked(settled, kept)
        case .salesforceWins:
            let lost = decision(.conflictLost, contact, link.object, record: link.recordID, reason: "R53")
            return .relinked(settled, kept + [lost])
        case .missing:
            settled.state = .missing
            let gone = decision(.tombstoned, contact, link.object, record: link.recordID, reason: "R89")
            return .relinked(settled, [gone])
        }
    }

    private func state(of link: Link, projector: Projector, answers: OutboundAnswers) -> SalesforceState {
        if isGuarded { return .guardedByPackage }
        guard let record = answers.held[link.recordID], !record.isDeleted else { return .gone }
        return .read(projector.project(record), status: record.status)
    }

    private func decision(
        _ code: DecisionCode, _ contact: ActiveCampaignContact, _ object: ObjectKind = .contact,
        record: String? = nil, reason: String? = nil, field: String? = nil
    ) -> Decision {
        Decision(
            code, .outbound, object, contactID: contact.id, recordID: record, reason: reason, field: field)
    }
}
