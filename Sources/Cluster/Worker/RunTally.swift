import Foundation
import Store
import SyncRules

/// What one run did, in records; stored with the run and shown by `ferry sync`.
struct RunTally: Sendable {
    /// Records read.
    var seen = 0
    /// Records written for the first time.
    var created = 0
    /// Records updated.
    var updated = 0
    /// Records handed to a bulk import whose outcome is not known yet.
    var imported = 0
    /// Changes dropped because Salesforce had changed the record (R53).
    var conflicts = 0
    /// Records refused for good.
    var failed = 0
    /// Status write-backs accepted.
    var acknowledged = 0
    /// Links that would be taken for missing in this run, held back or not, by object (T20).
    var missing: [ObjectKind: Int] = [:]
    /// Objects whose links are held back from being taken for missing.
    var withheld: Set<ObjectKind> = []
    /// Whether contacts were found to have something to tell Salesforce.
    var speaks = false
    /// How a sweep's slice ended.
    var sweep: SweepProgress?
    /// When the earliest of the changes left pending is to be looked at again; nil when none was left.
    var nextLook: Date?
    /// Objects that could not be read while others were.
    var troubles: [ObjectKind: StreamTrouble] = [:]
    /// Whether work was left for a run right after this one.
    var hasMore = false

    /// Records written to the other side.
    var written: Int { created + updated }

    /// Records written to the other side or handed to an import.
    var touched: Int { created + updated + imported }

    /// Notes that a change was left pending.
    mutating func leave(until instant: Date) {
        nextLook = min(nextLook ?? instant, instant)
    }

    /// Counts decisions that end a record's way without a write.
    mutating func count(_ decisions: [Decision]) {
        conflicts += decisions.count { $0.code == .conflictLost }
    }
}
