import Synchronization

/// What this process knows about its workers: the leases each holds, and where it found or may find work.
///
/// Only a guide and a cross-check: Redis decides. The leases held go out with every heartbeat, so that those whose grant
/// never arrived are found and given back.
final class WorkerBook: Sendable {
    private struct Page {
        var held: [Int: Set<FencingToken>] = [:]
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

    func granted(_ tokens: [FencingToken], by shard: Int, to worker: WorkerID) {
        guard !tokens.isEmpty else { return }
        pages.withLock { $0[worker, default: Page()].held[shard, default: []].formUnion(tokens) }
    }

    func ended(_ tokens: [FencingToken], in shard: Int, of worker: WorkerID) {
        guard !tokens.isEmpty else { return }
        pages.withLock { pages in
            pages[worker]?.held[shard]?.subtract(tokens)
            if pages[worker]?.held[shard]?.isEmpty == true { pages[worker]?.held[shard] = nil }
        }
    }

    func held(by worker: WorkerID) -> [Int: Set<FencingToken>] {
        pages.withLock { $0[worker]?.held ?? [:] }
    }

    func forget(_ worker: WorkerID) {
        pages.withLock { $0[worker] = nil }
    }

    // MARK: - Where work may be

    func hint(_ shard: Int, to worker: WorkerID) {
        pages.withLock { _ = $0[worker, default: Page()].hinted.insert(shard) }
    }

    /// The shards to ask first, and those to ask when the first had nothing; begins elsewhere each time.
    func plan(for worker: WorkerID, now: ContinuousClock.Instant) -> (likely: [Int], cold: [Int]) {
        pages.withLock { pages in
            var page = pages[worker, default: Page()]
            defer { pages[worker] = page }
            let order = (0..<shards).map { ($0 + page.rotation) % shards }
            page.rotation = (page.rotation + 1) % shards
            let hinted = order.filter { page.hinted.contains($0) }
            let rest = order.filter { !page.hinted.contains($0) }
            page.hinted = []
            let isCold = { (shard: Int) in page.coldUntil[shard].map { $0 > now } ?? false }
            return (hinted + rest.filter { !isCold($0) }, rest.filter(isCold))
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
