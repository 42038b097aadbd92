package import Foundation

/// Header fields in order, repeats kept; names compare without case.
package struct HTTPHeaders: Sendable, ExpressibleByDictionaryLiteral {
    /// Name and value of each field, as sent.
    package private(set) var fields: [(name: String, value: String)] = []

    /// No fields.
    package init() {}

    /// Fields in the order written.
    package init(dictionaryLiteral elements: (String, String)...) {
        fields = elements.map { (name: $0.0, value: $0.1) }
    }

    /// Adds a field and keeps others of the same name.
    package mutating func add(_ name: String, _ value: String) {
        fields.append((name: name, value: value))
    }

    /// The first field's value; setting replaces every field of that name, nil removes them.
    package subscript(name: String) -> String? {
        get { fields.first { Self.same($0.name, name) }?.value }
        set {
            fields.removeAll { Self.same($0.name, name) }
            if let newValue { fields.append((name: name, value: newValue)) }
        }
    }

    private static func same(_ left: String, _ right: String) -> Bool {
        left.utf8.count == right.utf8.count
            && zip(left.utf8, right.utf8).allSatisfy { lowered($0) == lowered($1) }
    }

    private static func lowered(_ byte: UInt8) -> UInt8 {
        byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z") ? byte | 0x20 : byte
    }
}

/// The method of a request; what it says about repeating decides what libcurl may resend on its own.
package enum HTTPMethod: String, Sendable {
    case get = "GET"
    case head = "HEAD"
    case post = "POST"
    case put = "PUT"
    case patch = "PATCH"
    case delete = "DELETE"

    /// Whether RFC 9110 lets a client repeat the request without asking (section 9.2.2).
    package var isIdempotent: Bool { self != .post && self != .patch }
}

/// One request. The body is whole in memory; its bound is `HTTPLimits.requestBodyBytes`.
package struct HTTPRequest: Sendable {
    /// The method.
    package var method: HTTPMethod
    /// Absolute `https` URL, percent-encoded; `http` only to loopback and only when the client allows it.
    package var url: String
    /// Header fields; `Host`, `Content-Length` and `Accept-Encoding` are the driver's own.
    package var headers: HTTPHeaders
    /// The body, empty for none.
    package var body: Data
    /// Compresses a body of `HTTPLimits.gzipFloorBytes` or more; only for servers known to take it.
    package var gzipBody = false
    /// Total time: waiting for a connection, connecting, sending, receiving. At most `HTTPLimits.longestTimeout`.
    package var timeout: Duration = HTTPLimits.timeout
    /// Whole seconds, at least 1, that the transfer may run under `HTTPLimits.idleBytesPerSecond`. The time the
    /// server takes to think counts too, so keep it above the slowest honest answer.
    package var idleTimeout: Duration = HTTPLimits.idleTimeout
    /// The most bytes of the answer's body, after decompression; more ends the transfer with `tooLarge`.
    package var maxBodyBytes: Int = HTTPLimits.responseBodyBytes
    /// Whether the driver may send the request again by itself when a kept connection turns out to be dead. A
    /// request that is not repeatable ends with fate `unknown` instead.
    package var isRepeatable: Bool

    /// Makes a request.
    /// - Parameter isRepeatable: the method's own answer (`isIdempotent`) when nil.
    package init(
        _ method: HTTPMethod, _ url: String, headers: HTTPHeaders = HTTPHeaders(), body: Data = Data(),
        isRepeatable: Bool? = nil
    ) {
        self.method = method
        self.url = url
        self.headers = headers
        self.body = body
        self.isRepeatable = isRepeatable ?? method.isIdempotent
    }
}

/// One whole answer, of whatever status. Redirects are answers like any other: they are not followed.
package struct HTTPResponse: Sendable {
    /// Status code of the final answer, 200…599.
    package var status: Int
    /// Header fields of the final answer.
    package var headers: HTTPHeaders
    /// The body, decompressed.
    package var body: Data

    /// Makes an answer.
    package init(status: Int, headers: HTTPHeaders = HTTPHeaders(), body: Data = Data()) {
        self.status = status
        self.headers = headers
        self.body = body
    }
}
