/// Bounds of the HTTP server both providers share.
extension SimulatorsLimits {
    /// Bytes of a request body, as sent, unless the provider has a bound of its own for the path.
    package static let requestBodyBytes = 50 * 1024 * 1024
    /// Bytes of a request body after `Content-Encoding: gzip` is undone.
    package static let inflatedBodyBytes = 150 * 1024 * 1024
    /// Levels of arrays and objects in a JSON body.
    package static let wireJSONDepth = 64
    /// Faults in one plan.
    package static let faults = 10_000
    /// Seconds an open connection may sit without a request.
    package static let idleConnectionSeconds: Int64 = 300
    /// Bytes of the shortest answer that is compressed.
    package static let leastCompressedBytes = 1_024
    /// Days a simulated authority's certificates are good for.
    package static let certificateDays = 90
    /// Bytes of the head of a request to a `SimulatorTunnel`.
    package static let tunnelHeadBytes = 16_384
}
