import Drivers
package import Foundation
import SyncRules

/// What is due and has not run, and what waits, over all tenants. Ages are seconds.
package struct Backlog: Sendable, Hashable, Codable {
    /// Streams that may run at all.
    package let streams: Int
    /// Streams whose time has come and that have not run yet; those under way are among them.
    package let overdue: Int
    package let oldestSeconds: Double
    package let medianSeconds: Double
    /// The 99th percentile.
    package let p99Seconds: Double
    /// Age of the oldest stream that no scheduler has claimed: how late schedulers are at present.
    package let latenessSeconds: Double
    /// Streams that fail, and of those the ones that need a human.
    package let failing: Int
    package let needingAttention: Int
}

/// One stream that waits, for the list of the oldest.
package struct WaitingStream: Sendable, Hashable, Codable {
    package let tenant: String
    package let direction: String
    package let object: String
    package let dueAt: Date
    package let state: String
    package let failures: Int
}

/// Sizes of queues and counts of trouble in PostgreSQL, for gauges.
package struct StoreGauges: Sendable, Hashable {
    /// Contacts known to have changed and not settled; counted up to `StoreLimits.gaugeRows`.
    package let pendingChanges: Int
    /// Records that can't be synced as they are; counted up to the same bound.
    package let failedRecords: Int
    /// Bulk imports whose outcome is not known yet.
    package let openImports: Int
    /// Commits refused because their lease was lost, since ever.
    package let fencedCommits: Int64
    /// Age of the oldest stream that is due, in seconds; 0 while all is well.
    package let oldestOverdueSeconds: Double
    /// Age of the oldest stream that no scheduler has claimed.
    package let latenessSeconds: Double
    /// Mean length of the last quarter of an hour's runs, in seconds; nil when there were none.
    package let meanRunSeconds: Double?
    /// Worker processes seen within the last minute, and their places for jobs.
    package let workers: Int
    package let places: Int
}

extension Store {
    /// What is due and has not run, over all tenants or one.
    /// - Throws: `StoreError`.
    package func backlog(tenant: Int32? = nil, now: Date) async throws -> Backlog {
        let rows = try await query(
            """
            WITH due AS (
                SELECT extract(epoch FROM $1 - next_run_at)::float8 AS age FROM ferry.streams
                WHERE enabled AND next_run_at <= $1 AND ($2::int4 IS NULL OR tenant_no = $2)
            )
            SELECT count(*)::int8 AS overdue, coalesce(max(age), 0)::float8 AS oldest,
                coalesce(percentile_disc(0.5) WITHIN GROUP (ORDER BY age), 0)::float8 AS median,
                coalesce(percentile_disc(0.99) WITHIN GROUP (ORDER BY age), 0)::float8 AS p99,
                (SELECT count(*) FROM ferry.streams WHERE enabled AND ($2::int4 IS NULL OR tenant_no = $2))::int8 AS streams,
                (SELECT count(*) FROM ferry.streams
                    WHERE enabled AND failures > 0 AND ($2::int4 IS NULL OR tenant_no = $2))::int8 AS failing,
                (SELECT count(*) FROM ferry.streams
                    WHERE enabled AND state = 'needs attention' AND ($2::int4 IS NULL OR tenant_no = $2))::int8 AS attention,
                coalesce((SELECT extract(epoch FROM $1 - min(claim_at)) FROM ferry.streams
                    WHERE enabled AND claim_at <= $1 AND ($2::int4 IS NULL OR tenant_no = $2)), 0)::float8 AS lateness
            FROM due
            """, [.timestamptz(now), .int4(tenant)])
        let found = try decode(rows) { row in
            Backlog(
                streams: try row.get("streams"), overdue: try row.get("overdue"),
                oldestSeconds: try row.get("oldest"), medianSeconds: try row.get("median"),
                p99Seconds: try row.get("p99"), latenessSeconds: try row.get("lateness"),
                failing: try row.get("failing"), needingAttention: try row.get("attention"))
        }
        guard let first = found.first else { throw StoreError(.unreadable, "no backlog") }
        return first
    }

    /// The streams that have waited longest for their run, over all tenants or of one.
    /// - Throws: `StoreError`.
    package func waiting(tenant: Int32? = nil, limit: Int, now: Date) async throws -> [WaitingStream] {
        let rows = try await query(
            """
            SELECT tenant, direction, object, next_run_at, state, failures FROM ferry.streams
            WHERE enabled AND next_run_at <= $1 AND ($2::int4 IS NULL OR tenant_no = $2)
            ORDER BY next_run_at, tenant_no, direction, object LIMIT $3
            """, [.timestamptz(now), .int4(tenant), .int(min(limit, StoreLimits.pageSize))])
        return try decode(rows) { row in
            let direction: Direction = try row.case("direction")
            let object: ObjectKind = try row.case("object")
            return WaitingStream(
                tenant: try row.get("tenant"), direction: direction.name, object: object.name,
                dueAt: try row.get("next_run_at"), state: try row.get("state"), failures: try row.get("failures"))
        }
    }

    /// What gauges show; every count in it goes by an index or stops at a bound.
    /// - Throws: `StoreError`.
    package func gauges(now: Date) async throws -> StoreGauges {
        let rows = try await query(
            """
            SELECT
                (SELECT count(*) FROM (SELECT FROM ferry.pending_changes LIMIT \(StoreLimits.gaugeRows)) p)::int8 AS pending,
                (SELECT count(*) FROM (SELECT FROM ferry.record_failures LIMIT \(StoreLimits.gaugeRows)) f)::int8 AS failed,
                (SELECT count(*) FROM (SELECT FROM ferry.imports LIMIT \(StoreLimits.gaugeRows)) i)::int8 AS imports,
                (SELECT coalesce(sum(refused), 0) FROM ferry.fences)::int8 AS fenced,
                coalesce(greatest(0, extract(epoch FROM $1 - (SELECT min(next_run_at) FROM ferry.streams
                    WHERE enabled))), 0)::float8 AS oldest,
                coalesce(greatest(0, extract(epoch FROM $1 - (SELECT min(claim_at) FROM ferry.streams
                    WHERE enabled))), 0)::float8 AS lateness,
                (SELECT avg(extract(epoch FROM finished_at - started_at)) FROM (
                    SELECT started_at, finished_at FROM ferry.sync_runs
                    WHERE started_at > $2 AND finished_at IS NOT NULL LIMIT \(StoreLimits.sampledRuns)) r)::float8 AS mean_run,
                (SELECT count(*) FROM ferry.workers WHERE seen_at > $3)::int8 AS workers,
                (SELECT coalesce(sum(concurrency), 0) FROM ferry.workers WHERE seen_at > $3)::int8 AS places
            """,
            [
                .timestamptz(now), .timestamptz(now.addingTimeInterval(-StoreLimits.runSample)),
                .timestamptz(now.addingTimeInterval(-StoreLimits.workerSilence)),
            ])
        let found = try decode(rows) { row in
            StoreGauges(
                pendingChanges: try row.get("pending"), failedRecords: try row.get("failed"),
                openImports: try row.get("imports"), fencedCommits: try row.get("fenced"),
                oldestOverdueSeconds: try row.get("oldest"), latenessSeconds: try row.get("lateness"),
                meanRunSeconds: try row.optional("mean_run"), workers: try row.get("workers"),
                places: try row.get("places"))
        }
        guard let first = found.first else { throw StoreError(.unreadable, "no gauges") }
        return first
    }
}
