import Drivers
import Foundation
import JobQueue

/// A shard's whole state in lines of text, taken from Redis or from the model, so that the two can be compared and a
/// difference can be read.
struct ShardPicture {
    var lines: [String] = []

    /// Times are compared to the nearest five seconds: the server's clock moves while the test's stands.
    private static func coarse(_ milliseconds: String) -> Int {
        Int(((Double(milliseconds) ?? 0) / 5_000).rounded()) * 5
    }

    // MARK: - Redis

    /// Reads everything of a shard; `tenants` are those that may have a hash.
    init(_ redis: RedisClient, shard: String, tenants: ClosedRange<Int32>, workers: [String], now: Int) async throws {
        for tenant in tenants {
            let flat = try await redis.send("HGETALL", "\(shard):t:\(tenant)").elements?.compactMap(\.text) ?? []
            var fields: [String: String] = [:]
            for start in stride(from: 0, to: flat.count - 1, by: 2) { fields[flat[start]] = flat[start + 1] }
            lines.append("tenant \(tenant): " + Self.control(fields, now: now))
            for c in 0..<3 {
                let list = try await redis.send("LRANGE", "\(shard):q:\(tenant):\(c)", "0", "-1").elements ?? []
                lines.append(Self.line(fields, c, overflow: list.compactMap(\.text), now: now))
            }
            let jobs = fields.filter { $0.key.first == "j" }.map { Self.job(String($0.key.dropFirst()), $0.value) }
            lines.append("  jobs " + jobs.sorted().joined(separator: " "))
        }
        for c in 0..<3 {
            let ring = try await redis.send("LRANGE", "\(shard):ring:\(c)", "0", "-1").elements ?? []
            lines.append("ring \(c): " + ring.compactMap(\.text).joined(separator: " "))
        }
        for name in ["delay", "park", "w"] {
            lines.append(
                "\(name): " + (try await Self.scores(redis, "\(shard):\(name)")).sorted().joined(separator: " "))
        }
        for worker in workers {
            let flat = try await redis.send("HGETALL", "\(shard):own:\(worker)").elements?.compactMap(\.text) ?? []
            let leases = stride(from: 0, to: flat.count - 1, by: 2).map { start in
                let parts = flat[start + 1].split(separator: ",").map(String.init)
                return "\(flat[start])=\(parts[0])/\(parts[1])/\(parts[2])/\(parts[3]).\(parts[4]).\(parts[6])"
            }
            lines.append("own \(worker): " + leases.sorted().joined(separator: " "))
        }
        let head = try await redis.send("HMGET", "\(shard):shard", "seq", "queued", "running", "c0", "c1", "c2")
        lines.append("head: " + (head.elements ?? []).map { $0.text ?? "0" }.joined(separator: " "))
        let names = try await redis.send("ZRANGE", "\(shard):dead", "0", "-1").elements?.compactMap(\.text) ?? []
        lines.append("dead: " + names.map { $0.replacing(",", with: "/") }.sorted().joined(separator: " "))
    }

    private static func control(_ fields: [String: String], now: Int) -> String {
        let parked = fields["u"].map { coarse(String($0.prefix { $0 != "," })) } ?? 0
        return "w \(fields["w"] ?? "-") m \(fields["m"] ?? "-") paused \(fields["p"] != nil)"
            + " parked \(parked > now ? parked : 0) n \(fields["n"] ?? "0")"
    }

    private static func line(_ fields: [String: String], _ c: Int, overflow: [String], now: Int) -> String {
        let standing = fields["s\(c)"] ?? ""
        let inline = (fields["q\(c)"] ?? "").split(separator: " ").map { entry(String($0)) }
        let parked = fields["u\(c)"].map { coarse(String($0.prefix { $0 != "," })) } ?? 0
        let deficit = fields["d\(c)"].flatMap { $0.isEmpty ? nil : $0 } ?? "0"
        let size = fields["o\(c)"].flatMap { $0.isEmpty ? nil : $0 } ?? "0"
        return "  \(c) \(standing) d \(deficit) o \(size) parked \(parked > now ? parked : 0) "
            + "[\(inline.joined(separator: " ")) | \(overflow.map(entry).joined(separator: " "))]"
    }

