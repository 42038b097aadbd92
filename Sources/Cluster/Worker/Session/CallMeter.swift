import Synchronization

/// Counts a tenant's provider calls by class until the run's next commit takes them.
final class CallMeter: Sendable {
    /// One class of calls of one provider.
    struct Key: Hashable, Sendable {
        /// `activecampaign` or `salesforce`.
        let provider: String
        let callClass: String
    }

    private let counts = Mutex<[Key: Int]>([:])

    func count(_ provider: String, _ callClass: String) {
        counts.withLock { $0[Key(provider: provider, callClass: callClass), default: 0] += 1 }
    }

    /// The calls since the last time.
    func take() -> [Key: Int] {
        counts.withLock { counts in
            defer { counts = [:] }
            return counts
        }
    }
}
