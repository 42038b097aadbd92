import Cluster
import Drivers
import Foundation
import Simulators

/// Brings the demo's tenants on board with plain INSERTs, the way any tenant comes on board.
struct DemoRows {
    let pool: PostgresPool
    let publicKey: PublicSealingKey
    /// Where the simulators listen.
    let baseURL: String

    /// Share of an org's calls, and of those that ActiveCampaign's pace comes to, that a tenant may use.
    private static let share = 0.5

    /// Inserts one tenant in one transaction.
    func insert(_ tenant: DemoTenant) async throws {
        let profile = tenant.profile
        let campaign = try seal(tenant.account.token, for: tenant)
        let salesforce = try seal(credentials(of: tenant.org), for: tenant)
        var statements = [
            PostgresStatement("INSERT INTO ferry.tenants (id) VALUES ($1)", [.text(tenant.id)]),
            PostgresStatement(
                """
                INSERT INTO ferry.connections (tenant, provider, base_url, secret) VALUES ($1, 'activecampaign', $2, $3)
                """, [.text(tenant.id), .text(baseURL), .text(campaign)]),
            PostgresStatement(
                """
                INSERT INTO ferry.connections (tenant, provider, base_url, secret, package_installed)
                VALUES ($1, 'salesforce', $2, $3, $4)
                """, [.text(tenant.id), .text(baseURL), .text(salesforce), .bool(profile.hasPackage)]),
        ]
        for object in ["contact", "lead"] {
            for (field, types) in zip(DemoField.custom, Self.types) {
                statements.append(
                    PostgresStatement(
                        """
                        INSERT INTO ferry.field_mappings (tenant, object, sf_field, sf_type, ac_field, ac_type)
                        VALUES ($1, $2, $3, $4, $5, $6)
                        """,
                        [
                            .text(tenant.id), .text(object), .text(field.salesforceName), .text(types.salesforce),
                            .text("custom:" + field.activeCampaignName), .text(types.activeCampaign),
                        ]))
            }
        }
        statements.append(
            PostgresStatement(
                """
                INSERT INTO ferry.sync_settings (tenant, inbound_interval_hours, contact_selection, lead_selection)
                VALUES ($1, $2, $3, $4)
                """,
                [
                    .text(tenant.id), .int2(Int16(profile.intervalHours)), .text(profile.contactSelection),
                    .text(profile.leadSelection),
                ]))
        statements.append(
            PostgresStatement(
                """
                INSERT INTO ferry.api_budgets (tenant, provider, daily_share)
                VALUES ($1, 'salesforce', $2), ($1, 'activecampaign', $2)
                """, [.text(tenant.id), .float8(Self.share)]))
        try await pool.transact(statements)
    }

    private static let types: [(salesforce: String, activeCampaign: String)] = [
        ("text", "text"), ("number", "text"), ("checkbox", "checkbox"), ("date", "date"),
    ]

    private func credentials(of org: SalesforceOrg) throws -> String {
        let secret = [
            "flow": "jwt", "client_id": org.clientID, "username": org.username, "private_key": org.privateKeyPEM,
            "login_url": baseURL,
        ]
        return String(decoding: try JSONEncoder().encode(secret), as: UTF8.self)
    }

    private func seal(_ secret: String, for tenant: DemoTenant) throws -> String {
        try SealedSecret(sealing: Data(secret.utf8), tenant: tenant.id, to: publicKey).text
    }
}
