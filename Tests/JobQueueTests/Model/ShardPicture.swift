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
            let record = try await TenantRecord(redis, shard: shard, tenant: tenant)
            lines.append("tenant \(tenant): " + Self.control(record, now: now))
            for c in 0..<3 { lines.append(Self.line(record, c, now: now)) }
            let jobs = record.jobs.map { Self.job($0.key, $0.value) }
            lines.append("  jobs " + jobs.sorted().joined(separator: " "))
            lines.append("  recorded " + record.recorded.sorted().joined(separator: " "))
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
            let names = try await redis.send("SMEMBERS", "\(shard):own:\(worker)").elements?.compactMap(\.text) ?? []
            let leases = names.map { $0.replacing(",", with: "/") }
            lines.append("own \(worker): " + leases.sorted().joined(separator: " "))
        }
        let head = try await redis.send("HMGET", "\(shard):shard", "seq", "queued", "running", "c0", "c1", "c2")
        lines.append("head: " + (head.elements ?? []).map { $0.text ?? "0" }.joined(separator: " "))
        let names = try await redis.send("ZRANGE", "\(shard):dead", "0", "-1").elements?.compactMap(\.text) ?? []
        lines.append("dead: " + names.map { $0.replacing(",", with: "/") }.sorted().joined(separator: " "))
    }

    private static func control(_ record: TenantRecord, now: Int) -> String {
        let controls = record.controls
        let parked = controls["u"].map(coarse) ?? 0
        return "w \(controls["w"] ?? "-") m \(controls["m"] ?? "-") paused \(controls["p"] != nil)"
            + " parked \(parked > now ? parked : 0) n \(record.running)"
    }

    private static func line(_ record: TenantRecord, _ c: Int, now: Int) -> String {
        let parked = record.controls["u\(c)"].map(coarse) ?? 0
        let queued = record.order.filter { record.jobs[$0]?.hasPrefix("q\(c)") == true }
        let entries = { (kinds: [String]) in
            kinds.map { kind in
                let parts = (record.jobs[kind] ?? "").split(separator: ",")
                return parts.count == 5 ? "\(kind)/\(parts[2]).\(parts[3]).\(parts[1])" : "\(kind)?"
            }.joined(separator: " ")
        }
        return "  \(c) \(record.standings[c]) d \(record.deficits[c]) parked \(parked > now ? parked : 0) "
            + "[\(entries(queued)) | \(entries(record.lists[c]))]"
    }

    private static func job(_ kind: String, _ value: String) -> String {
        let parts = value.split(separator: ",").map(String.init)
        guard parts.count >= 5 else { return "\(kind)=\(value)" }
        let meta = "\(parts[2]).\(parts[3]).\(parts[1])"
        switch value.first {
        case "d": return "\(kind)=\(parts[0])@\(coarse(parts[5]))/\(meta)"
        case "R": return "\(kind)=R/\(meta) again \(parts[5])@\(coarse(parts[6]))"
        case "r": return "\(kind)=r/\(meta)"
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
            let leases = model.owned.values.flatMap(\.values).filter { $0.tenant == id }
            let metas = Dictionary(uniqueKeysWithValues: leases.map { ($0.kind, $0.meta) })
            let jobs = tenant.jobs.map { Self.job($0.key, $0.value, metas[$0.key]) }
            lines.append("  jobs " + jobs.sorted().joined(separator: " "))
            lines.append("  recorded " + tenant.recorded.sorted().joined(separator: " "))
        }
        for c in 0..<3 { lines.append("ring \(c): " + model.rings[c].map(String.init).joined(separator: " ")) }
        let delays = model.delay.map { "\($0.key.tenant),\($0.key.kind)@\($0.value)" }
        lines.append("delay: " + delays.sorted().joined(separator: " "))
        lines.append("park: " + model.park.map { "\($0.key)@\($0.value)" }.sorted().joined(separator: " "))
        lines.append("w: " + model.deadlines.map { "\($0.key)@\($0.value)" }.sorted().joined(separator: " "))
        for worker in workers {
            let leases = (model.owned[worker] ?? [:]).map { token, lease in
                "\(token)/\(lease.tenant)/\(lease.kind)"
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
        let standing = line.standing.isEmpty ? "-" : line.standing
        return "  \(c) \(standing) d \(line.deficit) parked \(parked > now ? parked : 0) "
            + "[\(entries(line.inline)) | \(entries(line.overflow))]"
    }

    private static func job(_ kind: String, _ place: ShardModel.Place, _ meta: ShardModel.Meta?) -> String {
        switch place {
        case .queued(let c): "\(kind)=q\(c)"
        case .delayed(let c, let due, let meta): "\(kind)=d\(c)@\(due)/\(meta.text)"
        case .running(_, nil): "\(kind)=r/\(meta?.text ?? "?")"
        case .running(_, let dirty?): "\(kind)=R/\(meta?.text ?? "?") again \(dirty.class)@\(dirty.due)"
        case .dead: "\(kind)=x"
        }
    }
}
