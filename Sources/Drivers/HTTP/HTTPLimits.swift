/// Every bound of the HTTP driver, in one place.
package enum HTTPLimits {
    /// Default of `HTTPOptions.connectTimeout`: name lookup, TCP and TLS together.
    package static let connectTimeout: Duration = .seconds(10)
    /// Default of `HTTPRequest.timeout`: waiting, connecting, sending and receiving together.
    package static let timeout: Duration = .seconds(120)
    /// Longest total timeout a request may ask for.
    package static let longestTimeout: Duration = .seconds(900)
    /// Default of `HTTPRequest.idleTimeout`.
    package static let idleTimeout: Duration = .seconds(60)
    /// Bytes a second under which a transfer counts as idle.
    package static let idleBytesPerSecond = 16
    /// Default of `HTTPRequest.maxBodyBytes`: the most bytes of an answer, after decompression.
    package static let responseBodyBytes = 32 << 20
    /// The most bytes of an answer's header block.
    package static let responseHeaderBytes = 64 << 10
    /// The most bytes of a request's body, before compression.
    package static let requestBodyBytes = 64 << 20
    /// The most bytes of a request's headers, names and values together.
    package static let requestHeaderBytes = 32 << 10
    /// The most bytes of a URL.
    package static let urlBytes = 16 << 10
    /// Default of `HTTPOptions.maxConnectionsPerHost`.
    package static let connectionsPerHost = 8
    /// Default of `HTTPOptions.maxActive`: transfers running at once, all hosts together.
    package static let active = 512
    /// Default of `HTTPOptions.maxWaiting`: requests waiting for a connection, all hosts together.
    package static let waiting = 8_192
    /// Default of `HTTPOptions.maxWaitingPerHost`.
    package static let waitingPerHost = 2_048
    /// Connections kept open for reuse, all hosts together; libcurl closes the oldest beyond it.
    package static let idleConnections = 1_024
    /// Bodies under this are sent as they are: gzip would cost more than it saves.
    package static let gzipFloorBytes = 1_024
    /// Readiness events taken from the kernel in one look.
    static let eventsPerLook = 64
}
