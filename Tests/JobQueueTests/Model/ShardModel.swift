import Foundation
import JobQueue

/// One shard in plain Swift: what the Lua scripts should do, said a second time and differently.
///
/// Times are whole seconds of the standing clock. Where Redis orders by time, ties are broken by order of arrival there;
/// the test hands that order in.
struct ShardModel {
    struct Meta: Equatable {
        var attempt = 0
        var deaths = 0
        var cost = 1
        var text: String { "\(attempt).\(deaths).\(cost)" }
    }

    struct Entry {
        var kind: String
        var meta: Meta
    }

    struct Line {
        var standing = ""
        var inline: [Entry] = []
        var overflow: [Entry] = []
        var deficit = 0
        var parkedUntil: Int?
        var isEmpty: Bool { inline.isEmpty && overflow.isEmpty }
    }

    enum Place {
        case queued(Int)
        case delayed(Int, due: Int, Meta)
        case running(Int64, dirty: (class: Int, due: Int)?)
        case dead(Int, cost: Int)
    }

    struct Tenant {
        var weight: Int?
        var limit: Int?
        var isPaused = false
        var parkedUntil: Int?
        var running = 0
        var lines = [Line(), Line(), Line()]
        var jobs: [String: Place] = [:]
        /// Kinds whose job has a place in the record; the others are elsewhere.
        var recorded: Set<String> = []
        var hasRoom: Bool { recorded.count < 16 }

        /// A job that comes is recorded while there is room.
        mutating func add(_ kind: String, _ place: Place) {
            if hasRoom { recorded.insert(kind) }
            jobs[kind] = place
        }

        mutating func remove(_ kind: String) {
            jobs[kind] = nil
            recorded.remove(kind)
        }
    }

    struct Lease {
        var tenant: Int32
        var kind: String
        var jobClass: Int
        var meta: Meta
    }

    var now: Int
    let options: JobQueueOptions
    var tenants: [Int32: Tenant] = [:]
    var rings: [[Int32]] = [[], [], []]
    var delay: [JobKey: Int] = [:]
    var park: [String: Int] = [:]
    var owned: [String: [Int64: Lease]] = [:]
    var deadlines: [String: Int] = [:]
    /// When somebody last swept, and up to when passed deadlines are nobody's fault.
    private var swept = 0
    private var pardoned = 0
    var sequence: Int64 = 0
    var credit = [0, 0, 0]
    private var ringed: [[Int32]] = [[], [], []]

    init(now: Int, options: JobQueueOptions) {
        self.now = now
        self.options = options
    }

    // MARK: - Queues

    func limit(_ tenant: Tenant) -> Int { tenant.limit ?? options.tenantConcurrency }

    private mutating func stand(_ id: Int32, _ c: Int) -> String {
        let tenant = tenants[id, default: Tenant()]
        if tenant.isPaused { return "x" }
        let wake = max(tenant.parkedUntil ?? 0, tenant.lines[c].parkedUntil ?? 0)
        if wake > now {
            park["\(id),\(c)"] = wake
            return "p"
        }
        return tenant.running >= limit(tenant) ? "m" : "r"
    }

    private mutating func restand(_ id: Int32, _ c: Int) {
        let standing = stand(id, c)
        tenants[id, default: Tenant()].lines[c].standing = standing
        if standing == "r" { ringed[c].append(id) }
    }

    private mutating func push(_ id: Int32, _ c: Int, _ kind: String, _ meta: Meta) {
        let entry = Entry(kind: kind, meta: meta)
        var tenant = tenants[id, default: Tenant()]
        if tenant.hasRoom, tenant.lines[c].overflow.isEmpty {
            tenant.lines[c].inline.append(entry)
            tenant.recorded.insert(kind)
        } else {
            tenant.lines[c].overflow.append(entry)
        }
        tenant.jobs[kind] = .queued(c)
        tenants[id] = tenant
        if tenant.lines[c].standing.isEmpty { restand(id, c) }
    }

