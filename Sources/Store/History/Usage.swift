import Drivers
package import Foundation
package import SyncRules

/// Calls of one tenant, provider and class in one hour.
package struct HourlyUsage: Sendable, Hashable {
    package let provider: Side
    package let callClass: Int16
    package let hour: Date
    package let calls: Int64
}

extension Store {
    /// Adds calls to their hours.
    static func counting(_ usage: [UsageEntry], tenant: Int32) -> [PostgresStatement] {
        guard !usage.isEmpty else { return [] }
        return [
            PostgresStatement(
                """
                INSERT INTO ferry.api_usage AS u (tenant_no, provider, class, hour, calls)
                SELECT $1, n.provider, n.class, date_trunc('hour', n.at, 'UTC'), sum(n.calls)::int8
                FROM unnest($2::int2[], $3::int2[], $4::timestamptz[], $5::int8[]) AS n (provider, class, at, calls)
                GROUP BY 2, 3, 4
                ON CONFLICT (tenant_no, provider, hour, class) DO UPDATE SET calls = u.calls + excluded.calls
                """,
                [
                    .int4(tenant), .array(usage.map(\.provider.rawValue)), .array(usage.map(\.callClass)),
                    .array(usage.map(\.at)), .array(usage.map(\.calls)),
                ])
        ]
    }

    /// Adds calls outside a commit; they are spent whatever becomes of the run.
    /// - Throws: `StoreError`.
    package func addUsage(tenant: Int32, _ usage: [UsageEntry]) async throws {
        try await transact(Self.counting(usage, tenant: tenant))
    }

    /// A tenant's calls since an instant, by hour.
    /// - Throws: `StoreError`.
    package func usage(tenant: Int32, since: Date) async throws -> [HourlyUsage] {
        let rows = try await query(
            """
            SELECT provider, class, hour, calls FROM ferry.api_usage
            WHERE tenant_no = $1 AND hour >= date_trunc('hour', $2::timestamptz, 'UTC') ORDER BY hour, provider, class
            """, [.int4(tenant), .timestamptz(since)])
        return try decode(rows) { row in
            HourlyUsage(
                provider: try row.case("provider"), callClass: try row.get("class"), hour: try row.get("hour"),
                calls: try row.get("calls"))
        }
    }
}
