import Crypto
package import Foundation

/// Why a secret could not be sealed or opened; never shows the secret.
package enum SealingError: Error, Sendable, Equatable, CustomStringConvertible {
    case malformedKey
    case malformedBlob
    /// The blob was sealed to a key this process does not hold; the key's id.
    case unknownKey(String)
    /// The blob was sealed for another tenant, or altered.
    case notForThisTenant

    package var description: String {
        switch self {
        case .malformedKey:
            "not a sealing key; `ferry keys generate` makes one"
        case .malformedBlob:
            "not a sealed secret (ferry1.<key>.<data>); `ferry seal --tenant T` makes one"
        case .unknownKey(let id):
            "sealed to key \(id), which is not among FERRY_PRIVATE_KEYS_FILE's keys"
        case .notForThisTenant:
            "does not open for this tenant: sealed for another one, or altered; seal the secret again"
        }
    }
}

/// A secret as it stands in a config row: HPKE (RFC 9180) to the cluster's public key, with the tenant's id as info, so
/// that a blob moved to another tenant's row does not open. Form: `ferry1.<key id>.<base64url of key and ciphertext>`.
package struct SealedSecret: Sendable, Equatable {
    private static let prefix = "ferry1"
    private static let suite = HPKE.Ciphersuite.Curve25519_SHA256_ChachaPoly
    /// Bytes of the encapsulated key at the blob's start.
    private static let encapsulatedKeyLength = 32

    /// The blob as config rows hold it.
    package let text: String

    /// Takes a config row's blob as it is; opening checks it.
    package init(text: String) { self.text = text }

    /// Seals a secret for one tenant.
    package init(sealing secret: Data, tenant: String, to key: PublicSealingKey) throws {
        var sender = try HPKE.Sender(recipientKey: key.key, ciphersuite: Self.suite, info: Self.info(tenant))
        let ciphertext = try sender.seal(secret)
        text = [Self.prefix, key.id, (sender.encapsulatedKey + ciphertext).base64URL].joined(separator: ".")
    }

    /// Opens the secret with whichever of the keys it was sealed to.
    package func open(tenant: String, keys: [PrivateSealingKey]) throws(SealingError) -> Data {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3, parts[0] == Self.prefix, let blob = Data(base64URL: String(parts[2])),
            blob.count > Self.encapsulatedKeyLength
        else { throw .malformedBlob }
        guard let key = keys.first(where: { $0.publicKey.id == parts[1] }) else { throw .unknownKey(String(parts[1])) }
        do {
            var recipient = try HPKE.Recipient(
                privateKey: key.key, ciphersuite: Self.suite, info: Self.info(tenant),
                encapsulatedKey: blob.prefix(Self.encapsulatedKeyLength))
            return try recipient.open(blob.dropFirst(Self.encapsulatedKeyLength))
        } catch {
            throw .notForThisTenant
        }
    }

    private static func info(_ tenant: String) -> Data { Data("ferry tenant \(tenant)".utf8) }
}
