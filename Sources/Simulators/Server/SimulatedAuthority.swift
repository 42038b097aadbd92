import Crypto
package import Foundation
import NIOSSL
import SwiftASN1
import X509

/// A certificate authority of this process alone, and a certificate it issued for the simulated providers' names.
///
/// The keys exist in memory only and die with the process; what a client needs is `authorityPEM`, to trust it.
package struct SimulatedAuthority: Sendable {
    /// The authority's certificate, for a client's list of trusted authorities.
    package let authorityPEM: String
    /// The server's certificate.
    package let certificatePEM: String
    private let key: P256.Signing.PrivateKey

    /// Names the certificate is good for: this machine's own, and those under which clients call the providers when a
    /// `SimulatorTunnel` or a hosts file leads them here.
    package static let hostNames = [
        "localhost", "*.localhost", "login.salesforce.com", "test.salesforce.com", "*.salesforce.com",
        "*.my.salesforce.com", "*.sandbox.my.salesforce.com", "*.api-us1.com", "*.activehosted.com",
    ]

    /// Makes a new authority and certificate, good from an hour before `now` for `SimulatorsLimits.certificateDays`.
    package init(now: Date) throws {
        let authorityKey = P256.Signing.PrivateKey()
        let key = P256.Signing.PrivateKey()
        let name = try DistinguishedName {
            OrganizationName("Ferry simulators")
            CommonName("Ferry simulators private authority")
        }
        let authority = try Self.certificate(
            subject: name, issuer: name, publicKey: authorityKey.publicKey, signer: authorityKey, now: now,
            extensions: try Self.authorityExtensions(authorityKey))
        let certificate = try Self.certificate(
            subject: try DistinguishedName { CommonName("localhost") }, issuer: name, publicKey: key.publicKey,
            signer: authorityKey, now: now, extensions: try Self.serverExtensions(key, authorityKey))
        authorityPEM = try authority.serializeAsPEM().pemString + "\n"
        certificatePEM = try certificate.serializeAsPEM().pemString + "\n"
        self.key = key
    }

    /// Whether the certificate is good for a host name.
    package static func isNamed(_ host: String) -> Bool {
        let host = host.lowercased()
        return hostNames.contains { name in
            guard name.hasPrefix("*.") else { return host == name }
            // A wildcard stands for exactly one label.
            guard host.hasSuffix(name.dropFirst()) else { return false }
            let label = host.dropLast(name.utf8.count - 1)
            return !label.isEmpty && !label.contains(".")
        }
    }

    /// What a server speaks TLS with.
    func context() throws -> NIOSSLContext {
        let certificate = try NIOSSLCertificate(bytes: Array(certificatePEM.utf8), format: .pem)
        let key = try NIOSSLPrivateKey(bytes: Array(key.pemRepresentation.utf8), format: .pem)
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: [.certificate(certificate)], privateKey: .privateKey(key))
        configuration.applicationProtocols = ["http/1.1"]
        return try NIOSSLContext(configuration: configuration)
    }

    // MARK: - Issuing

    private static func certificate(
        subject: DistinguishedName, issuer: DistinguishedName, publicKey: P256.Signing.PublicKey,
        signer: P256.Signing.PrivateKey, now: Date, extensions: Certificate.Extensions
    ) throws -> Certificate {
        try Certificate(
            version: .v3, serialNumber: Certificate.SerialNumber(), publicKey: Certificate.PublicKey(publicKey),
            notValidBefore: now.addingTimeInterval(-3_600),
            notValidAfter: now.addingTimeInterval(Double(SimulatorsLimits.certificateDays) * 86_400), issuer: issuer,
            subject: subject, signatureAlgorithm: .ecdsaWithSHA256, extensions: extensions,
            issuerPrivateKey: Certificate.PrivateKey(signer))
    }

    private static func authorityExtensions(_ key: P256.Signing.PrivateKey) throws -> Certificate.Extensions {
        try Certificate.Extensions {
            Critical(BasicConstraints.isCertificateAuthority(maxPathLength: 0))
            Critical(KeyUsage(keyCertSign: true, cRLSign: true))
            SubjectKeyIdentifier(hash: Certificate.PublicKey(key.publicKey))
        }
    }

    private static func serverExtensions(
        _ key: P256.Signing.PrivateKey, _ authority: P256.Signing.PrivateKey
    ) throws -> Certificate.Extensions {
        let names =
            hostNames.map(GeneralName.dnsName) + [
                .ipAddress(ASN1OctetString(contentBytes: [127, 0, 0, 1])),
                .ipAddress(ASN1OctetString(contentBytes: [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1])),
            ]
        let authorityID = SubjectKeyIdentifier(hash: Certificate.PublicKey(authority.publicKey))
        return try Certificate.Extensions {
            Critical(BasicConstraints.notCertificateAuthority)
            Critical(KeyUsage(digitalSignature: true))
            try ExtendedKeyUsage([.serverAuth])
            SubjectAlternativeNames(names)
            SubjectKeyIdentifier(hash: Certificate.PublicKey(key.publicKey))
            // Strict verifiers want the issuer named by its key as well.
            AuthorityKeyIdentifier(keyIdentifier: authorityID.keyIdentifier)
        }
    }
}
