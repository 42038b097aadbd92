import Drivers
import Foundation
package import SyncRules

/// Salesforce account ↔ ActiveCampaign account (R72). A link of object account holds the ActiveCampaign account's id in
/// the place of a contact's.
extension Store {
    private static let accountColumns = "sf_id, ac_id, state, origin, ac_fingerprint, sf_fingerprint"

    /// The links of Salesforce accounts.
    /// - Throws: `StoreError`.
    package func accountLinks(tenant: Int32, recordIDs: [String]) async throws -> [Link] {
        guard !recordIDs.isEmpty else { return [] }
        return try await accountLinks("sf_id = ANY ($2)", [.int4(tenant), .array(recordIDs)])
    }

    /// The links of ActiveCampaign accounts.
    /// - Throws: `StoreError`.
    package func accountLinks(tenant: Int32, accountIDs: [Int64]) async throws -> [Link] {
        guard !accountIDs.isEmpty else { return [] }
        return try await accountLinks("ac_id = ANY ($2)", [.int4(tenant), .array(accountIDs)])
    }

    /// A page of the active links in order of ActiveCampaign's id, for a walk over all of them.
    /// - Parameter after: the last id of the page before, 0 for the first.
    /// - Throws: `StoreError`.
    func accountLinkPage(tenant: Int32, after accountID: Int64, limit: Int) async throws -> [Link] {
        try await accountLinks(
            "state = 1 AND ac_id > $2 ORDER BY ac_id LIMIT $3",
            [.int4(tenant), .int8(accountID), .int(min(limit, StoreLimits.pageSize))])
    }

    private func accountLinks(_ condition: String, _ values: [PostgresValue]) async throws(StoreError) -> [Link] {
        let rows = try await query(
            "SELECT \(Self.accountColumns) FROM ferry.account_links WHERE tenant_no = $1 AND \(condition)", values)
        return try decode(rows) { row in
            Link(
                contactID: try row.get("ac_id"), object: .account, recordID: try row.get("sf_id"),
                state: try row.case("state"), emailHash: [],
                contactFingerprint: try row.fingerprint("ac_fingerprint"),
                recordFingerprint: try row.fingerprint("sf_fingerprint"), origin: try row.case("origin"))
        }
    }

    /// The links of Salesforce accounts with when they were made and last changed.
    func datedAccountLinks(tenant: Int32, recordIDs: [String]) async throws -> [RecordFile.DatedLink] {
        let links = try await accountLinks(tenant: tenant, recordIDs: recordIDs)
        guard !links.isEmpty else { return [] }
        let rows = try await query(
            "SELECT sf_id, created_at, updated_at FROM ferry.account_links WHERE tenant_no = $1 AND sf_id = ANY ($2)",
            [.int4(tenant), .array(recordIDs)])
        let dates = try decode(rows) { row in
            (
                try row.get("sf_id", as: String.self), try row.get("created_at", as: Date.self),
                try row.get("updated_at", as: Date.self)
            )
        }
        return links.compactMap { link in
            dates.first { $0.0 == link.recordID }.map { .init(link: link, createdAt: $0.1, updatedAt: $0.2) }
        }
    }

    /// Salesforce accounts that synced people belong to and that have no link yet, by id.
    /// - Throws: `StoreError`.
    package func wantedAccounts(tenant: Int32, after: String = "", limit: Int) async throws -> [String] {
        let rows = try await query(
            """
            WITH wanted AS (
                SELECT m.account_sf_id AS id FROM ferry.account_members m
                WHERE m.tenant_no = $1 AND m.state = 1 AND NOT \(Self.isKeptOut("m.sf_id"))
                UNION
                -- About to be made when the answer was lost: found again although nobody belongs to it any more.
                SELECT e.record_id FROM ferry.echo_ledger e
                WHERE e.tenant_no = $1 AND e.side = \(Side.activeCampaign.rawValue)
                    AND e.object = \(ObjectKind.account.rawValue)
            )
            SELECT w.id FROM wanted w
            WHERE w.id > $2
                AND NOT EXISTS (SELECT FROM ferry.account_links a WHERE a.tenant_no = $1 AND a.sf_id = w.id)
                -- Refused ones wait for a change of theirs, and those kept out for a person.
                AND NOT EXISTS (SELECT FROM ferry.record_failures f
                    WHERE f.tenant_no = $1 AND f.direction = 2 AND f.record_id = w.id)
                AND NOT EXISTS (SELECT FROM ferry.record_exclusions e
                    WHERE e.tenant_no = $1 AND e.side = 2 AND e.record_id = w.id)
            ORDER BY 1 LIMIT $3
            """, [.int4(tenant), .text(after), .int(min(limit, StoreLimits.pageSize))])
        return try decode(rows) { try $0.get("id", as: String.self) }
    }

