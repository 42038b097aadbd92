import Foundation
import Testing

/// Whatever happens on the way, accounts, their people and opportunities agree in the end, nothing is there twice, and
/// then nothing is written any more.
@Suite(.timeLimit(.minutes(20)))
struct ObjectHistoryTests {
    /// Half of them always the same, so that a change is judged by what it changed, and as many that nobody has seen
    /// before: a failure names its seed. `FERRY_OBJECT_SEED` runs others: a single one, `9`, whose story is told, or a range,
    /// `201-1000`.
    private static let seeds: [UInt64] = {
        guard let asked = ProcessInfo.processInfo.environment["FERRY_OBJECT_SEED"] else {
            let base = UInt64.random(in: 12...(.max / 2))
            return Array(1...12) + (1...12).map { base + $0 }
        }
        let bounds = asked.split(separator: "-").compactMap { UInt64($0) }
        guard let first = bounds.first, let last = bounds.last, first <= last else { return [1] }
        return Array(first...last)
    }()

    private static let lanes: UInt64 = 6

    @Test(arguments: 0..<lanes)
    func accountsAndOpportunitiesAgreeAfterAnyHistory(lane: UInt64) async throws {
        for seed in Self.seeds where seed % Self.lanes == lane {
            let history = try await ObjectHistory(seed: seed)
            try await history.run(steps: 60)
            let isQuiet = try await history.settle()
            let story = history.log.joined(separator: "\n")
            let complaints = try await history.complaints()
            #expect(isQuiet, "seed \(seed) never comes to rest:\n\(story)")
            #expect(complaints.isEmpty, "seed \(seed):\n\(complaints.joined(separator: "\n"))\nafter\n\(story)")
            await history.cluster.stop()
        }
    }
}