    private mutating func put(_ id: Int32, _ c: Int, _ kind: String, due: Int, _ meta: Meta) {
        guard due > now else { return push(id, c, kind, meta) }
        delay[JobKey(tenant: id, kind: kind)] = due
        tenants[id, default: Tenant()].add(kind, .delayed(c, due: due, meta))
    }

    private mutating func pull(_ id: Int32, _ c: Int, _ kind: String) -> Meta {
        let line = tenants[id]?.lines[c] ?? Line()
        let meta = (line.inline + line.overflow).first { $0.kind == kind }?.meta ?? Meta()
        tenants[id]?.lines[c].inline.removeAll { $0.kind == kind }
        tenants[id]?.lines[c].overflow.removeAll { $0.kind == kind }
        tenants[id]?.remove(kind)
        return meta
    }

    private mutating func flush() {
        for c in 0..<3 {
            rings[c] += ringed[c]
            ringed[c] = []
        }
    }

    // MARK: - Enqueueing

    mutating func enqueue(_ request: EnqueueRequest) -> EnqueueResult {
        let (id, kind, c) = (request.key.tenant, request.key.kind, Int(request.jobClass.rawValue))
        let due = now + Int(request.delay.components.seconds)
        switch tenants[id]?.jobs[kind] {
        case nil:
            put(id, c, kind, due: due, Meta(cost: request.cost))
            return due > now ? .delayed : .queued
        case .queued(let have):
            if c < have { push(id, c, kind, pull(id, have, kind)) }
            return .coalesced
        case .delayed(let have, let old, let meta):
            let best = min(c, have)
            if due < old, meta.attempt + meta.deaths == 0 || c == 0 {
                delay[request.key] = nil
                tenants[id]?.remove(kind)
                put(id, best, kind, due: due, meta)
                return .pulledForward
            }
            tenants[id]?.jobs[kind] = .delayed(best, due: old, meta)
            return .coalesced
        case .running(let token, let dirty):
            let asked = due > now ? due : 0
            let merged = (class: min(c, dirty?.class ?? c), due: min(asked, dirty?.due ?? asked))
            tenants[id]?.jobs[kind] = .running(token, dirty: merged)
            return .markedDirty
        case .dead:
            return .dead
        }
    }

    mutating func finish() { flush() }

    // MARK: - Ends of leases

    private mutating func release(_ lease: Lease) -> (class: Int, due: Int)? {
        var dirty: (class: Int, due: Int)?
        if case .running(_, let asked) = tenants[lease.tenant]?.jobs[lease.kind] { dirty = asked }
        tenants[lease.tenant]?.remove(lease.kind)
        tenants[lease.tenant]?.running -= 1
        guard let tenant = tenants[lease.tenant] else { return dirty }
        for c in 0..<3 where tenant.lines[c].standing == "m" && tenant.running < limit(tenant) {
            tenants[lease.tenant]?.lines[c].standing = tenant.isPaused ? "x" : "r"
            if !tenant.isPaused { ringed[c].append(lease.tenant) }
        }
        return dirty
    }

    private mutating func giveBack(_ lease: Lease, isDeath: Bool) {
        let dirty = release(lease)
        let c = min(lease.jobClass, dirty?.class ?? lease.jobClass)
        var meta = lease.meta
        if isDeath { meta.deaths += 1 }
        switch meta.deaths {
        case options.maxDeaths... where isDeath:
            tenants[lease.tenant, default: Tenant()].add(lease.kind, .dead(c, cost: meta.cost))
        case 2... where isDeath:
            let pauses = [5, 15, 45, 135, 405]
            put(lease.tenant, c, lease.kind, due: now + (pauses + [900])[min(meta.deaths - 2, pauses.count)], meta)
        default: push(lease.tenant, c, lease.kind, meta)
        }
    }

