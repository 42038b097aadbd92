import Drivers
import Foundation
import Simulators
import Testing

extension ProcessTests {
    /// Redis and PostgreSQL fail under a running cluster; work resumes without a human.
    @Suite(.timeLimit(.minutes(3)))
    struct LostServerTests {
        @Test func redisWipedWhileRunning() async throws {
            try await LiveCluster.run(own: .redis) { cluster in
                let (tenants, processes) = try await Self.startAtWork(cluster)
                // Twice: once with runs under way, once while they are taken up again.
                for _ in 1...2 {
                    let held = Self.holdNextWrites(of: tenants, in: cluster)
                    for tenant in tenants { try await tenant.requestRun() }
                    try await eventually("runs are under way") {
                        held.contains { cluster.faults.strikes(of: $0) > 0 }
                    }
                    #expect(try await cluster.redis.send("FLUSHALL") == .status("OK"))
                }
                try await cluster.converge(tenants[0], tenants[1], tenants[2])
                #expect(processes.allSatisfy { $0.ending == nil })
            }
        }

        @Test func postgresRestartedWhileRunning() async throws {
            try await LiveCluster.run(own: .postgres) { cluster in
                let (tenants, processes) = try await Self.startAtWork(cluster)
                let held = Self.holdNextWrites(of: tenants, in: cluster)
                for tenant in tenants { try await tenant.requestRun() }
                try await eventually("runs are under way") { held.contains { cluster.faults.strikes(of: $0) > 0 } }
                try await cluster.restartPostgres {
                    // Down until the processes have noticed: one that was idle waits half a minute for a connection first.
                    try await eventually("a process misses it", within: .seconds(60)) {
                        processes.contains { $0.errors.contains("warning") || $0.errors.contains("error") }
                    }
                }
                try await cluster.converge(tenants[0], tenants[1], tenants[2])
                #expect(processes.allSatisfy { $0.ending == nil })
            }
        }

        // MARK: - Steps

        /// Three tenants with people on both sides, a scheduler and two workers.
        private static func startAtWork(
            _ cluster: LiveCluster
        ) async throws -> (tenants: [LiveTenant], processes: [FerryProcess]) {
            let processes = [
                try cluster.start("scheduler"), try cluster.start("worker", "--name", "one"),
                try cluster.start("worker", "--name", "two"),
            ]
            var tenants: [LiveTenant] = []
            for id in ["acme", "brook", "costa"] {
                let tenant = try await LiveTenant.onBoard(id, in: cluster, hasPackage: id != "brook")
                try tenant.enterInSalesforce(1...80)
                try tenant.signUp(1...40)
                tenants.append(tenant)
            }
            return (tenants, processes)
        }

        /// Holds each tenant's next call to Salesforce for a second, so that something is under way.
        private static func holdNextWrites(of tenants: [LiveTenant], in cluster: LiveCluster) -> [Int] {
            tenants.map { $0.org.addFault(.stall(seconds: 1), callClass: "composite") }
        }
    }
}
