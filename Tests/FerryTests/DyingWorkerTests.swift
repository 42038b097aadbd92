import Drivers
import Foundation
import Simulators
import Store
import SyncRules
import Testing

extension ProcessTests {
    /// Workers that die or leave while they are inside a provider's call.
    @Suite(.timeLimit(.minutes(3)))
    struct DyingWorkerTests {
        /// Seconds on the clock after which a silent worker's leases go back, and some.
        private static let pastTheLease: TimeInterval = 20

        /// Where a batch of 1,200 contacts is when its worker dies.
        enum Moment: CaseIterable {
            /// The second thousand's write has been sent and will never be carried out.
            case writeNotMade
            /// The second thousand's write has been made, and no answer came.
            case answerLost
        }

        @Test(arguments: Moment.allCases, [true, false])
        func aWorkerKilledInTheMiddleOfABatchLosesAndDoublesNothing(_ moment: Moment, hasPackage: Bool) async throws {
            try await LiveCluster.run { cluster in
                let tenant = try await LiveTenant.onBoard("acme", in: cluster, hasPackage: hasPackage)
                let first = try await Self.startOneWorker(in: cluster, for: tenant)
                try tenant.signUp(1...1_200)
                // A chunk is one look-up and one write.
                let fault = tenant.org.addFault(
                    moment == .answerLost ? .loseAnswer : .stall(seconds: 600), callClass: "composite",
                    .times(1, skipping: 3))
                try await cluster.store.requestRun(
                    tenant: try await tenant.number, direction: .outbound, now: cluster.now)
                try await eventually("the worker is inside the call") { cluster.faults.strikes(of: fault) == 1 }
                if moment == .writeNotMade { #expect(tenant.org.count("Contact") == 1_000) }

                let second = try cluster.start("worker", "--name", "second")
                first.send(SIGKILL)
                #expect(try await first.end() == .signal(SIGKILL))
                try cluster.advance(Self.pastTheLease)
                try await cluster.converge(tenant)
                #expect(tenant.org.count("Contact") == 1_200)
                try await Self.expectQuiet(tenant, in: cluster)
                #expect(second.ending == nil)
            }
        }

        @Test(arguments: [("import.batch", 60), ("contacts.sync", 6)], [true, false])
        func aWorkerKilledInTheMiddleOfAPullLosesAndDoublesNothing(
            _ call: (callClass: String, people: Int), isAnswerLost: Bool
        ) async throws {
            try await LiveCluster.run { cluster in
                let tenant = try await LiveTenant.onBoard("acme", in: cluster)
                let first = try await Self.startOneWorker(in: cluster, for: tenant)
                try tenant.enterInSalesforce(1...call.people)
                let fault = cluster.faults.add(
                    isAnswerLost ? .loseAnswer : .stall(seconds: 600),
                    on: FaultMatch(account: tenant.account.name, callClass: call.callClass))
                try await cluster.store.requestRun(
                    tenant: try await tenant.number, direction: .inbound, now: cluster.now)
                try await eventually("the worker is inside the call") { cluster.faults.strikes(of: fault) == 1 }

                let second = try cluster.start("worker", "--name", "second")
                first.send(SIGKILL)
                #expect(try await first.end() == .signal(SIGKILL))
                try cluster.advance(Self.pastTheLease)
                try await cluster.converge(tenant)
                #expect(tenant.account.contactCount == call.people)
                try await Self.expectQuiet(tenant, in: cluster)
                #expect(second.ending == nil)
            }
        }

        /// The one run that happens twice, and what accounts for it.
        @Test func aWorkerThatStoodStillPastItsLeaseCommitsNothingMoreAndIsCounted() async throws {
            try await LiveCluster.run(own: .redis) { cluster in
                let tenant = try await LiveTenant.onBoard("acme", in: cluster)
                let first = try await Self.startOneWorker(in: cluster, for: tenant)
                try tenant.signUp(1...30)
                let fault = tenant.org.addFault(.stall(seconds: 1), callClass: "composite")
                try await cluster.store.requestRun(
                    tenant: try await tenant.number, direction: .outbound, now: cluster.now)
                try await eventually("the worker is inside the call") { cluster.faults.strikes(of: fault) == 1 }
                first.send(SIGSTOP)
                let second = try cluster.start("worker", "--name", "second")
                try cluster.advance(Self.pastTheLease)
                try await cluster.converge(tenant)
                #expect(try await cluster.store.fencedCommits() == 0)

                // Redis is away while it wakes, so that no heartbeat tells it what it has lost: only the fence stops it.
                try await cluster.killRedis {
                    first.send(SIGCONT)
                    try await eventually("its commit is refused") { try await cluster.store.fencedCommits() == 1 }
                }
                try await AdminDoorTests.withDoors(["first": first]) { doors in
                    let get = try #require(doors["first"])
                    try await eventually("it counts") {
                        try await get("/metrics").text.contains("\nferry_fenced_commits_total 1\n")
                    }
                }
                try await cluster.converge(tenant)
                #expect(tenant.org.count("Contact") == 30 && tenant.account.contactCount == 30)
                try await Self.expectQuiet(tenant, in: cluster)
                #expect(try await cluster.store.fencedCommits() == 1, "one double run, one refusal")
                #expect(first.ending == nil && second.ending == nil)
            }
        }

        @Test func sigtermHandsBack() async throws {
            try await LiveCluster.run { cluster in
                let tenant = try await LiveTenant.onBoard("acme", in: cluster)
                let first = try await Self.startOneWorker(in: cluster, for: tenant)
                try tenant.signUp(1...30)
                let fault = tenant.org.addFault(.stall(seconds: 600), callClass: "composite")
                try await cluster.store.requestRun(
                    tenant: try await tenant.number, direction: .outbound, now: cluster.now)
                try await eventually("the worker is inside the call") { cluster.faults.strikes(of: fault) == 1 }

                let second = try cluster.start("worker", "--name", "second")
                first.send(SIGTERM)
                #expect(try await first.end(within: .seconds(Self.grace + 1)) == .code(0), "\(first.errors)")
                // Nobody moves the clock: a lease that was not handed back would last longer than this.
                try await cluster.converge(tenant, within: .seconds(10))
                #expect(second.ending == nil)
            }
        }

        @Test(arguments: ["scheduler", "worker", "ingest"])
        func anIdleRoleLeavesAtOnce(role: String) async throws {
            try await LiveCluster.run { cluster in
                let process = try cluster.start(role)
                try await eventually("\(role) is connected") {
                    let count: Int64 = try await cluster.value(
                        """
                        SELECT count(*) AS value FROM pg_stat_activity
                        WHERE datname = current_database() AND application_name = 'ferry \(role)'
                        """)
                    if count > 0 || process.errors.contains("listening") { return true }
                    return try await cluster.redis.send("CLIENT", "LIST").text?.contains("cmd=blpop") == true
                }
                process.send(SIGTERM)
                #expect(try await process.end(within: .seconds(5)) == .code(0), "\(process.errors)")
            }
        }

        // MARK: - Steps

        /// Seconds the first worker may take to leave.
        private static let grace = 5

        /// Starts a scheduler and a worker, and waits until the tenant's first runs, which find nothing, are over.
        private static func startOneWorker(in cluster: LiveCluster, for tenant: LiveTenant) async throws
            -> FerryProcess
        {
            _ = try cluster.start("scheduler")
            let worker = try cluster.start(
                "worker", "--name", "first", environment: ["FERRY_GRACE_SECONDS": String(grace)])
            let number = try await tenant.number
            try await eventually("the first runs are over") {
                try await cluster.store.streams(tenant: number).allSatisfy { $0.lastSuccessAt != nil }
            }
            return worker
        }

        /// Runs everything once more and checks that it wrote nothing to either side.
        private static func expectQuiet(_ tenant: LiveTenant, in cluster: LiveCluster) async throws {
            // The first one settles what agreement on both sides does not show: the repetition of a lost answer.
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
}
