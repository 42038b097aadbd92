/// One round trip with the server: what was sent, what came back so far, and when it is over.
///
/// A value type without I/O. The connection sends `steps` in order, then tells the exchange every result libpq hands
/// out; the exchange says when the last one is in. In a pipeline each step ends with "no more results" and the whole
/// with the answer to its one sync; after an error the server skips all further steps up to that sync.
struct PostgresExchange: Sendable {
    enum Step: Sendable {
        /// Drops a prepared statement.
        case deallocate(name: String)
        /// Prepares the statement of that index.
        case prepare(key: PostgresStatement.Key, name: String, index: Int)
        /// Runs the statement of that index; nil runs it unprepared.
        case execute(index: Int, name: String?)
        /// Ends the pipeline.
        case sync
        /// Several statements in one text, by the simple protocol; the only step of its exchange.
        case script
    }

    enum Event: Sendable {
        /// A command ended well.
        case completed(affected: Int, command: String)
        /// The server refused a command.
        case failed(PostgresError)
        /// The server skipped a command because an earlier one failed.
        case skipped
        /// libpq has no more results for this step.
        case endOfStep
        /// The answer to the sync.
        case synced
    }

    enum Action: Equatable {
        /// Wait for more.
        case wait
        /// The next step runs; `rowByRow` is true when its rows should come one by one.
        case nextStep(rowByRow: Bool)
        /// Everything is in.
        case finish
        /// The server and we disagree about what comes next; the connection is of no more use.
        case outOfStep
    }

    let steps: [Step]
    private var position = 0
    private var isFinished = false
    private(set) var failure: PostgresError?
    private(set) var rows: [PostgresRows]
    private(set) var prepared: [(key: PostgresStatement.Key, name: String)] = []
    private(set) var deallocated: [String] = []
    /// Rows of the command under way.
    var builder = PostgresRowsBuilder()
    private var bytesBefore = 0

    /// Makes an exchange.
    /// - Parameters:
    ///   - steps: what is sent; a pipeline ends with `sync`.
    ///   - statementCount: how many answers are expected.
    init(steps: [Step], statementCount: Int) {
        self.steps = steps
        rows = []
        rows.reserveCapacity(statementCount)
    }

    /// Bytes of all values received, with eight for each value's place.
    var receivedBytes: Int { bytesBefore + builder.byteCount + builder.valueCount * 8 }

    /// Whether the first step returns rows.
    var startsRowByRow: Bool { steps.first.map(Self.returnsRows) ?? false }

    /// Takes note of one result.
    mutating func receive(_ event: Event) -> Action {
        guard !isFinished, position < steps.count else { return .outOfStep }
        switch event {
        case .completed(let affected, let command): return complete(affected: affected, command: command)
        case .failed(let error): return fail(error)
        case .skipped: return failure == nil ? .outOfStep : .wait
        case .endOfStep: return endStep()
        case .synced: return sync()
        }
    }

    private mutating func complete(affected: Int, command: String) -> Action {
        switch steps[position] {
        case .deallocate(let name): deallocated.append(name)
        case .prepare(let key, let name, _): prepared.append((key, name))
        case .execute, .script: take(affected: affected, command: command)
        case .sync: return .outOfStep
        }
        return .wait
    }

    private mutating func take(affected: Int, command: String) {
        bytesBefore = receivedBytes
        rows.append(builder.finish(affected: affected, command: command))
        builder = PostgresRowsBuilder()
    }

    /// The first failure counts; an error at the sync is the commit of the last statement that failed.
    private mutating func fail(_ error: PostgresError) -> Action {
        guard failure == nil else { return .wait }
        failure = error.at(statement: statementIndex)
        builder = PostgresRowsBuilder()
        return .wait
    }

    private var statementIndex: Int? {
        switch steps[position] {
        case .deallocate: nil
        case .prepare(_, _, let index), .execute(let index, _): index
        case .sync, .script: max(0, rows.count - 1)
        }
    }

    private mutating func endStep() -> Action {
        switch steps[position] {
        case .script: return finish()
        // An error that arrives instead of the sync's answer has an end of its own; the answer still comes.
        case .sync: return failure == nil ? .outOfStep : .wait
        case .deallocate, .prepare, .execute:
            position += 1
            return .nextStep(rowByRow: Self.returnsRows(steps[position]))
        }
    }

    private mutating func sync() -> Action {
        guard case .sync = steps[position] else { return .outOfStep }
        return finish()
    }

    private mutating func finish() -> Action {
        isFinished = true
        return .finish
    }

    private static func returnsRows(_ step: Step) -> Bool {
        if case .execute = step { true } else { false }
    }
}
