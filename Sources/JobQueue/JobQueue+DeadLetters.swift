import Drivers
package import Foundation

/// A job put aside until somebody decides.
package struct DeadLetter: Hashable, Sendable {
    package let key: JobKey
    package let jobClass: JobClass
    /// The last failure's code; `worker_lost` when workers kept dying with it.
    package let code: String
    /// Tries it had, deaths included.
    package let attempts: Int
    /// When it was buried.
    package let buriedAt: Date
    /// When it had been asked for.
    package let enqueuedAt: Date
}

/// Which dead letters are meant; nil leaves none out.
package struct DeadFilter: Hashable, Sendable {
    package var tenant: Int32?
    package var kind: String?
    package var code: String?
    /// Buried then or earlier.
    package var buriedBy: Date?

    /// Makes a filter.
    package init(tenant: Int32? = nil, kind: String? = nil, code: String? = nil, buriedBy: Date? = nil) {
        self.tenant = tenant
        self.kind = kind
        self.code = code
        self.buriedBy = buriedBy
    }
}

extension JobQueue {
    /// The oldest dead letters of all shards, oldest first. Reads pages, and no more of them than it needs.
    /// - Parameter limit: letters at most, 1...`JobQueueLimits.deadLetters`.
    package func dead(
        matching filter: DeadFilter = DeadFilter(), limit: Int = JobQueueLimits.deadPage
    ) async throws(JobQueueError) -> [DeadLetter] {
        let limit = min(max(1, limit), JobQueueLimits.deadLetters)
        let shards = filter.tenant.map { [map.shard(of: $0)] } ?? Array(0..<options.shards)
        var merge = DeadMerge(shards: shards)
        var letters: [DeadLetter] = []
        while letters.count < limit {
            let dry = merge.dry
            guard dry.isEmpty else {
                let calls = dry.map { call(.dead, $0, listing(filter, offset: merge.offset(of: $0))) }
                for (shard, answer) in zip(dry, await caller.run(calls)) {
                    let (looked, found) = try Self.page(try answer.get())
                    merge.fill(shard, looked: looked, found)
                }
                continue
            }
            guard let letter = merge.next() else { break }
            letters.append(letter)
        }
        return letters
    }

    /// The dead letters among some jobs.
    package func deadLetters(of keys: [JobKey]) async throws(JobQueueError) -> [DeadLetter] {
        var calls: [ShardCaller.Call] = []
        for (shard, indices) in ShardMap.group(keys.indices, by: { map.shard(of: keys[$0].tenant) }) {
            for part in indices.parts(of: JobQueueLimits.auditBatch) {
                calls.append(
                    call(.dead, shard, ["about"] + part.flatMap { ["\(keys[$0].tenant)", keys[$0].kind] }))
            }
        }
        var letters: [DeadLetter] = []
        for answer in await caller.run(calls) { letters += try Self.letters((try answer.get().elements ?? [])[...]) }
        return letters
    }

    private func listing(_ filter: DeadFilter, offset: Int) -> [String] {
        [
            "list", "\(offset)", "\(JobQueueLimits.deadPage)", filter.tenant.map { "\($0)" } ?? "", filter.kind ?? "",
            filter.code ?? "", filter.buriedBy.map { "\(Int64($0.timeIntervalSince1970 * 1_000))" } ?? "",
        ]
    }

    private static func page(_ reply: RESPValue) throws(JobQueueError) -> (looked: Int, found: [DeadLetter]) {
        guard let parts = reply.elements, let looked = parts.first?.number else { throw unexpected("dead") }
        return (Int(looked), try letters(parts.dropFirst()))
    }

    private static func letters(_ parts: ArraySlice<RESPValue>) throws(JobQueueError) -> [DeadLetter] {
        let parts = Array(parts)
        var letters: [DeadLetter] = []
        for start in stride(from: 0, to: parts.count - 2, by: 3) {
            guard let letter = DeadLetter(parts[start].text, parts[start + 1].text, parts[start + 2].text) else {
                throw unexpected("dead")
            }
            letters.append(letter)
        }
        return letters
    }

    /// Queues a dead letter again, with all counters at zero.
    /// - Returns: whether there was one.
    package func retryDead(_ key: JobKey) async throws(JobQueueError) -> Bool {
        try await run(.dead, map.shard(of: key.tenant), ["retry", "\(key.tenant)", key.kind]).number == 1
    }

    /// Forgets a dead letter; the job may be enqueued again.
    /// - Returns: whether there was one.
    package func discardDead(_ key: JobKey) async throws(JobQueueError) -> Bool {
        try await run(.dead, map.shard(of: key.tenant), ["discard", "\(key.tenant)", key.kind]).number == 1
    }
}

extension DeadLetter {
    /// Reads `tenant,kind`, milliseconds, and `class,cost,attempt,deaths,enqueued,code`.
    fileprivate init?(_ name: String?, _ buried: String?, _ about: String?) {
        guard let name = name?.split(separator: ",", maxSplits: 1), name.count == 2, let tenant = Int32(name[0]),
            JobKey.accepts(kind: String(name[1])), let buried = buried.flatMap(Double.init),
            let about = about?.split(separator: ",", maxSplits: 5, omittingEmptySubsequences: false), about.count == 6,
            let jobClass = UInt8(about[0]).flatMap(JobClass.init), let attempt = Int(about[2]),
            let deaths = Int(about[3]), let enqueued = Double(about[4])
        else { return nil }
        key = JobKey(tenant: tenant, kind: String(name[1]))
        self.jobClass = jobClass
        code = String(about[5])
        attempts = attempt + deaths
        buriedAt = Date(timeIntervalSince1970: buried / 1_000)
        enqueuedAt = Date(timeIntervalSince1970: enqueued / 1_000)
    }
}

/// Brings the pages of several shards into one order, by burial.
private struct DeadMerge {
    private struct Source {
        /// The page's letters that are not taken yet, newest first.
        var rest: [DeadLetter] = []
        /// Letters of the shard that have been looked at.
        var offset = 0
        var isAtEnd = false
    }

    private var sources: [Int: Source]

    init(shards: [Int]) { sources = Dictionary(uniqueKeysWithValues: shards.map { ($0, Source()) }) }

    /// Shards whose next page must be read before anything can be taken.
    var dry: [Int] { sources.filter { $0.value.rest.isEmpty && !$0.value.isAtEnd }.map(\.key).sorted() }

    func offset(of shard: Int) -> Int { sources[shard]?.offset ?? 0 }

    mutating func fill(_ shard: Int, looked: Int, _ found: [DeadLetter]) {
        sources[shard]?.rest = found.reversed()
        sources[shard]?.offset += looked
        sources[shard]?.isAtEnd = looked < JobQueueLimits.deadPage
    }

    mutating func next() -> DeadLetter? {
        let heads = sources.compactMap { shard, source in source.rest.last.map { (shard, $0.buriedAt) } }
        guard let oldest = heads.min(by: { ($0.1, $0.0) < ($1.1, $1.0) }) else { return nil }
        return sources[oldest.0]?.rest.popLast()
    }
}
