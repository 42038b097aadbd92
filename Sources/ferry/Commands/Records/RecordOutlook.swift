import Foundation
import Store
import SyncRules

/// What will happen to a record, told from its rows and its tenant's streams. Pure: the instant comes in.
struct RecordOutlook {
    let tenant: String
    let state: TenantState
    let settings: SyncSettings?
    let streams: [StreamRow]
    let queue: QueueMode
    let now: Date

    /// What happens next, the most binding first.
    func sentences(_ file: RecordFile) -> [String] {
        var lines = obstacles(file)
        lines += file.failures.map(failure)
        lines += file.waiting.map(change)
        lines += file.imports.map { "The import of \($0.recordID) is looked at again \(at($0.checkAt))." }
        lines += file.resyncs.map {
            "\($0.recordID) is read anew \(run(.inbound, $0.object, notBefore: nil)), and written as the rules say."
        }
        lines += remedy(file).map { [$0] } ?? []
        if !file.writebacks.isEmpty { lines.append("The status goes to Salesforce with the next call there.") }
        if file.isEmpty {
            lines.append(
                "Nothing is stored about it: it was never seen changed since this tenant is on board, or only its "
                    + "unmapped fields changed, or what was decided is older than \(StoreLimits.decisionRetentionDays) days."
            )
            lines.append("From ActiveCampaign only those enter that an automation tags for Salesforce (R14).")
            lines += settings.map { [selection($0)] } ?? []
        }
        if file.failures.isEmpty, file.waiting.isEmpty, file.imports.isEmpty, file.resyncs.isEmpty {
            lines += schedule(file)
        }
        return lines
    }

    // MARK: - What keeps everything

    private func obstacles(_ file: RecordFile) -> [String] {
        var lines: [String] = []
        if state != .active {
            lines.append("Nothing runs: the tenant is \(state.rawValue). `ferry tenants resume \(tenant)`")
        }
        if settings == nil { lines.append("Nothing runs: the tenant has no row in sync_settings.") }
        if queue == .paused { lines.append("Nothing runs: the whole queue is paused. `ferry queue resume`") }
        if queue == .draining {
            lines.append("Nothing new is placed: the queue is being drained. `ferry queue resume`")
        }
        if !file.exclusions.isEmpty {
            lines.append("It is left out of every run until `ferry records unskip \(tenant) ID`.")
        }
        return lines
    }

    // MARK: - What keeps the record

    /// What has to happen for a record that the last look at it left out; nil when it was not.
    private func remedy(_ file: RecordFile) -> String? {
        guard let decision = file.decisions.last?.decision else { return nil }
        switch (decision.code, decision.reason) {
        case (.outOfScope, "R14"), (.outOfScope, "R27"):
            return "It goes to Salesforce once an automation gives it one of the added-to tags (R15, R16)."
        case (.outOfScope, "R26"): return "Its changes leave again once it carries a sync tag (R24)."
        case (.outOfScope, "R36.none"), (.outOfScope, "R86"):
            return "It enters when the tenant's selection takes records of its object (sync_settings)."
        case (.outOfScope, "R37"): return "A back-fill takes it whatever its age: `ferry sync backfill \(tenant)`."
        case (.outOfScope, "R41"): return "It enters with the first pull after its marker checkbox is set."
        case (.outOfScope, "R40"), (.outOfScope, "R42"):
            return "It enters with the first pull after it meets selection_criteria."
        case (.outOfScope, "R70"): return "It enters once it has a company, or allow_leads_without_company is set."
        case (.noEmail, _): return "It is read again when it changes, and enters once it has an e-mail address (R7)."
        case (.duplicateMatch, _): return "It is read again when one of the two records changes its e-mail address."
        case (.budgetWait, _):
            return "It goes on when calls come back, or when `ferry budgets set \(tenant)` raises the allowance."
        default: return nil
        }
    }

    // MARK: - What waits

    private func failure(_ failure: FailureRow) -> String {
        guard let retry = failure.retryAt else {
            return failure.direction == .outbound
                ? "Contact \(failure.recordID) is tried again when it changes in ActiveCampaign, or by `ferry records "
                    + "retry \(tenant) \(failure.recordID)`."
                : "\(failure.recordID) is tried again when it changes in Salesforce, or by `ferry records retry \(tenant) "
                    + "\(failure.recordID)`."
        }
        return "\(failure.recordID) is tried again \(run(failure.direction, failure.object, notBefore: retry))."
    }

    private func change(_ waiting: RecordFile.Waiting) -> String {
        "The change of contact \(waiting.contactID) leaves \(run(.outbound, .contact, notBefore: waiting.notBefore))."
    }

    private func schedule(_ file: RecordFile) -> [String] {
        let objects = Set(file.links.map(\.link.object)).union(file.isEmpty ? [.contact, .lead] : [])
        let pulls = objects.sorted { $0.rawValue < $1.rawValue }.filter { stream(.inbound, $0) != nil }.map {
            "A change in Salesforce to a \($0.name) is seen \(run(.inbound, $0, notBefore: nil))."
        }
        let outbound =
            "A change in ActiveCampaign leaves \(run(.outbound, .contact, notBefore: nil))."
        return (file.isEmpty ? [] : ["Nothing waits."]) + [outbound] + pulls
    }

    private func selection(_ settings: SyncSettings) -> String {
        "Records enter from Salesforce by selection: contacts \(Self.words(settings.contactSelection)), leads "
            + "\(Self.words(settings.leadSelection))."
    }

    private static func words(_ mode: SelectionMode) -> String {
        switch mode {
        case .none: "none (R36)"
        case .new: "those created since the tenant began (R37)"
        case .marked: "those that are marked (R41)"
        case .criteria: "those that meet the criteria (R42)"
        }
    }

    // MARK: - Instants

    private func stream(_ direction: Direction, _ object: ObjectKind) -> StreamRow? {
        streams.first { $0.direction == direction && $0.object == object }
    }

    /// With which run, and when: never before the stream's own next run.
    private func run(_ direction: Direction, _ object: ObjectKind, notBefore: Date?) -> String {
        guard let stream = stream(direction, object) else {
            return "never: this tenant has no \(direction.name) stream of \(object.name)s"
        }
        guard stream.isEnabled else { return "when its \(direction.name) stream is switched on again" }
        let instant = max(stream.nextRunAt, notBefore ?? .distantPast)
        let trouble = stream.lastError.map { " (the stream is \(stream.state): \($0))" } ?? ""
        return "with the \(direction.name) run \(at(instant))\(trouble)"
    }

    private func at(_ instant: Date) -> String {
        instant <= now ? "due now" : "at \(RecordStory.stamp(instant))"
    }
}
