import Drivers
package import Foundation
import SyncRules

// A claim says "this stream's job was put on the queue": until it runs out no scheduler asks for the job again. These are
// the calls that compare claims with the queue and take back those the queue knows nothing of.
extension Store {
    /// One page of streams that are due and claimed, the longest overdue first: what should be on the queue.
    /// - Parameters:
    ///   - after: the last stream of the page before.
    ///   - claimEndsBy: leaves out claims that end later, which were made or renewed a moment ago.
    /// - Throws: `StoreError`.
    package func claimedPage(
        after: DueStream?, limit: Int, claimEndsBy: Date = .distantFuture, now: Date
    ) async throws -> [DueStream] {
        let rows = try await query(
            """
            SELECT tenant_no, direction, object, next_run_at, claim_at FROM ferry.streams
            WHERE enabled AND next_run_at <= $1 AND claim_at > $1 AND claim_at <= $7
                AND (next_run_at, tenant_no, direction, object) > ($2, $3, $4, $5)
            ORDER BY next_run_at, tenant_no, direction, object LIMIT $6
            """,
            [
                .timestamptz(now), .timestamptz(after?.dueAt ?? .distantPast), .int4(after?.tenant ?? 0),
                .int2(after?.direction.rawValue ?? 0), .int2(after?.object.rawValue ?? 0),
                .int(min(limit, StoreLimits.pageSize)), .timestamptz(claimEndsBy),
            ])
        return try decode(rows, Self.due)
    }

    /// Moves the claims of streams that are still due: to now when the queue lost their job, or a little later when it
    /// could not take it, so that they don't stand in the way of others. A stream whose run has ended keeps its next one.
    /// - Parameter until: when a scheduler may claim them again; nil for at once.
    /// - Returns: how many claims were moved.
    /// - Throws: `StoreError`.
    @discardableResult
    package func releaseClaims(of streams: [DueStream], until: Date? = nil, now: Date) async throws -> Int {
        guard !streams.isEmpty else { return 0 }
        let rows = try await query(
            """
            UPDATE ferry.streams s SET claim_at = coalesce($5, s.next_run_at)
            FROM unnest($1::int4[], $2::int2[], $3::int2[]) AS lost (tenant_no, direction, object)
            WHERE s.tenant_no = lost.tenant_no AND s.direction = lost.direction AND s.object = lost.object
                AND s.enabled AND s.claim_at > $4 AND s.next_run_at <= $4
            RETURNING s.tenant_no
            """,
            [
                .array(streams.map(\.tenant)), .array(streams.map(\.direction.rawValue)),
                .array(streams.map(\.object.rawValue)), .timestamptz(now), .timestamptz(until),
            ])
        return rows.count
    }

    /// Moves the claims of tenants' imports that are due for a look; see `releaseClaims(of:until:now:)`.
    /// - Throws: `StoreError`.
    package func releaseImportClaims(of tenants: [Int32], until: Date, now: Date) async throws {
        guard !tenants.isEmpty else { return }
        try await query(
            "UPDATE ferry.imports SET claim_at = $2 WHERE tenant_no = ANY($1) AND claim_at > $3 AND check_at <= $3",
            [.array(tenants), .timestamptz(until), .timestamptz(now)])
    }

    /// Takes back every import's claim, after Redis lost what they were made for.
    /// - Throws: `StoreError`.
    package func releaseImportClaims(now: Date) async throws {
        try await query(
            "UPDATE ferry.imports SET claim_at = check_at WHERE claim_at > $1 AND check_at <= $1", [.timestamptz(now)])
    }

    /// Moves the claims of tenants' sweeps that are due for a slice; see `releaseClaims(of:until:now:)`.
    /// - Throws: `StoreError`.
    package func releaseSweepClaims(of tenants: [Int32], until: Date, now: Date) async throws {
        guard !tenants.isEmpty else { return }
        try await query(
            """
            UPDATE ferry.sweeps SET claim_at = $2
            WHERE tenant_no = ANY($1) AND state = 'running' AND claim_at > $3 AND next_run_at <= $3
            """, [.array(tenants), .timestamptz(until), .timestamptz(now)])
    }

    /// Takes back every sweep's claim, after Redis lost what they were made for.
    /// - Throws: `StoreError`.
    package func releaseSweepClaims(now: Date) async throws {
        try await query(
            """
            UPDATE ferry.sweeps SET claim_at = next_run_at
            WHERE state = 'running' AND claim_at > $1 AND next_run_at <= $1
            """, [.timestamptz(now)])
    }

    /// Those of some tenants' numbers that no tenant has, or one that was removed.
    /// - Throws: `StoreError`.
    package func goneTenants(among numbers: [Int32]) async throws -> [Int32] {
        guard !numbers.isEmpty else { return [] }
        let rows = try await query(
            """
            SELECT gone.number FROM unnest($1::int4[]) AS gone (number)
            WHERE NOT EXISTS (SELECT FROM ferry.tenants t WHERE t.number = gone.number AND t.state <> 'removed')
            """, [.array(numbers)])
        return try decode(rows) { try $0.get("number") }
    }
}
