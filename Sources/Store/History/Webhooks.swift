import Drivers
package import Foundation

/// One registered webhook; the token itself is stored nowhere.
package struct WebhookRow: Sendable, Hashable {
    package let tenant: Int32
    package let tokenHash: [UInt8]
    /// ActiveCampaign's id of the webhook, once it is made there.
    package let webhookID: String?
}

extension Store {
    /// The tenant a token belongs to, with the stored hash for a comparison in constant time; nil for unknown and revoked
    /// tokens, and for tenants that were removed.
    /// - Throws: `StoreError`.
    package func tenant(forTokenHash hash: [UInt8]) async throws -> (tenant: Int32, hash: [UInt8])? {
        let rows = try await query(
            """
            SELECT w.tenant_no, w.token_hash FROM ferry.webhooks w JOIN ferry.tenants t ON t.number = w.tenant_no
            WHERE w.token_hash = $1 AND w.revoked_at IS NULL AND t.state <> 'removed'
            """, [.bytea(hash)])
        return try decode(rows) { row in
            (tenant: try row.get("tenant_no", as: Int32.self), hash: try row.get("token_hash", as: [UInt8].self))
        }.first
    }

    /// A tenant's webhooks that are not revoked.
    /// - Throws: `StoreError`.
    package func webhooks(tenant: Int32) async throws -> [WebhookRow] {
        let rows = try await query(
            """
            SELECT tenant_no, token_hash, ac_webhook_id FROM ferry.webhooks
            WHERE tenant_no = $1 AND revoked_at IS NULL ORDER BY created_at
            """, [.int4(tenant)])
        return try decode(rows) { row in
            WebhookRow(
                tenant: try row.get("tenant_no"), tokenHash: try row.get("token_hash"),
                webhookID: try row.optional("ac_webhook_id"))
        }
    }

    /// Stores a token's hash, before the webhook is made in ActiveCampaign; again with its id, after.
    /// - Throws: `StoreError`.
    package func registerWebhook(tenant: Int32, tokenHash: [UInt8], webhookID: String?, now: Date) async throws {
        try await query(
            """
            INSERT INTO ferry.webhooks (token_hash, tenant_no, ac_webhook_id, created_at) VALUES ($1, $2, $3, $4)
            ON CONFLICT (token_hash) DO UPDATE SET ac_webhook_id = excluded.ac_webhook_id
            """, [.bytea(tokenHash), .int4(tenant), .text(webhookID), .timestamptz(now)])
    }

    /// Makes a token worthless at once.
    /// - Throws: `StoreError`.
    package func revokeWebhook(tokenHash: [UInt8], now: Date) async throws {
        try await query(
            "UPDATE ferry.webhooks SET revoked_at = coalesce(revoked_at, $2) WHERE token_hash = $1",
            [.bytea(tokenHash), .timestamptz(now)])
    }
}
