import CCurl

/// A request's URL, taken apart by libcurl's own parser, so that what is checked is what is connected to.
struct RequestTarget {
    /// `https` or `http`.
    let scheme: String
    /// Lower-case host, without brackets.
    let host: String
    /// The port, 443 or 80 when the URL names none.
    let port: Int

    /// The key connections are shared under.
    var connectionKey: String { "\(scheme)://\(host):\(port)" }

    /// Whether the URL may be used without TLS: an `http` URL of a host that is loopback by its spelling.
    var namesLoopback: Bool {
        host == "localhost" || host == "::1" || Self.isLoopbackIPv4(host)
    }

    /// Reads `url` and keeps the parser's handle for the transfer.
    /// - Throws: `invalidRequest` for what libcurl cannot read, a user or password, a scheme that is not http(s).
    static func parse(_ url: String) throws(HTTPError) -> (RequestTarget, CurlURL) {
        guard url.utf8.count <= HTTPLimits.urlBytes else { throw HTTPError(.invalidRequest, "the URL is too long") }
        guard url.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f }) else {
            throw HTTPError(.invalidRequest, "the URL has a character that must be percent-encoded")
        }
        guard let handle = CurlURL(url) else { throw HTTPError(.invalidRequest, "not a URL") }
        guard handle.part(CURLUPART_USER) == nil, handle.part(CURLUPART_PASSWORD) == nil else {
            throw HTTPError(.invalidRequest, "the URL holds credentials")
        }
        guard let scheme = handle.part(CURLUPART_SCHEME)?.lowercased(), scheme == "https" || scheme == "http" else {
            throw HTTPError(.invalidRequest, "the URL's scheme is not https")
        }
        guard let name = handle.part(CURLUPART_HOST), !name.isEmpty,
            let portText = handle.part(CURLUPART_PORT), let port = Int(portText)
        else { throw HTTPError(.invalidRequest, "the URL has no host") }
        let host = name.lowercased().trimmingBrackets()
        return (RequestTarget(scheme: scheme, host: host, port: port), handle)
    }

    private static func isLoopbackIPv4(_ host: String) -> Bool {
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts[0] == "127" && parts.allSatisfy { UInt8($0) != nil }
    }
}

extension String {
    fileprivate func trimmingBrackets() -> String {
        hasPrefix("[") && hasSuffix("]") ? String(dropFirst().dropLast()) : self
    }
}

/// Owns one `CURLU`.
final class CurlURL {
    let handle: OpaquePointer

    init?(_ url: String) {
        guard let handle = curl_url() else { return nil }
        self.handle = handle
        guard curl_url_set(handle, CURLUPART_URL, url, 0) == CURLUE_OK else { return nil }
    }

    deinit { curl_url_cleanup(handle) }

    /// One part as text; the default port when the URL has none.
    func part(_ part: CURLUPart) -> String? {
        var text: UnsafeMutablePointer<CChar>?
        guard curl_url_get(handle, part, &text, UInt32(CURLU_DEFAULT_PORT)) == CURLUE_OK, let text else { return nil }
        defer { curl_free(text) }
        return String(cString: text)
    }
}
