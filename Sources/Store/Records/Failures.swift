import Drivers
package import Foundation
package import SyncRules

/// Whose turn it is. Raw values are stored; never renumber them.
package enum FailureClass: Int16, Sendable, CaseIterable {
    /// This record's data; tried again when it changes.
    case record = 1
    /// Passing; tried again by itself.
    case transient = 2
    /// Somebody must act.
    case human = 3
    /// A fault of ours.
    case bug = 4
}

/// A record that could not be written.
package struct RecordFailure: Sendable, Hashable {
    /// Code of a record whose address ActiveCampaign says another contact has (R8).
    package static let addressTaken = "duplicate_email"

    package var direction: Direction
    package var object: ObjectKind
    /// Salesforce id inbound, ActiveCampaign contact id outbound.
    package var recordID: String
    package var code: String
    package var kind: FailureClass
    package var fields: [String]
    /// A sentence without values.
    package var message: String?
    /// What the record held; it is tried again when it holds something else.
    package var fingerprint: [UInt8]?
    package var seenAt: Date
    /// Nil waits for a change of the record.
    package var retryAt: Date?
}

/// A failure whose time has come again.
package struct DueFailure: Sendable, Hashable {
    package let object: ObjectKind
    package let recordID: String
    package let code: String
    package let count: Int
}

extension Store {
    /// Failures that are to be tried again now.
    /// - Throws: `StoreError`.
    package func failuresDue(
        tenant: Int32, direction: Direction, now: Date, limit: Int
    ) async throws -> [DueFailure] {
        let rows = try await query(
            """
            SELECT object, record_id, code, count FROM ferry.record_failures
            WHERE tenant_no = $1 AND direction = $2 AND retry_at <= $3 ORDER BY retry_at LIMIT $4
            """,
            [
                .int4(tenant), .int2(direction.rawValue), .timestamptz(now), .int(min(limit, StoreLimits.pageSize)),
            ])
        return try decode(rows) { row in
            DueFailure(
                object: try row.case("object"), recordID: try row.get("record_id"), code: try row.get("code"),
                count: try row.get("count"))
        }
    }

    /// Of linked accounts, those whose ActiveCampaign side is to be looked at again whether or not it changed: they were
    /// held, or kept out, until now.
    /// - Throws: `StoreError`.
    package func accountsDue(tenant: Int32, among recordIDs: [String], now: Date) async throws -> Set<String> {
        guard !recordIDs.isEmpty else { return [] }
        let rows = try await query(
            """
            SELECT record_id FROM ferry.record_failures
            WHERE tenant_no = $1 AND direction = 1 AND record_id = ANY ($2) AND retry_at <= $3
            """, [.int4(tenant), .array(recordIDs), .timestamptz(now)])
        return Set(try decode(rows) { try $0.get("record_id", as: String.self) })
    }

    /// What records held when they were refused for good, by record id.
    /// - Throws: `StoreError`.
    package func refusedFingerprints(
        tenant: Int32, direction: Direction, recordIDs: [String]
    ) async throws -> [String: [UInt8]] {
        guard !recordIDs.isEmpty else { return [:] }
        let rows = try await query(
            """
            SELECT record_id, fingerprint FROM ferry.record_failures
            WHERE tenant_no = $1 AND direction = $2 AND record_id = ANY ($3) AND fingerprint IS NOT NULL
                AND retry_at IS NULL
            """, [.int4(tenant), .int2(direction.rawValue), .array(recordIDs)])
        let pairs = try decode(rows) {
            (try $0.get("record_id", as: String.self), try $0.get("fingerprint", as: [UInt8].self))
        }
        return Dictionary(pairs, uniquingKeysWith: { first, _ in first })
    }

