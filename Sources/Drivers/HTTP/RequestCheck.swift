/// What a request must be before libcurl sees it.
enum RequestCheck {
    /// Checks sizes and that no header can smuggle a second one.
    static func check(_ request: HTTPRequest) throws(HTTPError) {
        guard request.body.count <= HTTPLimits.requestBodyBytes else {
            throw HTTPError(.invalidRequest, "the request's body is over its bound")
        }
        guard request.maxBodyBytes >= 0, request.timeout > .zero else {
            throw HTTPError(.invalidRequest, "the request's bounds must be positive")
        }
        var bytes = 0
        for field in request.headers.fields {
            bytes += field.name.utf8.count + field.value.utf8.count
            guard !field.name.isEmpty, field.name.utf8.allSatisfy(isTokenByte) else {
                throw HTTPError(.invalidRequest, "a header's name is not a token")
            }
            guard field.value.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7f || $0 == 0x09 }) else {
                throw HTTPError(.invalidRequest, "a header's value holds a control character")
            }
        }
        guard bytes <= HTTPLimits.requestHeaderBytes else {
            throw HTTPError(.invalidRequest, "the request's headers are over their bound")
        }
    }

    /// Refuses plain `http` except where the options allow it.
    static func check(_ target: RequestTarget, _ options: HTTPOptions) throws(HTTPError) {
        guard target.scheme == "https" || (options.allowLoopbackHTTP && target.namesLoopback) else {
            throw HTTPError(.insecure, "plain http is not allowed here")
        }
    }

    /// `tchar` of RFC 9110, section 5.6.2.
    private static func isTokenByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            return true
        default: return "!#$%&'*+-.^_`|~".utf8.contains(byte)
        }
    }
}
