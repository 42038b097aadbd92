import Drivers
import Foundation
import JobQueue
import Logging
import Store
import SyncRules

/// What one run carries through all its steps: the lease it acts under, the clock, and where it logs.
struct RunContext: Sendable {
    let token: FencingToken
    /// Who holds the lease.
    let worker: WorkerID
    let runID: Int64
    let clock: WallClock
    let logger: Logger
    let account: RunAccount

    /// The present instant.
    var now: Date { clock.now }
    /// Whether a run may still call for a reason, by how much of the tenant's allowance is used (sync-traps 2d).
    func may(_ cause: WorkCause) -> Bool { cause.mayRun(at: account.step.percent) }
    /// The token as rows hold it.
    var fence: Int64 { token.rawValue }

    /// Stores what a step did, under the lease's token.
    /// - Throws: `LostLease` when a newer lease has committed meanwhile: this run must stop and write nothing more.
    /// The calls made until here go with it.
    func commit(_ commit: RunCommit, store: Store) async throws {
        var commit = commit
        commit.holder = worker.name
        commit.usage += account.takeUsage()
        let usage = commit.usage
        do {
            guard try await store.commit(commit, now: now) == .committed else {
                MetricCatalog.count("ferry_fenced_commits_total")
                throw LostLease()
            }
        } catch {
            account.giveBack(usage)
            throw error
        }
    }
}

/// The run's lease was lost to another worker; what it did since its last commit is repeated there.
struct LostLease: Error {}
