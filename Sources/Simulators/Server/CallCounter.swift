import Synchronization

/// Counts one account's calls by class (`composite`, `query`, `token`, …) since it exists, and since any mark.
package final class CallCounter: Sendable {
    private let counts = Mutex<[String: Int]>([:])

    /// A counter at zero.
    package init() {}

    /// Counts calls of a class.
    package func count(_ callClass: String, _ calls: Int = 1) {
        counts.withLock { $0[callClass, default: 0] += calls }
    }

    /// Calls of a class so far.
    package subscript(_ callClass: String) -> Int {
        counts.withLock { $0[callClass] ?? 0 }
    }

    /// Calls of all classes so far.
    package var total: Int {
        counts.withLock { $0.values.reduce(0, +) }
    }

    /// Calls so far by class.
    package var byClass: [String: Int] {
        counts.withLock { $0 }
    }

    /// Remembers where the counts stand now.
    package func mark() -> CallMark {
        CallMark(counts: byClass)
    }

    /// Calls by class since the mark; classes without a call are absent.
    package func since(_ mark: CallMark) -> [String: Int] {
        byClass.reduce(into: [:]) { result, entry in
            let calls = entry.value - (mark.counts[entry.key] ?? 0)
            if calls > 0 { result[entry.key] = calls }
        }
    }
}

/// A moment in the life of a `CallCounter`.
package struct CallMark: Sendable {
    fileprivate let counts: [String: Int]
}
