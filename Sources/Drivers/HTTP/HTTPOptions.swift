/// How a client behaves towards every host.
package struct HTTPOptions: Sendable {
    /// Connections, and so running requests, to one host at once. At least 1.
    package var maxConnectionsPerHost = HTTPLimits.connectionsPerHost
    /// Running requests, all hosts together. At least 1.
    package var maxActive = HTTPLimits.active
    /// Requests waiting for a turn, all hosts together; the next is refused with `tooManyWaiting`.
    package var maxWaiting = HTTPLimits.waiting
    /// Requests waiting for a turn at one host.
    package var maxWaitingPerHost = HTTPLimits.waitingPerHost
    /// Time for name lookup, TCP and TLS of a new connection.
    package var connectTimeout: Duration = HTTPLimits.connectTimeout
    /// PEM file of the certificate authorities to trust instead of the system's.
    package var caFile: String?
    /// Takes plain `http` URLs to loopback addresses. For `dev` and `test` only.
    package var allowLoopbackHTTP = false
    /// Takes hosts whose address is private, link-local or loopback. For `dev` and `test` only: tenants name the
    /// hosts, and without the guard they could name ours (SSRF).
    package var allowPrivateAddresses = false
    /// The `User-Agent` of requests that set none; stable, since edges judge clients by it.
    package var userAgent = "Ferry/1"

    /// Production's options.
    package init() {}

    /// Options for `dev` and `test`: loopback hosts and plain `http` to them are allowed.
    package static var loopback: HTTPOptions {
        var options = HTTPOptions()
        options.allowLoopbackHTTP = true
        options.allowPrivateAddresses = true
        return options
    }
}

/// What a client did and does; for tests and metrics.
package struct HTTPStatistics: Sendable, Hashable {
    /// TCP connections opened since the start.
    package var connectionsOpened = 0
    /// Requests that were given to libcurl since the start.
    package var requestsStarted = 0
    /// Requests running now.
    package var active = 0
    /// Requests waiting for a turn now.
    package var waiting = 0
}
