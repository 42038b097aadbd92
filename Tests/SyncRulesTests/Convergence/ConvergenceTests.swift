import SyncRules
import Testing

/// After the edits stop both sides agree by the rules, nothing is doubled, and nothing is written any more (invariants
/// 1, 4, 5, 6), however batches and pulls were cut and interleaved before, and the clocks moved.
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

    /// Histories that once went wrong.
    @Test(
        arguments: [
            9_053_815_704_392_719_721, 2_448_629_980_168_964_212, 4_922_564_874_949_109_051, 2_245_551_134_375_184_236,
            5_056_162_920_939_919_667, 4_203_538_376_363_253_281, 5_189_728_201_472_299_077,
            2_356_532_975_828_443_438, 3_466_957_446_333_243_178, 1_222_488_894_420_692_361, 1_781_675_241_549_651_534,
            7_983_601_326_369_215_367, 2_990_112_306_109_463_936,
        ] as [UInt64])
    func historiesThatOnceWentWrongConverge(seed: UInt64) {
        let faults = Self.faults(seed: seed, isPlain: true)
        #expect(faults.isEmpty, "\(faults.joined(separator: "; "))\n\(Self.story(of: seed, isPlain: true))")
    }

    /// What is wrong after the history of a seed.
    static func faults(seed: UInt64, isPlain: Bool = false) -> [String] {
        var history = History(seed: seed, isPlain: isPlain)
        history.run(steps: 10 + Int(seed % 30))
        return aftermath(&history)
    }

    static func aftermath(_ history: inout History) -> [String] {
        guard history.settle(within: 8) != nil else {
            return [history.world.clocks?.isThrough == false ? "a change is never found" : "writes never stop"]
        }
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

    static func story(of seed: UInt64, isPlain: Bool = false) -> String {
        var history = History(seed: seed, isPlain: isPlain, keepsLog: true)
        history.run(steps: 10 + Int(seed % 30))
        _ = aftermath(&history)
        let world = history.world
        let settings =
            "package \(world.hasPackage) blanks \(world.settings.clearsBlanks) selection \(world.settings.contactSelection)"
            + " optOut \(world.settings.syncsOptOut) modes "
            + world.rows.prefix(3).map { "\($0.salesforceField) \($0.updateMode.rawValue)" }.joined(separator: ", ")
        return ([settings] + history.log).joined(separator: "\n")
    }
}
