import Drivers
import Foundation

/// A tenant whose budget is to be set anew in Redis.
package struct BudgetChange: Sendable, Hashable {
    /// The tenant's number.
    package let tenant: Int32
    /// Grows with every change; what was done for an older one has to be done again.
    package let change: Int64
    /// Whether Redis lost it.
    package let isAfterLoss: Bool
}

extension Store {
    /// One page of the tenants whose budgets changed and are not set in Redis yet, by number.
    /// - Parameter after: the last tenant of the page before.
    /// - Throws: `StoreError`.
    package func budgetChanges(after: Int32 = .min, limit: Int) async throws -> [BudgetChange] {
        let rows = try await query(
            """
            SELECT tenant_no, change, after_loss FROM ferry.budget_changes WHERE tenant_no > $1
            ORDER BY tenant_no LIMIT $2
            """, [.int4(after), .int(min(limit, StoreLimits.pageSize))])
        return try decode(rows) {
            BudgetChange(
                tenant: try $0.get("tenant_no"), change: try $0.get("change"), isAfterLoss: try $0.get("after_loss"))
        }
    }

    /// Whether a tenant's budget is to be set anew because Redis lost it.
    /// - Throws: `StoreError`.
    package func isBudgetLost(tenant: Int32) async throws -> Bool {
        try await query("SELECT 1 FROM ferry.budget_changes WHERE tenant_no = $1 AND after_loss", [.int4(tenant)]).first
            != nil
    }

    /// Notes that changes are set in Redis, those that changed again meanwhile excepted.
    /// - Throws: `StoreError`.
    package func finishBudgetChanges(_ changes: [BudgetChange]) async throws {
        guard !changes.isEmpty else { return }
        try await query(
            """
            DELETE FROM ferry.budget_changes c USING unnest($1::int4[], $2::int8[]) AS n (tenant_no, change)
            WHERE c.tenant_no = n.tenant_no AND c.change = n.change
            """, [.array(changes.map(\.tenant)), .array(changes.map(\.change))])
    }

    /// One page of the tenants that have a budget, by a row or by default: all that are not removed, by number.
    /// - Parameter after: the last tenant of the page before.
    /// - Throws: `StoreError`.
    package func budgetedTenants(after: Int32, limit: Int) async throws -> [Int32] {
        let rows = try await query(
            """
            SELECT t.number FROM ferry.tenants t
            WHERE t.number > $1 AND t.state <> 'removed'
            ORDER BY t.number LIMIT $2
            """, [.int4(after), .int(min(limit, StoreLimits.pageSize))])
        return try decode(rows) { try $0.get("number") }
    }

    /// Budgets of tenants have to be set anew: Redis lost them, unless this is the first it is taken into use.
    /// - Throws: `StoreError`.
    package func callForBudgets(of tenants: [Int32]) async throws {
        guard !tenants.isEmpty else { return }
        try await query(
            """
            INSERT INTO ferry.budget_changes AS c (tenant_no, after_loss)
            SELECT n, coalesce((SELECT epoch > 1 FROM ferry.queue_epochs WHERE shard = 0), false)
            FROM unnest($1::int4[]) AS n
            ON CONFLICT (tenant_no) DO UPDATE SET change = c.change + 1, after_loss = excluded.after_loss
            """, [.array(tenants)])
    }

    /// Sets or replaces a tenant's budget with one provider; the rest of its row stays.
    /// - Throws: `StoreError`, with the constraint's sentence for terms that can't work.
    package func setBudget(tenant: String, _ budget: BudgetDocument, by errand: Errand) async throws {
        try await transact(
            [
                PostgresStatement(
                    """
                    INSERT INTO ferry.api_budgets AS b
                        (tenant, provider, daily_calls, daily_share, org_ceiling_share, edition, licences)
                    VALUES ($1, $2, $3, $4, coalesce($5, 0.9), $6, $7)
                    ON CONFLICT (tenant, provider) DO UPDATE SET daily_calls = excluded.daily_calls,
                        daily_share = excluded.daily_share, org_ceiling_share = coalesce($5, b.org_ceiling_share),
                        edition = coalesce($6, b.edition), licences = coalesce($7, b.licences)
                    """,
                    [
                        .text(tenant), .text(budget.provider), .int4(budget.dailyCalls.map { Int32(clamping: $0) }),
                        .float8(budget.dailyShare), .float8(budget.orgCeilingShare), .text(budget.edition),
                        .int4(budget.licences.map { Int32(clamping: $0) }),
                    ]), auditing("budgets set", tenant, errand, budget.auditDetail),
            ])
    }

    /// Ends a tenant's budget with one provider.
    /// - Returns: whether there was one.
    /// - Throws: `StoreError`.
    package func removeBudget(tenant: String, provider: Provider, by errand: Errand) async throws -> Bool {
        let answers = try await transact(
            [
                PostgresStatement(
                    "DELETE FROM ferry.api_budgets WHERE tenant = $1 AND provider = $2 RETURNING provider",
                    [.text(tenant), .text(provider.rawValue)]),
                auditing("budgets end", tenant, errand, ["provider": provider.rawValue]),
            ])
        return !answers[0].isEmpty
    }

    private func auditing(
        _ verb: String, _ tenant: String, _ errand: Errand, _ detail: [String: String]
    ) -> PostgresStatement {
        Self.auditing(
            AuditEntry(
                at: clock.now, actor: errand.actor, verb: verb, subject: tenant, reason: errand.reason,
                detail: detail))
    }
}

extension BudgetDocument {
    fileprivate var auditDetail: [String: String] {
        var detail = ["provider": provider]
        detail["daily_calls"] = dailyCalls.map { "\($0)" }
        detail["daily_share"] = dailyShare.map { "\($0)" }
        detail["org_ceiling_share"] = orgCeilingShare.map { "\($0)" }
        detail["edition"] = edition
        detail["licences"] = licences.map { "\($0)" }
        return detail
    }
}
