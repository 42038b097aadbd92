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
    }
}
