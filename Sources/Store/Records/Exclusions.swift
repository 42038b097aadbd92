import Drivers
package import Foundation
package import SyncRules

/// A record that somebody keeps out of the sync.
package struct ExcludedRecord: Sendable, Hashable, Codable {
    /// `contact` ids of ActiveCampaign are numbers, those of Salesforce have 15 or 18 characters.
    package let recordID: String
    package let isContact: Bool
    package let actor: String
    package let reason: String
    package let excludedAt: Date
}

/// Which of the records asked for are kept out, by themselves or through the record they are linked to.
package struct Exclusions: Sendable, Hashable {
    package let contacts: Set<Int64>
    package let records: Set<String>
    /// Hashes of the addresses of linked records that are kept out.
    private let addresses: Set<[UInt8]>

    /// Code of the failure of a record that is not kept out itself, but whose partner would be one that is.
    package static let partnerCode = "partner_kept_out"

    /// Makes a set.
    package init(contacts: Set<Int64> = [], records: Set<String> = [], addresses: Set<[UInt8]> = []) {
        self.contacts = contacts
        self.records = records
        self.addresses = addresses
    }

    /// Whether writing this person's record would write to a contact that is kept out: the one it names, or the one that
    /// is linked and has its address.
    package func keepOutPartner(of record: SalesforceRecord) -> Bool {
        record.contactID.map(contacts.contains) ?? false || record.email.map { addresses.contains($0.hash) } ?? false
    }
}

extension Store {
    /// Which of these people's records are kept out of the sync, and who must be for their partner's sake.
    /// - Throws: `StoreError`.
    package func exclusions(tenant: Int32, people records: [SalesforceRecord]) async throws -> Exclusions {
        try await exclusions(
            tenant: tenant, contactIDs: records.compactMap(\.contactID), recordIDs: records.map(\.id),
            addresses: records.compactMap { $0.email?.hash })
    }

    /// Which of these contacts and records are kept out of the sync: their own id is, or that of their linked partner. One
    /// round trip; a tenant without exclusions costs one look into an index.
    /// - Throws: `StoreError`.
    package func exclusions(
        tenant: Int32, contactIDs: [Int64] = [], recordIDs: [String] = [], addresses: [[UInt8]] = []
    ) async throws -> Exclusions {
        guard !contactIDs.isEmpty || !recordIDs.isEmpty else { return Exclusions() }
        let rows = try await query(
            """
            WITH own AS (SELECT side, record_id FROM ferry.record_exclusions WHERE tenant_no = $1),
            pairs AS (
                SELECT l.ac_id, l.sf_id, l.email_hash FROM own JOIN ferry.links l
                    ON l.tenant_no = $1 AND l.ac_id = CASE own.side WHEN 1 THEN own.record_id::int8 END
                UNION ALL
                SELECT l.ac_id, l.sf_id, l.email_hash FROM own JOIN ferry.links l
                    ON l.tenant_no = $1 AND own.side = 2 AND l.sf_id = own.record_id
            )
            SELECT n.id AS contact, NULL::text AS record, NULL::bytea AS address FROM unnest($2::int8[]) AS n (id)
            WHERE EXISTS (SELECT FROM own WHERE side = 1 AND record_id = n.id::text)
                OR EXISTS (SELECT FROM pairs WHERE ac_id = n.id)
            UNION
            SELECT NULL, n.id, NULL FROM unnest($3::text[]) AS n (id)
            WHERE EXISTS (SELECT FROM own WHERE side = 2 AND record_id = n.id)
                OR EXISTS (SELECT FROM pairs WHERE sf_id = n.id)
            UNION
            SELECT NULL, NULL, email_hash FROM pairs WHERE email_hash = ANY ($4)
            """, [.int4(tenant), .array(contactIDs), .array(recordIDs), .array(addresses)])
        let found = try decode(rows) { row in
            (
                try row.optional("contact", as: Int64.self), try row.optional("record", as: String.self),
                try row.optional("address", as: [UInt8].self)
            )
        }
        return Exclusions(
            contacts: Set(found.compactMap(\.0)), records: Set(found.compactMap(\.1)),
            addresses: Set(found.compactMap(\.2)))
    }

    /// A condition: whether a person's record is kept out, by its own id or its linked contact's. For statements whose first
    /// value is the tenant; a tenant without exclusions costs one look into an index.
    static func isKeptOut(_ recordID: String) -> String {
        """
        EXISTS (SELECT FROM ferry.record_exclusions e LEFT JOIN ferry.links k
            ON k.tenant_no = $1 AND k.ac_id = CASE e.side WHEN 1 THEN e.record_id::int8 END
            WHERE e.tenant_no = $1 AND (e.side = 2 AND e.record_id = \(recordID) OR k.sf_id = \(recordID)))
        """
    }

    /// Keeps records out of the sync until `include`; what waits for them is settled as excluded by the next run.
    /// - Throws: `StoreError`.
    package func exclude(
        tenant: Int32, _ records: [(side: Side, id: String)], by errand: Errand, now: Date
    ) async throws {
        try await transact([
            PostgresStatement(
                """
                INSERT INTO ferry.record_exclusions (tenant_no, side, record_id, actor, reason, excluded_at)
                SELECT DISTINCT $1::int4, n.side, n.id, $4, $5, $6::timestamptz
                FROM unnest($2::int2[], $3::text[]) AS n (side, id)
                ON CONFLICT (tenant_no, side, record_id) DO UPDATE SET actor = excluded.actor, reason = excluded.reason,
                    excluded_at = excluded.excluded_at
                """,
                [
                    .int4(tenant), .array(records.map(\.side.rawValue)), .array(records.map(\.id)),
                    .text(errand.actor), .text(errand.reason ?? ""), .timestamptz(now),
                ]),
            Self.auditing(
                AuditEntry(
                    at: now, actor: errand.actor, verb: "skip", subject: "records", reason: errand.reason,
                    detail: [
                        "tenant": String(tenant), "records": records.map(\.id).prefix(100).joined(separator: ","),
                    ])),
        ])
    }

