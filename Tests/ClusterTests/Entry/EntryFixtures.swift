import Cluster
import Drivers
import Foundation
import Simulators
import Store

import enum SyncRules.ObjectKind

/// What the tests of entry, sweeps and brakes share.
extension TestCluster {
    /// Rounds an hour apart until nothing moves any more.
    func rounds(_ count: Int = 3) async throws {
        for _ in 1...count {
            advance(3_600)
            try await round()
        }
    }

    /// Runs a statement.
    func run(_ sql: String) async throws { try await pool.query(sql) }

    /// Decisions of a code and rule.
    func decisions(_ code: Int, reason: String) async throws -> Int64 {
        try await value(
            "SELECT count(*) AS value FROM ferry.record_decisions WHERE code = \(code) AND detail = '\(reason)'")
    }

    /// Runs what is due until no sweep is under way; the clock moves on for imports.
    func finishSweeps() async throws {
        for _ in 1...200 {
            try await settle()
            let left: Int64 = try await value(
                "SELECT count(*) AS value FROM ferry.sweeps WHERE state = 'running'")
            if left == 0 { return }
            advance(5)
        }
    }

    /// Plans by the command's own planner.
    func planner() throws -> TenantPlanner {
        TenantPlanner(
            store: store, queue: queue, clock: wallClock, http: try HTTPClient(options: .loopback),
            keys: KeyRing(keys: [key]),
            providers: ProviderPolicy(hostSuffixes: [], allowsLoopback: true, webhookBase: nil))
    }
}

extension TestTenant {
    /// Lets the tenant begin only now: whatever is there already was there before it.
    func beginNow(in cluster: TestCluster) async throws {
        cluster.advance(86_400)
        try await cluster.run("UPDATE ferry.streams SET created_at = now() + interval '20 hours'")
    }

    /// A text field on both sides that nothing maps yet.
    func addUnmappedField(_ name: String) {
        account.addField(title: name, perstag: name.uppercased())
        for object in ["Contact", "Lead"] { org.addCustomField(object, name + "__c", .text(length: 255)) }
    }

    /// Maps such a field of contacts.
    func map(_ name: String, in cluster: TestCluster) async throws {
        try await cluster.run(
            """
            INSERT INTO ferry.field_mappings (tenant, object, sf_field, ac_field)
            VALUES ('\(id)', 'contact', '\(name)__c', 'custom:\(name.uppercased())')
            """)
    }

    /// Begins a back-fill of contacts from the beginning of time.
    func openBackfill(in cluster: TestCluster) async throws {
        var opening = SweepOpening(.backfill, .contact, actor: "test")
        opening.createdFrom = Date(timeIntervalSince1970: 0)
        opening.createdUntil = cluster.wallClock.now
        try await cluster.store.openBackfill(
            tenant: try await number(in: cluster), opening, now: cluster.wallClock.now)
    }
}
