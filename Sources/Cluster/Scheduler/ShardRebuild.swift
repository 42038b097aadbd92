import Drivers
import JobQueue
import Store

/// Fills shards that were lost from PostgreSQL, in pages, the longest overdue stream first.
///
/// When it dies in the middle, the auditor finds what it left; to do it twice is harmless.
struct ShardRebuild {
    let store: Store
    let queue: JobQueue
    let clock: WallClock

    /// Asks for the job of every claimed stream of the shards again; those nobody has claimed come by themselves.
    /// - Returns: how many streams were asked for.
    func run(_ shards: Set<Int>) async throws -> Int {
        let now = clock.now
        var asked = 0
        var last: DueStream?
        while true {
            let page = try await store.claimedPage(after: last, limit: ClusterLimits.auditPage, now: now)
            let jobs = Set(page.filter { shards.contains(queue.shard(of: $0.tenant)) }.map(\.job))
            _ = try await queue.enqueue(jobs.map { EnqueueRequest($0) })
            asked += jobs.count
            guard page.count == ClusterLimits.auditPage, let end = page.last else { break }
            last = end
        }
        try await store.releaseImportClaims(now: now)
        try await store.releaseSweepClaims(now: now)
        MetricCatalog.count("ferry_queue_rebuilt_streams_total", asked)
        return asked
    }
}

extension DueStream {
    /// The job that runs this stream.
    var job: JobKey { JobKey(tenant: tenant, kind: JobKind.of(direction).rawValue) }
}
