/// Finds out, import by import, which rows are taken and which are refused. Pure.
///
/// The importer refuses a whole batch for one bad row and names the bad ones by a number that may count from 0 or
/// from 1 (reference 6). Most answers tell which; where one doesn't, a row it may mean is sent alone, and whether that
/// row is taken tells it for all. The rows named are refused and the rest is sent again. Where the numbers make no
/// sense the batch is halved. Every round has fewer rows than the one before, and the calls are bounded.
struct ImportRounds {
    /// What the importer said of the rows of `next`.
    enum Answer: Hashable {
        case queued(batchID: String)
        case rejected([ImportFailure])
        case tooLarge
    }

    /// What the importer's numbers count from.
    private enum Base: Hashable {
        case unknown
        case known(Int)
        /// They contradict each other.
        case useless
    }

    private struct Round {
        var rows: [Int]
        /// A rejection that waits for the base to be known.
        var failures: [ImportFailure] = []
        /// A row of a waiting rejection, sent to learn the base: taken, it was not the one that was meant.
        var isProbe = false
    }

    /// What is known so far.
    private(set) var outcome = ImportOutcome()
    /// The next round is the last element.
    private var waiting: [Round]
    private var base = Base.unknown
    private var callsLeft: Int

    /// - Parameter parts: the imports to begin with.
    init(_ parts: ImportPacking.Parts, extraCalls: Int = ActiveCampaignLimits.importExtraCalls) {
        waiting = parts.batches.reversed().map { Round(rows: $0) }
        callsLeft = parts.batches.count + extraCalls
        outcome.refused = parts.tooLarge.map { RefusedImportRow(row: $0, code: "too_large", fields: []) }
    }

    /// The rows to send now; nil when all is known.
    mutating func next() -> [Int]? {
        while let round = waiting.last, !round.failures.isEmpty {
            waiting.removeLast()
            reject(round, round.failures)
        }
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
        case .queued(let batchID):
            outcome.queued.append(QueuedImport(batchID: batchID, rows: round.rows))
            if round.isProbe { learn(1) }
        case .tooLarge where round.rows.count == 1:
            // Nothing was learnt from a probe; without a base the numbers it was sent for are of no use.
            if round.isProbe { base = .useless }
            refuse(round.rows[0], ImportFailure(number: nil, code: "too_large"))
        case .tooLarge: halve(round.rows)
        case .rejected(let failures): reject(round, failures)
        }
    }

    /// Ends the work: what isn't known stays unsent.
    mutating func stop(_ error: ActiveCampaignError) {
        let settled = Set(outcome.queued.flatMap(\.rows) + outcome.refused.map(\.row))
        outcome.unsent = Set(waiting.flatMap(\.rows)).subtracting(settled).sorted()
        outcome.error = outcome.unsent.isEmpty ? nil : error
        waiting = []
    }

    // MARK: - Rejections

    private mutating func reject(_ round: Round, _ failures: [ImportFailure]) {
        let numbers = Set(failures.compactMap(\.number))
        learn(from: numbers, count: round.rows.count)
        if round.rows.count == 1 {
            // A probe that is refused without a number is at least no reason to count from 1.
            if round.isProbe, base == .unknown { learn(0) }
            return refuse(round.rows[0], failures.first ?? ImportFailure(number: nil, code: "import_refused"))
        }
        switch base {
        case .known(let offset) where !numbers.isEmpty: split(round.rows, failures, offset: offset)
        case .unknown where !numbers.isEmpty: probe(round.rows, failures, suspect: numbers.min() ?? 0)
        case .known, .unknown, .useless: halve(round.rows)
        }
    }

    private mutating func learn(from numbers: Set<Int>, count: Int) {
        if !numbers.allSatisfy({ (0...count).contains($0) }) { base = .useless }
        if numbers.contains(0) { learn(0) }
        if numbers.contains(count) { learn(1) }
    }

    private mutating func learn(_ offset: Int) {
        switch base {
        case .unknown: base = .known(offset)
        case .known(offset), .useless: break
        case .known: base = .useless
        }
    }

    /// Refuses the rows that are named and sends the others again.
    private mutating func split(_ rows: [Int], _ failures: [ImportFailure], offset: Int) {
        let settled = Set(outcome.queued.flatMap(\.rows) + outcome.refused.map(\.row))
        let reasons = Dictionary(
            failures.compactMap { failure in failure.number.map { ($0 - offset, failure) } },
            uniquingKeysWith: { first, _ in first })
        var rest: [Int] = []
        for (position, row) in rows.enumerated() where !settled.contains(row) {
            if let reason = reasons[position] { refuse(row, reason) } else { rest.append(row) }
        }
        if !rest.isEmpty { waiting.append(Round(rows: rest)) }
    }

    /// Puts a rejection aside until the row that it means, if numbers count from 0, was sent alone.
    private mutating func probe(_ rows: [Int], _ failures: [ImportFailure], suspect: Int) {
        waiting.append(Round(rows: rows, failures: failures))
        waiting.append(Round(rows: [rows[suspect]], isProbe: true))
    }

    private mutating func halve(_ rows: [Int]) {
        let settled = Set(outcome.queued.flatMap(\.rows) + outcome.refused.map(\.row))
        let rows = rows.filter { !settled.contains($0) }
        let middle = (rows.count + 1) / 2
        for half in [rows[middle...], rows[..<middle]] where !half.isEmpty {
            waiting.append(Round(rows: Array(half)))
        }
    }

    private mutating func refuse(_ row: Int, _ failure: ImportFailure) {
        outcome.refused.append(RefusedImportRow(row: row, code: failure.code, fields: failure.fields))
    }
}
