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
            let warning = alarm ?? warning ?? scarcity
            commit.finish(
                stream.direction, stream.object,
                StreamOutcome(
                    state: warning?.state ?? "waiting", ranAt: run.now, nextRunAt: nextRun(of: stream, tally),
                    isSuccess: true, served: stream.asked, errorCode: warning?.code, error: warning?.message))
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
        var state = "needs attention"
        let code: String
        let message: String
    }

    /// The tenant's calls get scarce: what waits, in the stream's own row (sync-traps 2d). What stops at 60 %, back-fills,
    /// is not a stream's.
    private var scarcity: StreamWarning? {
        let step = run.account.step
        guard step >= .sparing else { return nil }
        return StreamWarning(
            state: step == .sparing ? "sparing calls" : "people's changes only", code: "budget_\(step.rawValue)",
            message: "The tenant's calls get scarce: \(step.sentence). Everything goes on by itself when calls come "
                + "back, or at once when `ferry budgets set` raises the allowance.")
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
            return run.now.addingTimeInterval(ClusterLimits.accountWalk * (run.account.step >= .sparing ? 2 : 1))
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
    /// - Returns: until when nothing of the tenant can run; nil when the others can.
    static func fail(
        _ trouble: StreamTrouble, config: TenantConfig, kind: JobKind, run: RunContext, started: Date, store: Store
    ) async throws -> Date? {
        var commit = RunCommit(tenant: config.number, fence: run.fence, run: run.runID)
        let all = try await store.streams(tenant: config.number)
        let sweep = SweepRun.current(try await store.sweeps(tenant: config.number), at: run.now)
        // Whichever kind of run looks, the org's limit is one: the looks of all are counted together.
        let looks =
            all.filter { $0.errorCode == trouble.code }.map(\.failures)
            + (sweep.map { $0.errorCode == trouble.code ? [$0.failures] : [] } ?? [])
        let look = trouble.isDailyLimit ? (looks.max() ?? 0) + 1 : nil
        if kind == .sweep, let sweep { commit.sweep = stopped(trouble, sweep, run, look: look) }
        let rows = all.filter { row in
            kind != .sweep && row.direction == kind.direction && (kind == .outbound || row.isDue(at: started))
        }
        for row in rows { commit.finish(row.direction, row.object, outcome(trouble, of: row, run, look: look)) }
        var record = RunRecord(
            run: run.runID, direction: kind.direction, startedAt: started, finishedAt: run.now,
            outcome: "failed", errorCode: trouble.code)
        record.countCalls(of: run)
        commit.runRecord = record
        try await run.commit(commit, store: store)
        return look.map { run.now.addingTimeInterval(trouble.delay(failures: $0)) }
    }

    /// - Parameter look: the tenant's looks in vain at its org, this one included; nil counts the stream's own failures.
    private static func outcome(
        _ trouble: StreamTrouble, of stream: StreamRow, _ run: RunContext, look: Int? = nil
    ) -> StreamOutcome {
        let failures = look ?? (trouble.isFailure ? stream.failures + 1 : stream.failures)
        var wait = trouble.delay(failures: failures)
        if look == nil, trouble.isFailure, !run.may(.retry) { wait = max(wait, ClusterLimits.sparingRetry) }
        return StreamOutcome(
            state: trouble.state, ranAt: run.now,
            nextRunAt: run.now.addingTimeInterval(wait), isSuccess: false,
            failures: failures, served: stream.asked, errorCode: trouble.code,
            error: String(trouble.message.prefix(ClusterLimits.errorLength)))
    }

    /// A sweep whose slice was stopped goes on behind its last page after a while.
    private static func stopped(
        _ trouble: StreamTrouble, _ sweep: SweepRow, _ run: RunContext, look: Int?
    ) -> SweepProgress {
        var progress = SweepProgress(id: sweep.id, at: run.now)
        progress.failures = look ?? (trouble.isFailure ? sweep.failures + 1 : sweep.failures)
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
