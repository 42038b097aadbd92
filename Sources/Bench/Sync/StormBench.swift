import ArgumentParser
import Drivers
import Foundation
import JobQueue
import Simulators
import Synchronization

/// `bench storm`: what tenants wait for a worker while others are refused or have no calls left.
struct StormBench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "storm",
        abstract: "Measures what quiet tenants wait while others are refused by ActiveCampaign, or have no calls left.",
        discussion: """
            One worker of ten places and one scheduler run by the machine's own clock. Twenty quiet tenants are asked to \
            send their batches, round after round: first alone, then beside twenty tenants whose ActiveCampaign answers \
            429 to every call and twenty whose budget is used up, all of whom are asked for as often. A wait is the time \
            from the queue to the beginning of the run.

            Ends with 1 when the goal is missed.
            """)

    private static let places = 10
    private static let tenants = 20
    /// The most that the storm may put the quiet tenants' p99 up.
    private static let mostRatio = 2.0

    @Option(help: "Rounds of each kind; every quiet tenant runs once a round.")
    var rounds = 100

    func validate() throws {
        guard (1...10_000).contains(rounds) else { throw ValidationError("--rounds: want 1 to 10000") }
    }

    func run() async throws {
        Report.environment()
        let isMet = try await BenchCluster.with(pace: .real) { cluster in
            Report.progress("three times \(Self.tenants) tenants come on board")
            let quiet = try await board("quiet", in: cluster)
            let alone = try await waits(of: quiet, beside: [], in: cluster)
            let parked = try await board("parked", dailyCalls: 1, in: cluster)
            let stormy = try await board("stormy", in: cluster)
            for tenant in stormy {
                cluster.salesforce.faults.add(
                    .answer(status: 429, body: .empty), on: FaultMatch(account: tenant.account.name), .rate(1))
            }
            let beside = try await waits(of: quiet, beside: stormy + parked, in: cluster)
            let (before, after) = (Report.percentile(alone, 0.99), Report.percentile(beside, 0.99))
            Report.figure("storm_wait_p50_ms_without", Report.percentile(alone, 0.5) * 1_000, "ms")
            Report.figure("storm_wait_p99_ms_without", before * 1_000, "ms")
            Report.figure("storm_wait_p50_ms", Report.percentile(beside, 0.5) * 1_000, "ms")
            Report.figure("storm_wait_p99_ms", after * 1_000, "ms")
            return Report.figure("storm_wait_p99_ratio", after / before, "ratio", goal: Self.mostRatio)
        }
        if !isMet { throw ExitCode.failure }
    }

    private func board(
        _ name: String, dailyCalls: Int = 1_000_000, in cluster: BenchCluster
    ) async throws -> [BenchTenant] {
        var tenants: [BenchTenant] = []
        for number in 1...Self.tenants {
            var options = BenchTenant.Options(isLimited: true)
            options.id = "\(name)-\(number)"
            options.campaignURL = try await cluster.furtherAddress()
            options.dailyCalls = dailyCalls
            tenants.append(try await BenchTenant(in: cluster, options))
        }
        return tenants
    }

    /// Seconds the quiet tenants' jobs wait.
    private func waits(
        of quiet: [BenchTenant], beside others: [BenchTenant], in cluster: BenchCluster
    ) async throws -> [Double] {
        let log = StormLog(quiet: Set(quiet.map(\.number)))
        try await cluster.serving(
            places: Self.places, onStart: { log.began($0, at: cluster.wallClock.now) }, onEnd: { log.ended($0) }
        ) {
            // The first runs learn what the provider has, and the storm is to be at its height.
            Report.progress(others.isEmpty ? "alone" : "beside a storm")
            for tenant in quiet + others { try await cluster.ask(for: tenant.number) }
            try await cluster.dispatch()
            try await log.until { $0.hasBegun.count >= quiet.count + others.count / 2 && $0.open == 0 }
            for _ in 0..<rounds {
                log.newRound()
                for tenant in others { try await cluster.ask(for: tenant.number) }
                for tenant in quiet { try await cluster.ask(for: tenant.number) }
                try await cluster.dispatch()
                try await log.until { $0.endedThisRound.count == quiet.count && $0.open == 0 }
            }
        }
        return log.waits
    }
}

/// What a worker did with whose jobs.
private final class StormLog: Sendable {
    struct State {
        /// Tenants whose job has begun at any time.
        var hasBegun: Set<Int32> = []
        /// Quiet tenants whose job has ended in this round.
        var endedThisRound: Set<Int32> = []
        /// Jobs of quiet tenants under way.
        var open = 0
        var isMeasuring = false
        var waits: [Double] = []
    }

    private let quiet: Set<Int32>
    private let state = Mutex(State())
    private let changes = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))

    init(quiet: Set<Int32>) { self.quiet = quiet }

    var waits: [Double] { state.withLock { $0.waits } }

    func newRound() {
        state.withLock { state in
            state.isMeasuring = true
            state.endedThisRound = []
        }
    }

    func began(_ job: LeasedJob, at now: Date) {
        state.withLock { state in
            state.hasBegun.insert(job.key.tenant)
            guard quiet.contains(job.key.tenant) else { return }
            state.open += 1
            if state.isMeasuring { state.waits.append(now.timeIntervalSince(job.enqueuedAt)) }
        }
        changes.continuation.yield()
    }

    func ended(_ job: LeasedJob) {
        state.withLock { state in
            guard quiet.contains(job.key.tenant) else { return }
            state.open -= 1
            state.endedThisRound.insert(job.key.tenant)
        }
        changes.continuation.yield()
    }

    /// Returns once the state is so.
    func until(_ isSo: (State) -> Bool) async throws {
        if state.withLock({ isSo($0) }) { return }
        for await _ in changes.stream where state.withLock({ isSo($0) }) { return }
        throw CancellationError()
    }
}
