import Drivers
package import Foundation
package import SyncRules

/// Sweeps: who waits, who is claimed, and how people steer them.
extension Store {
    /// A tenant's sweeps, those under way first, then the latest.
    /// - Throws: `StoreError`.
    package func sweeps(
        tenant: Int32, kind: SweepKind? = nil, isActive: Bool = true, limit: Int = 100
    ) async throws -> [SweepRow] {
        let rows = try await query(
            """
            SELECT * FROM ferry.sweeps WHERE tenant_no = $1 AND ($2::int2 IS NULL OR kind = $2)
                AND (NOT $3 OR state IN ('running', 'paused'))
            ORDER BY state IN ('running', 'paused') DESC, created_at DESC, id DESC LIMIT $4
            """, [.int4(tenant), .int2(kind?.rawValue), .bool(isActive), .int(min(limit, StoreLimits.pageSize))])
        return try decode(rows, Self.sweep)
    }

    private static func sweep(_ row: PostgresRow) throws -> SweepRow {
        SweepRow(
            id: try row.get("id"), kind: try row.case("kind"), object: try row.case("object"),
            state: try row.word("state"), failures: try row.get("failures"),
            createdFrom: try row.optional("created_from"), createdUntil: try row.optional("created_until"),
            fields: try row.array("fields"), selects: try row.get("selects"), cursorText: try row.optional("cursor"),
            total: try row.optional("total"), seen: try row.get("seen"), written: try row.get("written"),
            recordCalls: try row.get("sf_calls"), contactCalls: try row.get("ac_calls"),
            nextRunAt: try row.get("next_run_at"), actor: try row.get("actor"), reason: try row.optional("reason"),
            errorCode: try row.optional("error_code"), lastError: try row.optional("last_error"),
            createdAt: try row.get("created_at"), startedAt: try row.optional("started_at"),
            finishedAt: try row.optional("finished_at"))
    }

    /// Claims sweeps that have work to do; nobody else gets them before the claim runs out.
    /// - Returns: their tenants, each once. Paused tenants' sweeps are left alone.
    /// - Throws: `StoreError`.
    package func dueSweeps(limit: Int, now: Date, leaseSeconds: Double = 60) async throws -> [Int32] {
        let rows = try await query(
            """
            WITH due AS (
                SELECT w.id FROM ferry.sweeps w JOIN ferry.tenants t ON t.number = w.tenant_no
                WHERE w.state = 'running' AND w.claim_at <= $1 AND t.state = 'active' ORDER BY w.claim_at LIMIT $2
                FOR UPDATE OF w SKIP LOCKED
            ), claimed AS (
                UPDATE ferry.sweeps w SET claim_at = $3 FROM due WHERE w.id = due.id RETURNING w.tenant_no
            )
            SELECT DISTINCT tenant_no FROM claimed
            """,
            [
                .timestamptz(now), .int(min(limit, StoreLimits.pageSize)),
                .timestamptz(now.addingTimeInterval(leaseSeconds)),
            ])
        return try decode(rows) { try $0.get("tenant_no") }
    }

    /// Lengthens the claims of a tenant's sweeps while their job runs.
    /// - Throws: `StoreError`.
    package func holdSweeps(tenant: Int32, until: Date) async throws {
        try await query(
            """
            UPDATE ferry.sweeps SET claim_at = $2
            WHERE tenant_no = $1 AND state = 'running' AND claim_at > next_run_at AND claim_at < $2
            """, [.int4(tenant), .timestamptz(until)])
    }

    /// Begins a back-fill.
    /// - Throws: `StoreError` with code `constraint` when one of this object is under way.
    package func openBackfill(tenant: Int32, _ opening: SweepOpening, now: Date) async throws {
        var detail = ["tenant": String(tenant), "object": opening.object.name]
        detail["from"] = opening.createdFrom?.formatted(.iso8601)
        detail["until"] = opening.createdUntil?.formatted(.iso8601)
        try await transact([
            PostgresStatement(
                """
                INSERT INTO ferry.sweeps (tenant_no, kind, object, created_from, created_until, claim_at, next_run_at,
                    actor, reason, created_at)
                VALUES ($1, $2, $3, $4, $5, $6, $6, $7, $8, $6)
                """,
                [
                    .int4(tenant), .int2(SweepKind.backfill.rawValue), .int2(opening.object.rawValue),
                    .timestamptz(opening.createdFrom), .timestamptz(opening.createdUntil), .timestamptz(now),
                    .text(opening.actor), .text(opening.reason),
                ]),
            Self.auditing(
                AuditEntry(
                    at: now, actor: opening.actor, verb: "backfill", subject: "sync", reason: opening.reason,
                    detail: detail)),
            PostgresStatement("SELECT pg_notify('ferry_streams', '')"),
        ])
    }

