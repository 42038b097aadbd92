import Foundation
import Store
import SyncRules

/// What happened to one record, in time order and in sentences, and what happens next. Pure: everything comes in.
struct RecordStory: Encodable {
    /// One line of the story.
    struct Event: Encodable {
        let at: Date
        /// `run`, `seen`, `selected`, `decision`, `link`, `change`, `failure`, `import`, `write`, `writeback`,
        /// `exclusion` or `resync`.
        let kind: String
        let text: String
        /// Name of the decision's code.
        var code: String?
        /// The rule, or the provider's error code.
        var reason: String?
        var run: Int64?
        /// The ids the event names, where they tell which of several records it is about.
        var contact: Int64?
        var record: String?

        /// One line; with the ids when the story has several records.
        func line(naming: Bool) -> String {
            let ids = [contact.map { "contact \($0)" }, record].compactMap(\.self).joined(separator: " ↔ ")
            return "\(RecordStory.stamp(at))  \(text)\(naming && !ids.isEmpty ? " [\(ids)]" : "")"
        }
    }

    let tenant: String
    /// ActiveCampaign contact ids and Salesforce record ids of the story.
    let contacts: [Int64]
    let records: [String]
    let events: [Event]
    /// What happens next, and when.
    let next: [String]
    /// Whether the record needs somebody: it failed and waits for a change, or is held.
    let needsSomebody: Bool

    /// Tells the story of a file.
    init(_ file: RecordFile, outlook: RecordOutlook) {
        tenant = outlook.tenant
        contacts = file.contactIDs
        records = file.recordIDs
        let all =
            Self.runs(file) + Self.decisions(file) + file.links.map(Self.link)
            + file.waiting.map(Self.change) + file.failures.map(Self.failure) + file.imports.map(Self.importing)
            + file.openWrites.map(Self.write) + file.writebacks.map(Self.writeback)
            + file.exclusions.map(Self.exclusion) + file.accounts.map(Self.account)
            + file.opportunities.map(Self.opportunity) + file.resyncs.map(Self.resync)
        // Stable: what shares an instant stays in the order above, a run before its decisions.
        events = all.enumerated().sorted { ($0.element.at, $0.offset) < ($1.element.at, $1.offset) }.map(\.element)
        next = outlook.sentences(file)
        needsSomebody = file.failures.contains { $0.retryAt == nil }
    }

    /// The story as text.
    var text: String {
        let names = contacts.map { "contact \($0)" } + records
        var lines = ["\(tenant): " + (names.isEmpty ? "no record of this name" : names.joined(separator: " ↔ "))]
        let isNaming = contacts.count > 1 || records.count > 1
        lines += events.map { "  " + $0.line(naming: isNaming) }
        lines.append("Next:")
        lines += next.map { "  \($0)" }
        return lines.joined(separator: "\n")
    }

    // MARK: - Events

    private static func runs(_ file: RecordFile) -> [Event] {
        file.runs.values.map { run in
            let way = run.direction == Direction.outbound.rawValue ? "Outbound batch" : "Inbound pull"
            let error = run.errorCode.map { ", stopped by \($0)" } ?? ""
            return Event(
                at: run.startedAt, kind: "run",
                text: "\(way) \(run.run) began: \(run.seen) records read, \(run.contactCalls) calls to ActiveCampaign, "
                    + "\(run.recordCalls) to Salesforce\(error).", run: run.run)
        }
    }

    /// Each decision with what led to it; how a record was seen is told once a run.
    private static func decisions(_ file: RecordFile) -> [Event] {
        var told: Set<String> = []
        return file.decisions.flatMap { row in
            let decision = row.decision
            let who = "\(row.run) \(decision.direction.name) \(decision.object.name)"
            let seen = decision.sightingSentence.flatMap { told.insert(who + $0).inserted ? $0 : nil }
            let selected = decision.groundSentence.flatMap { told.insert(who + $0).inserted ? $0 : nil }
            return [
                seen.map { event(row, "seen", $0) }, selected.map { event(row, "selected", $0) },
                event(row, "decision", decision.sentence),
            ].compactMap(\.self)
        }
    }

    private static func event(_ row: DecisionRow, _ kind: String, _ text: String) -> Event {
        let isDecision = kind == "decision"
        return Event(
            at: row.at, kind: kind, text: text, code: isDecision ? row.decision.code.name : nil,
            reason: isDecision ? row.decision.reason : nil, run: row.run, contact: row.decision.contactID,
            record: row.decision.recordID)
    }

