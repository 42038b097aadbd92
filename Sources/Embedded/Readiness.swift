import Foundation

/// Waits for a child server to accept connections.
enum Readiness {
    /// How long a server may take to come up, in seconds; a loaded two-core machine needs a few.
    static let limit: TimeInterval = 60
    /// Time between two looks, in microseconds.
    static let interval: UInt32 = 10_000

    /// Returns when `isReady` says so.
    /// - Throws: `EmbeddedError` with the tail of the log when the server ends first or takes too long.
    static func wait(for name: String, server: ChildServer, log: URL, isReady: () -> Bool) throws {
        let deadline = Date(timeIntervalSinceNow: limit)
        while !isReady() {
            guard server.isRunning, Date() < deadline else {
                let text = (try? String(contentsOf: log, encoding: .utf8)) ?? ""
                server.stop()
                throw EmbeddedError("\(name) did not come up; its log ends with:\n\(text.suffix(2_000))")
            }
            usleep(interval)
        }
    }

    /// Whether something accepts connections on a unix socket.
    static func accepts(unixSocket path: String) -> Bool {
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        return connect(descriptor, unixSocket: path)
    }

    /// Connects a socket to a path.
    static func connect(_ descriptor: Int32, unixSocket path: String) -> Bool {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let capacity = MemoryLayout.size(ofValue: address.sun_path)
        guard path.utf8.count < capacity else { return false }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Foundation.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) == 0
            }
        }
    }
}
