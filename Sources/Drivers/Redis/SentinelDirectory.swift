import CHiredis
import Foundation

/// Asks sentinels who the master is. Blocks, so it is called where blocking does no harm (`NameResolver`).
struct SentinelDirectory {
    let sentinels: [RedisHost]
    /// For sentinels that want one.
    let password: String?

    /// The master of a name, as the first sentinel that knows one says. Whoever connects there must ask it for its role:
    /// a sentinel that was cut off tells what was.
    /// - Throws: `notConnected` when no sentinel knows.
    func master(named name: String, startingAt first: Int) throws(RedisError) -> RedisHost {
        var last = "no sentinel answered"
        for number in sentinels.indices {
            let sentinel = sentinels[(first + number) % sentinels.count]
            do throws(RedisError) { return try ask(sentinel, name) } catch { last = error.message }
        }
        throw RedisError(.notConnected, fate: .notSent, "no sentinel knows the master: \(last)")
    }

    private func ask(_ sentinel: RedisHost, _ name: String) throws(RedisError) -> RedisHost {
        let timeout = Self.timeout
        guard let context = redisConnectWithTimeout(sentinel.host, Int32(sentinel.port), timeout) else {
            throw Self.failure("hiredis is out of memory")
        }
        defer { redisFree(context) }
        guard context.pointee.err == 0, redisSetTimeout(context, timeout) == REDIS_OK else {
            throw Self.failure("a sentinel can't be reached")
        }
        if let password { _ = try Self.run(["AUTH", password], on: context) }
        let answer = try Self.run(["SENTINEL", "get-master-addr-by-name", name], on: context)
        guard let parts = answer.elements, parts.count == 2, let host = parts[0].text,
            let port = parts[1].number.flatMap({ UInt16(exactly: $0) }), port > 0
        else { throw Self.failure("a sentinel does not know that master") }
        return RedisHost(host: host, port: port)
    }

    private static func run(
        _ arguments: [String], on context: UnsafeMutablePointer<redisContext>
    ) throws(RedisError) -> RESPValue {
        let words = arguments.map { strdup($0) }
        defer { words.forEach { free($0) } }
        var pointers = words.map { UnsafePointer($0) }
        let lengths = arguments.map(\.utf8.count)
        // The reply is ours to free; nil means that the context is broken.
        guard let raw = redisCommandArgv(context, Int32(arguments.count), &pointers, lengths) else {
            throw failure("a sentinel did not answer in time")
        }
        defer { freeReplyObject(raw) }
        let reply = RESPValue(copying: raw.assumingMemoryBound(to: redisReply.self))
        if case .error = reply { throw failure("a sentinel refused") }
        return reply
    }

    private static var timeout: timeval {
        let parts = RedisLimits.sentinelTimeout.components
        return timeval(tv_sec: Int(parts.seconds), tv_usec: Int(parts.attoseconds / 1_000_000_000_000))
    }

    private static func failure(_ message: String) -> RedisError {
        RedisError(.notConnected, fate: .notSent, message)
    }
}
