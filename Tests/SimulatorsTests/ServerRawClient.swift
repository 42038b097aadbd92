import Foundation

#if canImport(Glibc)
    import Glibc
#endif

/// A client that shows exactly what came over the socket, broken connections included.
enum RawClient {
    struct Answer: Sendable {
        var bytes = Data()
        var wasReset = false
        var text: String { String(decoding: bytes, as: UTF8.self) }
    }

    /// Sends bytes to a loopback port and reads until the connection ends.
    static func exchange(port: Int, _ head: String, _ body: Data = Data()) async -> Answer {
        await withCheckedContinuation { continuation in
            // A thread of its own: the pool behind global queues also runs the server under test.
            Thread.detachNewThread {
                continuation.resume(returning: blockingExchange(port: port, Data(head.utf8) + body))
            }
        }
    }

    private static func blockingExchange(port: Int, _ request: Data) -> Answer {
        let socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(socket) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        var limit = timeval(tv_sec: 20, tv_usec: 0)
        setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        let connected = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard connected == 0 else { return Answer() }
        _ = request.withUnsafeBytes { send(socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
        return readAll(socket)
    }

    private static func readAll(_ socket: Int32) -> Answer {
        var answer = Answer()
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = recv(socket, &buffer, buffer.count, 0)
            if count > 0 {
                answer.bytes.append(contentsOf: buffer[..<count])
            } else {
                answer.wasReset = count < 0 && errno == ECONNRESET
                return answer
            }
        }
    }
}
