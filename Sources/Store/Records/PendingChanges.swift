import Drivers
package import Foundation
package import SyncRules

/// A contact id seen to have changed.
package struct SeenChange: Sendable, Hashable {
    package let tenant: Int32
    package let contactID: Int64
    package let source: ChangeSource

    /// Makes a sighting.
    package init(tenant: Int32, contactID: Int64, source: ChangeSource = .webhook) {
        self.tenant = tenant
        self.contactID = contactID
        self.source = source
    }
}

/// A change that waits for an outbound batch.
package struct PendingChange: Sendable, Hashable {
    package let contactID: Int64
    /// Settling deletes this version only; a later sighting stays.
    package let version: Int64
    package let attempts: Int
    /// Where the last word of it came from.
    package let source: ChangeSource
    /// What it waits for.
    package let cause: WorkCause

    /// Makes a pending change.
    package init(
        contactID: Int64, version: Int64, attempts: Int = 0, source: ChangeSource = .webhook,
        cause: WorkCause = .personsEdit
    ) {
        self.contactID = contactID
        self.version = version
        self.attempts = attempts
        self.source = source
        self.cause = cause
    }
}

extension Store {
    /// Stores sightings in one round trip; tenants that now have a batch together become due at once (R9, R10).
    /// - Throws: `StoreError`.
    package func recordChanges(_ changes: [SeenChange], now: Date) async throws {
        guard changes.count <= StoreLimits.changesPerCall else {
            throw StoreError(.tooMuch, "more than \(StoreLimits.changesPerCall) changes in one call")
        }
        var sources: [SeenChangeKey: ChangeSource] = [:]
        for change in changes { sources[SeenChangeKey(tenant: change.tenant, id: change.contactID)] = change.source }
        guard !sources.isEmpty else { return }
        // Sorted, so that two groups lock rows in one order.
        let keys = sources.keys.sorted { ($0.tenant, $0.id) < ($1.tenant, $1.id) }
        let tenants = PostgresValue.array(Set(keys.map(\.tenant)).sorted())
        try await transact([
            // Two groups of one tenant that did not see each other's rows would both count too few; one at a time then.
            PostgresStatement(
                "SELECT pg_advisory_xact_lock(\(Self.changesLock), t) FROM unnest($1::int4[]) AS t", [tenants]),
            PostgresStatement(
                """
                INSERT INTO ferry.pending_changes AS p (tenant_no, ac_id, source, first_seen_at, last_seen_at)
                SELECT n.tenant, n.id, n.source, $4, $4 FROM unnest($1::int4[], $2::int8[], $3::int2[])
                    AS n (tenant, id, source)
                ON CONFLICT (tenant_no, ac_id) DO UPDATE
                SET version = p.version + 1, last_seen_at = excluded.last_seen_at, source = excluded.source
                """,
                [
                    .array(keys.map(\.tenant)), .array(keys.map(\.id)),
                    .array(keys.map { sources[$0, default: .webhook].rawValue }), .timestamptz(now),
                ]),
            Self.departing(tenants, now: now),
        ])
    }

    private struct SeenChangeKey: Hashable {
        let tenant: Int32
        let id: Int64
    }

    /// Class of the advisory locks of `recordChanges`; nobody else takes them.
    private static let changesLock = 0x6665

    /// Makes outbound streams due whose tenants have a batch together. Not those that fail: their wait is for the
    /// provider's sake. A waiting stream is woken at most once, so the loudest tenant costs no more than a quiet one.
    static func departing(_ tenants: PostgresValue, now: Date) -> PostgresStatement {
        PostgresStatement(
            """
            WITH woken AS (
                UPDATE ferry.streams s SET next_run_at = $2, claim_at = $2
                WHERE s.tenant_no = ANY ($1) AND s.direction = 1 AND s.object = 1 AND s.enabled
                    AND s.failures = 0
                    AND s.next_run_at > $2 AND ferry.has_ready(s.tenant_no, \(StoreLimits.outboundThreshold), $2)
                RETURNING 1
            )
            SELECT pg_notify('ferry_streams', '') FROM woken LIMIT 1
            """, [tenants, .timestamptz(now)])
    }

    /// Changes that may run now, those that have waited longest for their turn first.
    /// - Throws: `StoreError`.
    package func pending(tenant: Int32, limit: Int, now: Date) async throws -> [PendingChange] {
        let rows = try await query(
            """
            SELECT ac_id, version, attempts, source, error_code FROM ferry.pending_changes
            WHERE tenant_no = $1 AND not_before <= $2 ORDER BY not_before, ac_id LIMIT $3
            """, [.int4(tenant), .timestamptz(now), .int(min(limit, StoreLimits.pageSize))])
        return try decode(rows) { row in
            let source: ChangeSource = try row.case("source")
            return PendingChange(
                contactID: try row.get("ac_id"), version: try row.get("version"), attempts: try row.get("attempts"),
                source: source,
                cause: WorkCause(isPutOff: source == .retry, reason: try row.optional("error_code")))
        }
    }

    /// How often in a row contacts were left pending for the same reason; contacts that are not pending are missing.
    /// - Throws: `StoreError`.
    package func attempts(tenant: Int32, contactIDs: [Int64]) async throws -> [Int64: Int] {
        guard !contactIDs.isEmpty else { return [:] }
        let rows = try await query(
            "SELECT ac_id, attempts FROM ferry.pending_changes WHERE tenant_no = $1 AND ac_id = ANY ($2)",
            [.int4(tenant), .array(contactIDs)])
        let pairs = try decode(rows) { (try $0.get("ac_id", as: Int64.self), try $0.get("attempts", as: Int.self)) }
        return Dictionary(pairs, uniquingKeysWith: { first, _ in first })
    }

    static func settling(_ changes: [PendingChange], tenant: Int32) -> [PostgresStatement] {
        guard !changes.isEmpty else { return [] }
        let changes = changes.sorted { $0.contactID < $1.contactID }
        return [
            PostgresStatement(
                """
                DELETE FROM ferry.pending_changes p USING unnest($2::int8[], $3::int8[]) AS n (ac_id, version)
                WHERE p.tenant_no = $1 AND p.ac_id = n.ac_id AND p.version = n.version
                """, [.int4(tenant), .array(changes.map(\.contactID)), .array(changes.map(\.version))])
        ]
    }

    static func deferring(_ changes: [DeferredChange], tenant: Int32, now: PostgresValue) -> [PostgresStatement] {
        let changes = lastOfEach(changes, by: \.contactID).sorted { $0.contactID < $1.contactID }
        guard !changes.isEmpty else { return [] }
        return [
            PostgresStatement(
                """
                INSERT INTO ferry.pending_changes AS p
                    (tenant_no, source, first_seen_at, last_seen_at, attempts, ac_id, not_before, error_code)
                SELECT $1, $2, $3, $3, 1, n.* FROM unnest($4::int8[], $5::timestamptz[], $6::text[]) AS n
                ON CONFLICT (tenant_no, ac_id) DO UPDATE
                SET attempts = CASE WHEN p.error_code = excluded.error_code THEN p.attempts + 1 ELSE 1 END,
                    not_before = excluded.not_before, error_code = excluded.error_code, source = excluded.source
                """,
                [
                    .int4(tenant), .int2(ChangeSource.retry.rawValue), now, .array(changes.map(\.contactID)),
                    .array(changes.map(\.until)), .array(changes.map(\.reason)),
                ])
        ]
    }
}
