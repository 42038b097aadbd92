import Cluster
import Drivers
import Foundation
import JobQueue
import Simulators
import Store
import Testing

extension ProcessTests {
    /// The queue's switch, workers told to rest and to leave, and what keeps a tenant from running.
    @Suite(.timeLimit(.minutes(5)))
    struct OperationTests {
        private struct Obstacle: Decodable {
            let code: String
            let why: String
            let needsHuman: Bool
        }

        private struct Worker: Decodable {
            let name: String
            let state: String
            let places: Int?
        }

        // MARK: - The switch

        @Test func aPausedQueueRunsNothingAndGoesOnWhenResumed() async throws {
            try await LiveCluster.run { cluster in
                let tenant = try await LiveTenant.onBoard("acme", in: cluster)
                _ = try cluster.start("scheduler")
                _ = try cluster.start("worker", "--name", "w1")
                try tenant.signUp(11...12)
                try await cluster.converge(tenant)

                let unsure = try await cluster.ferry("queue", "pause", "--reason", "upgrade")
                #expect(unsure.ending == .code(64) && unsure.errors.contains("--yes"))
                #expect(try await cluster.ferry("queue", "pause", "--reason", "upgrade", "--yes").ending == .code(0))
                try await eventually("the worker rests") {
                    try await cluster.store.workers().map(\.state) == [.quiet]
                }
                let before: Int64 = try await cluster.value("SELECT count(*) AS value FROM ferry.sync_runs")
                try tenant.enterInSalesforce(1...3)
                try await tenant.requestRun()
                let why = try await cluster.ferry("tenants", "why", "acme", "--json")
                #expect(why.ending == .code(1))
                let obstacle = try JSONDecoder().decode(Obstacle.self, from: Data(why.output.utf8))
                #expect(obstacle.code == "queue_paused" && obstacle.why.contains("upgrade") && obstacle.needsHuman)
                let refused = try await cluster.ferry("sync", "now", "acme", "--wait")
                #expect(refused.ending == .code(64) && refused.errors.contains("ferry queue resume"))
                let status = try await cluster.ferry("queue", "status")
                #expect(status.ending == .code(1) && status.output.contains("paused"))
                let after: Int64 = try await cluster.value("SELECT count(*) AS value FROM ferry.sync_runs")
                #expect(after == before)

                #expect(try await cluster.ferry("queue", "resume").ending == .code(0))
                try await cluster.converge(tenant)
                try await eventually("the screen is calm") {
                    try await cluster.ferry("queue", "status", "--json").ending == .code(0)
                }
                #expect(try await cluster.store.audits(of: "queue").map(\.verb) == ["resume", "pause"])
            }
        }

        @Test func drainingRunsWhatIsQueuedAndPlacesNothingMore() async throws {
            try await LiveCluster.run { cluster in
                let tenant = try await LiveTenant.onBoard("acme", in: cluster)
                _ = try cluster.start("scheduler")
                _ = try cluster.start("worker")
                try tenant.enterInSalesforce(1...3)
                try await cluster.converge(tenant)
                let drained = try await cluster.ferry(
                    "queue", "drain", "--until-empty", "--timeout", "30", "--json", "--reason", "upgrade")
                #expect(drained.ending == .code(0), "\(drained.errors)")
                #expect(drained.output.contains("\"isEmpty\" : true") && drained.errors.contains("jobs left"))
                let before: Int64 = try await cluster.value("SELECT count(*) AS value FROM ferry.sync_runs")
                try await tenant.requestRun()
                let again = try await cluster.ferry("queue", "drain", "--until-empty", "--timeout", "30", "--json")
                #expect(again.ending == .code(0))
                let after: Int64 = try await cluster.value("SELECT count(*) AS value FROM ferry.sync_runs")
                #expect(after == before)
                let age = try await cluster.ferry("queue", "age", "--over", "0s", "--json")
                #expect(age.ending == .code(1), "a due stream waits")
            }
        }

        // MARK: - Workers

