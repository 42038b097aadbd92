import Foundation

/// Where a Redis server is and how to log in, as `FERRY_REDIS_URL` says it:
/// `redis://[user[:password]@]host[:port][/db]` or `unix:///path[?db=N]`.
package struct RedisAddress: Hashable, Sendable, CustomStringConvertible {
    /// How the server is reached.
    package enum Place: Hashable, Sendable {
        /// A host name or numeric address, and a port.
        case tcp(host: String, port: UInt16)
        /// The path of a unix socket.
        case unix(path: String)
    }

    /// How the server is reached.
    package let place: Place
    /// Name for AUTH; nil means the default user.
    package let user: String?
    /// Password for AUTH; nil means no AUTH.
    package let password: String?
    /// Number for SELECT.
    package let database: Int

    /// An address of known parts.
    package init(_ place: Place, user: String? = nil, password: String? = nil, database: Int = 0) {
        self.place = place
        self.user = user
        self.password = password
        self.database = database
    }

    /// Reads an address.
    /// - Throws: `badAddress`; the message never repeats the text, which may hold a password.
    package init(_ text: String) throws(RedisError) {
        guard let parts = URLComponents(string: text) else { throw Self.bad("it is no URL") }
        switch parts.scheme {
        case "redis": try self.init(redis: parts)
        case "unix": try self.init(unix: parts)
        case "rediss": throw Self.bad("TLS to Redis (rediss) is not served; use redis or unix")
        default: throw Self.bad("the scheme must be redis or unix")
        }
    }

    /// The address without user and password.
    package var description: String {
        switch place {
        case .tcp(let host, let port): "redis://\(host):\(port)/\(database)"
        case .unix(let path): "unix://\(path)?db=\(database)"
        }
    }

    private init(redis parts: URLComponents) throws(RedisError) {
        guard var host = parts.host, !host.isEmpty else { throw Self.bad("the host is missing") }
        if host.hasPrefix("["), host.hasSuffix("]") { host = String(host.dropFirst().dropLast()) }
        guard let port = UInt16(exactly: parts.port ?? 6379), port > 0 else {
            throw Self.bad("the port must be 1...65535")
        }
        let path = parts.path.hasPrefix("/") ? String(parts.path.dropFirst()) : parts.path
        self.init(
            .tcp(host: host, port: port), user: parts.user.flatMap { $0.isEmpty ? nil : $0 },
            password: parts.password, database: try Self.database(path))
    }

    private init(unix parts: URLComponents) throws(RedisError) {
        guard parts.host?.isEmpty ?? true, parts.path.count > 1 else {
            throw Self.bad("a unix address is unix:///path")
        }
        // sun_path holds 108 bytes with the closing zero.
        guard parts.path.utf8.count < 108 else { throw Self.bad("the socket's path is longer than 107 bytes") }
        let number = parts.queryItems?.first { $0.name == "db" }?.value ?? ""
        self.init(.unix(path: parts.path), password: parts.password, database: try Self.database(number))
    }

    private static func database(_ text: String) throws(RedisError) -> Int {
        guard let number = text.isEmpty ? 0 : Int(text), (0..<65_536).contains(number) else {
            throw bad("the database must be a number from 0")
        }
        return number
    }

    private static func bad(_ message: String) -> RedisError {
        RedisError(.badAddress, fate: .notSent, "can't use the Redis address: \(message)")
    }
}
