package import Foundation

/// The private keys of one worker: the newest first, older ones kept until everything is sealed anew.
package struct KeyRing: Sendable {
    /// Keys, in the file's order.
    package let keys: [PrivateSealingKey]

    /// Makes a ring.
    package init(keys: [PrivateSealingKey]) { self.keys = keys }

    /// Reads a file with one private key a line; blank lines and lines that start with `#` are passed over.
    /// - Throws: `SealingError.malformedKey`, or the file system's error.
    package init(file: URL) throws {
        let text = try String(contentsOf: file, encoding: .utf8)
        let lines = text.split(whereSeparator: \.isNewline).map { $0.trimmingCharacters(in: .whitespaces) }
        keys = try lines.filter { !$0.isEmpty && !$0.hasPrefix("#") }.map { try PrivateSealingKey($0) }
        guard !keys.isEmpty else { throw SealingError.malformedKey }
    }

    /// Opens a tenant's sealed secret.
    package func open(_ secret: SealedSecret, tenant: String) throws(SealingError) -> Data {
        try secret.open(tenant: tenant, keys: keys)
    }
}