    mutating func settle(_ worker: String, _ token: Int64, _ outcome: JobOutcome) -> SettleResult {
        guard let lease = owned[worker]?.removeValue(forKey: token) else { return .stale }
        let dirty = release(lease)
        let (id, kind) = (lease.tenant, lease.kind)
        var meta = lease.meta
        let c = min(lease.jobClass, dirty?.class ?? lease.jobClass)
        switch outcome {
        case .done:
            if let dirty { put(id, dirty.class, kind, due: dirty.due, Meta(cost: meta.cost)) }
        case .again(let after):
            let due = now + Int(after.components.seconds)
            put(id, c, kind, due: min(due, dirty?.due ?? due), Meta(cost: meta.cost))
        case .returned:
            push(id, c, kind, meta)
        case .dead:
            tenants[id, default: Tenant()].add(kind, .dead(c, cost: meta.cost))
            return .buried
        case .retry(let after, _):
            meta.attempt += 1
            if meta.attempt >= options.maxAttempts {
                tenants[id, default: Tenant()].add(kind, .dead(c, cost: meta.cost))
                return .buried
            }
            put(id, c, kind, due: now + Int((after ?? .zero).components.seconds), meta)
        }
        return .accepted
    }

    mutating func sweep(order: [String]) -> Int {
        var count = 0
        if 2 * (now - swept) > Int(options.leaseDuration.components.seconds) { pardoned = now }
        swept = now
        for worker in order {
            guard let deadline = deadlines[worker], deadline <= now else { continue }
            for (_, lease) in (owned[worker] ?? [:]).sorted(by: { $0.key < $1.key }) {
                giveBack(lease, isDeath: deadline > pardoned)
                count += 1
            }
            owned[worker] = nil
            deadlines[worker] = nil
            flush()
        }
        return count
    }

    mutating func heartbeat(_ worker: String) {
        deadlines[worker] = now + Int(options.leaseDuration.components.seconds)
    }

    // MARK: - Leasing

    /// The part of an exchange that follows the settlements.
    mutating func lease(_ worker: String, wanted: Int, dueOrder: [JobKey], parkOrder: [String]) -> [Int64] {
        if wanted > 0 {
            for key in dueOrder.filter({ (delay[$0] ?? .max) <= now }).prefix(64) {
                delay[key] = nil
                guard case .delayed(let c, _, let meta) = tenants[key.tenant]?.jobs[key.kind] else { continue }
                tenants[key.tenant]?.remove(key.kind)
                push(key.tenant, c, key.kind, meta)
            }
            for name in parkOrder.filter({ (park[$0] ?? .max) <= now }).prefix(32) {
                park[name] = nil
                let parts = name.split(separator: ",")
                guard let id = Int32(parts[0]), let c = Int(parts[1]) else { continue }
                tenants[id]?.lines[c].standing = "r"
                ringed[c].append(id)
            }
        }
        flush()
        let tokens = serve(worker, wanted)
        if !tokens.isEmpty { heartbeat(worker) }
        return tokens
    }

    private mutating func nextClass(_ empty: Set<Int>, left: Int) -> Int? {
        for _ in 0..<2 {
            if let c = (0..<3).first(where: { !empty.contains($0) && credit[$0] > 0 }) { return c }
            if empty.count == 3 { return nil }
            let shares = [8, 4, 1]
            let round = (0..<3).reduce(0) { $0 + (empty.contains($1) ? 0 : shares[$1]) }
            for c in 0..<3 where !empty.contains(c) { credit[c] += shares[c] * ((left + round - 1) / round) }
        }
        return nil
    }

    private mutating func serve(_ worker: String, _ wanted: Int) -> [Int64] {
        var (left, visits, empty) = (wanted, wanted + 32, Set<Int>())
        var tokens: [Int64] = []
        while left > 0, visits > 0, let c = nextClass(empty, left: left) {
            let turn = Array(rings[c].prefix(min(left, credit[c], visits)))
            guard !turn.isEmpty else {
                empty.insert(c)
                credit[c] = 0
                continue
            }
            var again: [Int32] = []
            var first: [Int32] = []
            var seen = 0
            for id in turn where left > 0 && credit[c] > 0 {
                seen += 1
                visits -= 1
                let got = visit(worker, id, c, room: min(left, credit[c]), &again, &first)
                tokens += got
                left -= got.count
                credit[c] -= got.count
            }
            rings[c].removeFirst(seen)
            rings[c] = first + rings[c] + again
        }
        return tokens
    }

