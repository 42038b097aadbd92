import Crypto
import Drivers
package import Foundation
package import SyncRules

/// Names one entry of the ledger: a value we were about to write to a record.
package struct EchoKey: Sendable, Hashable {
    package let side: Side
    package let recordID: String
    /// Of the written value's fingerprint.
    package let digest: [UInt8]

    init(side: Side, recordID: String, fingerprint: Fingerprint) {
        self.side = side
        self.recordID = recordID
        digest = Array(SHA256.hash(data: fingerprint.stored).prefix(16))
    }
}

/// A write that is about to be made. The record id is Salesforce's, also for writes to the linked contact, or
/// `new:CONTACT` for a record that is about to be created.
package struct EchoIntention: Sendable, Hashable {
    package let side: Side
    package let object: ObjectKind
    package let recordID: String
    package let fingerprint: Fingerprint

    /// Makes an intention.
    /// - Parameter fingerprint: of the mapped values of the write.
    package init(side: Side, object: ObjectKind, recordID: String, fingerprint: Fingerprint) {
        self.side = side
        self.object = object
        self.recordID = recordID
        self.fingerprint = fingerprint
    }

    /// The entry's name.
    package var key: EchoKey {
        EchoKey(side: side, recordID: recordID, fingerprint: fingerprint)
    }
}

/// A write of ours whose outcome was never committed.
package struct Echo: Sendable, Hashable {
    package let side: Side
    package let recordID: String
    package let fingerprint: Fingerprint
    package let writtenAt: Date

    /// The entry's name.
    package var key: EchoKey { EchoKey(side: side, recordID: recordID, fingerprint: fingerprint) }
}

extension Store {
    /// Records writes before they are made (R58, T10, T17); returns when they are committed.
    /// - Throws: `StoreError`.
    package func intend(tenant: Int32, _ intentions: [EchoIntention], now: Date) async throws {
        let entries = Self.lastOfEach(intentions, by: \.key)
        guard !entries.isEmpty else { return }
        try await query(
            """
            INSERT INTO ferry.echo_ledger (tenant_no, side, object, record_id, digest, value_hash, written_at)
            SELECT $1, n.*, $2 FROM unnest($3::int2[], $4::int2[], $5::text[], $6::bytea[], $7::bytea[]) AS n
            ON CONFLICT (tenant_no, record_id, side, digest) DO UPDATE SET written_at = excluded.written_at
            """,
            [
                .int4(tenant), .timestamptz(now), .array(entries.map(\.side.rawValue)),
                .array(entries.map(\.object.rawValue)), .array(entries.map(\.recordID)),
                .array(entries.map(\.key.digest)),
                .array(entries.map(\.fingerprint.stored)),
            ])
    }

    /// Outstanding writes of ours to records, and to the contacts linked to them.
    /// - Throws: `StoreError`.
    package func echoes(tenant: Int32, recordIDs: [String]) async throws -> [Echo] {
        guard !recordIDs.isEmpty else { return [] }
        let rows = try await query(
            """
            SELECT side, record_id, value_hash, written_at FROM ferry.echo_ledger
            WHERE tenant_no = $1 AND record_id = ANY ($2) ORDER BY written_at
            """, [.int4(tenant), .array(recordIDs)])
        return try decode(rows) { row in
            guard let fingerprint = try row.fingerprint("value_hash") else { return nil }
            return Echo(
                side: try row.case("side"), recordID: try row.get("record_id"), fingerprint: fingerprint,
                writtenAt: try row.get("written_at"))
        }.compactMap { $0 }
    }

    /// Contacts whose record was about to be created since an instant, without a committed outcome, and when (T17).
    /// - Throws: `StoreError`.
    package func creationAttempts(tenant: Int32, since: Date) async throws -> [Int64: Date] {
        let rows = try await query(
            """
            SELECT substr(record_id, 5)::int8 AS contact, max(written_at) AS at FROM ferry.echo_ledger
            WHERE tenant_no = $1 AND record_id >= 'new:' AND record_id < 'new;' AND written_at >= $2 GROUP BY 1
            """, [.int4(tenant), .timestamptz(since)])
        let attempts = try decode(rows) { (try $0.get("contact", as: Int64.self), try $0.get("at", as: Date.self)) }
        return Dictionary(attempts, uniquingKeysWith: max)
    }

    static func consuming(_ keys: [EchoKey], tenant: Int32) -> [PostgresStatement] {
        guard !keys.isEmpty else { return [] }
        return [
            PostgresStatement(
                """
                DELETE FROM ferry.echo_ledger e USING unnest($2::text[], $3::int2[], $4::bytea[]) AS n (id, side, digest)
                WHERE e.tenant_no = $1 AND e.record_id = n.id AND e.side = n.side AND e.digest = n.digest
                """,
                [
                    .int4(tenant), .array(keys.map(\.recordID)), .array(keys.map(\.side.rawValue)),
                    .array(keys.map(\.digest)),
                ])
        ]
    }
}
