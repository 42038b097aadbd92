import Drivers
import Foundation
package import SyncRules

/// Opportunities that were pushed, or wait for their contact (R76, R77).
extension Store {
    private static let opportunityColumns =
        "sf_id, state, target, contact_sf_id, ac_id, target_id, fingerprint"

    /// What is known of opportunities.
    /// - Throws: `StoreError`.
    package func opportunityLinks(tenant: Int32, recordIDs: [String]) async throws -> [OpportunityLink] {
        guard !recordIDs.isEmpty else { return [] }
        let rows = try await query(
            "SELECT \(Self.opportunityColumns) FROM ferry.opportunity_links WHERE tenant_no = $1 AND sf_id = ANY ($2)",
            [.int4(tenant), .array(recordIDs)])
        return try decode(rows, Self.opportunity)
    }

    private static func opportunity(_ row: PostgresRow) throws -> OpportunityLink {
        OpportunityLink(
            recordID: try row.get("sf_id"), state: try row.case("state"),
            target: try row.optional("target", as: Int16.self).flatMap { number in
                OpportunityTarget.allCases.first { $0.number == number }
            },
            contactRecordID: try row.optional("contact_sf_id"), contactID: try row.optional("ac_id"),
            targetID: try row.optional("target_id"), fingerprint: try row.fingerprint("fingerprint"))
    }

    /// What is known of opportunities, with when it last changed.
    func datedOpportunities(tenant: Int32, recordIDs: [String]) async throws -> [RecordFile.DatedOpportunity] {
        guard !recordIDs.isEmpty else { return [] }
        let rows = try await query(
            """
            SELECT \(Self.opportunityColumns), updated_at FROM ferry.opportunity_links
            WHERE tenant_no = $1 AND sf_id = ANY ($2)
            """, [.int4(tenant), .array(recordIDs)])
        return try decode(rows) { row in
            .init(link: try Self.opportunity(row), updatedAt: try row.get("updated_at"))
        }
    }

    /// Opportunities that wait, and whose contact is synced by now and not kept out, by id.
    /// - Throws: `StoreError`.
    package func dueOpportunities(tenant: Int32, limit: Int) async throws -> [String] {
        let rows = try await query(
            """
            SELECT o.sf_id FROM ferry.opportunity_links o
            JOIN ferry.links l ON l.tenant_no = $1 AND l.sf_id = o.contact_sf_id AND l.state = 1
            WHERE o.tenant_no = $1 AND o.state = 3 AND NOT \(Self.isKeptOut("o.contact_sf_id"))
            ORDER BY o.sf_id LIMIT $2
            """, [.int4(tenant), .int(min(limit, StoreLimits.pageSize))])
        return try decode(rows) { try $0.get("sf_id", as: String.self) }
    }

    static func storing(opportunities links: [OpportunityLink], tenant: Int32, now: PostgresValue)
        -> [PostgresStatement]
    {
        let links = lastOfEach(links, by: \.recordID)
        guard !links.isEmpty else { return [] }
        return [
            PostgresStatement(
                """
                INSERT INTO ferry.opportunity_links AS o (tenant_no, updated_at, \(opportunityColumns))
                SELECT $1, $2, n.* FROM unnest(
                    $3::text[], $4::int2[], $5::int2[], $6::text[], $7::int8[], $8::text[], $9::bytea[]) AS n
                ON CONFLICT (tenant_no, sf_id) DO UPDATE SET state = excluded.state, target = excluded.target,
                    contact_sf_id = excluded.contact_sf_id, ac_id = excluded.ac_id, target_id = excluded.target_id,
                    fingerprint = excluded.fingerprint, updated_at = excluded.updated_at
                """,
                [
                    .int4(tenant), now, .array(links.map(\.recordID)), .array(links.map(\.state.rawValue)),
                    .array(links.map { $0.target?.number }), .array(links.map(\.contactRecordID)),
                    .array(links.map(\.contactID)), .array(links.map(\.targetID)),
                    .array(links.map(\.fingerprint?.stored)),
                ])
        ]
    }
}
