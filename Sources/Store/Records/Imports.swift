import Drivers
package import Foundation
package import SyncRules

/// One record of a bulk import: the link as it will be once the import has taken it.
package struct ImportMember: Sendable, Hashable {
    /// Its contact id is 0 while the contact has none.
    package var link: Link
    /// Hash of the address the import carries.
    package var emailHash: [UInt8]
    /// The contact an older link of this record names, which this import takes the place of (R89).
    package var replacedContactID: Int64?

    /// Makes a member.
    package init(link: Link, emailHash: [UInt8], replacedContactID: Int64? = nil) {
        self.link = link
        self.emailHash = emailHash
        self.replacedContactID = replacedContactID
    }

    package var object: ObjectKind { link.object }
    package var recordID: String { link.recordID }
    /// Nil when the record enters ActiveCampaign for the first time.
    package var contactID: Int64? { link.contactID == 0 ? nil : link.contactID }
    package var recordFingerprint: Fingerprint? { link.recordFingerprint }
}

/// A bulk import whose outcome is not known yet.
package struct OpenImport: Sendable, Hashable {
    package var batchID: String
    package var openedAt: Date
    package var checkAt: Date
    /// Looks that found it open.
    package var checks: Int
    package var members: [ImportMember]

    /// Makes an import that was just handed in.
    package init(batchID: String, openedAt: Date, checkAt: Date, checks: Int = 0, members: [ImportMember]) {
        self.batchID = batchID
        self.openedAt = openedAt
        self.checkAt = checkAt
        self.checks = checks
        self.members = members
    }
}

extension Store {
    /// A tenant's open imports with their members, oldest first.
    /// - Throws: `StoreError`.
    package func openImports(tenant: Int32) async throws -> [OpenImport] {
        let answers = try await transact(
            [
                PostgresStatement(
                    """
                    SELECT batch_id, opened_at, check_at, checks FROM ferry.imports WHERE tenant_no = $1
                    ORDER BY opened_at, batch_id LIMIT \(StoreLimits.importsPerTenant)
                    """, [.int4(tenant)]),
                PostgresStatement(
                    """
                    SELECT batch_id, object, state, origin, sf_id, ac_id, replaced_ac_id, sf_seq, email_hash,
                        link_email_hash, ac_fingerprint, sf_fingerprint
                    FROM ferry.import_members WHERE tenant_no = $1 ORDER BY batch_id, position
                    """, [.int4(tenant)]),
            ], isolation: .repeatableRead)
        let members = try decode(answers[1]) { (try $0.get("batch_id", as: String.self), try Self.member($0)) }
        let byBatch = Dictionary(grouping: members, by: \.0)
        return try decode(answers[0]) { row in
            let batch: String = try row.get("batch_id")
            return OpenImport(
                batchID: batch, openedAt: try row.get("opened_at"), checkAt: try row.get("check_at"),
                checks: try row.get("checks"), members: (byBatch[batch] ?? []).map(\.1))
        }
    }

    private static func member(_ row: PostgresRow) throws -> ImportMember {
        ImportMember(
            link: Link(
                contactID: try row.get("ac_id"), object: try row.case("object"), recordID: try row.get("sf_id"),
                state: try row.case("state"), emailHash: try row.get("link_email_hash"),
                contactFingerprint: try row.fingerprint("ac_fingerprint"),
                recordFingerprint: try row.fingerprint("sf_fingerprint"), changeSequence: try row.optional("sf_seq"),
                origin: try row.case("origin")),
            emailHash: try row.get("email_hash"), replacedContactID: try row.optional("replaced_ac_id"))
    }

    /// Sets when imports are looked at again; nothing for those that were settled meanwhile.
    /// - Parameters:
    ///   - asked: those ActiveCampaign was asked about and called open; the look counts for them.
    ///   - others: those that wait behind them and were not asked about.
    /// - Throws: `StoreError`.
    package func postponeImports(tenant: Int32, asked: [String], others: [String], checkAt: Date) async throws {
        try await query(
            """
            UPDATE ferry.imports SET check_at = $4, claim_at = $4,
                checks = checks + CASE WHEN batch_id = ANY ($2) THEN 1 ELSE 0 END
            WHERE tenant_no = $1 AND batch_id = ANY ($2 || $3)
            """, [.int4(tenant), .array(asked), .array(others), .timestamptz(checkAt)])
    }

