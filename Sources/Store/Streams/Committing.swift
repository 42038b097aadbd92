import Drivers
package import Foundation
import SyncRules

/// Whether a commit was stored.
package enum CommitResult: Sendable, Hashable {
    case committed
    /// A newer lease has committed; nothing was stored, and this run must stop.
    case fenced
}

extension Store {
    /// SQLSTATE of `ferry.hold_fence`.
    private static let fenced = "FY001"

    /// Stores a step of a run: one transaction, one round trip.
    ///
    /// The fence comes first. It locks the tenant's row of that scope, so that of two leases the newer one wins whichever
    /// comes first: an older one that comes later is refused, one that came earlier is complete before the newer one reads
    /// on. Under one token only the holder that came first passes. When the connection breaks before the answer, the caller does not know whether it is stored; to repeat the
    /// commit is harmless.
    /// - Throws: `StoreError`.
    package func commit(_ commit: RunCommit, now: Date) async throws -> CommitResult {
        do {
            try await transact(Self.statements(commit, now: now))
            return .committed
        } catch {
            guard error.underlying?.sqlState?.rawValue == Self.fenced else { throw error }
            try await query(
                "UPDATE ferry.fences SET refused = refused + 1 WHERE tenant_no = $1 AND scope = $2",
                [.int4(commit.tenant), .int2(commit.scope.rawValue)])
            return .fenced
        }
    }

    /// How many commits were refused because their lease was lost; all tenants, or one.
    /// - Throws: `StoreError`.
    package func fencedCommits(tenant: Int32? = nil) async throws -> Int64 {
        let rows = try await query(
            "SELECT coalesce(sum(refused), 0)::int8 AS n FROM ferry.fences WHERE $1::int4 IS NULL OR tenant_no = $1",
            [.int4(tenant)])
        return try decode(rows) { try $0.get("n", as: Int64.self) }.first ?? 0
    }

    /// Statements in the order in which every writer locks: fence, pending changes, other records, streams.
    private static func statements(_ commit: RunCommit, now: Date) -> [PostgresStatement] {
        let tenant = commit.tenant
        let instant = PostgresValue.timestamptz(now)
        var all = [
            PostgresStatement(
                "SELECT ferry.hold_fence($1, $2, $3, $4)",
                [.int4(tenant), .int2(commit.scope.rawValue), .int8(commit.fence), .text(commit.holder)])
        ]
        all += settling(commit.settled, tenant: tenant)
        all += deferring(commit.deferred, tenant: tenant, now: instant)
        all += failing(commit.failures, tenant: tenant)
        all += resolving(commit.resolvedFailures, tenant: tenant)
        all += releasing(commit.links, removed: commit.removedLinks, tenant: tenant, now: instant)
        all += removing(commit.removedLinks, tenant: tenant)
        all += storing(commit.links, tenant: tenant, now: instant)
        all += consuming(commit.consumedEchoes, tenant: tenant)
        all += settling(imports: commit.settledImports, tenant: tenant)
        all += opening(commit.openedImports, tenant: tenant)
        all += storing(accounts: commit.accountLinks, tenant: tenant, now: instant)
        all += noting(commit.memberships, tenant: tenant)
        all += noting(persons: commit.personAccounts, tenant: tenant)
        all += settling(members: commit.settledMembers, tenant: tenant)
        all += storing(opportunities: commit.opportunities, tenant: tenant, now: instant)
        all += removing(commit.doneWritebacks, tenant: tenant)
        all += queueing(commit.queuedWritebacks, tenant: tenant)
        all += settling(resyncs: commit.settledResyncs, tenant: tenant)
        all += commit.openedSweeps.map { opening($0, tenant: tenant, now: instant) }
        all += commit.sweep.map { [advancing($0, tenant: tenant)] } ?? []
        all += recording(commit.decisions, tenant: tenant, run: commit.run, now: now)
        all += commit.runRecord.map { [recording($0, tenant: tenant)] } ?? []
        all += counting(commit.usage, tenant: tenant)
        all += commit.streams.map { updating($0, tenant: tenant, fence: commit.fence) }
        let departs = commit.streams.contains { $0.direction == .outbound && $0.outcome?.isSuccess == true }
        // Changes that came while the batch ran may be a batch of their own.
        if departs { all.append(departing(.array([tenant]), now: now)) }
        return all
    }

    private static func updating(_ update: StreamUpdate, tenant: Int32, fence: Int64) -> PostgresStatement {
        let outcome = update.outcome
        return PostgresStatement(
            """
            UPDATE ferry.streams SET fence = $4, cursor = coalesce($5, cursor),
                conditions = coalesce($14, conditions), state = coalesce($6, state),
                last_run_at = coalesce($7, last_run_at), last_success_at = coalesce($9, last_success_at),
                next_run_at = CASE WHEN $8 IS NULL OR asked > $13 THEN next_run_at ELSE $8 END,
                claim_at = CASE WHEN $8 IS NULL THEN claim_at WHEN asked > $13 THEN next_run_at ELSE $8 END,
                served = CASE WHEN $8 IS NULL THEN served ELSE coalesce($13, asked) END,
                failures = coalesce($10, failures),
                error_code = CASE WHEN $8 IS NULL THEN error_code ELSE $11 END,
                last_error = CASE WHEN $8 IS NULL THEN last_error ELSE $12 END
            WHERE tenant_no = $1 AND direction = $2 AND object = $3
            """,
            [
                .int4(tenant), .int2(update.direction.rawValue), .int2(update.object.rawValue), .int8(fence),
                .jsonb(update.cursor), .text(outcome?.state), .timestamptz(outcome?.ranAt),
                .timestamptz(outcome?.nextRunAt), .timestamptz(outcome?.isSuccess == true ? outcome?.ranAt : nil),
                .int4(outcome.map { Int32(clamping: $0.failures) }), .text(outcome?.errorCode), .text(outcome?.error),
                .int8(outcome?.served), .jsonb(update.conditions),
            ])
    }
}
