import Crypto
import Foundation

/// The unguessable part of a webhook's address: 256 random bits a tenant and hook. ActiveCampaign signs nothing, so this
/// is all that tells a tenant's webhook from a stranger's (sync-traps 5). Rows hold its hash only.
package struct WebhookToken: Sendable, CustomStringConvertible {
    /// Characters of a token: 32 bytes in base64 for URLs.
    static let length = 43

    /// The token as it stands in the path; secret.
    package let exposedText: String

    /// Makes a new token.
    package init() {
        exposedText = SymmetricKey(size: .bits256).withUnsafeBytes { Data($0) }.base64URL
    }

    /// Takes a token from a path; nil when it can't be one.
    package init?(_ text: String) {
        guard text.utf8.count == Self.length, Data(base64URL: text)?.count == 32 else { return nil }
        exposedText = text
    }

    /// What rows hold.
    package var hash: [UInt8] { Array(SHA256.hash(data: Array(exposedText.utf8))) }

    /// Compares with a stored hash in a time that does not depend on where they differ.
    package func matches(_ stored: [UInt8]) -> Bool {
        let own = hash
        guard stored.count == own.count else { return false }
        return zip(own, stored).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) } == 0
    }

    package var description: String { "webhook token ***" }
}
