import Drivers

/// What one tenant's sync comes to: what waits, and what was done in its whole history.
package struct TenantTotals: Sendable, Hashable, Codable {
    /// Contacts known to have changed and not settled.
    package let pending: Int
    /// Bulk imports whose outcome is not known yet, and the records in them.
    package let openImports: Int
    package let importing: Int
    /// Status write-backs that wait for a call.
    package let writebacks: Int
    /// Records that can't be synced as they are.
    package let failures: Int
    /// Records written to each side by runs that are still in the history.
    package let toSalesforce: Int
    package let toActiveCampaign: Int
    /// Changes dropped because Salesforce had changed the record (R53).
    package let conflicts: Int
}

extension Store {
    /// Sums up one tenant in one statement.
    /// - Throws: `StoreError` with code `unknownTenant`.
    package func totals(tenant id: String) async throws -> TenantTotals {
        let rows = try await query(
            """
            SELECT
                (SELECT count(*) FROM ferry.pending_changes p WHERE p.tenant_no = t.number)::int8 AS pending,
                (SELECT count(*) FROM ferry.imports i WHERE i.tenant_no = t.number)::int8 AS open_imports,
                (SELECT count(*) FROM ferry.import_members m WHERE m.tenant_no = t.number)::int8 AS importing,
                (SELECT count(*) FROM ferry.writebacks w WHERE w.tenant_no = t.number)::int8 AS writebacks,
                (SELECT count(*) FROM ferry.record_failures f WHERE f.tenant_no = t.number)::int8 AS failures,
                coalesce(sum(r.created + r.updated) FILTER (WHERE r.direction = 1), 0)::int8 AS to_sf,
                coalesce(sum(r.created + r.updated) FILTER (WHERE r.direction = 2), 0)::int8 AS to_ac,
                coalesce(sum(r.conflicts), 0)::int8 AS conflicts
            FROM ferry.tenants t LEFT JOIN ferry.sync_runs r ON r.tenant_no = t.number
            WHERE t.id = $1 GROUP BY t.number
            """, [.text(id)])
        let totals = try decode(rows) { row in
            TenantTotals(
                pending: try row.get("pending"), openImports: try row.get("open_imports"),
                importing: try row.get("importing"), writebacks: try row.get("writebacks"),
                failures: try row.get("failures"), toSalesforce: try row.get("to_sf"),
                toActiveCampaign: try row.get("to_ac"), conflicts: try row.get("conflicts"))
        }
        guard let first = totals.first else { throw StoreError(.unknownTenant, "there is no tenant \"\(id)\"") }
        return first
    }
}
