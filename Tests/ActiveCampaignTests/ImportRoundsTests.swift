import Foundation
import Testing

@testable import ActiveCampaign

@Suite(.timeLimit(.minutes(1))) struct ImportRoundsTests {
    @Test func partsStayWithinRowsAndBytes() {
        let parts = ImportPacking.parts(sizes: Array(repeating: 1_000, count: 1_000), envelope: 15)
        #expect(parts.batches.map(\.count) == [250, 250, 250, 250])
        #expect(parts.batches.flatMap(\.self) == Array(0..<1_000))
        let heavy = ImportPacking.parts(sizes: Array(repeating: 3_000, count: 250), envelope: 15)
        #expect(heavy.batches.allSatisfy { $0.count * 3_001 + 15 <= ActiveCampaignLimits.importBytes + 1 })
        #expect(heavy.batches.count == 3)
    }

    @Test func aRowLargerThanAnImportIsLeftOut() {
        let parts = ImportPacking.parts(sizes: [10, ActiveCampaignLimits.importBytes, 10], envelope: 15)
        #expect(parts == .init(batches: [[0, 2]], tooLarge: [1]))
    }

    @Test func theLastImportIsNotLeftWithOneRow() {
        let parts = ImportPacking.parts(sizes: Array(repeating: 10, count: 251), envelope: 15)
        #expect(parts.batches.map(\.count) == [249, 2])
        #expect(parts.batches.flatMap(\.self) == Array(0..<251))
    }

    @Test func noRowsNeedNoImport() {
        var rounds = ImportRounds(ImportPacking.parts(sizes: [], envelope: 15))
        #expect(rounds.next() == nil)
        #expect(rounds.outcome == ImportOutcome())
    }

    /// How the importer of one test behaves where its documentation is silent.
    struct Importer {
        var base: Int
        var reportsOnlyFirst = false
        var reportsNumbers = true
        var bad: Set<Int>

        func answer(_ rows: [Int], id: Int) -> ImportRounds.Answer {
            var failures = rows.enumerated().filter { bad.contains($0.element) }.map {
                ImportFailure(number: reportsNumbers ? $0.offset + base : nil, code: "email_invalid", fields: ["email"])
            }
            if reportsOnlyFirst { failures = Array(failures.prefix(1)) }
            return failures.isEmpty ? .queued(batchID: "b\(id)") : .rejected(failures)
        }
    }

    private func run(_ importer: Importer, rows: Int) -> (outcome: ImportOutcome, calls: Int) {
        var rounds = ImportRounds(ImportPacking.parts(sizes: Array(repeating: 100, count: rows), envelope: 15))
        var calls = 0
        while let batch = rounds.next() {
            calls += 1
            rounds.settle(importer.answer(batch, id: calls))
        }
        return (rounds.outcome, calls)
    }

    @Test(arguments: [0, 1]) func oneBadRowCostsFewCallsHoweverRowsAreCounted(base: Int) {
        for bad in [0, 1, 117, 248, 249] {
            let (outcome, calls) = run(Importer(base: base, bad: [bad]), rows: 250)
            #expect(outcome.refused.map(\.row) == [bad])
            #expect(outcome.queued.flatMap(\.rows).sorted() == (0..<250).filter { $0 != bad })
            #expect(outcome.error == nil)
            #expect(calls <= 7)
        }
    }

    @Test func everyRowEndsInOnePlaceWhateverTheImporterDoes() {
        let seed = UInt64.random(in: 0 ... .max)
        print("ImportRoundsTests seed \(seed)")
        var random = SplitMix(state: seed)
        for _ in 0..<300 {
            let rows = Int.random(in: 1...700, using: &random)
            let bad = Set(
                (0..<Int.random(in: 0...8, using: &random)).map { _ in Int.random(in: 0..<rows, using: &random) })
            let importer = Importer(
                base: Int.random(in: 0...1, using: &random), reportsOnlyFirst: Bool.random(using: &random),
                reportsNumbers: Int.random(in: 0..<4, using: &random) > 0, bad: bad)
            let (outcome, _) = run(importer, rows: rows)
            let queued = outcome.queued.flatMap(\.rows)
            let all = queued + outcome.refused.map(\.row) + outcome.unsent
            #expect(all.sorted() == Array(0..<rows), "\(importer)")
            #expect(bad.isDisjoint(with: queued), "\(importer)")
            #expect(bad.isSuperset(of: outcome.refused.map(\.row)), "\(importer)")
            #expect(outcome.unsent.isEmpty == (outcome.error == nil))
            if importer.reportsNumbers { #expect(outcome.error == nil, "\(importer) of \(rows)") }
        }
    }

    @Test func allRowsBadAreAllRefusedAtOnce() {
        let (outcome, calls) = run(Importer(base: 1, bad: Set(0..<50)), rows: 50)
        #expect(outcome.refused.count == 50)
        #expect(calls == 1)
    }

    @Test func anImporterThatRefusesEverythingForeverIsBounded() {
        let (outcome, calls) = run(Importer(base: 0, reportsNumbers: false, bad: Set(0..<250)), rows: 250)
        #expect(calls <= 1 + ActiveCampaignLimits.importExtraCalls)
        #expect(outcome.error?.verdict == .ourBug(code: "import_unresolved"))
        #expect(outcome.refused.count + outcome.unsent.count == 250)
    }

    @Test func aBodyTooLargeIsHalvedAndARowTooLargeRefused() {
        var rounds = ImportRounds(.init(batches: [[0, 1, 2]]))
        while let batch = rounds.next() {
            rounds.settle(batch.contains(1) ? .tooLarge : .queued(batchID: "b"))
        }
        #expect(rounds.outcome.refused == [.init(row: 1, code: "too_large", fields: [])])
        #expect(rounds.outcome.queued.flatMap(\.rows).sorted() == [0, 2])
    }

    @Test func aStopKeepsWhatWasQueued() {
        var rounds = ImportRounds(.init(batches: [[0], [1], [2]]))
        _ = rounds.next()
        rounds.settle(.queued(batchID: "b1"))
        _ = rounds.next()
        let error = ActiveCampaignError(.needsHuman(.payment), call: .bulkImport)
        rounds.stop(error)
        #expect(rounds.next() == nil)
        #expect(rounds.outcome.queued == [.init(batchID: "b1", rows: [0])])
        #expect(rounds.outcome.unsent == [1, 2])
        #expect(rounds.outcome.error == error)
    }
}

/// SplitMix64, so that a seed repeats a run.
struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }
}
