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
        var running: [FencingToken: Running] = [:]
        /// Jobs that ended before their task was noted down.
        var early: Set<FencingToken> = []
        var finished: [Settlement] = []
        var isStopping = false
    }

    /// Rings when there is something to settle, perhaps something to lease, or a reason to stop.
    let bell: AsyncStream<Void>
    private let rope: AsyncStream<Void>.Continuation
    private let state = Mutex(State())
    private let finishes: AsyncStream<Void>
    private let finishRope: AsyncStream<Void>.Continuation

    init() {
        (bell, rope) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
        (finishes, finishRope) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
        rope.yield()
    }

    var running: Int { state.withLock { $0.running.count } }
    var hasFinished: Bool { state.withLock { !$0.finished.isEmpty } }
    var isStopping: Bool { state.withLock { $0.isStopping } }

    func ring() { rope.yield() }

    func stop() {
        state.withLock { $0.isStopping = true }
        rope.yield()
    }

    /// Runs a job in a task of its own, which its lease's end can cancel.
    func start(_ job: LeasedJob, execute: @escaping @Sendable (LeasedJob) async -> Settlement) {
        let task = Task {
            self.finish(await execute(job))
        }
        state.withLock { state in
            guard state.early.remove(job.token) == nil else { return }
            state.running[job.token] = Running(task: task, since: .now)
        }
    }

    private func finish(_ settlement: Settlement) {
        state.withLock { state in
            if state.running.removeValue(forKey: settlement.job.token) == nil {
                state.early.insert(settlement.job.token)
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
    func cancel(_ tokens: Set<FencingToken>) {
        let tasks = state.withLock { state in tokens.compactMap { state.running[$0]?.task } }
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