    private static func link(_ dated: RecordFile.DatedLink) -> Event {
        let link = dated.link
        let origin = link.origin == .inbound ? "Salesforce" : "ActiveCampaign"
        let state =
            switch link.state {
            case .active: "both are kept in step"
            case .missing:
                "its Salesforce record is gone since \(stamp(dated.updatedAt)); nothing is written to it (R89)"
            case .closed: "closed since \(stamp(dated.updatedAt)): the lead was converted (R49)"
            case .merged:
                "its record was merged into another since \(stamp(dated.updatedAt)), whose contact goes on (D1, R90)"
            case .contactMissing:
                "its contact is gone since \(stamp(dated.updatedAt)); it is made again when the record changes (R89)"
            }
        let contact = link.contactID == 0 ? "a contact not yet known" : "contact \(link.contactID)"
        return Event(
            at: dated.createdAt, kind: "link",
            text: "Linked: \(contact) ↔ \(link.object.salesforceName) \(link.recordID), first from \(origin); \(state)."
        )
    }

    private static func account(_ dated: RecordFile.DatedLink) -> Event {
        let state =
            switch dated.link.state {
            case .active: "both are kept in step"
            case .contactMissing:
                "ActiveCampaign's is gone since \(stamp(dated.updatedAt)); it is made again when Salesforce's changes (R89)"
            case .missing, .closed, .merged:
                "Salesforce's is gone since \(stamp(dated.updatedAt)); nothing is written to it (R89)"
            }
        return Event(
            at: dated.createdAt, kind: "link",
            text: "Linked: ActiveCampaign account \(dated.link.contactID) ↔ Account \(dated.link.recordID); \(state).")
    }

    private static func opportunity(_ dated: RecordFile.DatedOpportunity) -> Event {
        let link = dated.link
        let contact = link.contactID.map { " on contact \($0)" } ?? ""
        let target = link.target == .deal ? "a deal" : "a record of the custom object"
        let text =
            switch link.state {
            case .pushed: "Opportunity \(link.recordID) is \(target)\(contact) (R74)."
            case .missing: "Opportunity \(link.recordID) was deleted in Salesforce; \(target)\(contact) stays (R77)."
            case .waiting:
                "Opportunity \(link.recordID) waits for contact \(link.contactRecordID ?? "") to be synced (R77)."
            }
        return Event(at: dated.updatedAt, kind: "link", text: text, record: link.recordID)
    }

    private static func change(_ waiting: RecordFile.Waiting) -> Event {
        let how =
            switch waiting.source {
            case .webhook: "by webhook"
            case .poll: "by the poll"
            case .command: "because a person asked for it"
            case .retry, .backfill, .reevaluation, .formulas: "by an earlier run, which left it for later"
            }
        let reason = waiting.errorCode.map { code in
            "; left \(waiting.attempts) times for: \(RuleWords.of(code) ?? code)"
        }
        return Event(
            at: waiting.firstSeenAt, kind: "change",
            text: "Contact \(waiting.contactID) seen changed \(how)\(reason ?? ""); not settled yet.",
            reason: waiting.errorCode)
    }

    private static func failure(_ failure: FailureRow) -> Event {
        let fields = failure.fields.isEmpty ? "" : " in \(failure.fields.joined(separator: ", "))"
        let words = failure.message ?? RuleWords.of(failure.code)
        let who =
            switch failure.kind {
            case .record: "its data must change"
            case .transient: "it is passing"
            case .human: "somebody must act"
            case .bug: "a fault of Ferry's or of the provider's"
            }
        return Event(
            at: failure.firstSeenAt, kind: "failure",
            text: "Failed \(failure.direction.name) \(failure.count) times, last \(stamp(failure.lastSeenAt)), with "
                + "\(failure.code)\(fields)\(words.map { ": \($0)" } ?? "") – \(who).", reason: failure.code)
    }

    private static func importing(_ open: RecordFile.Importing) -> Event {
        Event(
            at: open.openedAt, kind: "import",
            text:
                "Record \(open.recordID) was handed to a bulk import, looked at \(open.checks) times since; still open."
        )
    }

    private static func write(_ open: RecordFile.OpenWrite) -> Event {
        let side = open.side == .salesforce ? "Salesforce" : "ActiveCampaign"
        return Event(
            at: open.writtenAt, kind: "write",
            text:
                "About to be written to \(side); the answer was never stored. It is known by its value when it is read."
        )
    }

    private static func writeback(_ writeback: Writeback) -> Event {
        Event(
            at: writeback.queuedAt, kind: "writeback",
            text: "Salesforce is to be told that \(writeback.recordID) is synced (R52).")
    }

    private static func exclusion(_ excluded: ExcludedRecord) -> Event {
        Event(
            at: excluded.excludedAt, kind: "exclusion",
            text: "Kept out of the sync by \(excluded.actor): \(excluded.reason)", reason: "excluded")
    }

    private static func resync(_ request: ResyncRequest) -> Event {
        let way = request.direction.map { " (\($0.name) only)" } ?? ""
        return Event(
            at: request.askedAt, kind: "resync",
            text:
                "\(request.actor) asked for \(request.recordID) to be read anew on both sides\(way); the next pull takes it.",
            reason: "resync", record: request.recordID)
    }

    static func stamp(_ instant: Date) -> String { instant.formatted(.iso8601) }
}
