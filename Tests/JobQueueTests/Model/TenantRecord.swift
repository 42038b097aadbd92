import Drivers
import Foundation

/// A tenant's record as `Lua/shard.lua` describes it, read here a second time and differently.
struct TenantRecord {
    var standings = ["-", "-", "-"]
    var deficits = [0, 0, 0]
    var running = 0
    /// `w`, `m`, `p`, `u`, …
    var controls: [String: String] = [:]
    /// State by kind, wherever it is.
    var jobs: [String: String] = [:]
    /// Kinds in the body, in order.
    var order: [String] = []
    /// Kinds that wait elsewhere, by class.
    var lists: [[String]] = [[], [], []]

    /// Whether calls are reserved in advance, and whether a run has some of them.
    var hasPocket = false
    var isOutOfPocket = false

    var recorded: Set<String> { Set(order) }

    init(_ redis: RedisClient, shard: String, tenant: Int32) async throws {
        for c in 0..<3 {
            let list = try await redis.send("LRANGE", "\(shard):q:\(tenant):\(c)", "0", "-1").elements ?? []
            lists[c] = list.compactMap(\.text)
        }
        let elsewhere = try await redis.send("HGETALL", "\(shard):j:\(tenant)").elements?.compactMap(\.text) ?? []
        for start in stride(from: 0, to: elsewhere.count - 1, by: 2) { jobs[elsewhere[start]] = elsewhere[start + 1] }
        guard var rest = try await redis.send("HGET", "\(shard):t", "\(tenant)").rawBytes?[...] else {
            if !elsewhere.isEmpty { running = -1 }
            return
        }
        func take(_ count: Int) -> [Int] {
            defer { rest = rest.dropFirst(count) }
            return rest.prefix(count).map { Int($0) }
        }
        func number(_ count: Int) -> Int { take(count).reduce(0) { $0 << 8 | $1 } }
        let flags = number(1)
        let count = number(1)
        running = number(2)
        standings = take(3).map { String(UnicodeScalar(UInt8($0))) }
        if flags & 1 == 1 {
            for c in 0..<3 { deficits[c] = number(3) - 1 << 23 }
            if number(3) != elsewhere.count / 2 { running = -2 }
        }
        if flags & 2 == 2 {
            let packed = take(number(2)).map { UInt8($0) }
            controls = try await Self.controls(redis, packed)
        }
        hasPocket = flags & 8 == 8
        isOutOfPocket = flags & 16 == 16
        if hasPocket { rest = rest.dropFirst(13).drop { $0 != UInt8(ascii: "\n") } }
        for line in String(decoding: rest, as: UTF8.self).split(separator: "\n") {
            let parts = line.split(separator: "\t", maxSplits: 1).map(String.init)
            order.append(parts[0])
            jobs[parts[0]] = parts[1]
        }
        if count != order.count { running = -3 }
    }

    /// Has the server read its own packing.
    private static func controls(_ redis: RedisClient, _ packed: [UInt8]) async throws -> [String: String] {
        let script = """
            local flat = {}
            for name, value in pairs(cmsgpack.unpack(ARGV[1])) do
                flat[#flat + 1] = name
                flat[#flat + 1] = tostring(value)
            end
            return flat
            """
        let command = RedisCommand([Array("EVAL".utf8), Array(script.utf8), Array("0".utf8), packed])
        let flat = try await redis.send(command).elements?.compactMap(\.text) ?? []
        return Dictionary(
            uniqueKeysWithValues: stride(from: 0, to: flat.count - 1, by: 2).map { (flat[$0], flat[$0 + 1]) })
    }
}
