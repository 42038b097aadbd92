import Drivers
import SyncRules

/// A person's contact and account: one record with two ids (R85).
package struct PersonAccount: Sendable, Hashable {
    /// The contact, which links name.
    package var contactRecordID: String
    /// The account, which is written to.
    package var accountRecordID: String

    /// Makes a pair as just read.
    package init(contactRecordID: String, accountRecordID: String) {
        self.contactRecordID = contactRecordID
        self.accountRecordID = accountRecordID
    }
}

extension Store {
    /// The accounts of those records that are persons' contacts, by contact.
    /// - Throws: `StoreError`.
    package func personAccounts(tenant: Int32, recordIDs: [String]) async throws -> [String: String] {
        guard !recordIDs.isEmpty else { return [:] }
        let rows = try await query(
            "SELECT sf_id, account_sf_id FROM ferry.person_accounts WHERE tenant_no = $1 AND sf_id = ANY ($2)",
            [.int4(tenant), .array(recordIDs)])
        let pairs = try decode(rows) {
            (try $0.get("sf_id", as: String.self), try $0.get("account_sf_id", as: String.self))
        }
        return Dictionary(pairs, uniquingKeysWith: { first, _ in first })
    }

    static func noting(persons: [PersonAccount], tenant: Int32) -> [PostgresStatement] {
        let persons = lastOfEach(persons, by: \.contactRecordID)
        guard !persons.isEmpty else { return [] }
        return [
            PostgresStatement(
                """
                INSERT INTO ferry.person_accounts AS p (tenant_no, sf_id, account_sf_id)
                SELECT $1, n.* FROM unnest($2::text[], $3::text[]) AS n
                ON CONFLICT (tenant_no, sf_id) DO UPDATE SET account_sf_id = excluded.account_sf_id
                WHERE p.account_sf_id <> excluded.account_sf_id
                """,
                [.int4(tenant), .array(persons.map(\.contactRecordID)), .array(persons.map(\.accountRecordID))])
        ]
    }
}
