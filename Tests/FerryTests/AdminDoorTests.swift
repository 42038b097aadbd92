import Drivers
import Foundation
import Simulators
import Store
import Testing

extension ProcessTests {
    /// `/livez`, `/readyz`, `/metrics` and `/autoscale` of the roles.
    @Suite(.timeLimit(.minutes(3)))
    struct AdminDoorTests {
        private struct Signal: Decodable {
            let desiredWorkers: Int
            let runnableJobs: Int
        }

        @Test func everyRoleAnswersProbesAndMetrics() async throws {
            try await LiveCluster.run { cluster in
                let tenant = try await LiveTenant.onBoard("acme", in: cluster)
                let roles = [
                    "scheduler": try cluster.start("scheduler"), "worker": try cluster.start("worker"),
                    "ingest": try cluster.start("ingest"),
                ]
                try tenant.enterInSalesforce(1...2)
                try tenant.signUp(3...4)
                try await cluster.converge(tenant)
                try await Self.withDoors(roles) { doors in
                    for (role, get) in doors {
                        #expect(try await get("/livez").status == 200, "\(role)")
                        try await eventually("\(role) is ready") { try await get("/readyz").status == 200 }
                        let metrics = try await get("/metrics")
                        #expect(metrics.status == 200)
                        #expect(metrics.text.contains("# TYPE process_start_time_seconds gauge"), "\(role)")
                        #expect(!metrics.text.contains("acme"), "no metric names a tenant")
                        for line in metrics.text.split(separator: "\n") where line.hasPrefix("# TYPE ferry_") {
                            let name = line.split(separator: " ")[2]
                            #expect(metrics.text.contains("# HELP \(name) "), "\(name) explains itself")
                        }
                    }
                    let worker = try #require(doors["worker"])
                    let jobs = try await worker("/metrics").text
                    #expect(jobs.contains(#/ferry_jobs_total\{kind="inbound",outcome="done"\} [1-9]/#))
                    #expect(jobs.contains(#/ferry_job_duration_seconds_count\{kind="outbound"\} [1-9]/#))
                    #expect(jobs.contains(#/\nferry_jobs_running [0-3]\n/#))
                    #expect(try await worker("/autoscale").status == 404, "only schedulers know")
                }
            }
        }

        @Test func theSchedulerTellsWhatTheWorkIsWorth() async throws {
            try await LiveCluster.run { cluster in
                for name in ["acme", "brook", "creek"] { _ = try await LiveTenant.onBoard(name, in: cluster) }
                let scheduler = try cluster.start("scheduler", environment: ["FERRY_AUTOSCALE_SECONDS": "1"])
                try await Self.withDoors(["scheduler": scheduler]) { doors in
                    let get = try #require(doors["scheduler"])
                    var signal: Signal?
                    try await eventually("a sample with all three", within: .seconds(60), every: .milliseconds(250)) {
                        let answer = try await get("/autoscale")
                        guard answer.status == 200 else { return false }
                        signal = try JSONDecoder().decode(Signal.self, from: Data(answer.text.utf8))
                        return signal?.runnableJobs == 3
                    }
                    #expect(signal?.desiredWorkers == 1, "three jobs of a worker's 64 places")
                    let metrics = try await get("/metrics").text
                    #expect(metrics.contains("ferry_desired_workers 1") && metrics.contains("ferry_workers 0"))
                    #expect(metrics.contains(#/ferry_queue_jobs\{state="queued"\} [3-9]/#))
                }
            }
        }

        @Test func aRoleWithoutItsStoresIsAliveAndNotReady() async throws {
            try await LiveCluster.run { cluster in
                let worker = try cluster.start(
                    "worker", environment: ["FERRY_REDIS_URL": "unix:///nowhere/redis.sock"])
                try await Self.withDoors(["worker": worker]) { doors in
                    let get = try #require(doors["worker"])
                    #expect(try await get("/livez").status == 200)
                    let ready = try await get("/readyz")
                    #expect(ready.status == 503 && ready.text.contains("redis: "), "\(ready.text)")
                    #expect(!ready.text.contains("postgres: "))
                }
            }
        }

        @Test func withoutAPortTheDoorStaysShut() async throws {
            try await LiveCluster.run { cluster in
                var environment = cluster.environment
                environment["FERRY_ADMIN_PORT"] = nil
                let worker = try FerryProcess(
                    ["worker", "--name", "w1"], environment: environment, log: cluster.folder.appending(path: "shut"))
                defer { worker.send(SIGKILL) }
                try await eventually("it runs") { try await cluster.store.workers().map(\.name) == ["w1"] }
                #expect(!worker.errors.contains("admin-port"))
            }
        }

        // MARK: - Doors

        typealias Get = (String) async throws -> (status: Int, text: String)

        static func withDoors(
            _ roles: [String: FerryProcess], _ body: ([String: Get]) async throws -> Void
        ) async throws {
            let http = try HTTPClient(options: .loopback)
            var doors: [String: Get] = [:]
            do {
                for (role, process) in roles {
                    var port: Substring?
                    try await eventually("the door of \(role) opens") {
                        port = process.errors.firstMatch(of: #/admin-port=(\d+)/#)?.output.1
                        return port != nil
                    }
                    let base = "http://127.0.0.1:\(try #require(port))"
                    doors[role] = { path in
                        let answer = try await http.send(HTTPRequest(.get, base + path))
                        return (answer.status, String(decoding: answer.body, as: UTF8.self))
                    }
                }
                try await body(doors)
                await http.shutdown()
            } catch {
                await http.shutdown()
                throw error
            }
        }
    }
}
