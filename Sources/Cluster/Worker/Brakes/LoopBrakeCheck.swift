import Foundation
import Store
import SyncRules

/// Holds records that are written more often than people change records (T13), a page in one query.
///
/// A held record is read again when the hour is over or a person retries it; meanwhile it is passed over, which is said
/// once a day, and what it holds by then is what is written.
struct LoopBrakeCheck {
    let session: TenantSession
    let run: RunContext

    /// A linked record that is about to be written.
    private struct Candidate {
        let object: ObjectKind
        var contactID: Int64?
        let recordID: String
        /// The id its failure row has in this direction.
        let failureID: String
    }

    /// The contacts of a pull's page that may be written. Records that enter are not counted: they have no past.
    func free(
        _ writes: [ContactWrite], _ commit: inout RunCommit, _ tally: inout RunTally
    ) async throws -> [ContactWrite] {
        let candidates = writes.filter { $0.contactID != nil }.map {
            Candidate(
                object: $0.object, contactID: $0.contactID, recordID: $0.recordID, failureID: $0.recordID)
        }
        let held = try await held(candidates, .inbound, &commit, &tally)
        held.values.forEach { tally.leave(until: $0) }
        return writes.filter { held[$0.recordID] == nil }
    }

    /// The records of a batch that may be written; the others' changes stay pending.
    func free(
        _ writes: [RecordWrite], _ commit: inout RunCommit, _ tally: inout RunTally
    ) async throws -> [RecordWrite] {
        let candidates = writes.compactMap { write in
            write.recordID.map {
                Candidate(
                    object: write.object, contactID: write.contactID, recordID: $0, failureID: String(write.contactID))
            }
        }
        let held = try await held(candidates, .outbound, &commit, &tally)
        for candidate in candidates {
            guard let until = held[candidate.recordID], let contactID = candidate.contactID else { continue }
            commit.deferChange(contactID, until: until, reason: LoopBrake.code)
        }
        return writes.filter { write in write.recordID.map { held[$0] == nil } ?? true }
    }

    /// Of linked accounts about to be written, those that may not be now. Salesforce's are read again by id when they are
    /// let go, ActiveCampaign's by the next walk after that.
    func heldAccounts(
        _ recordIDs: [String], _ direction: Direction, _ commit: inout RunCommit, _ tally: inout RunTally
    ) async throws -> Set<String> {
        let candidates = recordIDs.map { Candidate(object: .account, recordID: $0, failureID: $0) }
        let held = try await held(candidates, direction, &commit, &tally)
        if direction == .inbound { held.values.forEach { tally.leave(until: $0) } }
        return Set(held.keys)
    }

    /// Those that may not be written now, with the instants they are let go; who is held from now on is said so
    /// once, and once a day while it is.
    private func held(
        _ candidates: [Candidate], _ direction: Direction, _ commit: inout RunCommit, _ tally: inout RunTally
    ) async throws -> [String: Date] {
        let standings = try await session.store.loopStandings(
            tenant: session.number, direction: direction,
            records: candidates.map { ($0.recordID, $0.failureID) }, now: run.now)
        var held: [String: Date] = [:]
        for candidate in candidates {
            switch standings[candidate.recordID] {
            case nil: continue
            case .held(let until):
                held[candidate.recordID] = until
                commit.record([
                    Decision(
                        .queued, direction, candidate.object, contactID: candidate.contactID,
                        recordID: candidate.recordID, reason: LoopBrake.code)
                ])
            case .overrun: held[candidate.recordID] = hold(candidate, direction, &commit, &tally)
            }
        }
        return held
    }

    private func hold(
        _ candidate: Candidate, _ direction: Direction, _ commit: inout RunCommit, _ tally: inout RunTally
    ) -> Date {
        let until = LoopBrake.release(heldAt: run.now)
        tally.failed += 1
        commit.fail(
            direction, candidate.object, recordID: candidate.failureID, code: LoopBrake.code, fields: [],
            fingerprint: nil, now: run.now, retryAt: until, kind: .human,
            message: "written \(LoopBrake.writes) times within an hour; another program may be changing it back")
        commit.record([
            Decision(
                .loopBrake, direction, candidate.object, contactID: candidate.contactID, recordID: candidate.recordID,
                reason: LoopBrake.rule)
        ])
        return until
    }
}
