import Drivers
package import Foundation
package import SyncRules

/// A status that Salesforce is still to be told (R52).
package struct Writeback: Sendable, Hashable {
    package var object: ObjectKind
    package var recordID: String
    package var contactID: Int64
    /// The change sequence the status is about; a later one is left to the next pull.
    package var changeSequence: Int64?
    package var queuedAt: Date

    /// Makes a write-back.
    package init(object: ObjectKind, recordID: String, contactID: Int64, changeSequence: Int64?, queuedAt: Date) {
        self.object = object
        self.recordID = recordID
        self.contactID = contactID
        self.changeSequence = changeSequence
        self.queuedAt = queuedAt
    }
}

extension Store {
    /// Write-backs that wait, oldest first.
    /// - Throws: `StoreError`.
    package func writebacks(tenant: Int32, limit: Int) async throws -> [Writeback] {
        let rows = try await query(
            """
            SELECT object, sf_id, ac_id, sf_seq, queued_at FROM ferry.writebacks WHERE tenant_no = $1
            ORDER BY queued_at, sf_id LIMIT $2
            """, [.int4(tenant), .int(min(limit, StoreLimits.pageSize))])
        return try decode(rows) { row in
            Writeback(
                object: try row.case("object"), recordID: try row.get("sf_id"), contactID: try row.get("ac_id"),
                changeSequence: try row.optional("sf_seq"), queuedAt: try row.get("queued_at"))
        }
    }

    static func queueing(_ writebacks: [Writeback], tenant: Int32) -> [PostgresStatement] {
        let writebacks = lastOfEach(writebacks, by: \.recordID)
        guard !writebacks.isEmpty else { return [] }
        return [
            PostgresStatement(
                """
                INSERT INTO ferry.writebacks (tenant_no, object, sf_id, ac_id, sf_seq, queued_at)
                SELECT $1, n.* FROM unnest($2::int2[], $3::text[], $4::int8[], $5::int8[], $6::timestamptz[]) AS n
                ON CONFLICT (tenant_no, sf_id) DO UPDATE
                SET ac_id = excluded.ac_id, sf_seq = excluded.sf_seq, queued_at = excluded.queued_at
                """,
                [
                    .int4(tenant), .array(writebacks.map(\.object.rawValue)), .array(writebacks.map(\.recordID)),
                    .array(writebacks.map(\.contactID)), .array(writebacks.map(\.changeSequence)),
                    .array(writebacks.map(\.queuedAt)),
                ])
        ]
    }

    /// Removes write-backs that were made; one queued anew since stays.
    static func removing(_ writebacks: [Writeback], tenant: Int32) -> [PostgresStatement] {
        guard !writebacks.isEmpty else { return [] }
        return [
            PostgresStatement(
                """
                DELETE FROM ferry.writebacks w USING unnest($2::text[], $3::int8[], $4::timestamptz[])
                    AS n (id, seq, queued)
                WHERE w.tenant_no = $1 AND w.sf_id = n.id AND w.sf_seq IS NOT DISTINCT FROM n.seq
                    AND w.queued_at = n.queued
                """,
                [
                    .int4(tenant), .array(writebacks.map(\.recordID)), .array(writebacks.map(\.changeSequence)),
                    .array(writebacks.map(\.queuedAt)),
                ])
        ]
    }
}
