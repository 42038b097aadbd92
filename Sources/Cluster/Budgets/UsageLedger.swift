import Foundation
import Store
import SyncRules
import Synchronization

/// Writes calls into PostgreSQL's ledger. What can't be stored is kept in memory and goes with the next that can; it dies
/// with the process.
final class UsageLedger: Sendable {
    /// What the ledger adds up: the calls of one provider and class in one hour.
    private struct Slot: Hashable {
        let provider: Side
        let callClass: Int16
        let hour: Int
    }

    private let store: Store
    private let waiting = Mutex<[Int32: [Slot: UsageEntry]]>([:])

    init(store: Store) { self.store = store }

    /// Adds a tenant's calls, and those of others that could not be stored before.
    /// - Throws: `StoreError`; the calls are kept then.
    func add(_ usage: [UsageEntry], of tenant: Int32) async throws {
        put(usage, of: tenant)
        while let (tenant, usage) = take() {
            do { try await store.addUsage(tenant: tenant, usage) } catch {
                put(usage, of: tenant)
                throw error
            }
        }
    }

    private func put(_ usage: [UsageEntry], of tenant: Int32) {
        waiting.withLock { waiting in
            for entry in usage {
                let hour = Int((entry.at.timeIntervalSince1970 / 3_600).rounded(.down))
                let slot = Slot(provider: entry.provider, callClass: entry.callClass, hour: hour)
                var sum = waiting[tenant]?[slot] ?? entry
                if waiting[tenant]?[slot] != nil { sum.calls += entry.calls }
                waiting[tenant, default: [:]][slot] = sum
            }
        }
    }

    private func take() -> (Int32, [UsageEntry])? {
        waiting.withLock { waiting in
            guard let tenant = waiting.keys.first, let usage = waiting.removeValue(forKey: tenant) else { return nil }
            return (tenant, Array(usage.values))
        }
    }
}
