import Drivers
import Foundation
import Store
import SyncRules

/// Writes planned records to Salesforce and turns every row's answer into its settlement.
///
/// What it has put into `commit` when it throws is true and can be stored; only the cursor must not move with it, and no
/// pending change may be settled with it.
struct RecordWriter {
    let session: TenantSession
    let run: RunContext

    /// Writes records, a thousand a counted call.
    ///
    /// What is about to be written goes into the echo ledger first and is committed: if the answer is lost, the next run
    /// and the next pull know our own write by it (T10, T17).
    /// - Returns: ids of leads that turned out to be converted; their contacts' changes stay pending (T23).
    func write(
        _ writes: [RecordWrite], into commit: inout RunCommit, _ tally: inout RunTally
    ) async throws -> [String] {
        var converted: [String] = []
        try await session.store.intend(tenant: session.number, writes.map(\.intention), now: run.now)
        var remaining = try await throughAccounts(writes)
        var trouble: StreamTrouble?
        // The second round carries what is left of records some of whose fields were refused (D6).
        for round in 0..<ClusterLimits.fieldDropRounds where !remaining.isEmpty && trouble == nil {
            let (answers, calls) = try await session.salesforce.write(remaining)
            for (index, call) in calls.enumerated() { remaining[index].call = call }
            let outcomes = try await knownByContact(answers, remaining, &commit)
            let attempts = try await attempts(of: remaining, outcomes)
            var again: [RecordWrite] = []
            for (write, outcome) in zip(remaining, outcomes) {
                switch outcome {
                case .written(let id):
                    accept(write, id: id, &commit, &tally)
                case .failed(let why):
                    trouble = trouble ?? why
                case .refused(let refusal):
                    if refusal.kind == .converted, let id = write.recordID { converted.append(id) }
                    let isLast = round + 1 == ClusterLimits.fieldDropRounds
                    if !isLast, let reduced = reduce(write, after: refusal, &commit) {
                        again.append(reduced)
                    } else {
                        refuse(write, refusal, attempts: attempts[write.contactID] ?? 0, &commit, &tally)
                    }
                }
            }
            remaining = again
        }
        if let trouble { throw trouble }
        return converted
    }

    /// The writes to persons' contacts as writes to the persons' accounts (R85).
    private func throughAccounts(_ writes: [RecordWrite]) async throws -> [RecordWrite] {
        let persons = try await session.personAccounts(of: writes.compactMap(\.recordID))
        return writes.map { write in
            var write = write
            write.personAccountID = write.personAccountID ?? write.recordID.flatMap { persons[$0] }
            return write
        }
    }

    /// A person account that was created is known by its contact from here on. One that can't be seen yet is found by its
    /// address with the next try (T17).
    private func knownByContact(
        _ outcomes: [RowOutcome], _ writes: [RecordWrite], _ commit: inout RunCommit
    ) async throws -> [RowOutcome] {
        let made = zip(writes, outcomes).compactMap { write, outcome in
            if write.createsPerson, case .written(let id) = outcome { id } else { nil }
        }
        guard !made.isEmpty else { return outcomes }
        let contacts = try await session.salesforce.personContacts(of: made)
        commit.personAccounts += contacts.map { PersonAccount(contactRecordID: $0.value, accountRecordID: $0.key) }
        return zip(writes, outcomes).map { write, outcome in
            guard write.createsPerson, case .written(let id) = outcome else { return outcome }
            return contacts[id].map { .written(id: $0) }
                ?? .refused(RowRefusal(kind: .passing, code: "no_person_contact", fields: [], isUnknown: true))
        }
    }

    /// How often the contacts of records that may pass later were tried already.
    private func attempts(of writes: [RecordWrite], _ outcomes: [RowOutcome]) async throws -> [Int64: Int] {
        let ids = zip(writes, outcomes).compactMap { write, outcome in
            if case .refused(let refusal) = outcome, refusal.mayPass || refusal.kind == .converted {
                write.contactID
            } else {
                nil
            }
        }
        return try await session.store.attempts(tenant: session.number, contactIDs: ids)
    }

    // MARK: - Settlements

    private func accept(_ write: RecordWrite, id: String, _ commit: inout RunCommit, _ tally: inout RunTally) {
        let rules = session.outboundRules
        let projection = rules.projection(of: write.contact, forRecordOf: write.object)
        switch write.purpose {
        case .create(let creation):
            var reduced = creation
            reduced.write = write.write
            commit.links.append(rules.link(of: write.object, recordID: id, for: write.contact, after: reduced))
            commit.record([accepted(write, id: id, .createAction, reason: "R17.created")])
            tally.created += 1
        case .match(let match, let held):
            var link = match.link
            // A field that was refused holds what it held.
            let dropped = match.write.fields.filter { write.write.projection.values[$0] == nil }
            link.recordFingerprint?.record(held, fields: dropped)
            commit.links.append(link)
            commit.record([accepted(write, id: id, .createAction, reason: "R19")])
            tally.updated += 1
        case .update(let link, _, let echoes):
            commit.links.append(
                link.settled(writing: write.write, of: projection, email: write.contact.email, echoes: echoes))
            commit.record([accepted(write, id: id, .syncTag, reason: "R24")])
            tally.updated += 1
        }
        commit.consumedEchoes.append(write.intention.key)
        commit.resolveFailure(.outbound, recordID: String(write.contactID))
    }

