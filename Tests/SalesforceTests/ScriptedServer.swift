import Foundation
import Synchronization

/// A tiny HTTP server on a free loopback port. Each request is answered by a closure; nothing of a provider is in
/// it, so what it says is what the test wrote down from the provider's documentation.
final class ScriptedServer: Sendable {
    struct Request: Sendable {
        var method: String
        var path: String
        var headers: [String: String]
        var body: Data
        var text: String { String(decoding: body, as: UTF8.self) }
    }

    enum Answer: Sendable {
        case reply(Int, String, [String: String] = [:])
        /// Reads the request, answers nothing and closes.
        case hangUp
        /// A length that promises more than is sent.
        case cut(String)
    }

    private let descriptor: Int32
    let port: Int
    private let answer: @Sendable (Request) -> Answer
    private let seen = Mutex<[Request]>([])

    /// Requests in the order they arrived.
    var requests: [Request] { seen.withLock { $0 } }
    var origin: String { "http://127.0.0.1:\(port)" }

    init(_ answer: @escaping @Sendable (Request) -> Answer) throws {
        signal(SIGPIPE, SIG_IGN)
        self.answer = answer
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = in_addr_t(0x7f00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let descriptor = descriptor
        let isBound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, length) == 0 && listen(descriptor, 128) == 0
                    && getsockname(descriptor, $0, &length) == 0
            }
        }
        guard isBound else { throw POSIXError(.EADDRINUSE) }
        port = Int(in_port_t(bigEndian: address.sin_port))
        Thread { [weak self] in
            // Closed here and nowhere else: closed under a waiting `accept`, its number would be given to another
            // socket of the process, and this thread would take that one's connections.
            defer { close(descriptor) }
            while true {
                let client = accept(descriptor, nil, nil)
                guard client >= 0 else { return }
                _ = fcntl(client, F_SETFD, FD_CLOEXEC)
                guard let self else {
                    close(client)
                    return
                }
                Thread { self.serve(client) }.start()
            }
        }.start()
    }

    func stop() {
        shutdown(descriptor, Int32(SHUT_RDWR))
    }

    private func serve(_ client: Int32) {
        defer { close(client) }
        var buffer = Data()
        while let request = Self.read(client, &buffer) {
            seen.withLock { $0.append(request) }
            switch answer(request) {
            case .hangUp: return
            case .cut(let body):
                Self.send(client, "HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n\(body)")
                return
            case .reply(let status, let body, let headers):
                let lines = headers.map { "\($0.key): \($0.value)\r\n" }.joined()
                Self.send(client, "HTTP/1.1 \(status) X\r\ncontent-length: \(body.utf8.count)\r\n\(lines)\r\n\(body)")
            }
        }
    }

    private static func read(_ client: Int32, _ buffer: inout Data) -> Request? {
        let separator = Data("\r\n\r\n".utf8)
        while buffer.range(of: separator) == nil { guard fill(client, &buffer) else { return nil } }
        guard let range = buffer.range(of: separator) else { return nil }
        let lines = String(decoding: buffer[..<range.lowerBound], as: UTF8.self).components(separatedBy: "\r\n")
        let words = lines[0].split(separator: " ").map(String.init)
        var headers: [String: String] = [:]
        for line in lines.dropFirst() {
            let parts = line.split(separator: ":", maxSplits: 1)
            headers[parts[0].lowercased()] = parts.count > 1 ? parts[1].trimmingCharacters(in: .whitespaces) : ""
        }
        let length = Int(headers["content-length"] ?? "0") ?? 0
        while buffer.endIndex - range.upperBound < length { guard fill(client, &buffer) else { return nil } }
        let body = Data(buffer[range.upperBound..<range.upperBound + length])
        buffer = Data(buffer[(range.upperBound + length)...])
        return Request(method: words[0], path: words[1], headers: headers, body: body)
    }

    private static func fill(_ client: Int32, _ buffer: inout Data) -> Bool {
        var bytes = [UInt8](repeating: 0, count: 64 << 10)
        let count = recv(client, &bytes, bytes.count, 0)
        guard count > 0 else { return false }
        buffer.append(contentsOf: bytes[..<count])
        return true
    }

    private static func send(_ client: Int32, _ text: String) {
        let bytes = Array(text.utf8)
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes { Glibc.send(client, $0.baseAddress! + sent, bytes.count - sent, 0) }
            guard count > 0 else { return }
            sent += count
        }
    }
}
