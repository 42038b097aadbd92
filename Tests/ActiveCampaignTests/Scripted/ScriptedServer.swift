import Foundation
import Synchronization

/// What a scripted server does with one request.
enum Reply: Sendable {
    /// A whole answer.
    case answer(Int, String, headers: [String: String] = [:])
    /// An answer whose length is promised in full and whose body stops half way.
    case cut(String)
    /// Nothing: the connection is closed after the request was read.
    case hangUp

    static func ok(_ body: String) -> Reply { .answer(200, body) }
}

/// One request as the server saw it.
struct SeenRequest: Sendable {
    let method: String
    /// Path and query, percent-decoded.
    let target: String
    let headers: [String: String]
    let body: String

    var path: String { String(target.split(separator: "?", maxSplits: 1)[0]) }
    /// Method and path below `/api/3/`.
    var name: String { "\(method) \(path.replacingOccurrences(of: "/api/3/", with: ""))" }
    var query: Set<String> {
        Set(target.split(separator: "?", maxSplits: 1).dropFirst().joined().split(separator: "&").map(String.init))
    }
}

/// A TCP server on a free loopback port that answers each request as its script says and remembers what it saw.
final class ScriptedServer: Sendable {
    let port: Int
    private let listener: Int32
    private let script: @Sendable (SeenRequest, Int) -> Reply
    private let seen = Mutex<[SeenRequest]>([])
    private let open = Mutex<[Int32]>([])

    /// Requests so far, in order of arrival.
    var requests: [SeenRequest] { seen.withLock { $0 } }
    var names: [String] { requests.map(\.name) }

    /// - Parameter script: given the request and how many of the same name came before it.
    init(_ script: @escaping @Sendable (SeenRequest, Int) -> Reply) throws {
        signal(SIGPIPE, SIG_IGN)
        self.script = script
        listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = in_addr_t(0x7f00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let listener = listener
        let isBound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, length) == 0 && listen(listener, 64) == 0 && getsockname(listener, $0, &length) == 0
            }
        }
        guard isBound else { throw POSIXError(.EADDRINUSE) }
        port = Int(in_port_t(bigEndian: address.sin_port))
        Thread { [weak self] in
            while true {
                let client = accept(listener, nil, nil)
                guard client >= 0 else { break }
                guard let self else {
                    close(client)
                    break
                }
                self.open.withLock { $0.append(client) }
                Thread { self.serve(client) }.start()
            }
            // Only the thread that accepts may close: the number could already be another server's listener.
            close(listener)
        }.start()
    }

    /// Ends the listener and every open connection.
    func stop() {
        shutdown(listener, Int32(SHUT_RDWR))
        open.withLock { $0.forEach { _ = shutdown($0, Int32(SHUT_RDWR)) } }
    }

    private func serve(_ client: Int32) {
        var buffer = Data()
        while let request = Self.read(client, &buffer) {
            let before = seen.withLock { seen in
                defer { seen.append(request) }
                return seen.count { $0.name == request.name }
            }
            guard Self.perform(script(request, before), on: client) else { break }
        }
        open.withLock { list in list.removeAll { $0 == client } }
        close(client)
    }

    /// - Returns: whether the connection goes on.
    private static func perform(_ reply: Reply, on client: Int32) -> Bool {
        switch reply {
        case .hangUp: return false
        case .cut(let body):
            let half = body.utf8.prefix(body.utf8.count / 2)
            write(client, Data("HTTP/1.1 200 OK\r\ncontent-length: \(body.utf8.count)\r\n\r\n".utf8) + Data(half))
            return false
        case .answer(let status, let body, let headers):
            let lines = headers.map { "\($0.key): \($0.value)\r\n" }.joined()
            let head = "HTTP/1.1 \(status) Scripted\r\ncontent-length: \(body.utf8.count)\r\n\(lines)\r\n"
            write(client, Data((head + body).utf8))
            return true
        }
    }

    private static func read(_ client: Int32, _ buffer: inout Data) -> SeenRequest? {
        let separator = Data("\r\n\r\n".utf8)
        while buffer.range(of: separator) == nil { guard fill(client, &buffer) else { return nil } }
        guard let range = buffer.range(of: separator) else { return nil }
        let lines = String(decoding: buffer[..<range.lowerBound], as: UTF8.self).components(separatedBy: "\r\n")
        let line = lines[0].split(separator: " ").map(String.init)
        var headers: [String: String] = [:]
        for header in lines.dropFirst() {
            let parts = header.split(separator: ":", maxSplits: 1)
            headers[parts[0].lowercased()] = parts.count > 1 ? parts[1].trimmingCharacters(in: .whitespaces) : ""
        }
        let length = Int(headers["content-length"] ?? "0") ?? 0
        while buffer.count - (range.upperBound - buffer.startIndex) < length {
            guard fill(client, &buffer) else { return nil }
        }
        let body = String(decoding: buffer[range.upperBound..<range.upperBound + length], as: UTF8.self)
        buffer = Data(buffer[(range.upperBound + length)...])
        let target = line[1].removingPercentEncoding ?? line[1]
        return SeenRequest(method: line[0], target: target, headers: headers, body: body)
    }

    private static func fill(_ client: Int32, _ buffer: inout Data) -> Bool {
        var bytes = [UInt8](repeating: 0, count: 64 << 10)
        let count = recv(client, &bytes, bytes.count, 0)
        guard count > 0 else { return false }
        buffer.append(contentsOf: bytes[..<count])
        return true
    }

    private static func write(_ client: Int32, _ data: Data) {
        data.withUnsafeBytes { bytes in
            var sent = 0
            while sent < bytes.count {
                let count = send(client, bytes.baseAddress.map { $0 + sent }, bytes.count - sent, 0)
                guard count > 0 else { return }
                sent += count
            }
        }
    }
}
