import ActiveCampaign
import Drivers
import Embedded
import Foundation
import JobQueue
import Logging
import ServiceLifecycle
import Synchronization
import Testing

@testable import Cluster

/// What a worker leases ahead, and how many jobs it runs at once.
@Suite(.timeLimit(.minutes(2)))
struct WorkerServiceTests {
    private func measured(jobsASecond: Int, roundTrip: Duration, cap: Int = 64) -> Int {
        var prefetch = Prefetch(cap: cap)
        let start = ContinuousClock.now
        for step in 0...1_000 { prefetch.ended(jobsASecond / 100, at: start + .milliseconds(step * 10)) }
        for _ in 0..<100 { prefetch.took(roundTrip) }
        return prefetch.extra(at: start + .seconds(10))
    }

    @Test func asManyAreLeasedAheadAsEndInOneRoundTrip() {
        #expect(measured(jobsASecond: 10_000, roundTrip: .milliseconds(2)) == 20)
        #expect(measured(jobsASecond: 10_000, roundTrip: .milliseconds(2), cap: 8) == 8)
        #expect(measured(jobsASecond: 100, roundTrip: .milliseconds(1)) == 0, "slow jobs gain nothing")
        #expect(Prefetch(cap: 8).extra(at: .now) == 0)
    }

    @Test func bulkWorkEndsItForAWhile() {
        var prefetch = Prefetch(cap: 64)
        let start = ContinuousClock.now
        for step in 0...100 { prefetch.ended(100, at: start + .milliseconds(step * 10)) }
        prefetch.took(.milliseconds(2))
        let now = start + .seconds(1)
        #expect(prefetch.extra(at: now) > 0)
        prefetch.rest(until: now + .seconds(1))
        #expect(prefetch.extra(at: now) == 0)
        #expect(prefetch.extra(at: now + .seconds(1)) > 0)
    }

    // MARK: - In a worker

