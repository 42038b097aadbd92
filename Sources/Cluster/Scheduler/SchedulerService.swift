package import Drivers
import Foundation
package import JobQueue
package import Logging
import ServiceLifecycle
package import Store
import SyncRules

/// Finds the streams that are due and asks the queue to run them. Several run side by side without a leader: a claim is
/// one statement in PostgreSQL, and the queue takes a job once however often it is asked for.
///
/// When it dies nothing is lost: what is due stands in PostgreSQL. When Redis was wiped it notices within seconds by the
/// missing generation mark, takes a higher epoch, and asks for all due streams of the lost shards again. What is lost in
/// other ways the auditor finds within a minute.
package struct SchedulerService: Service {
    private let store: Store
    private let queue: JobQueue
    private let budgets: BudgetKeeper
    private let wakeups: @Sendable () -> AsyncStream<Void>
    private let clock: WallClock
    private let logger: Logger
    private let auditor: QueueAuditor
    private let generations: GenerationWatch

    /// Makes a scheduler.
    /// - Parameter wakeups: yields whenever a stream was made due out of turn; ticks find it without them, later.
    package init(
        store: Store, queue: JobQueue, clock: WallClock, logger: Logger,
        wakeups: @escaping @Sendable () -> AsyncStream<Void>
    ) {
        self.store = store
        self.queue = queue
        budgets = BudgetKeeper(store: store, queue: queue, clock: clock)
        self.clock = clock
        self.logger = logger
        self.wakeups = wakeups
        auditor = QueueAuditor(store: store, queue: queue, clock: clock, logger: logger)
        generations = GenerationWatch(store: store, queue: queue, budgets: budgets, clock: clock, logger: logger)
    }

    package func run() async throws {
        let (bell, rope) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
        rope.yield()
        await withGracefulShutdownHandler {
            await withTaskGroup { group in
                group.addTask { await repeatedly(every: ClusterLimits.schedulerTick) { rope.yield() } }
                group.addTask { for await _ in wakeups() { rope.yield() } }
                group.addTask { await repeatedly(every: ClusterLimits.generationCheck) { await watchGeneration() } }
                group.addTask { await keepBudgets() }
                group.addTask { await LeaseSweeper(queue: queue, logger: logger).run() }
                group.addTask { await repeatedly(every: ClusterLimits.audit) { await audit() } }
                group.addTask { await repeatedly(every: ClusterLimits.upkeep) { await keepUp() } }
                await dispatch(on: bell)
                group.cancelAll()
            }
        } onGracefulShutdown: {
            rope.finish()
        }
    }

    // MARK: - Dispatching

    private func dispatch(on bell: AsyncStream<Void>) async {
        var failures = 0
        for await _ in bell {
            do {
                while try await runOnce() == ClusterLimits.claimSize {}
                failures = 0
            } catch {
                failures += 1
                logger.warning("nothing dispatched", metadata: ["error": "\(error)"])
                try? await Task.sleep(for: ClusterLimits.queueRetry.delay(attempt: failures))
            }
        }
    }

    /// Claims one page of due streams and asks for their jobs.
    /// - Returns: how many streams were claimed.
    /// - Throws: when no job at all could be asked for.
    package func runOnce() async throws -> Int {
        let streams = try await store.claimDue(
            limit: ClusterLimits.claimSize, leaseSeconds: ClusterLimits.claimSeconds, now: clock.now)
        let importing = try await store.dueImports(
            limit: ClusterLimits.claimSize, now: clock.now, leaseSeconds: ClusterLimits.asideClaimSeconds)
        let sweeping = try await store.dueSweeps(
            limit: ClusterLimits.claimSize, now: clock.now, leaseSeconds: ClusterLimits.asideClaimSeconds)
        let jobs = Set(streams.map(\.job) + importing.map { JobKey(tenant: $0, kind: JobKind.imports.rawValue) })
        // Walks over many records give way to the daily work of every tenant.
        let sweeps = sweeping.map { EnqueueRequest(JobKey(tenant: $0, kind: JobKind.sweep.rawValue), class: .bulk) }
        let requests = jobs.map { EnqueueRequest($0) } + sweeps
        guard !requests.isEmpty else { return 0 }
        let results = try await queue.tryEnqueue(requests)
        var refused: [JobKey: JobQueueError] = [:]
        var dead: Set<JobKey> = []
        for (request, result) in zip(requests, results) {
            switch result {
            case .failure(let error): refused[request.key] = error
            case .success(.dead): dead.insert(request.key)
            case .success: break
            }
        }
        let instant = clock.now
        for stream in streams where refused[stream.job] == nil {
            MetricCatalog.dispatched(lateBy: instant.timeIntervalSince(stream.claimableAt))
        }
        if !refused.isEmpty { try await postpone(streams, Set(refused.keys)) }
        if !dead.isEmpty { try await auditor.revive(dead) }
        if refused.count == requests.count, let error = refused.values.first { throw error }
        return streams.count
    }

    /// What was claimed but not queued is claimed again after a moment, not after the claim has run out; until then it
    /// does not stand in the way of streams whose shards are there.
    private func postpone(_ streams: [DueStream], _ refused: Set<JobKey>) async throws {
        let until = clock.now.addingTimeInterval(ClusterLimits.refusedPause)
        func tenants(_ kind: JobKind) -> [Int32] { refused.filter { $0.kind == kind.rawValue }.map(\.tenant) }
        try await store.releaseClaims(of: streams.filter { refused.contains($0.job) }, until: until, now: clock.now)
        try await store.releaseImportClaims(of: tenants(.imports), until: until, now: clock.now)
        try await store.releaseSweepClaims(of: tenants(.sweep), until: until, now: clock.now)
    }

    // MARK: - Upkeep

    /// Looks whether Redis was lost, and fills what was.
    package func watchGeneration() async {
        do { try await generations.runOnce() } catch {
            logger.warning("generation not checked", metadata: ["error": "\(error)"])
        }
    }

    private func keepBudgets() async {
        while !Task.isCancelled {
            let isDone = await renewBudgets()
            try? await Task.sleep(for: isDone ? ClusterLimits.schedulerTick : ClusterLimits.budgetPause)
        }
    }

    /// Sets the budgets whose rows changed. Apart from dispatching, which waits for none of them: a run whose lease does
    /// not know its budget sets it before its first call.
    /// - Returns: whether all could be set.
    @discardableResult
    package func renewBudgets() async -> Bool {
        do {
            guard let failure = try await budgets.renew() else { return true }
            logger.warning(
                "budgets not set",
                metadata: ["tenant": "\(failure.tenant)", "others": "\(failure.others)", "error": "\(failure.error)"])
        } catch {
            logger.warning("budgets not read", metadata: ["error": "\(error)"])
        }
        return false
    }

    /// Compares the queue with PostgreSQL once.
    package func audit() async {
        do {
            try await BudgetWatch(store: store, queue: queue, clock: clock).runOnce()
            let found = try await auditor.runOnce()
            guard found.readded > 0 || found.dropped > 0 else { return }
            logger.warning(
                "the queue and PostgreSQL disagreed",
                metadata: ["readded": "\(found.readded)", "dropped": "\(found.dropped)"])
        } catch {
            logger.warning("queue not audited", metadata: ["error": "\(error)"])
        }
    }

    private func keepUp() async {
        do { try await store.maintainPartitions(now: clock.now) } catch {
            logger.error("partitions not maintained", metadata: ["error": "\(error)"])
        }
    }

    private func repeatedly(every pause: Duration, _ body: () async -> Void) async {
        while !Task.isCancelled {
            await body()
            try? await Task.sleep(for: pause)
        }
    }
}
