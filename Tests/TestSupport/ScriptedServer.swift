import Foundation
import Synchronization

/// An HTTP server on a free loopback port that answers each request as a test's script says and remembers what it saw.
/// Nothing of a provider is in it: what it says is what the test wrote down from the provider's documentation.
package final class ScriptedServer: Sendable {
    /// One request as the server saw it.
    package struct Request: Sendable {
        package let method: String
        /// Path and query as they came.
        package let target: String
        /// By name in lower case.
        package let headers: [String: String]
        package let body: String

        /// The target less its query, percent-decoded.
        package var path: String { Self.decoded(target.prefix { $0 != "?" }) }
        /// The parts of the query, percent-decoded.
        package var query: Set<String> {
            Set(target.split(separator: "?", maxSplits: 1).dropFirst().joined().split(separator: "&").map(Self.decoded))
        }

        private static func decoded(_ text: some StringProtocol) -> String {
            text.removingPercentEncoding ?? String(text)
        }
    }

    /// What becomes of one request.
    package enum Answer: Sendable {
        case answer(Int, String, headers: [String: String] = [:])
        /// A length that promises more than is sent.
        case cut(String)
        /// The request is read, nothing is said, and the connection closed.
        case hangUp

        /// A whole answer of status 200.
        package static func ok(_ body: String) -> Answer { .answer(200, body) }
    }

    /// What is told of the requests so far, shared with the threads of connections.
    private final class Record: Sendable {
        let requests = Mutex<[Request]>([])
    }

    private let server: RawServer
    private let record: Record

    /// Requests so far, in order of arrival.
    package var requests: [Request] { record.requests.withLock { $0 } }
    package var port: Int { server.port }
    /// The server's own address.
    package var origin: String { "http://127.0.0.1:\(port)" }

    /// Starts to listen.
    /// - Parameter script: given a request and how many of its method and path came before it.
    package init(_ script: @escaping @Sendable (Request, Int) -> Answer) throws {
        let record = Record()
        self.record = record
        server = try RawServer { connection in
            while let raw = connection.readRequest() {
                let words = raw.line.split(separator: " ").map(String.init)
                let request = Request(
                    method: words[0], target: words[1], headers: raw.headers,
                    body: String(decoding: raw.body, as: UTF8.self))
                let before = record.requests.withLock { seen in
                    defer { seen.append(request) }
                    return seen.count { $0.method == request.method && $0.path == request.path }
                }
                guard Self.perform(script(request, before), on: connection) else { return }
            }
        }
    }

    /// Starts a server whose answers don't depend on what came before.
    package convenience init(_ script: @escaping @Sendable (Request) -> Answer) throws {
        try self.init { request, _ in script(request) }
    }

    /// Ends the listener and every open connection.
    package func stop() { server.stop() }

    /// - Returns: whether the connection goes on.
    private static func perform(_ answer: Answer, on connection: RawConnection) -> Bool {
        switch answer {
        case .hangUp: return false
        case .cut(let body):
            connection.write("HTTP/1.1 200 OK\r\ncontent-length: \(2 * body.utf8.count + 1)\r\n\r\n\(body)")
            return false
        case .answer(let status, let body, let headers):
            let lines = headers.map { "\($0.key): \($0.value)\r\n" }.joined()
            return connection.answer("\(status) Scripted", headers: lines, body: body)
        }
    }
}
