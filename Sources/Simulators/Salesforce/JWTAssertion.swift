import CryptoExtras
import Foundation

/// A signed JWT, as the bearer flow receives it (reference section 1.1).
struct JWTAssertion {
    let issuer: String
    let subject: String
    let audience: String
    /// Seconds since 1970.
    let expiry: Double
    private let signedPart: Data
    private let signature: Data

    /// Reads a compact RS256 token; `nil` when it is not one.
    init?(_ text: String) {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3, let header = Self.json(parts[0]), header["alg"] == "RS256",
            let claims = Self.json(parts[1]), let signature = Self.decode(parts[2]),
            let issuer = claims["iss"]?.stringValue, let subject = claims["sub"]?.stringValue,
            let audience = claims["aud"]?.stringValue ?? claims["aud"]?[0]?.stringValue,
            let expiry = claims["exp"]?.doubleValue ?? claims["exp"]?.stringValue.flatMap(Double.init)
        else { return nil }
        self.issuer = issuer
        self.subject = subject
        self.audience = audience
        self.expiry = expiry
        self.signature = signature
        signedPart = Data("\(parts[0]).\(parts[1])".utf8)
    }

    /// Whether the key's owner signed it.
    func isSigned(by key: _RSA.Signing.PublicKey) -> Bool {
        key.isValidSignature(
            _RSA.Signing.RSASignature(rawRepresentation: signature), for: signedPart, padding: .insecurePKCS1v1_5)
    }

    private static func json(_ part: Substring) -> WireJSON? {
        decode(part).flatMap { try? WireJSON(parsing: $0) }
    }

    private static func decode(_ part: Substring) -> Data? {
        var text = String(part).replacing("-", with: "+").replacing("_", with: "/")
        text += String(repeating: "=", count: (4 - text.count % 4) % 4)
        return Data(base64Encoded: text, options: [])
    }
}
