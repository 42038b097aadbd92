import Foundation
import Simulators
import Store
import Testing

extension ProcessTests {
    /// A cluster that grows and shrinks under load, its processes started as the unit files start them.
    @Suite(.timeLimit(.minutes(8)))
    struct ScalingTests {
        private static let tenants = 4
        private static let schedulers = 2
        private static let workers = 8
        /// Seconds a worker may take to leave.
        private static let grace = 10
        /// What every tenant's people do in a round of growing and shrinking, on each side.
        private static let peopleARound = 60
        private static let rounds = 4
        /// Seconds on the clock after which a silent worker's leases go back, and some.
        private static let pastTheLease: TimeInterval = 20

        @Test func workersAndSchedulersComeAndGoUnderLoadAndNothingIsLostOrDoubled() async throws {
            try await LiveCluster.run { cluster in
                let fleet = try ScalingFleet(cluster, grace: Self.grace)
                do {
                    try await Self.play(cluster, fleet)
                } catch {
                    for process in fleet.all { print("--- \(process.id):\n\(process.errors.suffix(2_000))") }
                    await fleet.killAll()
                    throw error
                }
                await fleet.killAll()
            }
        }

        private static func play(_ cluster: LiveCluster, _ fleet: ScalingFleet) async throws {
            for _ in 1...schedulers { try fleet.start("scheduler") }
            for _ in 1...workers { try fleet.start("worker") }
            var tenants: [LiveTenant] = []
            for number in 1...Self.tenants {
                tenants.append(try await LiveTenant.onBoard("tenant-\(number)", in: cluster))
            }
            try await eventually("every worker is on the roll", within: .seconds(90)) {
                try await cluster.store.workers().count == workers
            }
            for round in 0..<rounds {
                try await load(tenants, round: round)
                let present = records(tenants)
                // Under load: something of this round is written, and most of it is still to come.
                try await eventually("round \(round) is under way", within: .seconds(90)) {
                    records(tenants) > present
                }
                try await change(cluster, fleet, round: round)
            }
            try await eventually("both sides of all tenants agree", within: .seconds(150), every: .milliseconds(500)) {
                for tenant in tenants where try await !tenant.isSettled() {
                    try await tenant.requestRun()
                    return false
                }
                return true
            }
            for tenant in tenants {
                #expect(tenant.org.count("Contact") == 2 * rounds * peopleARound)
                #expect(tenant.account.contactCount == 2 * rounds * peopleARound)
            }
            #expect(fleet.running.values.allSatisfy { $0.ending == nil }, "what was not told to leave still runs")
            #expect(fleet.units(of: "worker").count == workers && fleet.units(of: "scheduler").count == schedulers)
            try await expectQuiet(tenants, in: cluster)
            try await stop(fleet)
        }

        /// People of every tenant enter and sign up; all streams are due.
        private static func load(_ tenants: [LiveTenant], round: Int) async throws {
            let numbers = round * peopleARound + 1...(round + 1) * peopleARound
            for tenant in tenants {
                try tenant.signUp(numbers)
                try tenant.enterInSalesforce(numbers)
                try await tenant.requestRun()
            }
        }

        /// What both sides of all tenants hold.
        private static func records(_ tenants: [LiveTenant]) -> Int {
            tenants.reduce(0) { $0 + $1.org.count("Contact") + $1.account.contactCount }
        }

        /// One worker dies, one leaves, and one scheduler does either; as many come instead.
        private static func change(_ cluster: LiveCluster, _ fleet: ScalingFleet, round: Int) async throws {
            let workers = fleet.units(of: "worker")
            let (dying, leaving) = (workers[0], workers[workers.count - 1])
            let killed = try fleet.send(SIGKILL, to: dying)
            let left = try fleet.send(SIGTERM, to: leaving)
            let scheduler = fleet.units(of: "scheduler")[0]
            let signal = round.isMultiple(of: 2) ? SIGKILL : SIGTERM
            let replaced = try fleet.send(signal, to: scheduler)
            for role in ["scheduler", "worker", "worker"] { try fleet.start(role) }
            #expect(try await killed.end() == .signal(SIGKILL))
            #expect(try await left.end(within: .seconds(grace + 5)) == .code(0), "\(left.errors.suffix(2_000))")
            let expected: FerryProcess.Ending = signal == SIGKILL ? .signal(SIGKILL) : .code(0)
            #expect(try await replaced.end() == expected, "\(replaced.errors.suffix(2_000))")
            // All leases run out at once, the living workers' too: what they still do must not count twice.
            try cluster.advance(pastTheLease)
        }

        /// Runs everything once more and checks that it wrote nothing to either side.
        private static func expectQuiet(_ tenants: [LiveTenant], in cluster: LiveCluster) async throws {
            for tenant in tenants {
                // The first run settles what agreement does not show: the repetition of an answer that was lost.
                var before = tenant.snapshot()
                for _ in 1...2 {
                    before = tenant.snapshot()
                    let process = try await cluster.ferry("sync", "now", tenant.id, "--wait", "--json")
                    #expect(process.ending == .code(0), "\(process.errors)")
                }
                let changes = tenant.snapshot().changes(since: before)
                #expect(changes.isEmpty, "\(changes.prefix(5))")
            }
        }

        /// The whole cluster is told to leave, as a machine that goes down tells it.
        private static func stop(_ fleet: ScalingFleet) async throws {
            var ending: [FerryProcess] = []
            for unit in fleet.running.keys.sorted() { ending.append(try fleet.send(SIGTERM, to: unit)) }
            for process in ending {
                #expect(try await process.end(within: .seconds(grace + 5)) == .code(0), "\(process.errors)")
            }
        }
    }
}
