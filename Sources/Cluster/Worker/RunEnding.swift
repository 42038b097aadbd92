import Foundation
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
        let warning = session.unusable.message
        for stream in streams {
            commit.finish(
                stream.direction, stream.object, nextRunAt: nextRun(of: stream, tally),
                state: warning == nil ? "waiting" : "needs attention", errorCode: warning.map { _ in "mapping" },
                error: warning, now: run.clock.now)
        }
        commit.run = RunRow(kind: kind, started: started, finished: run.clock.now, tally: tally)
        commit.usage = session.usage()
        try await run.commit(commit, store: session.store)
    }

    /// The streams this run has served.
    private var streams: [StreamRow] {
        switch kind {
        case .outbound: session.streams(of: .outbound)
        case .inbound: session.streams(of: .inbound).filter { $0.isDue(at: started) }
        case .imports: []
        }
    }

    private func nextRun(of stream: StreamRow, _ tally: RunTally) -> Date {
        switch stream.direction {
        case .outbound:
            if tally.hasMore { return run.clock.now }
            var random = SystemRandomNumberGenerator()
            return OutboundCadence.nextRun(after: run.clock.now, using: &random)
        case .inbound:
            return InboundCadence(settings: session.config.settings, tenant: session.number).nextRun(after: run.clock.now)
        }
    }

    /// Stores a run that stopped before its end; cursors stay where its last commit left them.
    static func fail(
        _ trouble: StreamTrouble, config: TenantConfig, kind: JobKind, run: RunContext, started: Date, store: Store
    ) async throws {
        var commit = RunCommit(tenant: config.number, token: run.token.rawValue, runID: run.runID)
        let rows = try await store.streams(tenant: config.number).filter { row in
            JobKind.of(row.direction) == kind && (kind == .outbound || row.isDue(at: started))
        }
        for row in rows {
            let delay = trouble.delay(failures: row.failures)
            commit.stop(
                row.direction, row.object, nextRunAt: run.clock.now.addingTimeInterval(delay), state: trouble.state,
                errorCode: trouble.code, error: String(trouble.message.prefix(ClusterLimits.errorLength)),
                now: run.clock.now)
        }
        commit.run = RunRow(kind: kind, started: started, finished: run.clock.now, trouble: trouble)
        try await run.commit(commit, store: store)
    }
}

extension RunRow {
    init(kind: JobKind, started: Date, finished: Date, tally: RunTally) {
        self.init(kind: kind.rawValue, startedAt: started, finishedAt: finished, outcome: "done")
        seen = tally.seen
        created = tally.created
        updated = tally.updated
        imported = tally.imported
        conflicts = tally.conflicts
        failed = tally.failed
        acknowledged = tally.acknowledged
    }

    init(kind: JobKind, started: Date, finished: Date, trouble: StreamTrouble) {
        self.init(kind: kind.rawValue, startedAt: started, finishedAt: finished, outcome: trouble.code)
    }
}
