import Dispatch
import Foundation

/// One address to try: the name certificates are checked against, and what to connect to.
struct PostgresAddress: Sendable, Equatable {
    let host: String
    /// Empty for a unix socket folder.
    let numeric: String
    let port: String
}

/// Turns the host names of a URL into numeric addresses before libpq sees them: libpq would look them up blocking.
enum PostgresResolver {
    private static let defaultFolder = "/var/run/postgresql"
    private static let defaultPort = "5432"

    /// The addresses to try, in order.
    /// - Throws: `PostgresError` with code `configuration` or `connectFailed`.
    static func addresses(
        _ parameters: [String: String], timeout: Duration
    ) async throws(PostgresError) -> [PostgresAddress] {
        let hosts = list(parameters["host"] ?? defaultFolder)
        let given = list(parameters["hostaddr"] ?? "")
        let ports = list(parameters["port"] ?? defaultPort)
        guard hosts.count <= PostgresLimits.hosts else {
            throw PostgresError(
                .configuration, "the PostgreSQL URL names more than \(PostgresLimits.hosts) hosts", fate: .notSent)
        }
        guard ports.count == 1 || ports.count == hosts.count else {
            throw PostgresError(
                .configuration, "the PostgreSQL URL names \(hosts.count) hosts and \(ports.count) ports", fate: .notSent
            )
        }
        var addresses: [PostgresAddress] = []
        for (index, name) in hosts.enumerated() {
            let host = name.isEmpty ? defaultFolder : name
            let named = ports.count == 1 ? ports[0] : ports[index]
            let port = named.isEmpty ? defaultPort : named
            let numeric = index < given.count ? given[index] : ""
            if isSocket(host) || !numeric.isEmpty {
                addresses.append(PostgresAddress(host: host, numeric: numeric, port: port))
            } else {
                addresses += await look(up: host, timeout: timeout)
                    .map { PostgresAddress(host: host, numeric: $0, port: port) }
            }
        }
        guard !addresses.isEmpty else {
            throw PostgresError(
                .connectFailed, "no address found for \(hosts.joined(separator: ", "))", fate: .notSent)
        }
        return addresses
    }

    private static func list(_ text: String) -> [String] {
        text.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    }

    /// A folder, or Linux's abstract namespace.
    private static func isSocket(_ host: String) -> Bool { host.hasPrefix("/") || host.hasPrefix("@") }

    /// Numeric addresses of a name; none when it has none or the look-up takes too long.
    private static func look(up host: String, timeout: Duration) async -> [String] {
        await withCheckedContinuation { continuation in
            let answer = FirstAnswer<[String]>(continuation)
            DispatchQueue.global().asyncAfter(deadline: .now() + timeout.dispatchInterval) { answer.resume([]) }
            let started = BlockingCalls.start { answer.resume(blockingLookUp(host)) }
            if !started { answer.resume([]) }
        }
    }

    private static func blockingLookUp(_ host: String) -> [String] {
        var hints = addrinfo()
        hints.ai_socktype = SocketType.stream
        var list: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(host, nil, &hints, &list) == 0 else { return [] }
        defer { freeaddrinfo(list) }
        var addresses: [String] = []
        var entry = list
        while let current = entry, addresses.count < PostgresLimits.addressesPerHost {
            var text = [CChar](repeating: 0, count: Int(NI_MAXHOST))
            let status = getnameinfo(
                current.pointee.ai_addr, current.pointee.ai_addrlen, &text, socklen_t(text.count), nil, 0,
                NI_NUMERICHOST)
            if status == 0 {
                let bytes = text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:))
                addresses.append(String(decoding: bytes, as: UTF8.self))
            }
            entry = current.pointee.ai_next
        }
        return addresses
    }
}

extension Duration {
    /// The same span for Dispatch, rounded up to a whole microsecond so that it is never zero by accident.
    var dispatchInterval: DispatchTimeInterval {
        let (seconds, attoseconds) = components
        let bounded = min(seconds, 10 * 365 * 86_400)
        return .microseconds(Int(bounded) * 1_000_000 + Int((attoseconds + 999_999_999_999) / 1_000_000_000_000))
    }
}
