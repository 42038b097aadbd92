import Drivers
import Foundation
import Store
import SyncRules

/// Why Salesforce refused one record, as far as the batch must tell cases apart.
struct RowRefusal: Sendable {
    enum Kind: Sendable {
        /// The package's own rule: changed in Salesforce since the last pull (R53).
        case changedInSalesforce
        /// This record's data; tried again when it changes.
        case permanent
        /// The record is deleted.
        case gone
        /// A converted lead (R49).
        case converted
        /// Passing: a lock, a flow's inner time-out.
        case passing
        /// An administrator must act.
        case needsHuman
    }

    var kind: Kind
    /// The provider's stable code, `STRING_TOO_LONG`.
    var code: String
    /// API names of the fields concerned, when the provider names them.
    var fields: [String]
}

/// What became of one record of a write.
enum RowOutcome: Sendable {
    case written(id: String)
    case refused(RowRefusal)
}

/// Writes planned records to Salesforce and turns every row's answer into its settlement.
struct RecordWriter {
    let session: TenantSession
    let run: RunContext

    /// Writes records, a thousand a counted call.
    ///
    /// What is about to be written goes into the echo ledger first and is committed: if the answer is lost, the next run
    /// and the next pull know our own write by it (T10, T17).
    func write(_ writes: [RecordWrite], into commit: inout RunCommit, _ tally: inout RunTally) async throws {
        try await session.store.intend(tenant: session.number, writes.map { intention($0) }, now: run.now)
        var remaining = writes
        // The second round carries what is left of records some of whose fields were refused (D6).
        for round in 0..<ClusterLimits.fieldDropRounds {
            let outcomes = try await session.salesforce.write(remaining)
            var again: [RecordWrite] = []
            for (write, outcome) in zip(remaining, outcomes) {
                switch outcome {
                case .written(let id):
                    accept(write, id: id, &commit, &tally)
                case .refused(let refusal):
                    let isLast = round + 1 == ClusterLimits.fieldDropRounds
                    if !isLast, let reduced = reduce(write, after: refusal, &commit) {
                        again.append(reduced)
                    } else {
                        refuse(write, refusal, &commit, &tally)
                    }
                }
            }
            if again.isEmpty { break }
            remaining = again
        }
        commit.consumedEchoes += writes.map { intention($0).key }
    }

    // MARK: - Settlements

    private func accept(_ write: RecordWrite, id: String, _ commit: inout RunCommit, _ tally: inout RunTally) {
        let rules = session.outboundRules
        let projection = write.projector.project(write.contact)
        switch write.purpose {
        case .create(let creation):
            var reduced = creation
            reduced.write = write.write
            commit.links.append(rules.link(of: write.object, recordID: id, for: write.contact, after: reduced))
            commit.decisions.append(decision(.accepted, write, id: id, reason: "R17.created"))
            tally.created += 1
        case .match(let match, let held):
            var link = match.link
            // A field that was refused holds what it held.
            let dropped = match.write.fields.filter { write.write.projection.values[$0] == nil }
            link.recordFingerprint?.record(held, fields: dropped)
            commit.links.append(link)
            commit.decisions.append(decision(.accepted, write, id: id, reason: "R19"))
            tally.updated += 1
        case .update(let link, _, let echoes):
            commit.links.append(
                link.settled(writing: write.write, of: projection, email: write.contact.email, echoes: echoes))
            commit.decisions.append(decision(.accepted, write, id: id, reason: "R24"))
            tally.updated += 1
        }
        commit.resolveFailure(.outbound, recordID: String(write.contactID))
    }

    private func refuse(
        _ write: RecordWrite, _ refusal: RowRefusal, _ commit: inout RunCommit, _ tally: inout RunTally
    ) {
        switch refusal.kind {
        case .changedInSalesforce:
            lose(write, &commit, &tally)
        case .gone:
            guard case .update(var link, _, _) = write.purpose else { return fail(write, refusal, &commit, &tally) }
            link.state = .missing
            commit.links.append(link)
            commit.decisions.append(decision(.tombstoned, write, id: link.recordID, reason: "R89"))
        case .passing:
            let wait = ClusterLimits.recordRetry.delay(attempt: 0)
            commit.deferChange(
                write.contactID, until: run.now.addingTimeInterval(wait.seconds), reason: refusal.code)
            commit.decisions.append(decision(.lockedRetry, write, id: write.recordID, reason: refusal.code))
        case .permanent, .converted, .needsHuman:
            fail(write, refusal, &commit, &tally)
        }
    }

    /// R53, R54: the whole change set of the record is dropped, and the loser is on record.
    private func lose(_ write: RecordWrite, _ commit: inout RunCommit, _ tally: inout RunTally) {
        tally.conflicts += 1
        commit.decisions.append(decision(.conflictLost, write, id: write.recordID, reason: "R53"))
        if case .update(let link, let changed, _) = write.purpose {
            let projection = write.projector.project(write.contact)
            commit.links.append(link.settled(losing: changed, of: projection, email: write.contact.email))
        } else {
            // It changed between our look and our write, or a lost creation met it: looked at anew in the next run.
            commit.deferChange(
                write.contactID, until: run.now.addingTimeInterval(ClusterLimits.recordRetry.floor.seconds),
                reason: "ACSYNC_PENDING")
        }
    }

    private func fail(
        _ write: RecordWrite, _ refusal: RowRefusal, _ commit: inout RunCommit, _ tally: inout RunTally
    ) {
        tally.failed += 1
        commit.fail(
            .outbound, write.object, recordID: String(write.contactID), code: refusal.code,
            fields: refusal.fields, fingerprint: session.fingerprint(of: write.contact).stored, now: run.now)
        commit.decisions.append(decision(.rejected, write, id: write.recordID, reason: refusal.code))
    }

    /// The write without the fields that were refused; nil when none of them may be left out (D6).
    private func reduce(
        _ write: RecordWrite, after refusal: RowRefusal, _ commit: inout RunCommit
    ) -> RecordWrite? {
        guard refusal.kind == .permanent, !refusal.fields.isEmpty, refusal.fields.allSatisfy(write.mayDrop) else {
            return nil
        }
        var reduced = write
        for field in refusal.fields {
            reduced.write.projection.values[field] = nil
            commit.decisions.append(
                decision(.invalidBeforeSend, write, id: write.recordID, reason: refusal.code, field: field))
        }
        return reduced
    }

    private func intention(_ write: RecordWrite) -> EchoIntention {
        let fingerprint =
            if case .create(let creation) = write.purpose {
                session.outboundRules.fingerprint(of: creation, write.object)
            } else {
                Fingerprint(write.write.projection)
            }
        return EchoIntention(
            side: .salesforce, object: write.object, recordID: write.recordID ?? "new:\(write.contactID)",
            fingerprint: fingerprint)
    }

    private func decision(
        _ code: DecisionCode, _ write: RecordWrite, id: String?, reason: String, field: String? = nil
    ) -> Decision {
        Decision(
            code, .outbound, write.object, contactID: write.contactID, recordID: id, reason: reason, field: field)
    }
}
