import Drivers
import Foundation

/// The origin of an org or a login host, checked: tenants and token answers name it, and our token goes there.
package struct SalesforceHost: Sendable, Hashable {
    /// `https://acme.my.salesforce.com`, without a slash at the end.
    package let origin: String

    /// Which hosts may be named.
    package struct Policy: Sendable {
        /// Suffixes of Salesforce's own domains, each with its leading dot.
        package var suffixes: [String] = [".salesforce.com", ".force.com", ".salesforce.mil", ".cloudforce.com"]
        /// Takes loopback hosts, also over plain `http`; for `dev` and `test`, where simulators listen.
        package var allowsLoopback = false

        /// Production's policy.
        package init() {}

        /// The policy of `dev` and `test`.
        package static var loopback: Policy {
            var policy = Policy()
            policy.allowsLoopback = true
            return policy
        }
    }

    /// Checks a URL: `https`, port 443, one of Salesforce's hosts, no user, path, query or fragment.
    /// - Throws: `needsHuman(.badHost)`.
    package init(_ text: String, policy: Policy) throws(SalesforceError) {
        var trimmed = text.trimmingCharacters(in: .whitespacesAndNewlines)
        while trimmed.hasSuffix("/") { trimmed.removeLast() }
        let parts = try Self.parts(trimmed)
        if policy.allowsLoopback, Self.isLoopback(parts.host) {
            origin = trimmed.lowercased()
            return
        }
        let isKnown = policy.suffixes.contains { parts.host.hasSuffix($0) && parts.host.count > $0.count }
        guard parts.scheme == "https", parts.port == nil || parts.port == "443", isKnown else { throw Self.refusal }
        origin = "https://\(parts.host)"
    }

    private static let refusal = SalesforceError(code: "BAD_HOST", verdict: .needsHuman(.badHost))

    /// Takes `scheme://host[:port]` apart; anything more, or any other byte, is refused.
    private static func parts(_ text: String) throws(SalesforceError) -> (scheme: String, host: String, port: String?) {
        let lower = text.lowercased()
        guard let range = lower.range(of: "://") else { throw refusal }
        let scheme = String(lower[..<range.lowerBound])
        let rest = lower[range.upperBound...].split(separator: ":", omittingEmptySubsequences: false)
        let isHost = rest[0].utf8.allSatisfy {
            ($0 >= 0x61 && $0 <= 0x7a) || ($0 >= 0x30 && $0 <= 0x39) || $0 == UInt8(ascii: "-")
                || $0 == UInt8(ascii: ".")
        }
        guard ["http", "https"].contains(scheme), rest.count <= 2, !rest[0].isEmpty, isHost,
            !rest[0].contains(".."), rest.count == 1 || UInt16(rest[1]) != nil
        else { throw refusal }
        return (scheme, String(rest[0]), rest.count == 2 ? String(rest[1]) : nil)
    }

    private static func isLoopback(_ host: String) -> Bool {
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        return host == "localhost" || (parts.count == 4 && parts[0] == "127" && parts.allSatisfy { UInt8($0) != nil })
    }
}
