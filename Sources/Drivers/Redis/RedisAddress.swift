import Foundation

/// Where a Redis server is and how to log in, as `FERRY_REDIS_URL` says it:
/// `redis://[user[:password]@]host[:port][/db]`, `unix:///path[?db=N]`,
/// `redis+sentinel://[user[:password]@]host[:port],…/master[/db][?sentinel_password=…]` or
/// `redis+cluster://[user[:password]@]host[:port],…`.
package struct RedisAddress: Hashable, Sendable, CustomStringConvertible {
    /// How the server is reached.
    package enum Place: Hashable, Sendable {
        /// A host name or numeric address, and a port.
        case tcp(host: String, port: UInt16)
        /// The path of a unix socket.
        case unix(path: String)
        /// Whoever the first sentinel that answers calls the master of that name.
        case sentinel([RedisHost], master: String, password: String?)
        /// Any of these nodes, to ask who has which slots; see `RedisFleet`.
        case cluster([RedisHost])
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
        let (text, hosts) = try Self.takeHosts(text)
        guard let parts = URLComponents(string: text) else { throw Self.bad("it is no URL") }
        switch parts.scheme {
        case "redis+sentinel": try self.init(sentinels: hosts, parts)
        case "redis+cluster": try self.init(nodes: hosts, parts)
        case "redis": try self.init(redis: parts)
        case "unix": try self.init(unix: parts)
        case "rediss": throw Self.bad("TLS to Redis (rediss) is not served; use redis or unix")
        default: throw Self.bad("the scheme must be redis, unix, redis+sentinel or redis+cluster")
        }
    }

    /// The address without user and password.
    package var description: String {
        switch place {
        case .tcp(let host, let port): "redis://\(host):\(port)/\(database)"
        case .unix(let path): "unix://\(path)?db=\(database)"
        case .sentinel(let hosts, let master, _): "redis+sentinel://\(Self.list(hosts))/\(master)/\(database)"
        case .cluster(let hosts): "redis+cluster://\(Self.list(hosts))"
        }
    }

    private static func list(_ hosts: [RedisHost]) -> String { hosts.map(\.description).joined(separator: ",") }

    /// The same login at another place.
    func at(_ host: RedisHost) -> RedisAddress {
        RedisAddress(.tcp(host: host.host, port: host.port), user: user, password: password, database: database)
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

    private init(sentinels hosts: [RedisHost], _ parts: URLComponents) throws(RedisError) {
        let path = parts.path.split(separator: "/", omittingEmptySubsequences: false).dropFirst().map(String.init)
        guard let master = path.first, !master.isEmpty, path.count <= 2 else {
            throw Self.bad("after the sentinels comes /master or /master/db")
        }
        let password = parts.queryItems?.first { $0.name == "sentinel_password" }?.value
        self.init(
            .sentinel(hosts, master: master, password: password), user: parts.user.flatMap { $0.isEmpty ? nil : $0 },
            password: parts.password, database: try Self.database(path.count == 2 ? path[1] : ""))
    }

    private init(nodes hosts: [RedisHost], _ parts: URLComponents) throws(RedisError) {
        guard parts.path.isEmpty || parts.path == "/" || parts.path == "/0" else {
            throw Self.bad("a cluster has no databases")
        }
        self.init(.cluster(hosts), user: parts.user.flatMap { $0.isEmpty ? nil : $0 }, password: parts.password)
    }

    /// Reads the list of hosts of a `redis+…` address, which no URL may have, and puts a name in its place.
    private static func takeHosts(_ text: String) throws(RedisError) -> (text: String, hosts: [RedisHost]) {
        guard text.hasPrefix("redis+"), let slashes = text.firstRange(of: "://") else { return (text, []) }
        let rest = text[slashes.upperBound...]
        let end = rest.firstIndex { $0 == "/" || $0 == "?" } ?? rest.endIndex
        let start = rest[..<end].lastIndex(of: "@").map { rest.index(after: $0) } ?? rest.startIndex
        let port: UInt16 = text.hasPrefix("redis+sentinel:") ? 26_379 : 6_379
        var hosts: [RedisHost] = []
        for part in rest[start..<end].split(separator: ",", omittingEmptySubsequences: false) {
            guard let host = RedisHost(part, defaultPort: port) else { throw bad("a host is host:port") }
            hosts.append(host)
        }
        guard (1...RedisLimits.seeds).contains(hosts.count) else {
            throw bad("want 1 to \(RedisLimits.seeds) hosts")
        }
        return (text[..<start] + "hosts" + text[end...], hosts)
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

/// A server's host and port, as sentinels and cluster nodes name each other.
package struct RedisHost: Hashable, Sendable, CustomStringConvertible {
    /// A name or a numeric address, without brackets.
    package let host: String
    package let port: UInt16

    /// Makes one of known parts.
    package init(host: String, port: UInt16) {
        self.host = host
        self.port = port
    }

    /// Reads `host`, `host:port` or `[v6]:port`.
    init?(_ text: some StringProtocol, defaultPort: UInt16) {
        let text = String(text)
        let isBare = text.hasPrefix("[") ? text.hasSuffix("]") : !text.contains(":")
        let colon = isBare ? text.endIndex : text.lastIndex(of: ":") ?? text.endIndex
        var host = String(text[..<colon])
        if host.hasPrefix("["), host.hasSuffix("]") { host = String(host.dropFirst().dropLast()) }
        let port = isBare ? defaultPort : UInt16(text[colon...].dropFirst())
        guard !host.isEmpty, let port, port > 0 else { return nil }
        self.init(host: host, port: port)
    }

    package var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}
