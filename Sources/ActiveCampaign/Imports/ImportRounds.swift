/// Finds out, import by import, which rows are taken and which are refused. Pure.
///
/// The importer refuses a whole batch for one bad row and names the bad ones by a number that may count from 0 or
/// from 1. So the named rows are set apart as suspects, the rest is sent again, and the suspects are sent by
/// themselves: a row is refused only when an import of nothing but refused rows says so. Where the numbers make no
/// sense the batch is halved. Every round has fewer rows than the one before, and the calls are bounded.
struct ImportRounds {
    /// What the importer said of the rows of `next`.
    enum Answer: Hashable {
        case queued(batchID: String)
        case rejected([ImportFailure])
        case tooLarge
    }

    /// What the importer's numbers are taken to count from.
    private enum Base: Hashable {
        case assumed(Int)
        case proven(Int)
        /// Numbers are of no use.
        case none
    }

    private struct Round {
        var rows: [Int]
        var base = Base.assumed(0)
        /// The numbers named in the round before, if this is its rest.
        var named: Set<Int> = []
    }

    /// What is known so far.
    private(set) var outcome = ImportOutcome()
    private var waiting: [Round]
    private var callsLeft: Int

    /// - Parameter parts: the imports to begin with.
    init(_ parts: ImportPacking.Parts, extraCalls: Int = ActiveCampaignLimits.importExtraCalls) {
        waiting = parts.batches.reversed().map { Round(rows: $0) }
        callsLeft = parts.batches.count + extraCalls
        outcome.refused = parts.tooLarge.map { RefusedImportRow(row: $0, code: "too_large", fields: []) }
    }

    /// The rows to send now; nil when all is known.
    mutating func next() -> [Int]? {
        guard let round = waiting.last else { return nil }
        guard callsLeft > 0 else {
            stop(ActiveCampaignError(.ourBug(code: "import_unresolved"), call: .bulkImport))
            return nil
        }
        callsLeft -= 1
        return round.rows
    }

    /// Takes the answer to the rows of `next`.
    mutating func settle(_ answer: Answer) {
        guard let round = waiting.popLast() else { return }
        switch answer {
        case .queued(let batchID): outcome.queued.append(QueuedImport(batchID: batchID, rows: round.rows))
        case .tooLarge where round.rows.count == 1:
            refuse(round.rows[0], ImportFailure(number: nil, code: "too_large"))
        case .tooLarge: halve(round)
        case .rejected(let failures): reject(round, failures)
        }
    }

    /// Ends the work: what isn't known stays unsent.
    mutating func stop(_ error: ActiveCampaignError) {
        outcome.unsent = waiting.reversed().flatMap(\.rows)
        outcome.error = outcome.unsent.isEmpty ? nil : error
        waiting = []
    }

    // MARK: - Rejections

    private mutating func reject(_ round: Round, _ failures: [ImportFailure]) {
        if round.rows.count == 1 {
            return refuse(round.rows[0], failures.first ?? ImportFailure(number: nil, code: "import_refused"))
        }
        let numbers = Set(failures.compactMap(\.number))
        let base = Self.base(round, numbers)
        guard let offset = Self.offset(base), !numbers.isEmpty else { return halve(round) }
        let reasons = Dictionary(
            failures.compactMap { failure in failure.number.map { ($0 - offset, failure) } },
            uniquingKeysWith: { first, _ in first })
        var suspects: [Int] = []
        var rest: [Int] = []
        for (position, row) in round.rows.enumerated() {
            if let reason = reasons[position] {
                if base == .proven(offset) { refuse(row, reason) } else { suspects.append(row) }
            } else {
                rest.append(row)
            }
        }
        if !suspects.isEmpty { waiting.append(Round(rows: suspects)) }
        if !rest.isEmpty { waiting.append(Round(rows: rest, base: base, named: numbers)) }
    }

    /// A number that only one way of counting can produce proves it; the same numbers again, after the rows they
    /// were thought to mean are gone, disprove what was assumed.
    private static func base(_ round: Round, _ numbers: Set<Int>) -> Base {
        let count = round.rows.count
        guard numbers.allSatisfy({ (0...count).contains($0) }), !numbers.isSuperset(of: [0, count]) else {
            return .none
        }
        let evidence: Int? = numbers.contains(0) ? 0 : numbers.contains(count) ? 1 : nil
        switch round.base {
        case .none: return .none
        case .proven(let offset): return evidence == nil || evidence == offset ? round.base : .none
        case .assumed(let offset):
            if let evidence { return .proven(evidence) }
            guard round.named == numbers else { return round.base }
            return offset == 0 ? .assumed(1) : .none
        }
    }

    private static func offset(_ base: Base) -> Int? {
        switch base {
        case .assumed(let offset), .proven(let offset): offset
        case .none: nil
        }
    }

    private mutating func halve(_ round: Round) {
        let middle = round.rows.count / 2
        waiting.append(Round(rows: Array(round.rows[middle...]), base: .none))
        waiting.append(Round(rows: Array(round.rows[..<middle]), base: .none))
    }

    private mutating func refuse(_ row: Int, _ failure: ImportFailure) {
        outcome.refused.append(RefusedImportRow(row: row, code: failure.code, fields: failure.fields))
    }
}
