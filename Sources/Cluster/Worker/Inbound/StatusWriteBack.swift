import Foundation
import Store
import SyncRules

/// Tells Salesforce what was synced: status, contact id and the change sequence we have read (R52, R57).
///
/// Only in orgs with the Salesforce package. A record that changed again meanwhile refuses, and is left to the next pull
/// (salesforce-api 13.3 A).
struct StatusWriteBack {
    let session: TenantSession
    let run: RunContext

    /// Writes back all that is queued, a thousand records a counted call.
    /// - Parameter least: fewer than so many wait for others to go with; more are still to come.
    func flush(_ tally: inout RunTally, least: Int = 1) async throws {
        guard session.acknowledges, run.may(.upkeep) else { return }
        while true {
            let queued = try await session.store.writebacks(
                tenant: session.number, limit: ClusterLimits.recordsPerCall)
            guard queued.count >= least else { return }
            let persons = try await session.personAccounts(of: queued.map(\.recordID))
            let outcomes = try await session.salesforce.writeBack(queued, persons: persons)
            var commit = session.commit(run)
            for (writeback, outcome) in zip(queued, outcomes) {
                if case .refused(let refusal) = outcome {
                    let isYoung = run.now.timeIntervalSince(writeback.queuedAt) < ClusterLimits.writebackPatience
                    if refusal.mayPass, isYoung { continue }
                    commit.decisions.append(decision(writeback, refusal))
                } else {
                    tally.acknowledged += 1
                }
                commit.doneWritebacks.append(writeback)
            }
            guard !commit.doneWritebacks.isEmpty else { return }
            try await run.commit(commit, store: session.store)
            guard queued.count == ClusterLimits.recordsPerCall else { return }
        }
    }

    /// A record that changed meanwhile is not an error; anything else a person can look up.
    private func decision(_ writeback: Writeback, _ refusal: RowRefusal) -> Decision {
        Decision(
            refusal.kind == .changedInSalesforce ? .queued : .rejected, .inbound, writeback.object,
            contactID: writeback.contactID, recordID: writeback.recordID, reason: refusal.code)
    }
}
