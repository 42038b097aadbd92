import Crypto
package import Foundation

/// A cluster's public key: anybody may seal a secret to it, only workers can open what was sealed.
package struct PublicSealingKey: Sendable {
    static let prefix = "ferry-public-1."

    let key: Curve25519.KeyAgreement.PublicKey

    /// Reads the text form.
    /// - Throws: `SealingError.malformedKey`.
    package init(_ text: String) throws(SealingError) {
        let trimmed = text.trimmingCharacters(in: .whitespacesAndNewlines)
        guard trimmed.hasPrefix(Self.prefix), let raw = Data(base64URL: String(trimmed.dropFirst(Self.prefix.count))),
            let key = try? Curve25519.KeyAgreement.PublicKey(rawRepresentation: raw)
        else { throw .malformedKey }
        self.key = key
    }

    init(_ key: Curve25519.KeyAgreement.PublicKey) { self.key = key }

    /// The text form; not secret.
    package var text: String { Self.prefix + key.rawRepresentation.base64URL }

    /// Names the key in every blob sealed to it, so that keys can be rotated: eight hexadecimal digits.
    package var id: String {
        SHA256.hash(data: key.rawRepresentation).prefix(4).map { String(format: "%02x", $0) }.joined()
    }
}

/// A cluster's private key. Only workers hold it; its description never shows it.
package struct PrivateSealingKey: Sendable, CustomStringConvertible {
    static let prefix = "ferry-private-1."

    let key: Curve25519.KeyAgreement.PrivateKey

    /// Makes a new key.
    package init() { key = Curve25519.KeyAgreement.PrivateKey() }

    /// Reads the text form.
    /// - Throws: `SealingError.malformedKey`.
    package init(_ text: String) throws(SealingError) {
        let trimmed = text.trimmingCharacters(in: .whitespacesAndNewlines)
        guard trimmed.hasPrefix(Self.prefix), let raw = Data(base64URL: String(trimmed.dropFirst(Self.prefix.count))),
            let key = try? Curve25519.KeyAgreement.PrivateKey(rawRepresentation: raw)
        else { throw .malformedKey }
        self.key = key
    }

    /// The matching public key.
    package var publicKey: PublicSealingKey { PublicSealingKey(key.publicKey) }

    /// The text form: secret, written to a file only its owner may read.
    package var exposedText: String { Self.prefix + key.rawRepresentation.base64URL }

    package var description: String { "private key \(publicKey.id) (***)" }
}

extension Data {
    /// Base64 with the alphabet for URLs and without padding.
    package var base64URL: String {
        base64EncodedString().replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
    }

    /// Reads base64 with the alphabet for URLs; nil when it is not.
    package init?(base64URL text: String) {
        let standard = text.replacing("-", with: "+").replacing("_", with: "/")
        self.init(base64Encoded: standard + String(repeating: "=", count: (4 - standard.count % 4) % 4))
    }
}
