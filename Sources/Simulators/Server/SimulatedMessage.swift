package import Foundation

/// One HTTP request as a simulated provider sees it: decoded, whole, and without a socket.
package struct SimulatedRequest: Sendable {
    /// Upper-case method, `GET`, `POST`, …
    package var method: String
    /// Percent-decoded path, without the query: `/api/3/contacts`.
    package var path: String
    /// Query items in order, percent-decoded, repeats kept (`ids[]=1&ids[]=2`).
    package var query: [(name: String, value: String)]
    /// Headers by lower-case name; the last of a repeated header wins.
    package var headers: [String: String]
    /// The whole body; empty when there is none.
    package var body: Data
    /// Bytes of the request target as it was sent, before decoding; 0 when no socket was involved.
    package var targetBytes = 0
    /// Bytes of the header fields as they were sent; 0 when no socket was involved.
    package var headerBytes = 0

    /// Makes a request; tests call a provider's `handle` with one directly.
    package init(
        method: String, path: String, query: [(name: String, value: String)] = [],
        headers: [String: String] = [:], body: Data = Data()
    ) {
        self.method = method
        self.path = path
        self.query = query
        self.headers = headers
        self.body = body
    }

    /// The first value of a query item.
    package func queryValue(_ name: String) -> String? {
        query.first { $0.name == name }?.value
    }
}

/// One HTTP answer of a simulated provider.
package struct SimulatedResponse: Sendable {
    /// HTTP status code.
    package var status: Int
    /// Headers in the order they are sent.
    package var headers: [(name: String, value: String)]
    /// The whole body.
    package var body: Data

    /// Makes an answer.
    package init(status: Int, headers: [(name: String, value: String)] = [], body: Data = Data()) {
        self.status = status
        self.headers = headers
        self.body = body
    }
}
