import Foundation

/// Why a webhook's body could not be used; stored as the code of a visible failure.
package enum WebhookBodyError: String, Error, Sendable {
    case notForm = "webhook_not_form_encoded"
    case noContactID = "webhook_without_contact_id"
    case badContactID = "webhook_contact_id_not_a_number"
}

/// The one fact taken from a webhook: which contact changed. Everything else in it is unsigned and is read again from
/// ActiveCampaign (activecampaign-api 8.2, T14).
package struct WebhookBody: Sendable, Equatable {
    /// The changed contact's id, positive.
    package let contactID: Int64

    /// Reads a form-encoded body.
    /// - Throws: `WebhookBodyError`.
    package init(_ bytes: some Collection<UInt8>) throws(WebhookBodyError) {
        guard let text = String(validating: bytes, as: UTF8.self), text.contains("=") else { throw .notForm }
        let wanted: Set<String> = ["contact[id]", "deal[contactid]", "accountContact[contact]"]
        for pair in text.split(separator: "&") {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, let name = Self.decode(parts[0]), wanted.contains(name) else { continue }
            guard let value = Self.decode(parts[1]), let id = Int64(value), id > 0 else { throw .badContactID }
            contactID = id
            return
        }
        throw .noContactID
    }

    /// Percent-decoding as forms do it, plus signs for blanks; nil when the encoding is broken.
    private static func decode(_ text: Substring) -> String? {
        text.replacing("+", with: " ").removingPercentEncoding
    }
}
