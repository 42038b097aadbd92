import Drivers
import JobQueue
import Logging
import Store
import Synchronization

/// Notices a lost or older Redis, takes its shards over under a new epoch and fills them from PostgreSQL; the other shards
/// go on meanwhile. Several watch side by side.
///
/// What it has taken over and could not fill it fills at the next look; when it dies before that, the auditor finds what
/// is missing within a minute, and a run sets the budget that its lease did not know of.
final class GenerationWatch: Sendable {
    private let store: Store
    private let queue: JobQueue
    private let budgets: BudgetKeeper
    private let clock: WallClock
    private let logger: Logger
    /// Shards that were taken over and are not filled yet.
    private let empty = Mutex<Set<Int>>([])

    init(store: Store, queue: JobQueue, budgets: BudgetKeeper, clock: WallClock, logger: Logger) {
        self.store = store
        self.queue = queue
        self.budgets = budgets
        self.clock = clock
        self.logger = logger
    }

    /// Looks once.
    func runOnce() async throws {
        let generation = try await queue.generation()
        if !generation.isWhole { try await takeOver(generation) }
        let shards = empty.withLock { $0 }
        if !shards.isEmpty { try await fill(shards) }
    }

    private func takeOver(_ generation: Generation) async throws {
        // A token holds few epochs, so none is used up on shards that would refuse it.
        let shards = await queue.writable(Set(generation.lost).union(generation.unsettled).sorted())
        guard !shards.isEmpty else {
            logger.warning("Redis lost its data or came back older, and takes no writes")
            return
        }
        let epoch = try await store.nextEpoch(atLeast: generation.highest + 1)
        let isFirst = epoch == 1
        logger.log(
            level: isFirst ? .info : .warning,
            isFirst ? "taking Redis into use" : "Redis lost its data or came back older; rebuilding",
            metadata: ["shards": "\(shards.count)", "epoch": "\(epoch)"])
        let taken = try await queue.adopt(epoch: epoch, shards: shards)
        empty.withLock { $0.formUnion(taken) }
        if !isFirst { MetricCatalog.count("ferry_queue_generation_changes_total") }
    }

    /// That budgets were lost is noted before a stream can run: a run that comes before its tenant's budget sets it by
    /// itself, and must know then that calls may be missing in the ledger. Setting them all comes later, they are many.
    private func fill(_ shards: Set<Int>) async throws {
        try await budgets.callForAll(of: shards)
        let count = try await ShardRebuild(store: store, queue: queue, clock: clock).run(shards)
        empty.withLock { $0.subtract(shards) }
        if count > 0 { logger.notice("rebuilt", metadata: ["streams": "\(count)"]) }
    }
}
