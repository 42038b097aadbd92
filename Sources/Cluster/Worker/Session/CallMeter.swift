import SyncRules
import Synchronization

/// What a provider call was for. Raw values are stored; never renumber them.
package enum CallClass: Int16, Sendable, CaseIterable {
    case read = 1
    case write = 2
    case describe = 3
    case token = 4
    case bulkImport = 5
    case importCheck = 6
    case tag = 7
    case other = 8
    /// Reading formula fields of linked records (R59).
    case formulaSweep = 9

    /// The word on screens.
    package var name: String {
        switch self {
        case .read: "read"
        case .write: "write"
        case .describe: "describe"
        case .token: "token"
        case .bulkImport: "import"
        case .importCheck: "import_check"
        case .tag: "tag"
        case .other: "other"
        case .formulaSweep: "formula_sweep"
        }
    }
}

/// Counts a run's provider calls by class until its next commit takes them, and all runs' for the metrics.
final class CallMeter: Sendable {
    /// One class of calls of one provider.
    struct Key: Hashable, Sendable {
        let provider: Side
        let callClass: CallClass
    }

    private let counts = Mutex<[Key: Int]>([:])

    func count(_ provider: Side, _ callClass: CallClass) {
        counts.withLock { $0[Key(provider: provider, callClass: callClass), default: 0] += 1 }
        MetricCatalog.called(provider, callClass)
    }

    /// Puts back what was taken and not stored.
    func put(_ provider: Side, _ callClass: CallClass, _ calls: Int) {
        counts.withLock { $0[Key(provider: provider, callClass: callClass), default: 0] += calls }
    }

    /// The calls since the last time.
    func take() -> [Key: Int] {
        counts.withLock { counts in
            defer { counts = [:] }
            return counts
        }
    }
}
