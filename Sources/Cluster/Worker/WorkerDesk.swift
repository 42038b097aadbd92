import JobQueue
import Synchronization

/// What a worker's tasks share: the jobs that run, those that ended and are not settled, and a bell to call the leasing
/// loop.
final class WorkerDesk: Sendable {
    private struct Running {
        let task: Task<Void, Never>
        let since: ContinuousClock.Instant
    }

    private struct State {
        var running: [LeaseName: Running] = [:]
        /// Jobs of these that only wait for their turn to call.
        var resting: Set<LeaseName> = []
        /// Jobs that ended before their task was noted down.
        var early: Set<LeaseName> = []
        var finished: [Settlement] = []
        /// Leased ahead of a free place, oldest first.
        var ahead: [(job: LeasedJob, since: ContinuousClock.Instant)] = []
        var isStopping = false
    }

    /// Rings when there is something to settle, perhaps something to lease, or a reason to stop.
    let bell: AsyncStream<Void>
    private let rope: AsyncStream<Void>.Continuation
    private let state = Mutex(State())
    private let finishes: AsyncStream<Void>
    private let finishRope: AsyncStream<Void>.Continuation

    /// How many jobs may run at once.
    private let places: Int

    init(places: Int) {
        self.places = places
        (bell, rope) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
        (finishes, finishRope) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
        rope.yield()
    }

    /// Jobs that were started and have not ended, those that rest included.
    var running: Int { state.withLock { $0.running.count } }

    /// Places in which a job can start.
    var free: Int { state.withLock { free($0) } }

    /// A job that rests takes no place, within `ClusterLimits.jobsPerPlace`.
    private func free(_ state: State) -> Int {
        let running = state.running.count
        return max(0, min(places - running + state.resting.count, places * ClusterLimits.jobsPerPlace - running))
    }

    var hasFinished: Bool { state.withLock { !$0.finished.isEmpty } }
    /// Jobs leased ahead and not started.
    var ahead: Int { state.withLock { $0.ahead.count } }
    var isStopping: Bool { state.withLock { $0.isStopping } }

    func ring() { rope.yield() }

    func stop() {
        state.withLock { $0.isStopping = true }
        rope.yield()
    }

    /// Runs a job in a task of its own, which its lease's end can cancel.
    func start(_ job: LeasedJob, execute: @escaping @Sendable (LeasedJob) async -> Settlement) {
        let task = Task {
            let place = WorkerPlace(desk: self, job: job.name)
            self.finish(await WorkerPlace.$current.withValue(place) { await execute(job) })
        }
        state.withLock { state in
            guard state.early.remove(job.name) == nil else { return }
            state.running[job.name] = Running(task: task, since: .now)
        }
    }

    /// A job begins to wait for its turn to call: another one may start.
    func rest(_ job: LeaseName) {
        let wasFull = state.withLock { state in
            defer { state.resting.insert(job) }
            return free(state) == 0
        }
        if wasFull { rope.yield() }
    }

    /// Its turn has come; it goes on even where its place was taken meanwhile.
    func wake(_ job: LeaseName) { state.withLock { _ = $0.resting.remove(job) } }

    // MARK: - Leased ahead

    /// Keeps jobs for the next free places.
    func keep(_ jobs: some Sequence<LeasedJob>) {
        let now = ContinuousClock.now
        state.withLock { state in state.ahead += jobs.map { ($0, now) } }
    }

    /// Takes up to `count` kept jobs, oldest first.
    func takeAhead(_ count: Int) -> [LeasedJob] {
        state.withLock { state in
            let taken = state.ahead.prefix(max(0, count)).map(\.job)
            state.ahead.removeFirst(taken.count)
            return taken
        }
    }

    /// Takes the jobs that have been kept for longer than `life`: others may have places for them.
    func takeStale(after life: Duration) -> [LeasedJob] {
        let now = ContinuousClock.now
        return state.withLock { state in
            let stale = state.ahead.filter { $0.since + life <= now }.map(\.job)
            state.ahead.removeAll { $0.since + life <= now }
            return stale
        }
    }

    private func finish(_ settlement: Settlement) {
        state.withLock { state in
            if state.running.removeValue(forKey: settlement.job.name) == nil {
                state.early.insert(settlement.job.name)
            }
            state.finished.append(settlement)
        }
        rope.yield()
        finishRope.yield()
    }

    /// Returns when a job ended since the last call.
    func nextFinish() async {
        for await _ in finishes { return }
    }

    func takeFinished() -> [Settlement] {
        state.withLock { state in
            defer { state.finished = [] }
            return state.finished
        }
    }

    /// Stops the runs of leases that were lost; they could not commit any more.
    func cancel(_ leases: Set<LeaseName>) {
        let tasks = state.withLock { state in
            state.ahead.removeAll { leases.contains($0.job.name) }
            return leases.compactMap { state.running[$0]?.task }
        }
        tasks.forEach { $0.cancel() }
    }

    func cancelAll() {
        let tasks = state.withLock { $0.running.values.map(\.task) }
        tasks.forEach { $0.cancel() }
    }

    /// Stops runs that hang: the heartbeat proves the process, this bounds the job.
    func cancelOverdue(after limit: Duration) {
        let now = ContinuousClock.now
        let tasks = state.withLock { $0.running.values.filter { $0.since + limit < now }.map(\.task) }
        tasks.forEach { $0.cancel() }
    }
}