    static func failing(_ failures: [RecordFailure], tenant: Int32) -> [PostgresStatement] {
        // Arrays of arrays are rectangular in PostgreSQL, so the fields travel joined.
        guard !failures.isEmpty else { return [] }
        return [
            PostgresStatement(
                """
                INSERT INTO ferry.record_failures AS f (tenant_no, direction, object, record_id, code, class, fields,
                    message, fingerprint, first_seen_at, last_seen_at, retry_at)
                SELECT $1, n.direction, n.object, n.id, n.code, n.class, string_to_array(n.fields, ','), n.message,
                    n.fingerprint, n.seen, n.seen, n.retry
                FROM unnest($2::int2[], $3::int2[], $4::text[], $5::text[], $6::int2[], $7::text[], $8::text[],
                    $9::bytea[], $10::timestamptz[], $11::timestamptz[])
                    AS n (direction, object, id, code, class, fields, message, fingerprint, seen, retry)
                ON CONFLICT (tenant_no, direction, record_id) DO UPDATE SET object = excluded.object,
                    code = excluded.code, class = excluded.class, fields = excluded.fields, message = excluded.message,
                    fingerprint = excluded.fingerprint, last_seen_at = excluded.last_seen_at,
                    retry_at = excluded.retry_at, count = f.count + 1
                """,
                [
                    .int4(tenant), .array(failures.map(\.direction.rawValue)), .array(failures.map(\.object.rawValue)),
                    .array(failures.map(\.recordID)), .array(failures.map(\.code)),
                    .array(failures.map(\.kind.rawValue)), .array(failures.map { $0.fields.joined(separator: ",") }),
                    .array(failures.map(\.message)), .array(failures.map(\.fingerprint)),
                    .array(failures.map(\.seenAt)), .array(failures.map(\.retryAt)),
                ])
        ]
    }

    /// Records kept out because another one had their address are tried again once a link gives an address up or leaves
    /// the sync (D3, R91), as one that is removed does. Comes before the links are removed and stored.
    static func releasing(
        _ links: [Link], removed: [Link], tenant: Int32, now: PostgresValue
    ) -> [PostgresStatement] {
        let links = links + removed.map { $0.leaving() }
        guard !links.isEmpty else { return [] }
        return [
            PostgresStatement(
                """
                UPDATE ferry.record_failures SET retry_at = $2
                WHERE tenant_no = $1 AND direction = 2 AND code = ANY ($3) AND EXISTS (
                    SELECT 1 FROM ferry.links l JOIN unnest($4::int8[], $5::int2[], $6::bytea[], $7::int2[])
                        AS n (ac_id, object, email_hash, state) ON l.ac_id = n.ac_id AND l.object = n.object
                    WHERE l.tenant_no = $1 AND l.state = 1 AND (l.email_hash <> n.email_hash OR n.state <> 1))
                """,
                [
                    .int4(tenant), now, .array([DecisionCode.duplicateMatch.name, RecordFailure.addressTaken]),
                    .array(links.map(\.contactID)), .array(links.map(\.object.rawValue)),
                    .array(links.map(\.emailHash)), .array(links.map(\.state.rawValue)),
                ])
        ]
    }

    static func resolving(_ failures: [ResolvedFailure], tenant: Int32) -> [PostgresStatement] {
        guard !failures.isEmpty else { return [] }
        return [
            PostgresStatement(
                """
                DELETE FROM ferry.record_failures f USING unnest($2::int2[], $3::text[]) AS n (direction, id)
                WHERE f.tenant_no = $1 AND f.direction = n.direction AND f.record_id = n.id
                """,
                [
                    .int4(tenant), .array(failures.map(\.direction.rawValue)), .array(failures.map(\.recordID)),
                ])
        ]
    }
}

extension Store {
    /// Records a webhook that could not be used, where its tenant sees it; the change itself is found by the next poll.
    /// - Parameter code: stable, `webhook_without_contact_id`.
    /// - Throws: `StoreError`.
    package func reportWebhookFailure(tenant: Int32, code: String, now: Date) async throws {
        let failure = RecordFailure(
            direction: .outbound, object: .contact, recordID: "webhook", code: code, kind: .record, fields: [],
            message: nil, fingerprint: nil, seenAt: now, retryAt: nil)
        try await transact(Self.failing([failure], tenant: tenant))
    }
}

extension Link {
    /// The link as one that takes no changes any more.
    fileprivate func leaving() -> Link {
        var link = self
        link.state = .missing
        return link
    }
}
