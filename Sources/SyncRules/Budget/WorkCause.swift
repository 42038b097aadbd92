/// Why a run would spend a call, from what waits first to what goes on longest when a tenant's allowance nears its end
/// (sync-traps 2d).
package enum WorkCause: String, Sendable, CaseIterable {
    /// Records that were there before: back-fills and re-evaluations.
    case backfill
    /// What failed, and is tried again by itself.
    case retry
    /// What nobody waits for: status write-backs, formulas calculated anew, second looks, people's places in accounts.
    case upkeep
    /// A person has changed the record on one of the sides, or asked for it by name.
    case personsEdit
    /// A record or a contact comes to be, or a pair finds together.
    case creation

    /// Percent of the allowance from which on it waits.
    package var waitsFrom: Int {
        switch self {
        case .backfill: 60
        case .retry: 75
        case .upkeep: 90
        case .personsEdit, .creation: 100
        }
    }

    /// Whether it still may when so much of the allowance is used.
    package func mayRun(at percentUsed: Int) -> Bool { percentUsed < waitsFrom }
}

extension WorkCause {
    /// A contact that waits for an outbound batch.
    /// - Parameters:
    ///   - isPutOff: whether a run has put it off since it was last seen to change.
    ///   - reason: why, by the code of its row.
    package init(isPutOff: Bool, reason: String?) {
        switch reason {
        case let reason? where isPutOff && Self.secondLooks.contains(reason): self = .upkeep
        case let reason? where isPutOff && !Self.untried.contains(reason): self = .retry
        default: self = .personsEdit
        }
    }

    /// Looks at a contact that nobody has changed: its mappings have changed.
    private static let secondLooks: Set = ["looked_at_anew"]
    /// Changes that were put off before they were tried: they wait for an import, a re-evaluation, a pull or another record.
    private static let untried: Set = [
        "import_open", "mapping_paused", "lead_converted", "relinked", "record_gone", "changed_meanwhile",
        "review",
    ]

    /// A write to ActiveCampaign.
    /// - Parameters:
    ///   - isNew: whether the record enters with it.
    ///   - fields: Salesforce names of what is written.
    ///   - formulas: those of the object's mapped formulas.
    package init(isNew: Bool, fields: some Sequence<String>, formulas: Set<String>) {
        self = isNew ? .creation : Set(fields).isSubset(of: formulas) ? .upkeep : .personsEdit
    }
}
