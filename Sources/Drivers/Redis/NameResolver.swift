import Dispatch
import Foundation

/// Turns a host name into a numeric address, off the cooperative pool: `getaddrinfo` blocks.
enum NameResolver {
    /// Resolves `place` and calls `completion` on `queue`; unix paths and numeric addresses come back at once.
    ///
    /// Asked anew at every connect, so that a name that moves (failover) is followed.
    static func resolve(
        _ place: RedisAddress.Place, on queue: DispatchQueue,
        completion: @escaping @Sendable (Result<RedisAddress.Place, RedisError>) -> Void
    ) {
        guard case .tcp(let host, let port) = place, !isNumeric(host) else {
            queue.async { completion(.success(place)) }
            return
        }
        DispatchQueue.global(qos: .utility).async {
            let result = Result { () throws(RedisError) in
                RedisAddress.Place.tcp(host: try lookUp(host), port: port)
            }
            queue.async { completion(result) }
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
