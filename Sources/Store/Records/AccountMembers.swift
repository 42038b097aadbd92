import Drivers
package import SyncRules

/// Which Salesforce account a person's record says it belongs to.
package struct AccountMembership: Sendable, Hashable {
    /// The person's own record.
    package var recordID: String
    /// Nil when it belongs to none.
    package var accountRecordID: String?

    /// Makes a membership as just read.
    package init(recordID: String, accountRecordID: String?) {
        self.recordID = recordID
        self.accountRecordID = accountRecordID
    }
}

/// A person whose place in ActiveCampaign is to be looked at.
package struct DueMember: Sendable, Hashable {
    /// The person's own record.
    package let recordID: String
    package let contactID: Int64
    package let accountRecordID: String?
    /// ActiveCampaign's account for it; nil when the record belongs to none.
    package let accountID: Int64?
    /// The account we put the contact into; nil when we never did.
    package let heldAccountID: Int64?
}

/// What came of a person's place.
package struct SettledMember: Sendable, Hashable {
    package var recordID: String
    /// What the record said when this was decided; a change since stays due.
    package var accountRecordID: String?
    package var contactID: Int64
    /// The place we made or found; nil when the contact is in no account.
    package var place: MembershipRules.Place?
    /// Whether the contact belongs to another account and was left there.
    package var isElsewhere: Bool

    /// Makes a settlement.
    package init(of member: DueMember, place: MembershipRules.Place?, isElsewhere: Bool = false) {
        recordID = member.recordID
        accountRecordID = member.accountRecordID
        contactID = member.contactID
        self.place = place
        self.isElsewhere = isElsewhere
    }
}

extension Store {
    /// People to be put into their accounts, by record id: those whose contact is linked and whose account is, too. Who or
    /// whose account is kept out of the sync stays where he is, and is due again once he is taken back.
    /// - Throws: `StoreError`.
    package func dueMembers(tenant: Int32, limit: Int) async throws -> [DueMember] {
        let rows = try await query(
            """
            SELECT m.sf_id, l.ac_id, m.account_sf_id, a.ac_id AS account, m.ac_account_id AS held
            FROM ferry.account_members m
            JOIN ferry.links l ON l.tenant_no = $1 AND l.sf_id = m.sf_id AND l.state = 1
            LEFT JOIN ferry.account_links a
                ON a.tenant_no = $1 AND a.sf_id = m.account_sf_id AND a.state IN (1, 2)
            WHERE m.tenant_no = $1 AND m.state = 1 AND (m.account_sf_id IS NULL OR a.ac_id IS NOT NULL)
                AND NOT \(Self.isKeptOut("m.sf_id")) AND NOT EXISTS (SELECT FROM ferry.record_exclusions x
                    WHERE x.tenant_no = $1 AND x.side = 2 AND x.record_id = m.account_sf_id)
            ORDER BY m.sf_id LIMIT $2
            """, [.int4(tenant), .int(min(limit, StoreLimits.pageSize))])
        return try decode(rows) { row in
            DueMember(
                recordID: try row.get("sf_id"), contactID: try row.get("ac_id"),
                accountRecordID: try row.optional("account_sf_id"), accountID: try row.optional("account"),
                heldAccountID: try row.optional("held"))
        }
    }

    /// Linked contacts whose account was never read, by record id: those that were linked before accounts were.
    /// - Throws: `StoreError`.
    package func homelessRecords(tenant: Int32, after: String, limit: Int) async throws -> [String] {
        let rows = try await query(
            """
            SELECT l.sf_id FROM ferry.links l
            WHERE l.tenant_no = $1 AND l.object = 1 AND l.state = 1 AND l.sf_id > $2 AND NOT EXISTS (
                SELECT FROM ferry.account_members m WHERE m.tenant_no = $1 AND m.sf_id = l.sf_id)
            ORDER BY l.sf_id LIMIT $3
            """, [.int4(tenant), .text(after), .int(min(limit, StoreLimits.pageSize))])
        return try decode(rows) { try $0.get("sf_id", as: String.self) }
    }

    /// Notes where people belong; those that are not synced leave no trace. Comes after links and imports are stored.
    static func noting(_ memberships: [AccountMembership], tenant: Int32) -> [PostgresStatement] {
        let memberships = lastOfEach(memberships, by: \.recordID)
        guard !memberships.isEmpty else { return [] }
        return [
            PostgresStatement(
                """
                INSERT INTO ferry.account_members AS m (tenant_no, sf_id, account_sf_id, state)
                SELECT $1, n.id, n.account, CASE WHEN n.account IS NULL THEN 2 ELSE 1 END
                FROM unnest($2::text[], $3::text[]) AS n (id, account)
                WHERE EXISTS (SELECT FROM ferry.links l WHERE l.tenant_no = $1 AND l.sf_id = n.id AND l.state = 1)
                    OR EXISTS (SELECT FROM ferry.import_members i WHERE i.tenant_no = $1 AND i.sf_id = n.id)
                ON CONFLICT (tenant_no, sf_id) DO UPDATE SET account_sf_id = excluded.account_sf_id, state = CASE
                    WHEN m.account_sf_id IS DISTINCT FROM excluded.account_sf_id THEN 1
                    -- Linked to another contact meanwhile: that one is put into its place.
                    WHEN m.ac_id <> (SELECT l.ac_id FROM ferry.links l WHERE l.tenant_no = $1 AND l.sf_id = m.sf_id)
                        THEN 1
                    ELSE m.state END
                """,
                [.int4(tenant), .array(memberships.map(\.recordID)), .array(memberships.map(\.accountRecordID))])
        ]
    }

    /// Stores what came of people's places.
    static func settling(members: [SettledMember], tenant: Int32) -> [PostgresStatement] {
        let members = lastOfEach(members, by: \.recordID)
        guard !members.isEmpty else { return [] }
        return [
            PostgresStatement(
                """
                UPDATE ferry.account_members m SET state = n.state, ac_id = n.ac_id, ac_account_id = n.account,
                    association_id = n.association
                FROM unnest($2::text[], $3::text[], $4::int2[], $5::int8[], $6::int8[], $7::int8[])
                    AS n (id, said, state, ac_id, account, association)
                WHERE m.tenant_no = $1 AND m.sf_id = n.id AND m.account_sf_id IS NOT DISTINCT FROM n.said
                """,
                [
                    .int4(tenant), .array(members.map(\.recordID)), .array(members.map(\.accountRecordID)),
                    .array(members.map { $0.isElsewhere ? Int16(3) : 2 }), .array(members.map(\.contactID)),
                    .array(members.map { $0.isElsewhere ? nil : $0.place?.accountID }),
                    .array(members.map { $0.isElsewhere ? nil : $0.place?.associationID }),
                ])
        ]
    }
}