    /// Claims imports that are to be looked at; nobody else gets them before the claim runs out.
    /// - Parameters:
    ///   - limit: imports, not tenants.
    ///   - leaseSeconds: length of the claim.
    /// - Returns: their tenants, each once. Paused tenants' imports are left alone.
    /// - Throws: `StoreError`.
    package func dueImports(limit: Int, now: Date, leaseSeconds: Double = 60) async throws -> [Int32] {
        let rows = try await query(
            """
            WITH due AS (
                SELECT i.tenant_no, i.batch_id FROM ferry.imports i JOIN ferry.tenants t ON t.number = i.tenant_no
                WHERE i.claim_at <= $1 AND t.state = 'active' ORDER BY i.claim_at LIMIT $2
                FOR UPDATE OF i SKIP LOCKED
            ), claimed AS (
                UPDATE ferry.imports i SET claim_at = $3 FROM due
                WHERE i.tenant_no = due.tenant_no AND i.batch_id = due.batch_id RETURNING i.tenant_no
            )
            SELECT DISTINCT tenant_no FROM claimed
            """,
            [
                .timestamptz(now), .int(min(limit, StoreLimits.pageSize)),
                .timestamptz(now.addingTimeInterval(leaseSeconds)),
            ])
        return try decode(rows) { try $0.get("tenant_no") }
    }

    static func opening(_ imports: [OpenImport], tenant: Int32) -> [PostgresStatement] {
        guard !imports.isEmpty else { return [] }
        let members = imports.flatMap { open in
            open.members.enumerated().map { (batch: open.batchID, position: Int32($0), member: $1) }
        }
        let links = members.map(\.member.link)
        return [
            PostgresStatement(
                """
                INSERT INTO ferry.imports (tenant_no, batch_id, opened_at, check_at, claim_at, checks)
                SELECT $1, n.batch, n.opened, n.check_at, n.check_at, n.checks
                FROM unnest($2::text[], $3::timestamptz[], $4::timestamptz[], $5::int4[])
                    AS n (batch, opened, check_at, checks)
                ON CONFLICT DO NOTHING
                """,
                [
                    .int4(tenant), .array(imports.map(\.batchID)), .array(imports.map(\.openedAt)),
                    .array(imports.map(\.checkAt)), .array(imports.map { Int32($0.checks) }),
                ]),
            PostgresStatement(
                """
                INSERT INTO ferry.import_members (tenant_no, batch_id, position, object, state, origin, sf_id, ac_id,
                    replaced_ac_id, sf_seq, email_hash, link_email_hash, ac_fingerprint, sf_fingerprint)
                SELECT $1, n.* FROM unnest($2::text[], $3::int4[], $4::int2[], $5::int2[], $6::int2[], $7::text[],
                    $8::int8[], $9::int8[], $10::int8[], $11::bytea[], $12::bytea[], $13::bytea[], $14::bytea[]) AS n
                ON CONFLICT DO NOTHING
                """,
                [
                    .int4(tenant), .array(members.map(\.batch)), .array(members.map(\.position)),
                    .array(links.map(\.object.rawValue)), .array(links.map(\.state.rawValue)),
                    .array(links.map(\.origin.rawValue)), .array(links.map(\.recordID)),
                    .array(links.map(\.contactID)), .array(members.map(\.member.replacedContactID)),
                    .array(links.map(\.changeSequence)), .array(members.map(\.member.emailHash)),
                    .array(links.map(\.emailHash)), .array(links.map(\.contactFingerprint?.stored)),
                    .array(links.map(\.recordFingerprint?.stored)),
                ]),
        ]
    }

    static func settling(imports batchIDs: [String], tenant: Int32) -> [PostgresStatement] {
        guard !batchIDs.isEmpty else { return [] }
        return [
            PostgresStatement(
                "DELETE FROM ferry.imports WHERE tenant_no = $1 AND batch_id = ANY ($2)",
                [.int4(tenant), .array(batchIDs)])
        ]
    }
}
