import Foundation

/// Where an account's API is, in one spelling whatever its owner pasted.
///
/// The label of the data centre is not fixed, so the URL is taken from the account's settings page and never made from
/// its name (reference 1.1). Hosts that are not ActiveCampaign's are refused: the API key would be sent to them.
package struct AccountURL: Sendable, Hashable, CustomStringConvertible {
    /// Scheme, host, and for loopback hosts port and path; no slash at the end.
    package let base: String

    /// Reads a URL such as `https://acme.api-us1.com`, `acme.activehosted.com/` or `https://acme.api-us1.com/api/3`.
    /// - Parameters:
    ///   - text: as the tenant's people gave it.
    ///   - allowLoopback: takes `http` URLs of loopback addresses, with port and path; for `dev` and `test`.
    /// - Throws: `needsHuman(.address)`.
    package init(_ text: String, allowLoopback: Bool = false) throws(ActiveCampaignError) {
        let refused = ActiveCampaignError(.needsHuman(.address), call: .usersMe)
        let trimmed = text.trimmingCharacters(in: .whitespacesAndNewlines)
        guard !trimmed.isEmpty, trimmed.utf8.count <= ActiveCampaignLimits.urlLength,
            trimmed.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f }),
            let parts = URLComponents(string: trimmed.contains("://") ? trimmed : "https://" + trimmed),
            let host = parts.host?.lowercased(), parts.user == nil, parts.password == nil,
            parts.query == nil, parts.fragment == nil
        else { throw refused }
        let scheme = parts.scheme?.lowercased()
        let path = Self.trimmedPath(parts.percentEncodedPath)
        if allowLoopback, Self.isLoopback(host), scheme == "http" || scheme == "https" {
            base = "\(scheme ?? "http")://\(host)" + (parts.port.map { ":\($0)" } ?? "") + path
            return
        }
        guard scheme == "https" || scheme == "http", parts.port == nil || parts.port == 443, path.isEmpty,
            Self.isActiveCampaign(host)
        else { throw refused }
        base = "https://\(host)"
    }

    package var description: String { base }

    /// The URL of a resource.
    func resource(_ path: String) -> String { "\(base)/api/3/\(path)" }

    /// Cuts slashes and an already present `/api/3` from the end.
    private static func trimmedPath(_ path: String) -> String {
        var path = Substring(path)
        while path.hasSuffix("/") { path.removeLast() }
        if path.hasSuffix("/api/3") { path.removeLast("/api/3".count) }
        while path.hasSuffix("/") { path.removeLast() }
        return String(path)
    }

    /// `{account}.api-us1.com` with any data centre, or `{account}.activehosted.com`.
    private static func isActiveCampaign(_ host: String) -> Bool {
        let labels = host.split(separator: ".", omittingEmptySubsequences: false)
        guard labels.count == 3, labels[2] == "com", isName(labels[0]) else { return false }
        return labels[1] == "activehosted" || isDataCentre(labels[1])
    }

    /// `api-us1`: two letters and a number.
    private static func isDataCentre(_ label: Substring) -> Bool {
        guard label.hasPrefix("api-") else { return false }
        let centre = label.dropFirst(4).utf8
        let digits = centre.dropFirst(2)
        return centre.prefix(2).allSatisfy { $0 >= UInt8(ascii: "a") && $0 <= UInt8(ascii: "z") }
            && (1...3).contains(digits.count)
            && digits.allSatisfy { $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") }
    }

    private static func isName(_ label: Substring) -> Bool {
        (1...63).contains(label.utf8.count) && !label.hasPrefix("-") && !label.hasSuffix("-")
            && label.utf8.allSatisfy { byte in
                byte >= UInt8(ascii: "a") && byte <= UInt8(ascii: "z")
                    || byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") || byte == UInt8(ascii: "-")
            }
    }

    private static func isLoopback(_ host: String) -> Bool {
        if host == "localhost" || host == "[::1]" || host == "::1" { return true }
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts[0] == "127" && parts.allSatisfy { UInt8($0) != nil }
    }
}