    /// Pauses, resumes or cancels a tenant's sweeps of a kind; a slice under way ends with its page.
    /// - Parameter object: nil for all objects.
    /// - Returns: the sweeps that were changed.
    /// - Throws: `StoreError`.
    package func steerSweeps(
        tenant: Int32, kind: SweepKind, object: ObjectKind?, to state: SweepState, by errand: Errand, now: Date
    ) async throws -> [SweepRow] {
        let answers = try await transact([
            PostgresStatement(
                """
                UPDATE ferry.sweeps SET state = $4, claim_at = $5, next_run_at = $5,
                    finished_at = CASE WHEN $4 = 'cancelled' THEN $5 ELSE finished_at END
                WHERE tenant_no = $1 AND kind = $2 AND ($3::int2 IS NULL OR object = $3)
                    AND state IN ('running', 'paused') AND state <> $4
                RETURNING *
                """,
                [
                    .int4(tenant), .int2(kind.rawValue), .int2(object?.rawValue), .text(state.rawValue),
                    .timestamptz(now),
                ]),
            Self.auditing(
                AuditEntry(
                    at: now, actor: errand.actor, verb: "\(kind.name) \(state.rawValue)", subject: "sync",
                    reason: errand.reason, detail: ["tenant": String(tenant), "object": object?.name ?? "all"])),
            PostgresStatement("SELECT pg_notify('ferry_streams', '')"),
        ])
        return try decode(answers[0], Self.sweep)
    }

    // MARK: - With a run's commit

    /// When the latest sweep of a kind was begun, by object; of back-fills and re-evaluations all are kept, of formula
    /// sweeps the latest.
    /// - Throws: `StoreError`.
    package func latestSweeps(tenant: Int32, kind: SweepKind) async throws -> [ObjectKind: Date] {
        let rows = try await query(
            "SELECT object, max(created_at) AS at FROM ferry.sweeps WHERE tenant_no = $1 AND kind = $2 GROUP BY object",
            [.int4(tenant), .int2(kind.rawValue)])
        let found = try decode(rows) { (try $0.case("object", as: ObjectKind.self), try $0.get("at", as: Date.self)) }
        return Dictionary(found, uniquingKeysWith: max)
    }

    /// One under way begins anew: what it has settled already changes nothing when it is looked at again.
    static func opening(_ opening: SweepOpening, tenant: Int32, now: PostgresValue) -> PostgresStatement {
        PostgresStatement(
            """
            WITH earlier AS (
                -- One a day would be many.
                DELETE FROM ferry.sweeps WHERE tenant_no = $1 AND kind = $2 AND object = $3
                    AND kind = \(SweepKind.formulas.rawValue) AND state NOT IN ('running', 'paused')
            ), opened AS (
                INSERT INTO ferry.sweeps AS w (tenant_no, kind, object, fields, selects, created_from, created_until,
                    actor, reason, claim_at, next_run_at, created_at)
                VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10, $10)
                ON CONFLICT (tenant_no, kind, object) WHERE state IN ('running', 'paused') DO UPDATE
                SET fields = ARRAY(SELECT DISTINCT f FROM unnest(w.fields || excluded.fields) AS f ORDER BY f),
                    selects = w.selects OR excluded.selects, cursor = NULL, seen = 0, total = NULL, failures = 0,
                    claim_at = excluded.claim_at, next_run_at = excluded.next_run_at
                RETURNING 1
            )
            SELECT pg_notify('ferry_streams', '') FROM opened
            """,
            [
                .int4(tenant), .int2(opening.kind.rawValue), .int2(opening.object.rawValue), .array(opening.fields),
                .bool(opening.selects), .timestamptz(opening.createdFrom), .timestamptz(opening.createdUntil),
                .text(opening.actor), .text(opening.reason), now,
            ])
    }

    /// A sweep that was paused or cancelled meanwhile keeps that word, and where it stands all the same.
    static func advancing(_ progress: SweepProgress, tenant: Int32) -> PostgresStatement {
        PostgresStatement(
            """
            UPDATE ferry.sweeps SET cursor = coalesce($3, cursor), total = coalesce($4, total), seen = seen + $5,
                written = written + $6, sf_calls = sf_calls + $7, ac_calls = ac_calls + $8, failures = $9,
                error_code = $10, last_error = $11, next_run_at = coalesce($12, next_run_at),
                claim_at = coalesce($12, claim_at),
                started_at = coalesce(started_at, $13),
                finished_at = CASE WHEN $14 THEN $13 ELSE finished_at END,
                state = CASE WHEN $14 AND state <> 'cancelled' THEN 'done' ELSE state END
            WHERE tenant_no = $1 AND id = $2
            """,
            [
                .int4(tenant), .int8(progress.id), .jsonb(progress.cursor),
                .int8(progress.total.map(Int64.init)), .int8(Int64(progress.seen)), .int8(Int64(progress.written)),
                .int8(Int64(progress.recordCalls)), .int8(Int64(progress.contactCalls)),
                .int4(Int32(clamping: progress.failures)), .text(progress.errorCode),
                .text(progress.error.map { String($0.prefix(StoreLimits.errorCharacters)) }),
                .timestamptz(progress.nextRunAt), .timestamptz(progress.at), .bool(progress.isDone),
            ])
    }
}