    private func refuse(
        _ write: RecordWrite, _ refusal: RowRefusal, attempts: Int, _ commit: inout RunCommit, _ tally: inout RunTally
    ) {
        if !refusal.isUnknown { commit.consumedEchoes.append(write.intention.key) }
        switch refusal.kind {
        case .changedInSalesforce:
            lose(write, &commit, &tally)
        case .gone:
            bury(write, &commit)
        case .passing where attempts + 1 < ClusterLimits.recordAttempts,
            .locked where attempts + 1 < ClusterLimits.lockedAttempts:
            postpone(write, refusal, by: ClusterLimits.recordRetry.delay(attempt: attempts).seconds, &commit)
        case .converted where attempts + 1 < ClusterLimits.recordAttempts:
            postpone(write, refusal, by: ClusterLimits.conversionPause, &commit)
        case .blocked, .mapping:
            // Not the record's fault: it is tried again unchanged, and seen among the failures meanwhile.
            tally.failed += 1
            let next = run.now.addingTimeInterval(ClusterLimits.humanRecordRetry)
            commit.fail(
                .outbound, write.object, recordID: String(write.contactID), code: refusal.code,
                fields: refusal.fields, fingerprint: nil, now: run.now, retryAt: next, kind: .human)
            postpone(write, refusal, by: ClusterLimits.humanRecordRetry, &commit)
        case .permanent, .converted, .passing, .locked:
            fail(write, refusal, &commit, &tally)
        }
    }

    private func postpone(
        _ write: RecordWrite, _ refusal: RowRefusal, by seconds: TimeInterval, _ commit: inout RunCommit
    ) {
        commit.deferChange(write.contactID, until: run.now.addingTimeInterval(seconds), reason: refusal.code)
        commit.decisions.append(decision(.lockedRetry, write, id: write.recordID, reason: refusal.code))
    }

    /// The record is gone. The change stays: the next run settles it through the contact's other link, by another record
    /// of its address, or as *tombstoned* (R89, R91).
    private func bury(_ write: RecordWrite, _ commit: inout RunCommit) {
        if case .update(var link, _, _) = write.purpose {
            link.state = .missing
            commit.links.append(link)
            commit.decisions.append(decision(.tombstoned, write, id: link.recordID, reason: "R89"))
        } else {
            commit.record([decision(.queued, write, id: write.recordID, reason: "record_gone")])
        }
        commit.deferChange(write.contactID, until: run.now, reason: "record_gone")
    }

    /// R53, R54: the whole change set of the record is dropped, and the loser is on record.
    private func lose(_ write: RecordWrite, _ commit: inout RunCommit, _ tally: inout RunTally) {
        guard session.tenant.settings.direction.writes(to: .activeCampaign) else {
            // It changed between our look and our write; nobody wins against the only side that is heard.
            commit.record([decision(.queued, write, id: write.recordID, reason: "changed_meanwhile")])
            return commit.deferChange(
                write.contactID, until: run.now.addingTimeInterval(ClusterLimits.recordRetry.floor.seconds),
                reason: "changed_meanwhile")
        }
        tally.conflicts += 1
        guard case .update(let link, let changed, _) = write.purpose else {
            // It changed between our look and our write, or a lost creation met it: looked at anew in the next run.
            commit.record([decision(.conflictLost, write, id: write.recordID, reason: "R53")])
            return commit.deferChange(
                write.contactID, until: run.now.addingTimeInterval(ClusterLimits.recordRetry.floor.seconds),
                reason: "changed_meanwhile")
        }
        commit.record([decision(.conflictLost, write, id: write.recordID, reason: "R53", fields: changed)])
        let projection = session.outboundRules.projection(of: write.contact, forRecordOf: write.object)
        commit.links.append(link.settled(losing: changed, of: projection))
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
        for field in refusal.fields { reduced.write.projection.values[field] = nil }
        commit.record([decision(.rejected, write, id: write.recordID, reason: refusal.code, fields: refusal.fields)])
        return reduced
    }

    private func accepted(_ write: RecordWrite, id: String, _ ground: EntryGround, reason: String) -> Decision {
        var decision = decision(.accepted, write, id: id, reason: reason, fields: write.write.fields)
        decision.ground = ground
        return decision
    }

    private func decision(
        _ code: DecisionCode, _ write: RecordWrite, id: String?, reason: String, fields: [String] = []
    ) -> Decision {
        var decision = Decision(
            code, .outbound, write.object, contactID: write.contactID, recordID: id, reason: reason, fields: fields)
        decision.call = write.call
        return decision
    }
}