        @Test func aWorkerRestsWorksAgainAndLeavesWhenAsked() async throws {
            try await LiveCluster.run { cluster in
                let tenant = try await LiveTenant.onBoard("acme", in: cluster)
                _ = try cluster.start("scheduler")
                let worker = try cluster.start("worker", "--name", "w1", "--concurrency", "8")
                try await eventually("it reports") { try await cluster.store.workers().map(\.name) == ["w1"] }
                try await eventually("it says that it runs") {
                    try await cluster.store.workers().map(\.state) == [.running]
                }
                let listed = try await cluster.ferry("workers", "list", "--json")
                let rows = try JSONDecoder().decode([Worker].self, from: Data(listed.output.utf8))
                #expect(rows.map(\.state) == ["running"] && rows.map(\.places) == [8])

                #expect(try await cluster.ferry("workers", "quiet", "w1", "w9").ending == .code(1), "there is no w9")
                try await eventually("it rests") { try await cluster.store.workers().map(\.state) == [.quiet] }
                let why = try await cluster.ferry("tenants", "why", "acme", "--json")
                #expect(why.output.contains("workers_quiet") && why.ending == .code(1))
                try tenant.enterInSalesforce(1...2)
                #expect(try await cluster.ferry("workers", "resume", "--all").ending == .code(0))
                // One that was taken off the roll, as by a twin's leaving, comes back by itself.
                try await cluster.store.dismiss(worker: "w1")
                try await eventually("it enrols again") { try await cluster.store.workers().map(\.name) == ["w1"] }
                try await cluster.converge(tenant)

                #expect(try await cluster.ferry("workers", "stop", "w1", "--reason", "old machine").ending == .code(0))
                #expect(try await worker.end(within: .seconds(30)) == .code(0))
                let empty = try await cluster.ferry("workers", "list")
                #expect(empty.ending == .code(1) && empty.output.contains("No worker"))
                #expect(try await cluster.store.audits(of: "workers").map(\.verb) == ["stop", "resume", "quiet"])
            }
        }

        @Test func sigtermEndsARestingWorkerToo() async throws {
            try await LiveCluster.run { cluster in
                try await cluster.store.setQueueMode(.paused, by: Errand(actor: "test"))
                let worker = try cluster.start("worker", "--name", "w1")
                try await eventually("it rests") { try await cluster.store.workers().map(\.state) == [.quiet] }
                worker.send(SIGTERM)
                #expect(try await worker.end(within: .seconds(15)) == .code(0))
                #expect(try await cluster.store.workers().isEmpty, "it takes its leave")
            }
        }

        // MARK: - Why

        @Test func whyNamesTheOneThing() async throws {
            try await LiveCluster.run { cluster in
                let tenant = try await LiveTenant.onBoard("acme", in: cluster)
                #expect(try await Self.why(cluster) == "no_worker")
                _ = try cluster.start("worker")
                try await eventually("the worker is seen") { try await Self.why(cluster) == "queue_lost" }
                _ = try cluster.start("scheduler")
                try tenant.enterInSalesforce(1...1)
                try await cluster.converge(tenant)
                try await eventually("it waits for the clock") { try await Self.why(cluster) == "waiting" }
                try await cluster.store.pause("acme", by: Errand(actor: "test", reason: "import"))
                #expect(try await Self.why(cluster) == "paused")
                try await cluster.store.resume("acme", by: Errand(actor: "test"))
                try await cluster.pool.query("DELETE FROM ferry.connections WHERE provider = 'salesforce'")
                #expect(try await Self.why(cluster) == "no_connection")
                try await cluster.pool.query("DELETE FROM ferry.sync_settings")
                #expect(try await Self.why(cluster) == "no_settings")
                let nobody = try await cluster.ferry("tenants", "why", "nobody")
                #expect(nobody.ending == .code(64) && nobody.errors.contains("there is no tenant nobody"))
            }
        }

        // MARK: - Dead letters

