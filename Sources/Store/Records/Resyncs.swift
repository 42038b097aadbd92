import Drivers
package import Foundation
package import SyncRules

/// A record that a person wants read anew on both sides.
package struct ResyncRequest: Sendable, Hashable {
    package let object: ObjectKind
    /// 18-character Salesforce id.
    package let recordID: String
    /// Settling deletes this version only; a later request stays.
    package let version: Int64
    /// Nil for both ways.
    package let direction: Direction?
    package let actor: String
    package let askedAt: Date
}

extension Store {
    /// Asks for records to be read anew by the next inbound run, and makes that run due; contacts without a link are made
    /// pending for the next outbound batch.
    /// - Parameters:
    ///   - records: Salesforce ids with their objects.
    ///   - contactIDs: contacts without a link.
    /// - Throws: `StoreError`.
    package func requestResync(
        tenant: Int32, records: [(id: String, object: ObjectKind)], contactIDs: [Int64], direction: Direction?,
        by errand: Errand, now: Date
    ) async throws {
        let ids = records.map(\.id) + contactIDs.map(String.init)
        try await transact([
            PostgresStatement(
                """
                INSERT INTO ferry.resyncs AS r (tenant_no, object, sf_id, direction, actor, asked_at)
                SELECT $1, n.object, n.id, $4, $5, $6 FROM unnest($2::int2[], $3::text[]) AS n (object, id)
                ON CONFLICT (tenant_no, sf_id) DO UPDATE SET version = r.version + 1, direction = excluded.direction,
                    actor = excluded.actor, asked_at = excluded.asked_at
                """,
                [
                    .int4(tenant), .array(records.map(\.object.rawValue)), .array(records.map(\.id)),
                    .int2(direction?.rawValue), .text(errand.actor), .timestamptz(now),
                ]),
            PostgresStatement(
                """
                INSERT INTO ferry.pending_changes AS p (tenant_no, ac_id, source, first_seen_at, last_seen_at)
                SELECT $1, n.id, \(ChangeSource.command.rawValue), $3, $3 FROM unnest($2::int8[]) AS n (id)
                ON CONFLICT (tenant_no, ac_id) DO UPDATE SET version = p.version + 1,
                    last_seen_at = excluded.last_seen_at, not_before = '-infinity', attempts = 0
                """, [.int4(tenant), .array(contactIDs), .timestamptz(now)]),
            Self.auditing(
                AuditEntry(
                    at: now, actor: errand.actor, verb: "resync", subject: "records", reason: errand.reason,
                    detail: ["tenant": String(tenant), "records": ids.prefix(100).joined(separator: ",")])),
        ])
        if !records.isEmpty { try await requestRun(tenant: tenant, direction: .inbound, now: now) }
        if !contactIDs.isEmpty { try await requestRun(tenant: tenant, direction: .outbound, now: now) }
    }

    /// Requests that wait, the oldest first.
    /// - Throws: `StoreError`.
    package func resyncs(tenant: Int32, limit: Int) async throws -> [ResyncRequest] {
        let rows = try await query(
            "SELECT * FROM ferry.resyncs WHERE tenant_no = $1 ORDER BY asked_at, sf_id LIMIT $2",
            [.int4(tenant), .int(min(limit, StoreLimits.pageSize))])
        return try decode(rows, Self.resync)
    }

    static func resync(_ row: PostgresRow) throws -> ResyncRequest {
        ResyncRequest(
            object: try row.case("object"), recordID: try row.get("sf_id"), version: try row.get("version"),
            direction: try row.optional("direction", as: Int16.self).flatMap(Direction.init),
            actor: try row.get("actor"),
            askedAt: try row.get("asked_at"))
    }

    static func settling(resyncs requests: [ResyncRequest], tenant: Int32) -> [PostgresStatement] {
        guard !requests.isEmpty else { return [] }
        return [
            PostgresStatement(
                """
                DELETE FROM ferry.resyncs r USING unnest($2::text[], $3::int8[]) AS n (id, version)
                WHERE r.tenant_no = $1 AND r.sf_id = n.id AND r.version = n.version
                """, [.int4(tenant), .array(requests.map(\.recordID)), .array(requests.map(\.version))])
        ]
    }
}
