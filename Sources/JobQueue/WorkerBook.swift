import Synchronization

/// What this process knows about its workers: the leases each holds, and where it found or may find work.
///
/// Only a guide and a cross-check: Redis decides. The leases held go out with every heartbeat, so that those whose grant
/// never arrived are found and given back.
final class WorkerBook: Sendable {
    private struct Page {
        var held: [Int: [FencingToken: JobKey]] = [:]
        var hinted: Set<Int> = []
        /// Shards that had nothing, and until when they need not be asked while others have work.
        var coldUntil: [Int: ContinuousClock.Instant] = [:]
        var rotation = 0
    }

    private let pages = Mutex<[WorkerID: Page]>([:])
    private let highest = Mutex<[Int: Int64]>([:])
    private let shards: Int

    init(shards: Int) { self.shards = shards }

    // MARK: - Leases

    func granted(_ jobs: [LeasedJob], by shard: Int, to worker: WorkerID) {
        guard !jobs.isEmpty else { return }
        pages.withLock { pages in
            for job in jobs { pages[worker, default: Page()].held[shard, default: [:]][job.token] = job.key }
        }
    }

    func ended(_ tokens: some Sequence<FencingToken>, in shard: Int, of worker: WorkerID) {
        pages.withLock { pages in
            guard pages[worker]?.held[shard] != nil else { return }
            for token in tokens { pages[worker]?.held[shard]?[token] = nil }
            if pages[worker]?.held[shard]?.isEmpty == true { pages[worker]?.held[shard] = nil }
        }
    }

    func held(by worker: WorkerID) -> [Int: [FencingToken: JobKey]] {
        pages.withLock { $0[worker]?.held ?? [:] }
    }

    func forget(_ worker: WorkerID) {
        pages.withLock { $0[worker] = nil }
    }

    // MARK: - Where work may be

    func hint(_ shard: Int, to worker: WorkerID) {
        pages.withLock { _ = $0[worker, default: Page()].hinted.insert(shard) }
    }

    /// Where to look for work.
    struct Plan {
        /// Shards that somebody said have work.
        var hinted: [Int]
        /// Shards that may have some.
        var likely: [Int]
        /// Shards that had none a moment ago: to be asked when the others had nothing.
        var cold: [Int]
    }

    /// Plans a round; the next one begins behind the shards that `wanted` jobs make this one ask first, so that all
    /// shards are served alike whatever they hold.
    func plan(for worker: WorkerID, wanted: Int, now: ContinuousClock.Instant) -> Plan {
        pages.withLock { pages in
            let page = pages[worker, default: Page()]
            let order = (0..<shards).map { ($0 + page.rotation) % shards }
            let others = order.filter { !page.hinted.contains($0) }
            let isCold = { (shard: Int) in page.coldUntil[shard].map { $0 > now } ?? false }
            let plan = Plan(
                hinted: order.filter { page.hinted.contains($0) }, likely: others.filter { !isCold($0) },
                cold: others.filter(isCold))
            let first = plan.likely.prefix((wanted + JobQueueLimits.exchangeBatch - 1) / JobQueueLimits.exchangeBatch)
            let last = first.last ?? page.rotation
            pages[worker, default: Page()].rotation = (last + 1) % shards
            pages[worker, default: Page()].hinted = []
            return plan
        }
    }

    /// Notes whether a shard had more than it was asked for.
    func asked(_ shard: Int, by worker: WorkerID, hasMore: Bool, coldUntil: ContinuousClock.Instant) {
        pages.withLock { $0[worker, default: Page()].coldUntil[shard] = hasMore ? nil : coldUntil }
    }

    // MARK: - Tokens

    /// The highest sequence seen of a shard: a Redis that lost its last writes must not issue a token twice.
    func floor(of shard: Int) -> Int64 { highest.withLock { $0[shard] ?? 0 } }

    func saw(sequence: Int64, of shard: Int) {
        highest.withLock { $0[shard] = max($0[shard] ?? 0, sequence) }
    }
}
