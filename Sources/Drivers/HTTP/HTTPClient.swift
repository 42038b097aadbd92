import Synchronization

/// An HTTP/1.1 client over libcurl: TLS always verified, connections reused per host, everything bounded.
///
/// One client serves a whole process; tenants differ by their hosts. Redirects are not followed, cookies are not
/// kept, and proxies of the environment are ignored. The waiting order is fair between hosts.
package final class HTTPClient: Sendable {
    private let loop: HTTPLoop
    private let lastID = Atomic<UInt64>(0)

    /// Makes a client with one loop of its own.
    /// - Throws: `internal` when the process has no descriptors left.
    package init(options: HTTPOptions = HTTPOptions()) throws(HTTPError) {
        loop = try HTTPLoop(options: options)
    }

    /// Sends one request and returns the whole answer, of whatever status.
    ///
    /// Cancelling the task closes the connection at once.
    /// - Throws: `HTTPError`, whose `fate` says whether the server may have acted.
    package func send(_ request: HTTPRequest) async throws(HTTPError) -> HTTPResponse {
        let id = lastID.wrappingAdd(1, ordering: .relaxed).newValue
        let loop = loop
        let result = await withTaskCancellationHandler {
            await loop.perform(id, request)
        } onCancel: {
            loop.cancel(id)
        }
        return try result.get()
    }

    /// What the client did and does.
    package var statistics: HTTPStatistics {
        get async { await loop.statistics }
    }

    /// Ends every request with `closed` and refuses later ones.
    package func shutdown() async {
        await loop.shutdown()
    }
}
