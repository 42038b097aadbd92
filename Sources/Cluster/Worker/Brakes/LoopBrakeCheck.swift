import Foundation
import Store
import SyncRules

/// Holds records that are written more often than people change records (T13), a page in one query.
///
/// A held record is read again when the hour is over or a person retries it; meanwhile it is passed over without a word,
/// and what it holds by then is what is written.
struct LoopBrakeCheck {
    let session: TenantSession
    let run: RunContext

    /// The contacts of a pull's page that may be written. Records that enter are not counted: they have no past.
    func free(
        _ writes: [ContactWrite], _ commit: inout RunCommit, _ tally: inout RunTally
    ) async throws -> [ContactWrite] {
        let linked = writes.filter { $0.contactID != nil }
        let standings = try await session.store.loopStandings(
            tenant: session.number, direction: .inbound, records: linked.map { ($0.recordID, $0.recordID) },
            now: run.now)
        guard !standings.isEmpty else { return writes }
        for write in linked {
            guard let standing = standings[write.recordID] else { continue }
            let until = hold(
                standing, .inbound, write.object, contactID: write.contactID, recordID: write.recordID,
                failureID: write.recordID, &commit, &tally)
            tally.leave(until: until)
        }
        return writes.filter { standings[$0.recordID] == nil }
    }

    /// The records of a batch that may be written; the others' changes stay pending.
    func free(
        _ writes: [RecordWrite], _ commit: inout RunCommit, _ tally: inout RunTally
    ) async throws -> [RecordWrite] {
        let linked = writes.compactMap { write in write.recordID.map { (write: write, recordID: $0) } }
        let standings = try await session.store.loopStandings(
            tenant: session.number, direction: .outbound,
            records: linked.map { ($0.recordID, String($0.write.contactID)) }, now: run.now)
        guard !standings.isEmpty else { return writes }
        for (write, recordID) in linked {
            guard let standing = standings[recordID] else { continue }
            let until = hold(
                standing, .outbound, write.object, contactID: write.contactID, recordID: recordID,
                failureID: String(write.contactID), &commit, &tally)
            commit.deferChange(write.contactID, until: until, reason: LoopBrake.code)
        }
        return writes.filter { write in write.recordID.map { standings[$0] == nil } ?? true }
    }

    private func hold(
        _ standing: LoopStanding, _ direction: Direction, _ object: ObjectKind, contactID: Int64?, recordID: String,
        failureID: String, _ commit: inout RunCommit, _ tally: inout RunTally
    ) -> Date {
        if case .held(let until) = standing { return until }
        let until = LoopBrake.release(heldAt: run.now)
        tally.failed += 1
        commit.fail(
            direction, object, recordID: failureID, code: LoopBrake.code, fields: [], fingerprint: nil, now: run.now,
            retryAt: until, kind: .human,
            message: "written \(LoopBrake.writes) times within an hour; another program may be changing it back")
        commit.record([
            Decision(
                .loopBrake, direction, object, contactID: contactID, recordID: recordID, reason: LoopBrake.rule)
        ])
        return until
    }
}
