import Crypto
import Foundation

/// The one place where e-mail addresses are normalised for matching, links, tombstones and hashes (T32).
package struct EmailAddress: Sendable, Hashable {
    /// Trimmed, lower case, and composed (NFC), so that equal addresses have equal bytes.
    package let normalized: String

    /// Takes an address; nil when it is blank or has no `@` between other characters.
    package init?(_ text: String) {
        let trimmed = text.trimmed.lowercased().precomposedStringWithCanonicalMapping
        guard let at = trimmed.lastIndex(of: "@"), at != trimmed.startIndex,
            trimmed.index(after: at) != trimmed.endIndex, !trimmed.contains(where: \.isWhitespace)
        else { return nil }
        normalized = trimmed
    }

    /// Sixteen bytes that find a link by address within one tenant.
    package var hash: [UInt8] {
        Array(SHA256.hash(data: Array(normalized.utf8)).prefix(16))
    }

    /// The part before the `@`: the LastName of a person who has none (R20, D2).
    package var localPart: String {
        normalized.lastIndex(of: "@").map { String(normalized[..<$0]) } ?? normalized
    }
}

extension StringProtocol {
    /// Without white space and line ends at both ends.
    var trimmed: String {
        guard let start = firstIndex(where: { !$0.isWhitespace }), let end = lastIndex(where: { !$0.isWhitespace })
        else { return "" }
        return String(self[start...end])
    }
}
