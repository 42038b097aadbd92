import Crypto
import Foundation

/// The one place where e-mail addresses are normalised for matching, links, tombstones and hashes (T32).
package struct EmailAddress: Sendable, Hashable {
    /// Trimmed, lower case, and composed (NFC), so that equal addresses have equal bytes.
    package let normalized: String

    /// Takes an address; nil when it is blank or has no `@` between other characters.
    package init?(_ text: String) {
        let trimmed =
            text.isPlain ? text.lowercased() : text.trimmed.lowercased().precomposedStringWithCanonicalMapping
        let bytes = trimmed.utf8
        guard let at = bytes.lastIndex(of: UInt8(ascii: "@")), at != bytes.startIndex,
            bytes.index(after: at) != bytes.endIndex
        else { return nil }
        let isBroken = text.isPlain ? bytes.contains(0x20) : trimmed.contains(where: \.isWhitespace)
        guard !isBroken else { return nil }
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

extension String {
    /// Whether neither trimming nor composing changes it, told from its bytes alone: printable ASCII without a blank at
    /// either end. Most values are, and the long way takes a third of a run.
    var isPlain: Bool {
        utf8.allSatisfy { (0x20...0x7E).contains($0) } && utf8.first != 0x20 && utf8.last != 0x20
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
