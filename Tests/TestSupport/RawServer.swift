package import Foundation
import Synchronization

/// A TCP server on a free loopback port that runs one blocking handler per connection, on threads of its own.
package final class RawServer: Sendable {
    /// The port it listens on.
    package let port: Int
    private let listener: Int32
    private let handler: @Sendable (RawConnection) -> Void
    private let accepted = Atomic<Int>(0)
    private let open = Mutex<[Int32]>([])

    /// Connections accepted so far.
    package var connections: Int { accepted.load(ordering: .sequentiallyConsistent) }

    /// Starts to listen.
    package init(handler: @escaping @Sendable (RawConnection) -> Void) throws {
        signal(SIGPIPE, SIG_IGN)
        self.handler = handler
        listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = in_addr_t(0x7f00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let listener = listener
        let isBound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, length) == 0 && listen(listener, 256) == 0
                    && getsockname(listener, $0, &length) == 0
            }
        }
        guard isBound else { throw POSIXError(.EADDRINUSE) }
        port = Int(in_port_t(bigEndian: address.sin_port))
        Thread { [weak self] in
            // Closed here and nowhere else: closed under a waiting `accept`, its number would be given to another
            // socket of the process, and this thread would take that one's connections.
            defer { close(listener) }
            while true {
                let client = accept(listener, nil, nil)
                guard client >= 0 else { return }
                _ = fcntl(client, F_SETFD, FD_CLOEXEC)
                guard let self else {
                    close(client)
                    return
                }
                self.serve(client)
            }
        }.start()
    }

    /// URL of a path on this server.
    package func url(_ path: String = "/") -> String { "http://127.0.0.1:\(port)\(path)" }

    /// Ends the listener and every open connection.
    package func stop() {
        shutdown(listener, Int32(SHUT_RDWR))
        open.withLock { $0.forEach { _ = shutdown($0, Int32(SHUT_RDWR)) } }
    }

    private func serve(_ client: Int32) {
        accepted.add(1, ordering: .sequentiallyConsistent)
        open.withLock { $0.append(client) }
        Thread {
            let connection = RawConnection(client)
            self.handler(connection)
            self.open.withLock { list in list.removeAll { $0 == client } }
            close(client)
        }.start()
    }
}

/// One accepted connection with blocking calls; lives on its own thread.
package final class RawConnection {
    /// One request as it came.
    package struct Request {
        /// `GET /path HTTP/1.1`.
        package let line: String
        /// By name in lower case.
        package let headers: [String: String]
        package let body: Data
        /// The request's path.
        package var path: String { line.split(separator: " ").dropFirst().first.map(String.init) ?? "" }
    }

    private let descriptor: Int32
    private var buffer = Data()

    init(_ descriptor: Int32) { self.descriptor = descriptor }

    /// The next whole request; nil when the client closed.
    package func readRequest() -> Request? {
        let separator = Data("\r\n\r\n".utf8)
        while buffer.range(of: separator) == nil { guard fill() else { return nil } }
        guard let range = buffer.range(of: separator) else { return nil }
        let lines = String(decoding: buffer[..<range.lowerBound], as: UTF8.self).components(separatedBy: "\r\n")
        var headers: [String: String] = [:]
        for line in lines.dropFirst() {
            let parts = line.split(separator: ":", maxSplits: 1)
            headers[parts[0].lowercased()] = parts.count > 1 ? parts[1].trimmingCharacters(in: .whitespaces) : ""
        }
        let length = Int(headers["content-length"] ?? "0") ?? 0
        while buffer.count - (range.upperBound - buffer.startIndex) < length { guard fill() else { return nil } }
        let body = Data(buffer[range.upperBound..<range.upperBound + length])
        buffer = Data(buffer[(range.upperBound + length)...])
        return Request(line: lines[0], headers: headers, body: body)
    }

    /// Whether the client has closed its side; blocks until it does or sends more.
    package func waitForClose() -> Bool { !fill() }

    /// Sends text; false when the client is gone.
    @discardableResult package func write(_ text: String) -> Bool { write(Data(text.utf8)) }

    /// Sends bytes; false when the client is gone.
    @discardableResult package func write(_ data: Data) -> Bool {
        var sent = 0
        while sent < data.count {
            let count = data.withUnsafeBytes { send(descriptor, $0.baseAddress! + sent, data.count - sent, 0) }
            guard count > 0 else { return false }
            sent += count
        }
        return true
    }

    /// A whole answer with a length.
    @discardableResult package func answer(_ status: String = "200 OK", headers: String = "", body: String = "") -> Bool
    {
        write("HTTP/1.1 \(status)\r\ncontent-length: \(body.utf8.count)\r\n\(headers)\r\n\(body)")
    }

    /// Makes the coming close send a reset.
    package func resetOnClose() {
        var option = linger(l_onoff: 1, l_linger: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
    }

    private func fill() -> Bool {
        var bytes = [UInt8](repeating: 0, count: 64 << 10)
        let count = recv(descriptor, &bytes, bytes.count, 0)
        guard count > 0 else { return false }
        buffer.append(contentsOf: bytes[..<count])
        return true
    }
}
