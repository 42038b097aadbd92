import Drivers
package import Foundation
package import SyncRules

/// What a provider told of a tenant's account as a whole.
package struct ProviderLimit: Sendable, Hashable, Codable {
    /// Calls in 24 hours, all integrations together.
    package var dailyLimit: Int
    /// Calls of the last 24 hours.
    package var used: Int
    /// Those of them that were not Ferry's.
    package var others: Int
    /// What is usual of others, on average.
    package var usualOthers: Double
    package var readAt: Date

    /// Makes a figure.
    package init(dailyLimit: Int, used: Int, others: Int, usualOthers: Double, readAt: Date) {
        self.dailyLimit = dailyLimit
        self.used = used
        self.others = others
        self.usualOthers = usualOthers
        self.readAt = readAt
    }
}

/// What an answer told that was not known.
package struct LimitNews: Sendable, Hashable {
    /// Others called far more than is usual of them.
    package let isUnplannedUse: Bool
    /// The account may be called more than before; what waited for calls is woken.
    package let isRaised: Bool
}

/// Use that Ferry did not plan.
package struct BudgetEvent: Sendable, Hashable, Codable {
    package let at: Date
    package let provider: String
    package let kind: String
    /// Calls of others in the 24 hours before.
    package let others: Int
    /// What was usual.
    package let usualOthers: Int
}

extension Store {
    /// Keeps what an answer told; a limit that is new sets the tenant's budget anew, use by others far beyond the usual is
    /// an event, one in `StoreLimits.eventPause` at most.
    /// - Parameter own: Ferry's own calls of the last 24 hours.
    /// - Throws: `StoreError`.
    @discardableResult
    package func learnLimit(
        tenant: Int32, provider: Side, limit: Int, used: Int, own: Int, now: Date
    ) async throws -> LimitNews {
        let rows = try await query(
            """
            WITH before AS (
                SELECT daily_limit, usual_others FROM ferry.provider_limits WHERE tenant_no = $1 AND provider = $2
            ), learned AS (
                INSERT INTO ferry.provider_limits AS p
                    (tenant_no, provider, daily_limit, used, others, usual_others, read_at)
                VALUES ($1, $2, $3, $4, $5, $5, $6)
                ON CONFLICT (tenant_no, provider) DO UPDATE SET daily_limit = $3, used = $4, others = $5,
                    usual_others = p.usual_others * 0.9 + $5 * 0.1, read_at = $6
                RETURNING 1
            ), renewed AS (
                INSERT INTO ferry.budget_changes AS c (tenant_no)
                SELECT $1 WHERE NOT EXISTS (SELECT FROM before WHERE daily_limit = $3)
                ON CONFLICT (tenant_no) DO UPDATE SET change = c.change + 1
                RETURNING pg_notify('ferry_streams', '')
            ), event AS (
                INSERT INTO ferry.budget_events (tenant_no, provider, at, kind, others, usual_others)
                SELECT $1, $2, $6, 'unplanned_use', $5, usual_others FROM before
                WHERE $5 > 2 * usual_others AND $5 - usual_others > $3 * $7::float8
                    AND NOT EXISTS (SELECT FROM ferry.budget_events e
                        WHERE e.tenant_no = $1 AND e.provider = $2 AND e.at > $8)
                RETURNING 1
            )
            SELECT EXISTS (SELECT FROM event) AS is_unplanned,
                EXISTS (SELECT FROM before WHERE daily_limit < $3) AS is_raised
            """,
            [
                .int4(tenant), .int2(provider.rawValue), .int8(Int64(limit)), .int8(Int64(used)),
                .int8(Int64(max(0, used - own))), .timestamptz(now), .float8(StoreLimits.unplannedShare),
                .timestamptz(now.addingTimeInterval(-StoreLimits.eventPause)),
            ])
        let news = try decode(rows) {
            LimitNews(isUnplannedUse: try $0.get("is_unplanned"), isRaised: try $0.get("is_raised"))
        }.first
        if news?.isRaised ?? false {
            try await query("SELECT ferry.wake_for_calls(ARRAY[$1::int4])", [.int4(tenant)])
        }
        return news ?? LimitNews(isUnplannedUse: false, isRaised: false)
    }

    /// What providers told of a tenant's accounts.
    /// - Throws: `StoreError`.
    package func providerLimits(tenant: Int32) async throws -> [Side: ProviderLimit] {
        let rows = try await query(
            """
            SELECT provider, daily_limit, used, others, usual_others, read_at FROM ferry.provider_limits
            WHERE tenant_no = $1
            """, [.int4(tenant)])
        let pairs = try decode(rows) { row in
            (
                try row.case("provider", as: Side.self),
                ProviderLimit(
                    dailyLimit: Int(try row.get("daily_limit", as: Int64.self)),
                    used: Int(try row.get("used", as: Int64.self)),
                    others: Int(try row.get("others", as: Int64.self)), usualOthers: try row.get("usual_others"),
                    readAt: try row.get("read_at"))
            )
        }
        return Dictionary(pairs, uniquingKeysWith: { first, _ in first })
    }

    /// Use that Ferry did not plan, newest first.
    /// - Throws: `StoreError`.
    package func budgetEvents(tenant: Int32, since: Date, limit: Int = 100) async throws -> [BudgetEvent] {
        let rows = try await query(
            """
            SELECT at, CASE provider WHEN 1 THEN 'activecampaign' ELSE 'salesforce' END AS provider, kind, others,
                usual_others
            FROM ferry.budget_events WHERE tenant_no = $1 AND at >= $2 ORDER BY at DESC LIMIT $3
            """, [.int4(tenant), .timestamptz(since), .int(min(limit, StoreLimits.pageSize))])
        return try decode(rows) { row in
            BudgetEvent(
                at: try row.get("at"), provider: try row.get("provider"), kind: try row.get("kind"),
                others: Int(try row.get("others", as: Int64.self)),
                usualOthers: Int(try row.get("usual_others", as: Int64.self)))
        }
    }
}
