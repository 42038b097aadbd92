import Drivers
import Embedded
import Foundation
import Simulators
import Testing

extension ProcessTests {
    /// Machines that stand still, die, come back, and lie about the time, under a cluster of real processes at work; once
    /// each, and with FERRY_LONG_PROOFS=1 many times in random order on one cluster.
    @Suite(.timeLimit(.minutes(20)))
    struct MishapTests {
        /// Something that happens to a machine.
        enum Mishap: CaseIterable {
            /// A worker stands still until others have its jobs, and goes on as if nothing had been.
            case workerStopped
            case workerKilled
            case schedulerStopped
            case schedulerKilled
            /// Redis is killed and comes back with what its append-only file, or nothing, has kept.
            case redisKilled
            /// All clocks jump three hours ahead, and then two back.
            case clockStepped
            /// `LostServerTests` has these two by themselves.
            case redisFlushed
            case postgresRestarted

            static let single = allCases.filter { ![.redisFlushed, .postgresRestarted].contains($0) }
        }

        static let isLong = ProcessInfo.processInfo.environment["FERRY_LONG_PROOFS"] == "1"
        /// Mishaps in a row.
        private static let rounds = isLong ? 40 : 2

        @Test(arguments: Mishap.single)
        func nothingIsLostAndNothingIsDoubled(_ mishap: Mishap) async throws {
            try await LiveCluster.run(own: mishap == .redisKilled ? .redis : []) { cluster in
                let world = try await World(cluster)
                try await world.suffer(mishap)
                try await world.expectAgreement()
            }
        }

        @Test func aRedisWithAnAppendOnlyFileGoesOnWhereItWas() async throws {
            try await LiveCluster.run(own: .durableRedis) { cluster in
                let world = try await World(cluster)
                try await world.suffer(.redisKilled)
                try await world.expectAgreement()
            }
        }

        @Test(arguments: [SIGKILL, SIGSTOP], 1...(isLong ? 10 : 1))
        func aFailoverThatLosesTheLastWritesDelaysAndLosesNothing(signal: Int32, round: Int) async throws {
            try await LiveCluster.run(own: .sentinels) { cluster in
                let sentinels = try #require(cluster.sentinels)
                let world = try await World(cluster)
                try await world.whileRunsAreUnderWay {
                    // Nothing reaches the replica from here on.
                    try sentinels.replica.server.signal(SIGSTOP)
                    _ = try await cluster.redis.send("CLIENT", "KILL", "TYPE", "replica")
                    try await world.ask()
                    try sentinels.master.server.signal(signal)
                    try sentinels.replica.server.signal(SIGCONT)
                }
                try await world.expectAgreement(within: .seconds(120))
            }
        }

        @Test func mishapsInARowLoseAndDoubleNothing() async throws {
            let seed = Self.isLong ? UInt64.random(in: 0 ... .max) : 1
            print("MishapTests seed \(seed)")
            var random = SeededOrder(state: seed)
            try await LiveCluster.run(own: [.redis, .postgres]) { cluster in
                let world = try await World(cluster)
                for round in 1...Self.rounds {
                    let mishap = try #require(Mishap.allCases.randomElement(using: &random))
                    print("MishapTests round \(round): \(mishap)")
                    try await world.suffer(mishap)
                    if round.isMultiple(of: 5) { try await world.expectAgreement() }
                }
                try await world.expectAgreement()
            }
        }
    }
}

/// SplitMix64.
private struct SeededOrder: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }
}

/// Two schedulers, two workers, and three tenants with people on both sides.
private final class World {
    private let cluster: LiveCluster
    private var tenants: [LiveTenant] = []
    private var schedulers: [FerryProcess] = []
    private var workers: [FerryProcess] = []
    private var people = 0
    private var names = 0

    init(_ cluster: LiveCluster) async throws {
        self.cluster = cluster
        for _ in 1...2 { schedulers.append(try cluster.start("scheduler")) }
        for _ in 1...2 { workers.append(try startWorker()) }
        for id in ["acme", "brook", "costa"] {
            tenants.append(try await LiveTenant.onBoard(id, in: cluster, hasPackage: id != "brook"))
        }
        try signUp()
    }

    private func startWorker() throws -> FerryProcess {
        names += 1
        return try cluster.start("worker", "--name", "w\(names)")
    }

    private func signUp() throws {
        let numbers = people + 1...people + 10
        people += 10
        for tenant in tenants {
            try tenant.enterInSalesforce(numbers)
            try tenant.signUp(numbers)
        }
    }

    /// Makes every tenant due.
    func ask() async throws { for tenant in tenants { try await tenant.requestRun() } }

    /// Does something while a worker is inside a call to each tenant's org.
    func whileRunsAreUnderWay(_ deed: () async throws -> Void) async throws {
        let held = tenants.map { $0.org.addFault(.stall(seconds: 1), callClass: "composite") }
        try await ask()
        try await eventually("runs are under way") { held.contains { self.cluster.faults.strikes(of: $0) > 0 } }
        try await deed()
    }

    func suffer(_ mishap: ProcessTests.MishapTests.Mishap) async throws {
        try signUp()
        try await whileRunsAreUnderWay {
            switch mishap {
            case .workerStopped:
                workers[0].send(SIGSTOP)
                try cluster.advance(20)
                try await ask()
                // The other one takes the leases over and goes on; then the sleeper wakes in the middle of its call.
                try await eventually("others took over") {
                    (self.schedulers + [self.workers[1]]).contains { $0.errors.contains("took over leases") }
                        || self.workers[1].ending != nil || self.isQuiet
                }
                workers[0].send(SIGCONT)
            case .workerKilled:
                workers[0].send(SIGKILL)
                _ = try await workers[0].end()
                workers[0] = try startWorker()
                try cluster.advance(20)
            case .schedulerStopped:
                schedulers[0].send(SIGSTOP)
                try await ask()
                try cluster.advance(120)
                schedulers[0].send(SIGCONT)
            case .schedulerKilled:
                schedulers[0].send(SIGKILL)
                _ = try await schedulers[0].end()
                try await ask()
                schedulers[0] = try cluster.start("scheduler")
            case .redisKilled:
                try await cluster.killRedis { try await ask() }
            case .clockStepped:
                try cluster.advance(10_800)
                try await ask()
                try cluster.advance(-7_200)
            case .redisFlushed:
                _ = try await cluster.redis.send("FLUSHALL")
                try await ask()
            case .postgresRestarted:
                let known = (schedulers + workers).map { $0.errors.count }
                try await cluster.restartPostgres {
                    // Down until a process has noticed: one that was idle waits half a minute for a connection first.
                    try await eventually("a process misses it", within: .seconds(60)) {
                        zip(self.schedulers + self.workers, known).contains { process, count in
                            process.errors.dropFirst(count).contains("warning")
                        }
                    }
                }
            }
        }
    }

    /// Whether the worker that stands still had nothing that others could take.
    private var isQuiet: Bool { tenants.allSatisfy { $0.disagreements().isEmpty } }

    /// Both sides agree, and further runs change nothing: nothing was lost and nothing was doubled.
    func expectAgreement(within limit: Duration = .seconds(90)) async throws {
        try await cluster.converge(tenants[0], tenants[1], tenants[2], within: limit)
        for tenant in tenants {
            #expect(tenant.org.count("Contact") == 2 * people)
            #expect(tenant.account.contactCount == 2 * people)
        }
        #expect((schedulers + workers).allSatisfy { $0.ending == nil })
    }
}
