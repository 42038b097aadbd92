import Foundation

/// By what a record may cross to the other side (R15, R16, R24, R36–R42). Raw values are stored; never renumber them.
package enum EntryGround: Int16, Sendable, CaseIterable {
    /// Created since the tenant began (R37).
    case created = 1
    /// Changed since the tenant began, where that enrols (R38).
    case updated = 2
    /// Its marker checkbox is set (R41).
    case marked = 3
    /// It meets the selection criteria (R42).
    case criteria = 4
    /// A back-fill takes it whatever its age.
    case backfill = 5
    /// Synced before, and followed from then on (R40).
    case followed = 6
    /// An automation asked for it to be in Salesforce (R15, R16).
    case createAction = 7
    /// Linked, and carrying a sync tag (R24).
    case syncTag = 8
    /// A synced person belongs to it (R71, R72).
    case inhabited = 9
}

extension SelectionRules {
    /// By what a record enters that `refusalOfEntry` lets in.
    package func groundOfEntry(_ record: SalesforceRecord) -> EntryGround {
        let mode = record.isPersonAccount ? settings.personAccountSelection : settings.selection(of: record.object)
        return switch mode {
        case .marked: .marked
        case .criteria: .criteria
        case .none, .new:
            start == .distantPast ? .backfill : isNew(record, countingUpdates: false) ? .created : .updated
        }
    }
}
