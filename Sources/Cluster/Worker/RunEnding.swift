import Foundation
import JobQueue
import Store
import SyncRules

/// How a run's end is stored: when each of its streams runs next, what state it is in, and the run's row in the history.
struct RunEnding {
    let session: TenantSession
    let run: RunContext
    let kind: JobKind
    let started: Date

    /// Stores a run that came to its end.
    func succeed(_ tally: RunTally) async throws {
        var commit = session.commit(run)
        let warning = session.unusable.message.map { StreamWarning(code: "mapping", message: $0) }
        let alarm = try await alarm(tally)
        for stream in streams {
            if let trouble = tally.troubles[stream.object] {
                commit.finish(stream.direction, stream.object, Self.outcome(trouble, of: stream, run))
                continue
            }
            let alarm = alarm.flatMap { stream.concerns(tally.withheld) ? $0 : nil }
            let warning = alarm ?? warning
            commit.finish(
                stream.direction, stream.object,
                StreamOutcome(
                    state: warning == nil ? "waiting" : "needs attention", ranAt: run.now,
                    nextRunAt: nextRun(of: stream, tally), isSuccess: true, served: stream.asked,
                    errorCode: warning?.code, error: warning?.message))
        }
        commit.runRecord = record(tally)
        if var sweep = tally.sweep {
            sweep.recordCalls = run.account.total(.salesforce)
            sweep.contactCalls = run.account.total(.activeCampaign)
            commit.sweep = sweep
        }
        try await run.commit(commit, store: session.store)
    }

    /// The streams this run has served.
    private var streams: [StreamRow] {
        switch kind {
        case .outbound: session.streams(of: .outbound).filter { $0.object == .contact || $0.isDue(at: started) }
        case .inbound: session.streams(of: .inbound).filter { $0.isDue(at: started) }
        case .imports, .sweep: []
        }
    }

    // MARK: - Warnings

    private struct StreamWarning {
        let code: String
        let message: String
    }

    /// Records are held back from being taken for missing, in this run or still (T20).
    private func alarm(_ tally: RunTally) async throws -> StreamWarning? {
        guard !tally.withheld.isEmpty || streams.contains(where: { $0.errorCode == MassDeleteBrake.code }) else {
            return nil
        }
        let count = try await session.store.withheldMissing(tenant: session.number)
        guard count > 0 || !tally.withheld.isEmpty else { return nil }
        return StreamWarning(
            code: MassDeleteBrake.code,
            message:
                "\(count) linked records vanished from Salesforce at once, more than \(MassDeleteBrake.records) and "
                + "\(MassDeleteBrake.percent) %: none of them was marked missing. If somebody deleted them: `ferry sync "
                + "confirm-missing \(session.tenant.id)`. If not: give the integration user its rights back, or undelete "
                + "them; they then go on by themselves.")
    }

    // MARK: - What is next

    private func nextRun(of stream: StreamRow, _ tally: RunTally) -> Date {
        switch stream.direction {
        case .outbound where stream.object == .account:
            return run.now.addingTimeInterval(ClusterLimits.accountWalk)
        case .outbound:
            if tally.hasMore { return run.now }
            var random = SystemRandomNumberGenerator()
            let next = OutboundCadence.nextRun(after: run.now, using: &random)
            // What was left pending, for an open import or a lock, is not left until the next departure.
            return tally.nextLook.map { max(run.now.addingTimeInterval(1), min($0, next)) } ?? next
        case .inbound:
            let next = InboundCadence(settings: session.tenant.settings, tenant: session.number).nextRun(after: run.now)
            let isSparing = run.account.step >= .sparing
            let stretched = isSparing ? next.addingTimeInterval(next.timeIntervalSince(run.now)) : next
            let pause = run.now.addingTimeInterval(ClusterLimits.retryRunPause)
            if tally.hasMore { return min(next, pause) }
            return tally.nextLook.map { min(stretched, max($0, pause)) } ?? stretched
        }
    }

    private func record(_ tally: RunTally) -> RunRecord {
        var record = RunRecord(
            run: run.runID, direction: kind.direction, startedAt: started, finishedAt: run.now, outcome: "done")
        record.seen = Int32(clamping: tally.seen)
        record.created = Int32(clamping: tally.created)
        record.updated = Int32(clamping: tally.updated)
        record.imported = Int32(clamping: tally.imported)
        record.conflicts = Int32(clamping: tally.conflicts)
        record.failed = Int32(clamping: tally.failed)
        record.acknowledged = Int32(clamping: tally.acknowledged)
        record.countCalls(of: run)
        return record
    }

    /// Stores a run that stopped before its end; cursors stay where its last commit left them.
    static func fail(
        _ trouble: StreamTrouble, config: TenantConfig, kind: JobKind, run: RunContext, started: Date, store: Store
    ) async throws {
        var commit = RunCommit(tenant: config.number, fence: run.fence, run: run.runID)
        if kind == .sweep { commit.sweep = try await stopped(trouble, config, run, started, store) }
        let rows = try await store.streams(tenant: config.number).filter { row in
            kind != .sweep && row.direction == kind.direction && (kind == .outbound || row.isDue(at: started))
        }
        for row in rows { commit.finish(row.direction, row.object, outcome(trouble, of: row, run)) }
        var record = RunRecord(
            run: run.runID, direction: kind.direction, startedAt: started, finishedAt: run.now,
            outcome: "failed", errorCode: trouble.code)
        record.countCalls(of: run)
        commit.runRecord = record
        try await run.commit(commit, store: store)
    }

    private static func outcome(_ trouble: StreamTrouble, of stream: StreamRow, _ run: RunContext) -> StreamOutcome {
        let failures = trouble.isFailure ? stream.failures + 1 : stream.failures
        return StreamOutcome(
            state: trouble.state, ranAt: run.now,
            nextRunAt: run.now.addingTimeInterval(trouble.delay(failures: failures)), isSuccess: false,
            failures: failures, served: stream.asked, errorCode: trouble.code,
            error: String(trouble.message.prefix(ClusterLimits.errorLength)))
    }

    /// A sweep whose slice was stopped goes on behind its last page after a while.
    private static func stopped(
        _ trouble: StreamTrouble, _ config: TenantConfig, _ run: RunContext, _ started: Date, _ store: Store
    ) async throws -> SweepProgress? {
        let sweeps = try await store.sweeps(tenant: config.number)
        guard let sweep = SweepRun.current(sweeps, at: run.now) else { return nil }
        var progress = SweepProgress(id: sweep.id, at: run.now)
        progress.failures = sweep.failures + 1
        progress.errorCode = trouble.code
        progress.error = String(trouble.message.prefix(ClusterLimits.errorLength))
        progress.nextRunAt = run.now.addingTimeInterval(trouble.delay(failures: progress.failures))
        return progress
    }
}

extension StreamRow {
    /// Whether an alarm over vanished records is this stream's: one of its own, or one that stands.
    fileprivate func concerns(_ withheld: Set<ObjectKind>) -> Bool {
        errorCode == MassDeleteBrake.code || withheld.contains(object)
            || (direction == .outbound && object == .contact && withheld.contains(.lead))
    }
}

extension RunRecord {
    /// Takes the calls a run has made so far.
    fileprivate mutating func countCalls(of run: RunContext) {
        contactCalls = Int32(clamping: run.account.total(.activeCampaign))
        recordCalls = Int32(clamping: run.account.total(.salesforce))
    }
}
