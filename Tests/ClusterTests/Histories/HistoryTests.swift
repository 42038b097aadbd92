import Foundation
import Simulators
import Store
import Testing

/// Whatever happens on the way, both sides agree in the end, and then nothing is written any more.
@Suite(.timeLimit(.minutes(15)))
struct HistoryTests {
    /// Always the same ones, so that a change is judged by what it changed; `FERRY_HISTORY_SEED` runs a single other one
    /// and tells its story.
    static let seeds: [UInt64] =
        if let one = ProcessInfo.processInfo.environment["FERRY_HISTORY_SEED"].flatMap(UInt64.init) {
            [one]
        } else {
            Array(1...6)
        }

    @Test(arguments: seeds)
    func bothSidesAgreeAfterAnyHistory(seed: UInt64) async throws {
        print("history with seed \(seed)")
        let history = try await ClusterHistory(seed: seed)
        try await history.run(steps: 60)
        let isQuiet = try await history.settle()
        let complaints = try await Agreement(history: history).complaints()
        let story = history.log.joined(separator: "\n")
        if Self.seeds.count == 1 {
            print(story)
            for row in try await history.cluster.store.status() { print(row) }
        }
        #expect(isQuiet, "seed \(seed) never comes to rest:\n\(story)")
        #expect(complaints.isEmpty, "seed \(seed):\n\(complaints.joined(separator: "\n"))\nafter\n\(story)")

        // A deep sweep reads everything again.
        let before = history.tenant.snapshot()
        history.cluster.advance(7 * 3_600)
        try await history.cluster.round()
        #expect(history.tenant.snapshot() == before, "seed \(seed) writes after peace")
        await history.cluster.stop()
    }
}