        @Test func deadLettersAreCountedBeforeTheyAreTouched() async throws {
            try await LiveCluster.run { cluster in
                let none = try await cluster.ferry("queue", "dead", "list", "--json")
                #expect(none.ending == .code(0) && !none.output.contains("{"), "a wiped Redis holds none")
                _ = try cluster.start("scheduler")
                try await eventually("the queue is there") {
                    try await cluster.ferry("queue", "status", "--json").output.contains("\"redisIsWhole\" : true")
                }
                let retried = try await cluster.ferry("queue", "dead", "retry", "--tenant", "acme")
                #expect(retried.ending == .code(64) && retried.errors.contains("there is no tenant acme"))
                let discarded = try await cluster.ferry(
                    "queue", "dead", "discard", "--older-than", "1h", "--yes", "--json")
                #expect(discarded.ending == .code(0), "\(discarded.errors)")
            }
        }

        @Test func aDeadLetterIsListedRetriedAndDiscarded() async throws {
            try await LiveCluster.run { cluster in
                let tenant = try await LiveTenant.onBoard("acme", in: cluster)
                _ = try cluster.start("scheduler")
                let queue = JobQueue(redis: cluster.redis, clock: .system)
                let (dying, number) = (WorkerID("dying"), try await tenant.number)
                let keys = ["outbound", "imports"].map { JobKey(tenant: number, kind: $0) }
                try await eventually("the scheduler has placed the tenant") {
                    try await queue.places(of: keys).first == .queued
                }
                for key in keys {
                    _ = try await queue.enqueue(EnqueueRequest(key, class: .urgent))
                    let job = try #require(try await queue.lease(worker: dying, limit: 1).jobs.first)
                    #expect(job.key == key)
                    _ = try await queue.settle(worker: dying, [Settlement(job, .dead(code: "worker_lost"))])
                }
                let listed = try await cluster.ferry("queue", "dead", "list", "--tenant", "acme", "--json")
                let letters = try JSONDecoder().decode([Letter].self, from: Data(listed.output.utf8))
                #expect(letters.map(\.tenant) == ["acme", "acme"])
                #expect(letters.map(\.code) == ["worker_lost", "worker_lost"])
                let status = try await cluster.ferry("queue", "status")
                #expect(status.ending == .code(1) && status.output.contains("2 dead letters"))
                let discarded = try await cluster.ferry("queue", "dead", "discard", "--kind", "imports", "--yes")
                #expect(discarded.ending == .code(0) && discarded.output.contains("1 dead letters"))
                let other = try await cluster.ferry("queue", "dead", "list", "--kind", "imports", "--json")
                #expect(other.ending == .code(0))
                _ = try cluster.start("worker")
                try await eventually("the other direction has run") { try await Self.why(cluster) == "dead" }
                let why = try await cluster.ferry("tenants", "why", "acme", "--json")
                #expect(why.ending == .code(0) && why.output.contains("\"until\""), "it is tried again by itself")
                let unsure = try await cluster.ferry("queue", "dead", "retry")
                #expect(unsure.ending == .code(64) && unsure.errors.contains("retry 1 dead letters"))
                let dry = try await cluster.ferry("queue", "dead", "discard", "--dry-run")
                #expect(dry.ending == .code(0) && dry.output.contains("worker_lost"))
                let retried = try await cluster.ferry(
                    "queue", "dead", "retry", "--code", "worker_lost", "--yes", "--as", "ann", "--reason", "mended")
                #expect(retried.ending == .code(0) && retried.output.contains("1 dead letters"))
                #expect(try await cluster.ferry("queue", "dead", "list").ending == .code(0))
                let audit = try #require(try await cluster.store.audits(of: "queue").first)
                #expect(audit.verb == "dead retry" && audit.actor == "ann" && audit.reason == "mended")
                #expect(audit.detail == ["code": "worker_lost", "letters": "1"])
            }
        }

        private struct Letter: Decodable {
            let tenant: String
            let code: String
        }

        /// The code of what keeps acme from running.
        private static func why(_ cluster: LiveCluster) async throws -> String {
            let process = try await cluster.ferry("tenants", "why", "acme", "--json")
            let obstacle = try JSONDecoder().decode(Obstacle.self, from: Data(process.output.utf8))
            return obstacle.code
        }
    }
}
