import ActiveCampaign
import Foundation
import Logging
import Store
import SyncRules
import Synchronization

/// Makes sure that a tenant's ActiveCampaign account calls ingest: one hook, with a token of its own (activecampaign-api 8).
///
/// Hooks only make changes known earlier, so a registration that fails is tried again by the next batch and stops nothing.
/// The token's hash is stored before the hook is made: when the answer is lost, the hook is found again by its address.
struct WebhookRegistration {
    /// Everything that can change a contact in a way a mapping or an automation's tag sees.
    static let events = ["subscribe", "unsubscribe", "update", "contact_tag_added", "contact_tag_removed"]
    /// All of them: what other programs change through the API is news to Salesforce, too.
    static let sources = ["public", "admin", "api", "system"]
    private static let name = "Ferry"

    let session: TenantSession
    let run: RunContext

    /// Looks once per version of the tenant's rows whether the hook is there, and makes it if not.
    func ensure() async throws {
        guard let base = session.webhookBase, !session.webhookMark.isSet else { return }
        do {
            try await register(at: base.hasSuffix("/") ? String(base.dropLast()) : base)
            session.webhookMark.set()
        } catch let trouble as StreamTrouble {
            run.logger.warning(
                "webhook not registered; polls go on",
                metadata: ["code": "\(trouble.code)", "why": "\(trouble.message)"])
        }
    }

    private func register(at base: String) async throws {
        let prefix = base + "/hooks/"
        let rows = try await session.store.webhooks(tenant: session.number)
        let hooks = try await session.activeCampaign.webhooks()
        let own = rows.compactMap { row in
            hooks.first {
                $0.url.hasPrefix(prefix) && Self.token(in: $0.url, behind: prefix)?.matches(row.tokenHash) == true
            }
            .map { (row: row, hook: $0) }
        }
        let kept = own.first { Self.isComplete($0.hook) }
        for (row, hook) in own where row.tokenHash != kept?.row.tokenHash {
            try await session.activeCampaign.deleteWebhook(hook.id)
        }
        if let kept {
            let id = String(kept.hook.id)
            if kept.row.webhookID != id { try await store(kept.row.tokenHash, id: id) }
        } else {
            try await make(at: prefix)
        }
        // Deleted in ActiveCampaign, or of another account or address: nothing may come in by them any more.
        for row in rows where row.tokenHash != kept?.row.tokenHash {
            try await session.store.revokeWebhook(tokenHash: row.tokenHash, now: run.now)
        }
    }

    private func make(at prefix: String) async throws {
        let token = WebhookToken()
        try await store(token.hash, id: nil)
        let hook = try await session.activeCampaign.createWebhook(
            WebhookRequest(
                name: Self.name, url: prefix + token.exposedText, events: Self.events, sources: Self.sources))
        try await store(token.hash, id: String(hook.id))
    }

    private func store(_ hash: [UInt8], id: String?) async throws {
        try await session.store.registerWebhook(tenant: session.number, tokenHash: hash, webhookID: id, now: run.now)
    }

    private static func token(in url: String, behind prefix: String) -> WebhookToken? {
        WebhookToken(String(url.dropFirst(prefix.count)))
    }

    private static func isComplete(_ hook: Webhook) -> Bool {
        Set(events).isSubset(of: hook.events) && Set(sources).isSubset(of: hook.sources)
    }
}

/// Remembers that something was done, for as long as a tenant's rows stay as they are.
final class DoneMark: Sendable {
    private let state = Mutex(false)

    var isSet: Bool { state.withLock { $0 } }

    func set() { state.withLock { $0 = true } }
}
