import Foundation
import Simulators
import Store
import Testing

/// Whatever happens on the way, both sides agree in the end, and then nothing is written any more.
@Suite(.timeLimit(.minutes(40)))
struct HistoryTests {
    /// Always the same, so that a change is judged by what it changed; a failure names its seed. `scripts/test --long` plays
    /// a thousand that nobody has seen before, and `FERRY_HISTORY_SEED` others: a single one, `9`, whose story is told, or a
    /// range, `201-1000`.
    private static let seeds: [UInt64] = {
        let environment = ProcessInfo.processInfo.environment
        guard let asked = environment["FERRY_HISTORY_SEED"] else {
            guard environment["FERRY_LONG_PROOFS"] == "1" else { return Array(1...200) }
            let first = UInt64.random(in: 201...(.max / 2))
            return Array(first..<first + 1_000)
        }
        let bounds = asked.split(separator: "-").compactMap { UInt64($0) }
        guard let first = bounds.first, let last = bounds.last, first <= last else { return [1] }
        return Array(first...last)
    }()

    /// Histories at once: each waits for its providers much of the time, and they share one PostgreSQL.
    private static let lanes: UInt64 = 16

    @Test(arguments: 0..<lanes)
    func bothSidesAgreeAfterAnyHistory(lane: UInt64) async throws {
        for seed in Self.seeds where seed % Self.lanes == lane { try await Self.live(seed) }
    }

    private static func live(_ seed: UInt64) async throws {
        let history = try await ClusterHistory(seed: seed)
        do { try await live(history, seed) } catch {
            Issue.record("seed \(seed): \(error) after\n\(history.log.joined(separator: "\n"))")
        }
        await history.cluster.stop()
    }

    private static func live(_ history: ClusterHistory, _ seed: UInt64) async throws {
        try await history.run(steps: 60)
        let isQuiet = try await history.settle()
        let complaints = try await Agreement(history: history).complaints()
        let story = history.log.joined(separator: "\n")
        if seeds.count == 1 {
            print(story)
            for row in try await history.cluster.store.status() { print(row) }
            for line in try await history.decisions() { print(line) }
        }
        #expect(isQuiet, "seed \(seed) never comes to rest:\n\(story)")
        #expect(complaints.isEmpty, "seed \(seed):\n\(complaints.joined(separator: "\n"))\nafter\n\(story)")

        // A deep sweep reads everything again.
        let before = history.tenant.snapshot()
        history.cluster.advance(7 * 3_600)
        try await history.cluster.round()
        let changes = history.tenant.snapshot().changes(since: before)
        #expect(changes.isEmpty, "seed \(seed) writes after peace, after\n\(story)")
    }
}