    private static func entry(_ text: String) -> String {
        let parts = text.split(separator: ",")
        return "\(parts[0])/\(parts[1]).\(parts[2]).\(parts[4])"
    }

    private static func job(_ kind: String, _ value: String) -> String {
        let parts = value.split(separator: ",").map(String.init)
        switch value.first {
        case "d": return "\(kind)=\(parts[0])@\(coarse(parts[1]))/\(parts[2]).\(parts[3]).\(parts[5])"
        case "R": return "\(kind)=\(parts[0]) again \(parts[1])@\(coarse(parts[2]))"
        default: return "\(kind)=\(parts[0])"
        }
    }

    private static func scores(_ redis: RedisClient, _ key: String) async throws -> [String] {
        let flat = try await redis.send("ZRANGE", key, "0", "-1", "WITHSCORES").elements?.compactMap(\.text) ?? []
        return stride(from: 0, to: flat.count - 1, by: 2).map { "\(flat[$0])@\(coarse(flat[$0 + 1]))" }
    }

    // MARK: - Model

    init(_ model: ShardModel, tenants: ClosedRange<Int32>, workers: [String]) {
        let now = model.now
        for id in tenants {
            let tenant = model.tenants[id] ?? ShardModel.Tenant()
            let parked = tenant.parkedUntil ?? 0
            lines.append(
                "tenant \(id): w \(tenant.weight.map(String.init) ?? "-") m \(tenant.limit.map(String.init) ?? "-")"
                    + " paused \(tenant.isPaused) parked \(parked > now ? parked : 0) n \(tenant.running)")
            for c in 0..<3 { lines.append(Self.line(tenant.lines[c], c, now: now)) }
            let jobs = tenant.jobs.map { Self.job($0.key, $0.value) }
            lines.append("  jobs " + jobs.sorted().joined(separator: " "))
        }
        for c in 0..<3 { lines.append("ring \(c): " + model.rings[c].map(String.init).joined(separator: " ")) }
        let delays = model.delay.map { "\($0.key.tenant),\($0.key.kind)@\($0.value)" }
        lines.append("delay: " + delays.sorted().joined(separator: " "))
        lines.append("park: " + model.park.map { "\($0.key)@\($0.value)" }.sorted().joined(separator: " "))
        lines.append("w: " + model.deadlines.map { "\($0.key)@\($0.value)" }.sorted().joined(separator: " "))
        for worker in workers {
            let leases = (model.owned[worker] ?? [:]).map { token, lease in
                "\(token)=\(lease.tenant)/\(lease.kind)/\(lease.jobClass)/\(lease.meta.text)"
            }
            lines.append("own \(worker): " + leases.sorted().joined(separator: " "))
        }
        let queued = model.tenants.values.reduce(0) { sum, tenant in
            sum + tenant.lines.reduce(0) { $0 + $1.inline.count + $1.overflow.count }
        }
        let running = model.owned.values.reduce(0) { $0 + $1.count }
        lines.append(
            "head: \(model.sequence) \(queued) \(running) " + model.credit.map(String.init).joined(separator: " "))
        let dead = model.tenants.flatMap { id, tenant in
            tenant.jobs.compactMap { kind, place in if case .dead = place { "\(id)/\(kind)" } else { nil } }
        }
        lines.append("dead: " + dead.sorted().joined(separator: " "))
    }

    private static func line(_ line: ShardModel.Line, _ c: Int, now: Int) -> String {
        let entries = { (list: [ShardModel.Entry]) in
            list.map { "\($0.kind)/\($0.meta.text)" }.joined(separator: " ")
        }
        let parked = line.parkedUntil ?? 0
        return "  \(c) \(line.standing) d \(line.deficit) o \(line.overflow.count) parked \(parked > now ? parked : 0) "
            + "[\(entries(line.inline)) | \(entries(line.overflow))]"
    }

    private static func job(_ kind: String, _ place: ShardModel.Place) -> String {
        switch place {
        case .queued(let c): "\(kind)=q\(c)"
        case .delayed(let c, let due, let meta): "\(kind)=d\(c)@\(due)/\(meta.text)"
        case .running(let token, nil): "\(kind)=r\(token)"
        case .running(let token, let dirty?): "\(kind)=R\(token) again \(dirty.class)@\(dirty.due)"
        case .dead: "\(kind)=x"
        }
    }
}
