import Drivers
package import Foundation

/// What an org is like, as describe tells: asked for seldom, for it costs a call and hardly ever changes.
package struct OrgFacts: Sendable, Hashable {
    /// Accounts may be persons (R85).
    package var hasPersonAccounts: Bool
    /// Records with money say which currency it is in (R78).
    package var hasCurrencies: Bool
    package var learnedAt: Date

    /// Makes facts.
    package init(hasPersonAccounts: Bool, hasCurrencies: Bool, learnedAt: Date) {
        self.hasPersonAccounts = hasPersonAccounts
        self.hasCurrencies = hasCurrencies
        self.learnedAt = learnedAt
    }
}

extension Store {
    /// What is known of a tenant's org; nil when nobody looked yet.
    /// - Throws: `StoreError`.
    package func orgFacts(tenant: Int32) async throws -> OrgFacts? {
        let rows = try await query(
            "SELECT has_person_accounts, has_currencies, learned_at FROM ferry.org_facts WHERE tenant_no = $1",
            [.int4(tenant)])
        return try decode(rows) { row in
            OrgFacts(
                hasPersonAccounts: try row.get("has_person_accounts"), hasCurrencies: try row.get("has_currencies"),
                learnedAt: try row.get("learned_at"))
        }.first
    }

    /// Keeps what was learned of a tenant's org.
    /// - Throws: `StoreError`.
    package func keepOrgFacts(_ facts: OrgFacts, tenant: Int32) async throws {
        try await query(
            """
            INSERT INTO ferry.org_facts (tenant_no, has_person_accounts, has_currencies, learned_at)
            VALUES ($1, $2, $3, $4) ON CONFLICT (tenant_no) DO UPDATE SET
                has_person_accounts = excluded.has_person_accounts, has_currencies = excluded.has_currencies,
                learned_at = excluded.learned_at
            """,
            [
                .int4(tenant), .bool(facts.hasPersonAccounts), .bool(facts.hasCurrencies),
                .timestamptz(facts.learnedAt),
            ])
    }
}
