import Drivers
import Foundation
import Store
import SyncRules

/// What became of one opportunity that was pushed.
enum OpportunityOutcome: Sendable {
    case written(targetID: String)
    case refused(code: String)
}

/// Writes opportunities to ActiveCampaign, one by one: as records of a custom object, or as deals (R76).
///
/// What it has put into `commit` when it throws is true and can be stored.
struct OpportunityWriter {
    let session: TenantSession
    let run: RunContext
    private let target: any OpportunityTargetWriter
    /// Records in a row that met a failure of the server's.
    private var streak = 0

    init(session: TenantSession, run: RunContext) {
        self.session = session
        self.run = run
        target =
            switch session.tenant.settings.opportunityTarget {
            case .customObject: OpportunityObject(session: session)
            case .deal: OpportunityDeals(session: session)
            }
    }

    /// Writes one opportunity and records what came of it.
    mutating func push(
        _ values: OpportunityValues, _ link: OpportunityLink, into commit: inout RunCommit, _ tally: inout RunTally
    ) async throws {
        guard let contactID = link.contactID else { return }
        let isNew = link.targetID == nil || link.target != session.tenant.settings.opportunityTarget
        let known = isNew ? nil : link.targetID
        let intention = EchoIntention(
            side: .activeCampaign, object: .opportunity, recordID: link.recordID,
            fingerprint: OpportunityRules.fingerprint(of: values))
        let attempts = try await session.store.echoes(tenant: session.number, recordIDs: [link.recordID])
        try await session.store.intend(tenant: session.number, [intention], now: run.now)
        do {
            let outcome = try await target.write(
                values, recordID: link.recordID, contactID: contactID, targetID: known,
                attemptedAt: attempts.map(\.writtenAt).min())
            streak = 0
            settle(link, values, outcome, isNew: isNew, into: &commit, &tally)
            commit.consumedEchoes += [intention.key]
            commit.consumedEchoes += attempts.map(\.key)
        } catch let trouble as StreamTrouble where trouble.mayBeOneRecord {
            streak += 1
            guard streak < ClusterLimits.failuresInARow else { throw trouble }
            let next = run.now.addingTimeInterval(ClusterLimits.recordRetry.delay(attempt: 0).seconds)
            tally.failed += 1
            tally.leave(until: next)
            commit.fail(
                .inbound, .opportunity, recordID: link.recordID, code: trouble.code, fields: [], fingerprint: nil,
                now: run.now, retryAt: next, kind: .transient)
            commit.decisions.append(decision(.rejected, link, reason: trouble.code))
        }
    }

    private func settle(
        _ link: OpportunityLink, _ values: OpportunityValues, _ outcome: OpportunityOutcome, isNew: Bool,
        into commit: inout RunCommit, _ tally: inout RunTally
    ) {
        switch outcome {
        case .written(let targetID):
            var pushed = link
            pushed.state = .pushed
            pushed.target = session.tenant.settings.opportunityTarget
            pushed.targetID = targetID
            pushed.fingerprint = OpportunityRules.fingerprint(of: values)
            commit.opportunities.append(pushed)
            commit.resolveFailure(.inbound, recordID: link.recordID)
            commit.decisions.append(decision(.accepted, link, reason: "R74"))
            if isNew { tally.created += 1 } else { tally.updated += 1 }
        case .refused(let code):
            tally.failed += 1
            commit.fail(
                .inbound, .opportunity, recordID: link.recordID, code: code, fields: [], fingerprint: nil,
                now: run.now)
            commit.decisions.append(decision(.rejected, link, reason: code))
        }
    }

    private func decision(_ code: DecisionCode, _ link: OpportunityLink, reason: String) -> Decision {
        Decision(
            code, .inbound, .opportunity, contactID: link.contactID, recordID: link.recordID, reason: reason)
    }
}

/// One of the two things an opportunity can become (R76).
protocol OpportunityTargetWriter: Sendable {
    /// Writes an opportunity.
    /// - Parameters:
    ///   - targetID: of the record or deal it became; nil when it is new.
    ///   - attemptedAt: when it was first tried without an answer, so that it may be there already (T17); nil when it
    ///     never was.
    func write(
        _ values: OpportunityValues, recordID: String, contactID: Int64, targetID: String?, attemptedAt: Date?
    ) async throws -> OpportunityOutcome
}
