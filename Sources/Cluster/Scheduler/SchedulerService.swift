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
/// missing generation mark, takes a higher epoch, and releases the claims so that all due streams are asked for again.
package struct SchedulerService: Service {
    private let store: Store
    private let queue: JobQueue
    private let wakeups: @Sendable () -> AsyncStream<Void>
    private let clock: WallClock
    private let logger: Logger

    /// Makes a scheduler.
    /// - Parameter wakeups: yields whenever a stream was made due out of turn; ticks find it without them, later.
    package init(
        store: Store, queue: JobQueue, clock: WallClock, logger: Logger,
        wakeups: @escaping @Sendable () -> AsyncStream<Void>
    ) {
        self.store = store
        self.queue = queue
        self.clock = clock
        self.logger = logger
        self.wakeups = wakeups
    }

    package func run() async throws {
        let (bell, rope) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
        rope.yield()
        await withGracefulShutdownHandler {
            await withTaskGroup { group in
                group.addTask { await repeatedly(every: ClusterLimits.schedulerTick) { rope.yield() } }
                group.addTask { for await _ in wakeups() { rope.yield() } }
                group.addTask { await repeatedly(every: ClusterLimits.generationCheck) { await watchGeneration() } }
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
    package func runOnce() async throws -> Int {
        let streams = try await store.claimDue(
            limit: ClusterLimits.claimSize, leaseSeconds: ClusterLimits.claimSeconds, now: clock.now)
        let importing = try await store.dueImports(
            limit: ClusterLimits.claimSize, now: clock.now, leaseSeconds: ClusterLimits.claimSeconds)
        let sweeping = try await store.dueSweeps(
            limit: ClusterLimits.claimSize, now: clock.now, leaseSeconds: ClusterLimits.claimSeconds)
        let jobs =
            streams.map { JobKey(tenant: $0.tenant, kind: JobKind.of($0.direction).rawValue) }
            + importing.map { JobKey(tenant: $0, kind: JobKind.imports.rawValue) }
        // Walks over many records give way to the daily work of every tenant.
        let sweeps = sweeping.map {
            EnqueueRequest(JobKey(tenant: $0, kind: JobKind.sweep.rawValue), class: .bulk)
        }
        guard !jobs.isEmpty || !sweeps.isEmpty else { return 0 }
        do {
            let requests = Set(jobs).map { EnqueueRequest($0) } + sweeps
            let results = try await queue.enqueue(requests)
            let dead = zip(requests, results).filter { $0.1 == .dead }.map(\.0.key)
            if !dead.isEmpty { try await revive(Set(dead)) }
        } catch {
            // What was claimed but not queued is released at once, not after the claim has run out.
            try await store.releaseClaims(now: clock.now)
            throw error
        }
        return streams.count
    }

    /// A job whose workers died under it several times in a row is a dead letter: it says so in its streams' rows, and is
    /// tried again after a while, so that a bad night of the machines needs no human.
    private func revive(_ keys: Set<JobKey>) async throws {
        for letter in try await queue.dead() where keys.contains(letter.key) {
            let isRested = clock.now.timeIntervalSince(letter.buriedAt) >= ClusterLimits.humanRetry
            if isRested, try await queue.retryDead(letter.key) { continue }
            logger.error("a job died again and again", metadata: ["job": "\(letter.key)", "code": "\(letter.code)"])
            guard let kind = JobKind(rawValue: letter.key.kind), kind != .imports, kind != .sweep else {
                continue
            }
            try await store.reportDeadJob(tenant: letter.key.tenant, direction: kind.direction, code: letter.code)
        }
    }

    // MARK: - Upkeep

    /// Notices a lost or older Redis and takes its shards over under a new epoch.
    package func watchGeneration() async {
        do {
            let generation = try await queue.generation()
            guard !generation.isWhole else { return }
            let shards = Set(generation.lost).union(generation.unsettled)
            let epoch = try await store.nextEpoch(atLeast: generation.highest + 1)
            let isFirst = epoch == 1
            logger.log(
                level: isFirst ? .info : .warning,
                isFirst ? "taking Redis into use" : "Redis lost its data or came back older; rebuilding",
                metadata: ["shards": "\(shards.count)", "epoch": "\(epoch)"])
            try await queue.adopt(epoch: epoch, shards: shards.sorted())
            try await store.releaseClaims(now: clock.now)
        } catch {
            logger.warning("generation not checked", metadata: ["error": "\(error)"])
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
