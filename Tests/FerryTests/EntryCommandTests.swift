import Drivers
import Foundation
import Store
import Testing

extension ProcessTests {
    /// Commands beyond the native integration: back-fill, resync, plan, and the word of a person to the brakes.
    @Suite(.timeLimit(.minutes(5)))
    struct EntryCommandTests {
        @Test func aBackfillIsStartedSteeredAndRefusedByCommands() async throws {
            try await LiveCluster.run { cluster in
                let tenant = try await LiveTenant.onBoard("acme", in: cluster)
                let start = try await cluster.ferry(
                    "sync", "backfill", "acme", "--object", "contact", "--from", "2024-01-01")
                #expect(start.ending == .code(0) && start.output.contains("begins within seconds"))
                let again = try await cluster.ferry(
                    "sync", "backfill", "acme", "--object", "contact", "--from", "2024-01-01")
                #expect(again.ending == .code(64) && again.errors.contains("under way"))
                #expect(try await cluster.ferry("sync", "backfill", "pause", "acme").output.contains("paused"))
                #expect(try await cluster.ferry("sync", "backfill", "list", "acme").output.contains("back-fill"))
                #expect(try await cluster.ferry("sync", "backfill", "cancel", "acme").ending == .code(0))
                #expect(try await cluster.ferry("sync", "backfill", "cancel", "acme").ending == .code(1))
                let unsure = try await cluster.ferry("sync", "confirm-missing", "acme")
                #expect(unsure.ending == .code(64) && unsure.errors.contains("--yes"))
                #expect(try await cluster.ferry("sync", "confirm-missing", "acme", "--yes").ending == .code(0))
                let unknown = try await cluster.ferry("records", "resync", "acme", "nobody@a.example")
                #expect(unknown.ending == .code(64) && !unknown.errors.contains("nobody@a.example"))
                #expect(try await cluster.ferry("records", "resync", "acme", "003000000000123AAA").ending == .code(0))
                let story = try await cluster.ferry("records", "explain", "acme", "003000000000123AAA")
                #expect(story.output.contains("003000000000123AAA"))
                _ = try await tenant.number
            }
        }

        @Test func R35_syncNowSaysWhoAskedAndIsRefusedWhenAskedTooOften() async throws {
            try await LiveCluster.run { cluster in
                _ = try await LiveTenant.onBoard("acme", in: cluster)
                for number in 1...StoreLimits.runRequests {
                    let asked = try await cluster.ferry(
                        "sync", "now", "acme", "--as", "ann", "--reason", "look \(number)")
                    #expect(asked.ending == .code(0), "\(asked.errors)")
                }
                let refused = try await cluster.ferry("sync", "now", "acme")
                #expect(refused.ending == .code(64) && refused.errors.contains("ask again at"))
                let rows = try await cluster.store.audits(of: "sync").filter { $0.verb == "run" }
                #expect(rows.count == StoreLimits.runRequests && rows.allSatisfy { $0.actor == "ann" })
                #expect(rows.first?.reason == "look \(StoreLimits.runRequests)")
            }
        }

        @Test func recordsThatFailInOneWayAreSkippedByTheirCode() async throws {
            try await LiveCluster.run { cluster in
                let tenant = try await LiveTenant.onBoard("acme", in: cluster)
                let number = try await tenant.number
                try await cluster.pool.transact(
                    [(2, "003000000000001AAA", "no_email"), (1, "7", "no_email"), (2, "003000000000002AAA", "other")]
                        .map {
                            .init(
                                """
                                INSERT INTO ferry.record_failures (tenant_no, direction, object, record_id, code, class,
                                    first_seen_at, last_seen_at) VALUES ($1, $2, 1, $3, $4, 1, now(), now())
                                """,
                                [.int4(number), .int2(Int16($0.0)), .text($0.1), .text($0.2)])
                        })
                let unsure = try await cluster.ferry(
                    "records", "skip", "acme", "--code", "no_email", "--reason", "test people")
                #expect(unsure.ending == .code(64) && unsure.errors.contains("--yes"))
                let both = try await cluster.ferry(
                    "records", "skip", "acme", "7", "--code", "no_email", "--reason", "test people")
                #expect(both.ending == .code(64))
                let done = try await cluster.ferry(
                    "records", "skip", "acme", "--code", "no_email", "--reason", "test people", "--yes")
                #expect(done.ending == .code(0), "\(done.errors)")
                let skipped = try await cluster.store.excludedRecords(tenant: number)
                #expect(Set(skipped.map(\.recordID)) == ["003000000000001AAA", "7"])
            }
        }
    }
}