    private mutating func visit(
        _ worker: String, _ id: Int32, _ c: Int, room: Int, _ again: inout [Int32], _ first: inout [Int32]
    ) -> [Int64] {
        let standing = stand(id, c)
        guard standing == "r", var tenant = tenants[id] else {
            tenants[id]?.lines[c].standing = standing
            return []
        }
        tenant.parkedUntil = nil
        tenant.lines[c].parkedUntil = nil
        let gain = options.quantum * (tenant.weight ?? 1)
        // A turn that has not ended goes on with what is left of it.
        var deficit = tenant.lines[c].deficit
        if deficit <= 0 { deficit += gain }
        let most = min(room, limit(tenant) - tenant.running)
        var taken: [Entry] = []
        while taken.count < most, deficit > 0, !tenant.lines[c].inline.isEmpty {
            taken.append(tenant.lines[c].inline.removeFirst())
            deficit -= taken.last?.meta.cost ?? 0
        }
        if tenant.lines[c].inline.isEmpty, taken.count < most, deficit > 0 {
            let part = tenant.lines[c].overflow.prefix(min(most - taken.count, deficit))
            tenant.lines[c].overflow.removeFirst(part.count)
            taken += part
            deficit -= part.reduce(0) { $0 + $1.meta.cost }
        }
        tenant.running += taken.count
        let isLeft = !tenant.lines[c].isEmpty
        let isFull = tenant.running >= limit(tenant)
        tenant.lines[c].deficit = isLeft ? (isFull ? min(deficit, 0) : deficit) : 0
        tenant.lines[c].standing = isLeft ? (isFull ? "m" : "r") : ""
        if tenant.lines[c].standing == "r" {
            if deficit > 0 { first.append(id) } else { again.append(id) }
        }
        var tokens: [Int64] = []
        for entry in taken {
            sequence += 1
            let token = 1 << 40 + sequence
            tokens.append(token)
            owned[worker, default: [:]][token] = Lease(tenant: id, kind: entry.kind, jobClass: c, meta: entry.meta)
            tenant.jobs[entry.kind] = .running(token, dirty: nil)
        }
        tenants[id] = tenant
        return tokens
    }

    // MARK: - Control

    mutating func pause(_ id: Int32) { tenants[id, default: Tenant()].isPaused = true }

    mutating func resume(_ id: Int32) -> Bool {
        guard tenants[id]?.isPaused == true else { return false }
        tenants[id]?.isPaused = false
        for c in 0..<3 where tenants[id]?.lines[c].standing == "x" { restand(id, c) }
        flush()
        return true
    }

    mutating func parkTenant(_ id: Int32, classes: Set<JobClass>?, until: Int?) {
        let all = Set(JobClass.allCases)
        let meant = classes ?? all
        if meant == all {
            tenants[id, default: Tenant()].parkedUntil = until
            if until == nil { for c in 0..<3 { tenants[id]?.lines[c].parkedUntil = nil } }
        } else {
            for jobClass in meant {
                tenants[id, default: Tenant()].lines[Int(jobClass.rawValue)].parkedUntil = until
            }
        }
        for c in meant.map({ Int($0.rawValue) }).sorted() where tenants[id]?.lines[c].standing == "p" {
            park["\(id),\(c)"] = nil
            restand(id, c)
        }
        flush()
    }

    mutating func setLimits(_ id: Int32, weight: Int?, limit: Int?) {
        tenants[id, default: Tenant()].weight = weight
        tenants[id]?.limit = limit
        for c in 0..<3 where tenants[id]?.lines[c].standing == "m" { restand(id, c) }
        flush()
    }

    mutating func decideDead(_ key: JobKey, retry: Bool) -> Bool {
        guard case .dead(let c, let cost) = tenants[key.tenant]?.jobs[key.kind] else { return false }
        tenants[key.tenant]?.remove(key.kind)
        if retry { push(key.tenant, c, key.kind, Meta(cost: cost)) }
        flush()
        return true
    }
}
