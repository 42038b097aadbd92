import Drivers
import Foundation
import Store
import SyncRules
import Testing

@Suite(.timeLimit(.minutes(2))) struct UpkeepTests {
    private func partitions(_ pool: PostgresPool, of table: String) async throws -> Int {
        try await pool.query(
            "SELECT count(*) AS n FROM pg_inherits WHERE inhparent = ('ferry.' || $1)::regclass", [.text(table)]
        ).only().get("n")
    }

    @Test func partitionsAreMadeAheadAndDroppedBehind() async throws {
        let (store, pool) = try await StoreTestDatabase.make()
        let now = Date(timeIntervalSince1970: 1_800_000_000)
        try await store.maintainPartitions(now: now)
        let fresh = try await partitions(pool, of: "record_decisions")
        #expect(fresh == StoreLimits.partitionsAhead + 3, "yesterday, today, the days ahead, and the default")
        var commit = RunCommit(tenant: 1, fence: 1, run: 1)
        commit.record([Decision(.seen, .inbound, .contact, contactID: 1)])
        _ = try await store.commit(commit, now: now)
        // A day nobody has made a partition for is no reason to fail.
        _ = try await store.commit(commit, now: now.addingTimeInterval(30 * 86_400))
        #expect(try await store.decisions(tenant: 1, since: now).count == 2)
        let later = now.addingTimeInterval(Double(StoreLimits.decisionRetentionDays + 2) * 86_400)
        try await store.maintainPartitions(now: later)
        #expect(try await store.decisions(tenant: 1, since: now).count == 1, "the old day is gone")
        #expect(try await partitions(pool, of: "record_decisions") <= 2 * fresh)
        try await store.maintainPartitions(now: later.addingTimeInterval(100 * 86_400))
        #expect(try await store.decisions(tenant: 1, since: now).isEmpty, "the default partition has a retention too")
        await pool.close()
    }

    @Test func severalMayKeepUpAtOnce() async throws {
        let (store, pool) = try await StoreTestDatabase.make(connections: 6)
        try await withThrowingTaskGroup { group in
            for _ in 0..<6 { group.addTask { try await store.maintainPartitions(now: Date()) } }
            try await group.waitForAll()
        }
        await pool.close()
    }

    @Test func hotStatementsGoByIndex() async throws {
        let (store, pool) = try await StoreTestDatabase.make()
        _ = try await StoreTestDatabase.onboard("acme", store, pool)
        try await pool.script(
            """
            INSERT INTO ferry.streams (tenant_no, direction, object, tenant, enabled, next_run_at, claim_at, created_at)
            SELECT n, 1, 1, 't' || n, true, now() + interval '1 hour', now() + interval '1 hour', now()
            FROM generate_series(100, 20100) AS n;
            INSERT INTO ferry.pending_changes (tenant_no, ac_id, source, first_seen_at, last_seen_at)
            SELECT n % 20, n, 1, now(), now() FROM generate_series(1, 20000) AS n;
            INSERT INTO ferry.links (tenant_no, ac_id, object, sf_id, state, origin, email_hash, created_at, updated_at)
            SELECT n % 20, n, 1, '003' || lpad(n::text, 15, '0'), 1, 1, int4send(n), now(), now()
            FROM generate_series(1, 20000) AS n;
            ANALYZE ferry.streams; ANALYZE ferry.pending_changes; ANALYZE ferry.links;
            """)
        let statements = [
            (
                "SELECT tenant_no FROM ferry.streams WHERE enabled AND claim_at <= now() ORDER BY claim_at LIMIT 100 "
                    + "FOR UPDATE SKIP LOCKED", "streams_due"
            ),
            (
                "SELECT ac_id FROM ferry.pending_changes WHERE tenant_no = 7 AND not_before <= now() "
                    + "ORDER BY not_before, ac_id LIMIT 100", "not_before"
            ),
            (
                "SELECT ac_id FROM ferry.links WHERE tenant_no = 7 AND sf_id = ANY (ARRAY['003000000000000007', "
                    + "'003000000000000027'])", "sf_id"
            ),
            ("SELECT ac_id FROM ferry.links WHERE tenant_no = 7 AND ac_id = ANY (ARRAY[7, 27])", "ac_id"),
            (
                "SELECT ac_id FROM ferry.links WHERE tenant_no = 7 AND email_hash = ANY (ARRAY[int4send(7)])",
                "email_hash"
            ),
        ]
        for (sql, index) in statements {
            let plan = try await pool.query("EXPLAIN \(sql)").decode { try $0.get("QUERY PLAN", as: String.self) }
                .joined(separator: "\n")
            #expect(plan.contains("Index"), "\(plan)")
            #expect(plan.contains(index), "\(plan)")
            #expect(!plan.contains("Seq Scan"), "\(plan)")
        }
        await pool.close()
    }
}