    /// Takes records back into the sync. What changed meanwhile is found by making the contacts pending and the failures
    /// due: Salesforce's side is read by id with the failures, ActiveCampaign's accounts with the next walk.
    /// - Returns: the ids that had been kept out.
    /// - Throws: `StoreError`.
    package func include(
        tenant: Int32, contactIDs: [Int64], recordIDs: [String], by errand: Errand, now: Date
    ) async throws -> [String] {
        let answers = try await transact([
            PostgresStatement(
                """
                WITH gone AS (
                    DELETE FROM ferry.record_exclusions WHERE tenant_no = $1
                        AND (side = 1 AND record_id = ANY ($2) OR side = 2 AND record_id = ANY ($3))
                    RETURNING side, record_id
                ), again AS (
                    SELECT l.ac_id, l.object, l.sf_id FROM gone g JOIN ferry.links l
                        ON l.tenant_no = $1 AND l.ac_id = CASE g.side WHEN 1 THEN g.record_id::int8 END
                    UNION
                    SELECT l.ac_id, l.object, l.sf_id FROM gone g JOIN ferry.links l
                        ON l.tenant_no = $1 AND g.side = 2 AND l.sf_id = g.record_id
                ), partners AS (
                    UPDATE ferry.record_failures SET retry_at = $4
                    WHERE tenant_no = $1 AND code = '\(Exclusions.partnerCode)' AND EXISTS (SELECT FROM gone)
                    RETURNING direction, record_id
                ), contacts AS (
                    INSERT INTO ferry.pending_changes AS p (tenant_no, ac_id, source, first_seen_at, last_seen_at)
                    SELECT DISTINCT $1::int4, id, \(ChangeSource.command.rawValue)::int2, $4::timestamptz, $4::timestamptz
                    FROM (SELECT record_id::int8 AS id FROM gone WHERE side = 1 UNION SELECT ac_id FROM again
                        WHERE ac_id > 0 UNION SELECT record_id::int8 FROM partners WHERE direction = 1) AS n
                    ON CONFLICT (tenant_no, ac_id) DO UPDATE SET version = p.version + 1,
                        last_seen_at = excluded.last_seen_at
                ), records AS (
                    INSERT INTO ferry.record_failures AS f (tenant_no, direction, object, record_id, code, class,
                        first_seen_at, last_seen_at, retry_at)
                    SELECT $1, 2, n.object, n.id, 'included_again', \(FailureClass.transient.rawValue), $4, $4, $4
                    FROM (SELECT sf_id AS id, object FROM again UNION
                        SELECT record_id, CASE left(record_id, 3) WHEN '00Q' THEN 2 WHEN '001' THEN 3
                            WHEN '006' THEN 4 ELSE 1 END::int2 FROM gone
                        WHERE side = 2) AS n
                    ON CONFLICT (tenant_no, direction, record_id) DO UPDATE SET retry_at = excluded.retry_at
                ), accounts AS (
                    INSERT INTO ferry.record_failures AS f (tenant_no, direction, object, record_id, code, class,
                        first_seen_at, last_seen_at, retry_at)
                    SELECT $1, 1, 3, g.record_id, 'included_again', \(FailureClass.transient.rawValue), $4, $4, $4
                    FROM gone g JOIN ferry.account_links a ON a.tenant_no = $1 AND a.sf_id = g.record_id
                    WHERE g.side = 2
                    ON CONFLICT (tenant_no, direction, record_id) DO UPDATE SET retry_at = excluded.retry_at
                )
                SELECT record_id FROM gone
                """,
                [
                    .int4(tenant), .array(contactIDs.map(String.init)), .array(recordIDs), .timestamptz(now),
                ]),
            Self.auditing(
                AuditEntry(
                    at: now, actor: errand.actor, verb: "unskip", subject: "records", reason: errand.reason,
                    detail: [
                        "tenant": String(tenant),
                        "records": (contactIDs.map(String.init) + recordIDs).prefix(100).joined(separator: ","),
                    ])),
        ])
        let ids = try decode(answers[0]) { try $0.get("record_id", as: String.self) }
        if !ids.isEmpty { try await requestRun(tenant: tenant, now: now) }
        return ids
    }

    /// The records of a tenant that are kept out, the latest first.
    /// - Throws: `StoreError`.
    package func excludedRecords(tenant: Int32, limit: Int = 1_000) async throws -> [ExcludedRecord] {
        let rows = try await query(
            """
            SELECT side, record_id, actor, reason, excluded_at FROM ferry.record_exclusions WHERE tenant_no = $1
            ORDER BY excluded_at DESC, record_id LIMIT $2
            """, [.int4(tenant), .int(min(limit, StoreLimits.pageSize))])
        return try decode(rows, Self.excluded)
    }

    static func excluded(_ row: PostgresRow) throws -> ExcludedRecord {
        ExcludedRecord(
            recordID: try row.get("record_id"), isContact: try row.case("side", as: Side.self) == .activeCampaign,
            actor: try row.get("actor"), reason: try row.get("reason"), excludedAt: try row.get("excluded_at"))
    }
}
