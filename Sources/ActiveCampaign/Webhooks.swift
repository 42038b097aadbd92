import Drivers
import Foundation

/// A webhook of an account. Its URL holds a secret; descriptions leave it out.
package struct Webhook: Sendable, Hashable, CustomStringConvertible {
    /// Its number.
    package let id: Int64
    /// Its name.
    package let name: String
    /// Where it calls.
    package let url: String
    /// Events it calls for, `update` or `contact_tag_added` for example.
    package let events: [String]
    /// Whose doings it calls for: `public`, `admin`, `api`, `system`.
    package let sources: [String]

    package var description: String { "webhook \(id)" }
}

/// A webhook to make.
package struct WebhookRequest: Sendable, Hashable, CustomStringConvertible {
    /// Its name.
    package var name: String
    /// Where it shall call: https, port 443.
    package var url: String
    /// Events, by ActiveCampaign's names (reference 8.1).
    package var events: [String]
    /// Leaving out `api` keeps our own writes from coming back, and those of every other API client.
    package var sources: [String]

    /// Makes a request for people's, users' and automations' doings.
    package init(
        name: String, url: String, events: [String], sources: [String] = ["public", "admin", "system"]
    ) {
        self.name = name
        self.url = url
        self.events = events
        self.sources = sources
    }

    package var description: String { "a webhook for \(events.joined(separator: ", "))" }
}

private struct WebhookRow: Decodable, Sendable {
    let id: LooseText
    let name: LooseText?
    let url: LooseText?
    let events: LooseList<LooseText>?
    let sources: LooseList<LooseText>?

    /// The row; nil without a number.
    var webhook: Webhook? {
        guard let id = id.integer else { return nil }
        return Webhook(
            id: id, name: name?.orEmpty ?? "", url: url?.orEmpty ?? "",
            events: (events?.elements ?? []).compactMap(\.text), sources: (sources?.elements ?? []).compactMap(\.text))
    }
}

extension ActiveCampaignClient {
    /// All of the account's webhooks.
    package func webhooks() async throws(ActiveCampaignError) -> [Webhook] {
        let rows: [WebhookRow] = try await wholeList(.get(.webhooks, "webhooks"), key: "webhooks")
        return rows.compactMap(\.webhook)
    }

    /// Makes a webhook. Not safe to repeat: after an error of fate `unknown`, list them first.
    package func createWebhook(_ request: WebhookRequest) async throws(ActiveCampaignError) -> Webhook {
        struct Body: Encodable {
            struct Row: Encodable {
                let name, url: String
                let events, sources: [String]
                let listid = 0
            }
            let webhook: Row
        }
        struct Answer: Decodable { let webhook: WebhookRow }
        let body = Body(
            webhook: .init(name: request.name, url: request.url, events: request.events, sources: request.sources))
        let call = try APICall.write(.webhookCreate, .post, "webhooks", body, isRepeatable: false)
        return try await perform(call) { response in
            guard let webhook = try response.decoded(as: Answer.self).webhook.webhook else { throw UnexpectedShape() }
            return webhook
        }
    }

    /// Deletes a webhook; one that is gone already is no error.
    package func deleteWebhook(_ id: Int64) async throws(ActiveCampaignError) {
        do {
            try await perform(APICall(kind: .webhookDelete, method: .delete, path: "webhooks/\(id)")) { _ in }
        } catch {
            guard error.isNotFound else { throw error }
        }
    }
}
