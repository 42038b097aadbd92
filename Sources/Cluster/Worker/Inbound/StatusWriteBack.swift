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
            var commit = session.commit(run)
            let outcomes = try await send(queued, persons, &commit)
            var failure: StreamTrouble?
            for (writeback, outcome) in zip(queued, outcomes) {
                switch outcome {
                case .written: tally.acknowledged += 1
                case .refused(let refusal):
                    let isYoung = run.now.timeIntervalSince(writeback.queuedAt) < ClusterLimits.writebackPatience
                    if refusal.mayPass, isYoung { continue }
                    commit.decisions.append(decision(writeback, refusal))
                case .failed(let trouble):
                    failure = trouble
                    continue
                }
                commit.doneWritebacks.append(writeback)
            }
            if !commit.doneWritebacks.isEmpty { try await run.commit(commit, store: session.store) }
            if let failure { throw failure }
            guard !commit.doneWritebacks.isEmpty else { return }
            guard queued.count == ClusterLimits.recordsPerCall else { return }
        }
    }

    /// Where another record holds the contact's id, as one does that got it in a conversion, the status goes without it: the
    /// record would wait for ever, and nothing from ActiveCampaign would reach it any more (R53).
    private func send(
        _ queued: [Writeback], _ persons: [String: String], _ commit: inout RunCommit
    ) async throws -> [RowOutcome] {
        var outcomes = try await session.salesforce.writeBack(queued, persons: persons)
        var nameless: [Int] = []
        for (index, outcome) in outcomes.enumerated() {
            guard case .refused(let refusal) = outcome, refusal.isValueTaken else { continue }
            nameless.append(index)
            commit.decisions.append(decision(queued[index], refusal))
        }
        guard !nameless.isEmpty else { return outcomes }
        let again = try await session.salesforce.writeBack(
            nameless.map { queued[$0] }, persons: persons, names: false)
        for (index, outcome) in zip(nameless, again) { outcomes[index] = outcome }
        return outcomes
    }

    /// A record that changed meanwhile is not an error; anything else a person can look up.
    private func decision(_ writeback: Writeback, _ refusal: RowRefusal) -> Decision {
        Decision(
            refusal.kind == .changedInSalesforce ? .queued : .rejected, .inbound, writeback.object,
            contactID: writeback.contactID, recordID: writeback.recordID, reason: refusal.code)
    }
}