    /// Those of Salesforce accounts that synced people belong to, or that may have been made already.
    /// - Throws: `StoreError`.
    package func inhabitedAccounts(tenant: Int32, among recordIDs: [String]) async throws -> Set<String> {
        guard !recordIDs.isEmpty else { return [] }
        let rows = try await query(
            """
            SELECT n.id FROM unnest($2::text[]) AS n (id) WHERE EXISTS (
                SELECT FROM ferry.account_members m WHERE m.tenant_no = $1 AND m.account_sf_id = n.id
                    AND NOT \(Self.isKeptOut("m.sf_id")))
                OR EXISTS (SELECT FROM ferry.echo_ledger e
                    WHERE e.tenant_no = $1 AND e.record_id = n.id AND e.side = \(Side.activeCampaign.rawValue)
                        AND e.object = \(ObjectKind.account.rawValue))
            """, [.int4(tenant), .array(recordIDs)])
        return Set(try decode(rows) { try $0.get("id", as: String.self) })
    }

    /// Stores account links; a link takes the place of any other one of its ActiveCampaign account.
    static func storing(accounts links: [Link], tenant: Int32, now: PostgresValue) -> [PostgresStatement] {
        let links = lastOfEach(lastOfEach(links, by: \.recordID), by: \.contactID)
        guard !links.isEmpty else { return [] }
        return [
            // An account that was made anew has nobody in it.
            PostgresStatement(
                """
                UPDATE ferry.account_members m SET state = 1
                FROM unnest($2::text[], $3::int8[]) AS n (sf_id, ac_id) JOIN ferry.account_links l
                    ON l.tenant_no = $1 AND l.sf_id = n.sf_id AND l.ac_id <> n.ac_id
                WHERE m.tenant_no = $1 AND m.account_sf_id = n.sf_id AND m.state = 2
                """, [.int4(tenant), .array(links.map(\.recordID)), .array(links.map(\.contactID))]),
            PostgresStatement(
                """
                DELETE FROM ferry.account_links l USING unnest($2::text[], $3::int8[]) AS n (sf_id, ac_id)
                WHERE l.tenant_no = $1 AND l.ac_id = n.ac_id AND l.sf_id <> n.sf_id
                """, [.int4(tenant), .array(links.map(\.recordID)), .array(links.map(\.contactID))]),
            PostgresStatement(
                """
                INSERT INTO ferry.account_links AS l (tenant_no, \(accountColumns), created_at, updated_at)
                SELECT $1, n.*, $2, $2 FROM unnest(
                    $3::text[], $4::int8[], $5::int2[], $6::int2[], $7::bytea[], $8::bytea[]) AS n
                ON CONFLICT (tenant_no, sf_id) DO UPDATE SET ac_id = excluded.ac_id, state = excluded.state,
                    origin = excluded.origin, ac_fingerprint = excluded.ac_fingerprint,
                    sf_fingerprint = excluded.sf_fingerprint, updated_at = excluded.updated_at
                """,
                [
                    .int4(tenant), now, .array(links.map(\.recordID)), .array(links.map(\.contactID)),
                    .array(links.map(\.state.rawValue)), .array(links.map(\.origin.rawValue)),
                    .array(links.map(\.contactFingerprint?.stored)), .array(links.map(\.recordFingerprint?.stored)),
                ]),
        ]
    }
}
