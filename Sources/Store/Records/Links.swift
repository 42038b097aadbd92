import Drivers
import Foundation
package import SyncRules

/// ActiveCampaign contact id ↔ Salesforce record id.
extension Store {
    private static let columns =
        "ac_id, object, sf_id, state, origin, sf_seq, email_hash, ac_fingerprint, sf_fingerprint"

    /// The links of contacts.
    /// - Throws: `StoreError`.
    package func links(tenant: Int32, contactIDs: [Int64]) async throws -> [Link] {
        try await links(tenant, "ac_id", .array(contactIDs), isEmpty: contactIDs.isEmpty)
    }

    /// The links of Salesforce records.
    /// - Throws: `StoreError`.
    package func links(tenant: Int32, recordIDs: [String]) async throws -> [Link] {
        try await links(tenant, "sf_id", .array(recordIDs), isEmpty: recordIDs.isEmpty)
    }

    /// The links whose agreed address has one of these hashes (`EmailAddress.hash`).
    /// - Throws: `StoreError`.
    package func links(tenant: Int32, emailHashes: [[UInt8]]) async throws -> [Link] {
        try await links(tenant, "email_hash", .array(emailHashes), isEmpty: emailHashes.isEmpty)
    }

    private func links(
        _ tenant: Int32, _ key: String, _ values: PostgresValue, isEmpty: Bool
    ) async throws(StoreError) -> [Link] {
        guard !isEmpty else { return [] }
        let rows = try await query(
            "SELECT \(Self.columns) FROM ferry.links WHERE tenant_no = $1 AND \(key) = ANY ($2)",
            [.int4(tenant), values])
        return try decode(rows, Self.link)
    }

    private static func link(_ row: PostgresRow) throws -> Link {
        Link(
            contactID: try row.get("ac_id"), object: try row.case("object"), recordID: try row.get("sf_id"),
            state: try row.case("state"), emailHash: try row.get("email_hash"),
            contactFingerprint: try row.fingerprint("ac_fingerprint"),
            recordFingerprint: try row.fingerprint("sf_fingerprint"), changeSequence: try row.optional("sf_seq"),
            origin: try row.case("origin"))
    }

    /// Stores links; a link takes the place of any other one of its record or of its contact and object.
    static func storing(_ links: [Link], tenant: Int32, now: PostgresValue) -> [PostgresStatement] {
        let links = lastOfEach(lastOfEach(links) { $0.recordID }) {
            ContactAndObject(id: $0.contactID, object: $0.object)
        }
        guard !links.isEmpty else { return [] }
        return [
            PostgresStatement(
                """
                DELETE FROM ferry.links l USING unnest($2::text[], $3::int8[], $4::int2[]) AS n (sf_id, ac_id, object)
                WHERE l.tenant_no = $1 AND l.sf_id = n.sf_id AND (l.ac_id, l.object) <> (n.ac_id, n.object)
                """,
                [
                    .int4(tenant), .array(links.map(\.recordID)), .array(links.map(\.contactID)),
                    .array(links.map(\.object.rawValue)),
                ]),
            PostgresStatement(
                """
                INSERT INTO ferry.links AS l (tenant_no, \(columns), created_at, updated_at)
                SELECT $1, n.*, $2, $2 FROM unnest(
                    $3::int8[], $4::int2[], $5::text[], $6::int2[], $7::int2[], $8::int8[], $9::bytea[], $10::bytea[],
                    $11::bytea[]) AS n
                ON CONFLICT (tenant_no, ac_id, object) DO UPDATE SET sf_id = excluded.sf_id, state = excluded.state,
                    origin = excluded.origin, sf_seq = excluded.sf_seq, email_hash = excluded.email_hash,
                    ac_fingerprint = excluded.ac_fingerprint, sf_fingerprint = excluded.sf_fingerprint,
                    updated_at = excluded.updated_at
                """,
                [
                    .int4(tenant), now, .array(links.map(\.contactID)), .array(links.map(\.object.rawValue)),
                    .array(links.map(\.recordID)), .array(links.map(\.state.rawValue)),
                    .array(links.map(\.origin.rawValue)), .array(links.map(\.changeSequence)),
                    .array(links.map(\.emailHash)), .array(links.map(\.contactFingerprint?.stored)),
                    .array(links.map(\.recordFingerprint?.stored)),
                ]),
        ]
    }

    /// Removes links, unless their contact has been linked to another record meanwhile.
    static func removing(_ links: [Link], tenant: Int32) -> [PostgresStatement] {
        guard !links.isEmpty else { return [] }
        return [
            PostgresStatement(
                """
                DELETE FROM ferry.links l USING unnest($2::int8[], $3::int2[], $4::text[]) AS n (ac_id, object, sf_id)
                WHERE l.tenant_no = $1 AND l.ac_id = n.ac_id AND l.object = n.object AND l.sf_id = n.sf_id
                """,
                [
                    .int4(tenant), .array(links.map(\.contactID)), .array(links.map(\.object.rawValue)),
                    .array(links.map(\.recordID)),
                ])
        ]
    }

    private struct ContactAndObject: Hashable {
        let id: Int64
        let object: ObjectKind
    }

    /// Keeps the last element of each key, in order: one statement can't touch a row twice.
    static func lastOfEach<Element, Key: Hashable>(_ elements: [Element], by key: (Element) -> Key) -> [Element] {
        var seen: Set<Key> = []
        return Array(elements.reversed().filter { seen.insert(key($0)).inserted }.reversed())
    }
}

extension PostgresRow {
    /// A stored fingerprint; nil when there is none, or it is of a version this program does not read, which only costs
    /// a comparison.
    func fingerprint(_ column: String) throws -> Fingerprint? {
        try optional(column, as: [UInt8].self).flatMap { Fingerprint(stored: $0) }
    }
}

extension Store {
    /// A page of an object's active links in order of ActiveCampaign's id, for a walk over all of them.
    /// - Parameter after: the last id of the page before, 0 for the first.
    /// - Throws: `StoreError`.
    package func linkPage(tenant: Int32, object: ObjectKind, after contactID: Int64, limit: Int) async throws -> [Link]
    {
        if object == .account { return try await accountLinkPage(tenant: tenant, after: contactID, limit: limit) }
        let rows = try await query(
            """
            SELECT \(Self.columns) FROM ferry.links
            WHERE tenant_no = $1 AND object = $2 AND state = 1 AND ac_id > $3 ORDER BY ac_id LIMIT $4
            """,
            [.int4(tenant), .int2(object.rawValue), .int8(contactID), .int(min(limit, StoreLimits.pageSize))])
        return try decode(rows, Self.link)
    }
}