    /// What a worker did with jobs of 500 tenants.
    private final class Log: Sendable {
        struct State {
            var ran: [JobKey: Int] = [:]
            var running = 0
            var most = 0
        }
        let state = Mutex(State())
        let signal = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))

        func run(_ job: LeasedJob, for duration: Duration) async {
            state.withLock { state in
                state.running += 1
                state.most = max(state.most, state.running)
            }
            try? await Task.sleep(for: duration)  // the pace of a slow server
            let isHalf = state.withLock { state in
                state.running -= 1
                state.ran[job.key, default: 0] += 1
                return state.ran.count == 250
            }
            if isHalf { signal.continuation.yield() }
        }
    }

    /// What a worker does with a job; it then counts as done.
    private typealias Work = @Sendable (LeasedJob) async -> Void

    private static func freshQueue() async throws -> JobQueue {
        let servers = try TestServers.shared.get()
        var options = JobQueueOptions()
        options.namespace = servers.freshName()
        let queue = JobQueue(redis: try RedisClient(url: servers.redis.url), clock: .system, options: options)
        try await queue.adopt(epoch: 1)
        return queue
    }

    /// Lets a worker run while `body` does, then stops it in peace.
    private static func whileAWorkerRuns(
        on queue: JobQueue, concurrency: Int, _ work: @escaping Work, _ body: () async throws -> Void
    ) async rethrows {
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let worker = WorkerService(
            queue: queue, options: .init(id: WorkerID("one"), concurrency: concurrency, grace: .seconds(10)),
            logger: logger
        ) { job in
            await work(job)
            return Settlement(job, .done)
        }
        let group = ServiceGroup(configuration: .init(services: [.init(service: worker)], logger: logger))
        let running = Task { try? await group.run() }
        try await body()
        await group.triggerGracefulShutdown()
        await running.value
    }

    @Test func aWorkerThatIsStoppedHandsBackWhatItLeasedAheadUnburned() async throws {
        let queue = try await Self.freshQueue()
        let keys = (Int32(1)...500).map { JobKey(tenant: $0, kind: "outbound") }
        for key in keys {
            try await queue.setBudget(tenant: key.tenant, .salesforce, BudgetTerms(dailyCalls: 100))
        }
        _ = try await queue.enqueue(keys.map { EnqueueRequest($0) })
        let log = Log()
        let work: Work = { await log.run($0, for: .microseconds(500)) }
        await Self.whileAWorkerRuns(on: queue, concurrency: 8, work) {
            for await _ in log.signal.stream { break }
        }

        let (ran, most) = log.state.withLock { ($0.ran, $0.most) }
        #expect(most <= 8, "what is leased ahead waits for a place")
        #expect(ran.values.allSatisfy { $0 == 1 })
        let status = try await queue.status()
        #expect(status.running == 0)
        #expect(status.queued == 500 - ran.count)
        for key in keys where ran[key] == nil {
            let purse = try await queue.budgets(tenant: key.tenant).first
            #expect(purse?.spent == 0 && purse?.reserved == 0, "what was not begun has called nobody")
        }
        var rest: [LeasedJob] = []
        while true {
            let jobs = try await queue.lease(worker: WorkerID("two"), limit: 1_000).jobs
            if jobs.isEmpty { break }
            rest += jobs
        }
        #expect(Set(rest.map(\.key)) == Set(keys).subtracting(ran.keys))
        #expect(rest.allSatisfy { $0.attempt == 1 })
        try await queue.leave(worker: WorkerID("two"))
    }

    /// A wait of ten tenants that nobody ends before the test does.
    private final class Gate: Sendable {
        private let rope: AsyncStream<Void>.Continuation
        private let opened: Task<Void, Never>
        let state = Mutex<(rested: Int, resting: Int, most: Int, ran: Set<Int32>)>((0, 0, 0, []))
        let signal = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))

        init() {
            let (stream, rope) = AsyncStream.makeStream(of: Void.self)
            self.rope = rope
            opened = Task { for await _ in stream {} }
        }

        func open() { rope.finish() }

        func rest() async {
            state.withLock { state in
                state.rested += 1
                state.resting += 1
                state.most = max(state.most, state.resting)
            }
            signal.continuation.yield()
            await opened.value
            state.withLock { $0.resting -= 1 }
        }
    }

    @Test func aJobThatOnlyWaitsForItsTurnLeavesItsPlaceToOthersWithinABound() async throws {
        let queue = try await Self.freshQueue()
        let gate = Gate()
        let waitForTurn = PaceClock(now: { .zero }, sleep: { _ in await gate.rest() }).leavingPlaces.sleep
        let (stormy, quiet) = (Int32(1)...3, Int32(101)...120)
        _ = try await queue.enqueue(stormy.map { EnqueueRequest(JobKey(tenant: $0, kind: "outbound")) })
        let work: Work = { job in
            if !quiet.contains(job.key.tenant) { try? await waitForTurn(.seconds(60)) }
            gate.state.withLock { _ = $0.ran.insert(job.key.tenant) }
            gate.signal.continuation.yield()
        }
        try await Self.whileAWorkerRuns(on: queue, concurrency: 1, work) {
            for await _ in gate.signal.stream where gate.state.withLock({ $0.rested }) == 3 { break }
            // Its one place is free although three jobs wait.
            _ = try await queue.enqueue(quiet.map { EnqueueRequest(JobKey(tenant: $0, kind: "outbound")) })
            for await _ in gate.signal.stream where gate.state.withLock({ $0.ran.count }) == quiet.count { break }
            #expect(gate.state.withLock { $0.ran } == Set(quiet))

            let more = Int32(201)...210
            _ = try await queue.enqueue(more.map { EnqueueRequest(JobKey(tenant: $0, kind: "outbound")) })
            let most = ClusterLimits.jobsPerPlace
            for await _ in gate.signal.stream where gate.state.withLock({ $0.rested }) == most { break }
            gate.open()
            for await _ in gate.signal.stream where gate.state.withLock({ $0.ran.count }) == 33 { break }
            #expect(gate.state.withLock { $0.most } == most, "memory does not grow with a storm")
        }
    }

    @Test func bulkWorkIsNeverKeptAhead() async throws {
        let queue = try await Self.freshQueue()
        let keys = (Int32(1)...500).map { JobKey(tenant: $0, kind: "outbound") }
        _ = try await queue.enqueue(keys.map { EnqueueRequest($0, class: .bulk) })
        let log = Log()
        let work: Work = { await log.run($0, for: .microseconds(200)) }
        await Self.whileAWorkerRuns(on: queue, concurrency: 4, work) {
            for await _ in log.signal.stream { break }
        }
        let ran = log.state.withLock { $0.ran }
        #expect(ran.values.allSatisfy { $0 == 1 })
        #expect(try await queue.status().queued == 500 - ran.count)
    }
}
