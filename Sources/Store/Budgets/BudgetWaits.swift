import Drivers
package import Foundation

/// Work of a tenant that the queue does not hand out for want of calls.
package struct BudgetWait: Sendable, Hashable {
    /// The tenant's number.
    package let tenant: Int32
    /// Whether it is its back-fills and re-evaluations, or its streams.
    package let isSweep: Bool
    /// What is waited for and until when, without values.
    package let message: String

    /// Makes a wait.
    package init(tenant: Int32, isSweep: Bool, message: String) {
        self.tenant = tenant
        self.isSweep = isSweep
        self.message = message
    }
}

extension Store {
    /// Tenants with streams or sweeps that are on the queue and overdue, by number: they wait for something.
    /// - Parameters:
    ///   - after: the last of the page before.
    ///   - since: overdue since then at least.
    /// - Throws: `StoreError`.
    package func overdueTenants(after: Int32, since: Date, limit: Int, now: Date) async throws -> [Int32] {
        let rows = try await query(
            """
            SELECT tenant_no FROM ferry.streams
            WHERE enabled AND next_run_at <= $2 AND claim_at > $3 AND tenant_no > $1
            UNION
            SELECT tenant_no FROM ferry.sweeps
            WHERE state = 'running' AND next_run_at <= $2 AND claim_at > $3 AND tenant_no > $1
            ORDER BY tenant_no LIMIT $4
            """, [.int4(after), .timestamptz(since), .timestamptz(now), .int(min(limit, StoreLimits.pageSize))])
        return try decode(rows) { try $0.get("tenant_no") }
    }

    /// Says in streams and sweeps that are on the queue what they wait for. The next run that ends clears it; what needs a
    /// person's attention, and looks at an org that takes no more calls, keep their words.
    /// - Throws: `StoreError`.
    package func reportBudgetWaits(_ waits: [BudgetWait], now: Date) async throws {
        guard !waits.isEmpty else { return }
        let parameters: [PostgresValue] = [
            .array(waits.map(\.tenant)), .array(waits.map { $0.isSweep ? Int16(1) : 0 }), .array(waits.map(\.message)),
            .timestamptz(now),
        ]
        let rows = "unnest($1::int4[], $2::int2[], $3::text[]) AS n (tenant_no, sweep, message)"
        try await transact([
            PostgresStatement(
                """
                UPDATE ferry.streams s SET state = 'waiting for budget', error_code = 'budget_spent', last_error = n.message
                FROM \(rows)
                WHERE n.sweep = 0 AND s.tenant_no = n.tenant_no AND s.enabled AND s.next_run_at <= $4 AND s.claim_at > $4
                    AND (s.error_code IS NULL OR s.error_code LIKE 'budget\\_%' AND s.failures = 0)
                """, parameters),
            PostgresStatement(
                """
                UPDATE ferry.sweeps w SET error_code = 'budget_spent', last_error = n.message FROM \(rows)
                WHERE n.sweep = 1 AND w.tenant_no = n.tenant_no AND w.state = 'running' AND w.next_run_at <= $4
                    AND w.claim_at > $4 AND w.failures = 0
                """, parameters),
        ])
    }
}
