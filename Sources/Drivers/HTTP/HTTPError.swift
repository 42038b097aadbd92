/// What became of a request that ended without a whole answer.
package enum HTTPFate: Sendable, Hashable {
    /// No byte of it left this process: doing it again cannot do it twice.
    case notSent
    /// Some of it may have reached the server, and whether it acted is not known (trap T17).
    case unknown
    /// The server answered with this status, but the answer could not be read to its end.
    case answered(status: Int)
}

/// Whether sending the same request again makes sense.
package enum HTTPRetryability: Sendable, Hashable {
    /// Nothing was done: try again, later.
    case retry
    /// Something may have been done: try again only what may be done twice.
    case retryIfRepeatable
    /// It would end the same way.
    case never
}

/// Why a request has no answer. Never holds a URL, a header or a body.
package struct HTTPError: Error, Sendable, CustomStringConvertible {
    /// What went wrong, by kind.
    package enum Code: String, Sendable {
        /// The request itself is not acceptable: URL, header or size.
        case invalidRequest
        /// Plain `http` where only `https` may be used.
        case insecure
        /// The host's address is private, link-local or loopback and the client does not allow that (SSRF guard).
        case addressRefused
        /// The host name did not resolve.
        case dns
        /// No TCP connection.
        case connect
        /// No TLS session: certificate not trusted, wrong name, old version.
        case tls
        /// The total time, or the connect time, is over.
        case timeout
        /// The transfer was slower than `HTTPLimits.idleBytesPerSecond` for the idle time.
        case idle
        /// The caller's task was cancelled.
        case cancelled
        /// The answer's body or header block is over its bound.
        case tooLarge
        /// Too many requests wait already.
        case tooManyWaiting
        /// The connection broke while the request was sent or before the answer was whole.
        case connectionLost
        /// The answer is not HTTP, or its coding is broken.
        case badResponse
        /// The client is shut down.
        case closed
        /// libcurl failed in a way that has no name here; see `message`.
        case `internal`
    }

    /// What went wrong.
    package let code: Code
    /// Words for a log, from libcurl's fixed texts or this module's.
    package let message: String
    /// What became of the request.
    package let fate: HTTPFate

    /// Makes an error; fate is `notSent` unless said.
    package init(_ code: Code, _ message: String, fate: HTTPFate = .notSent) {
        self.code = code
        self.message = message
        self.fate = fate
    }

    /// Whether sending the same request again makes sense.
    package var retryability: HTTPRetryability {
        switch code {
        case .invalidRequest, .insecure, .addressRefused, .tooLarge, .closed, .cancelled: return .never
        case .dns, .connect, .tls, .timeout, .idle, .tooManyWaiting, .connectionLost, .badResponse, .internal:
            return fate == .notSent ? .retry : .retryIfRepeatable
        }
    }

    package var description: String {
        switch fate {
        case .notSent: return "http \(code.rawValue): \(message) (not sent)"
        case .unknown: return "http \(code.rawValue): \(message) (fate unknown)"
        case .answered(let status): return "http \(code.rawValue): \(message) (answered \(status))"
        }
    }
}
