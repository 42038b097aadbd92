import Dispatch
import Foundation

/// Turns a host name into a numeric address, off the cooperative pool: `getaddrinfo` blocks.
enum NameResolver {
    /// Resolves `place` and calls `completion` on `queue`; unix paths and numeric addresses come back at once.
    ///
    /// Asked anew at every connect, so that a name that moves and a master that changes (failover) are followed.
    /// - Parameter attempt: grows with every attempt; of several seeds another one is asked first each time.
    static func resolve(
        _ place: RedisAddress.Place, attempt: Int = 0, on queue: DispatchQueue,
        completion: @escaping @Sendable (Result<RedisAddress.Place, RedisError>) -> Void
    ) {
        if needsNoAsking(place) {
            queue.async { completion(.success(place)) }
            return
        }
        DispatchQueue.global(qos: .utility).async {
            let result = Result { () throws(RedisError) in try find(place, attempt) }
            queue.async { completion(result) }
        }
    }

    private static func needsNoAsking(_ place: RedisAddress.Place) -> Bool {
        switch place {
        case .unix: true
        case .tcp(let host, _): isNumeric(host)
        case .sentinel, .cluster: false
        }
    }

    private static func find(_ place: RedisAddress.Place, _ attempt: Int) throws(RedisError) -> RedisAddress.Place {
        switch place {
        case .unix: return place
        case .tcp(let host, let port): return .tcp(host: isNumeric(host) ? host : try lookUp(host), port: port)
        case .cluster(let hosts):
            let seed = hosts[attempt % hosts.count]
            return try find(.tcp(host: seed.host, port: seed.port), attempt)
        case .sentinel(let hosts, let master, let password):
            let directory = SentinelDirectory(sentinels: hosts, password: password)
            let found = try directory.master(named: master, startingAt: attempt)
            return try find(.tcp(host: found.host, port: found.port), attempt)
        }
    }

    static func isNumeric(_ host: String) -> Bool {
        var four = in_addr()
        var six = in6_addr()
        return inet_pton(AF_INET, host, &four) == 1 || inet_pton(AF_INET6, host, &six) == 1
    }

    private static func lookUp(_ host: String) throws(RedisError) -> String {
        var hints = addrinfo()
        hints.ai_socktype = SocketType.stream
        var list: UnsafeMutablePointer<addrinfo>?
        let code = getaddrinfo(host, nil, &hints, &list)
        defer { if let list { freeaddrinfo(list) } }
        guard code == 0, let first = list?.pointee else {
            throw failure(String(cString: gai_strerror(code)))
        }
        var text = [CChar](repeating: 0, count: Int(NI_MAXHOST))
        let named = getnameinfo(
            first.ai_addr, first.ai_addrlen, &text, socklen_t(text.count), nil, 0, NI_NUMERICHOST)
        guard named == 0 else { throw failure(String(cString: gai_strerror(named))) }
        return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    private static func failure(_ message: String) -> RedisError {
        RedisError(.notConnected, fate: .notSent, "can't resolve the Redis host: \(message)")
    }
}
