import SyncRules
import Testing

/// After the edits stop both sides agree by the rules, nothing is doubled, and nothing is written any more (invariants
/// 1, 4, 5, 6), however batches and pulls were cut and interleaved before.
@Suite(.timeLimit(.minutes(5)))
struct ConvergenceTests {
    static let shards = 4
    static let historiesPerShard = 2_500

    @Test(arguments: 0..<shards)
    func randomHistoriesConverge(shard: Int) {
        let first = UInt64.random(in: 0 ... .max / 2)
        for seed in first..<first + UInt64(Self.historiesPerShard) {
            let faults = Self.faults(seed: seed)
            guard faults.isEmpty else {
                Issue.record("seed \(seed): \(faults.joined(separator: "; "))\n\(Self.story(of: seed))")
                return
            }
        }
    }

    /// What is wrong after the history of a seed.
    static func faults(seed: UInt64) -> [String] {
        var history = History(seed: seed)
        history.run(steps: 10 + Int(seed % 30))
        return aftermath(&history)
    }

    static func aftermath(_ history: inout History) -> [String] {
        guard history.settle(within: 8) != nil else { return ["writes never stop"] }
        let faults = history.world.faults()
        guard faults.isEmpty else { return faults }
        // A record turned away because somebody else held its address may enter once that address is free again.
        for _ in 0..<6 {
            let written = history.world.writes
            history.deepRound()
            if history.world.writes == written { break }
            guard history.settle(within: 8) != nil else { return ["writes never stop after a deep sweep"] }
        }
        let before = history.world.writes
        history.deepRound()
        return history.world.faults() + (history.world.writes == before ? [] : ["reading everything again wrote"])
    }

    static func story(of seed: UInt64) -> String {
        var history = History(seed: seed, keepsLog: true)
        history.run(steps: 10 + Int(seed % 30))
        _ = aftermath(&history)
        let world = history.world
        let settings =
            "package \(world.hasPackage) blanks \(world.settings.clearsBlanks) selection \(world.settings.contactSelection)"
            + " note \(world.rows.first { $0.salesforceField == "Note__c" }?.updateMode.rawValue ?? "")"
        return ([settings] + history.log).joined(separator: "\n")
    }
}
