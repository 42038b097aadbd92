import CLibpq
import Dispatch

/// An exchange under way on a connection, and what was done to stop it.
struct ActiveExchange {
    let id: UInt64
    var machine: PostgresExchange
    let continuation: CheckedContinuation<PostgresConnection.Report, Never>
    /// 1 when a BEGIN went out in front of the caller's statements.
    let hiddenStatements: Int
    /// Why the server was asked to cancel.
    var interruption: PostgresError.Code?
    /// The cancel request is still on its way; nothing else may run until it has arrived, or it might hit that.
    var isCancelRequestOut = false
    var isAnswered = false
    /// Bytes seen in the socket since the last whole row: libpq must hold a row whole before anyone can measure it.
    var bytesOfRow = 0

    /// The failure the caller sees when the session breaks.
    func explain(_ error: PostgresError) -> PostgresError {
        guard let interruption else { return error }
        return error.relabelled(interruption, Self.text(interruption))
    }

    /// The report the caller gets once everything is in.
    func report(standing: PostgresStanding) -> PostgresConnection.Report {
        var failure = machine.failure
        if let interruption, let refused = failure, refused.sqlState == .queryCanceled {
            failure = refused.relabelled(interruption, Self.text(interruption))
            failure?.fate = .rolledBack
        }
        if let index = failure?.statementIndex { failure?.statementIndex = max(0, index - hiddenStatements) }
        return PostgresConnection.Report(
            rows: Array(machine.rows.dropFirst(hiddenStatements)), failure: failure, standing: standing)
    }

    private static func text(_ code: PostgresError.Code) -> String {
        code == .cancelled ? "the calling task was cancelled" : "the statement's deadline passed"
    }
}

extension PostgresConnection {
    /// What to run.
    package enum Request: Sendable {
        /// Statements of one pipeline: one round trip, and nothing after the first that fails.
        case statements([PostgresStatement])
        /// A text of several statements without parameters, such as a migration.
        case script(String)
    }

    /// Runs one exchange.
    /// - Parameters:
    ///   - request: what to run.
    ///   - timeout: from now to the last answer.
    ///   - isCancellable: false for what must run even when the caller was cancelled (ROLLBACK).
    /// - Returns: rows and failure; never throws, so that the owner always learns how the connection stands.
    package func run(_ request: Request, timeout: Duration, isCancellable: Bool = true) async -> Report {
        guard !(isCancellable && Task.isCancelled) else { return refused(.cancelled, "the calling task was cancelled") }
        guard active == nil else { return refused(.misuse, "a connection runs one exchange at a time") }
        guard isAlive(), let handle else {
            return Report(
                rows: [],
                failure: PostgresError(.connectionLost, "the connection is gone", fate: .notSent), standing: .broken)
        }
        if let problem = Self.problem(request) { return refused(.misuse, problem) }
        exchanges += 1
        let id = exchanges
        guard isCancellable else { return await perform(request, id: id, timeout: timeout, handle) }
        return await withTaskCancellationHandler {
            await perform(request, id: id, timeout: timeout, handle)
        } onCancel: {
            queue.async { [weak self] in
                self?.assumeIsolated { if $0.active?.id == id { $0.interrupt(.cancelled) } }
            }
        }
    }

    private func refused(_ code: PostgresError.Code, _ message: String) -> Report {
        Report(
            rows: [], failure: PostgresError(code, message, fate: .notSent), standing: handle?.standing ?? .broken)
    }

    private static func problem(_ request: Request) -> String? {
        guard case .statements(let statements) = request else { return nil }
        if statements.isEmpty { return "no statement to run" }
        if statements.count > PostgresLimits.statementsPerPipeline { return "too many statements in one pipeline" }
        if statements.contains(where: { $0.values.count > PostgresLimits.parametersPerStatement }) {
            return "too many parameters in one statement"
        }
        let bytes = statements.reduce(0) { $0 + $1.values.reduce(0) { $0 + ($1.bytes?.count ?? 0) } }
        return bytes > PostgresLimits.parameterBytes ? "the parameters are too large for one exchange" : nil
    }

    private func perform(
        _ request: Request, id: UInt64, timeout: Duration, _ handle: PostgresHandle
    ) async -> Report {
        await withCheckedContinuation { continuation in
            switch request {
            case .statements(var statements):
                let begin = pendingBegin
                pendingBegin = nil
                if let begin { statements.insert(begin, at: 0) }
                let machine = PostgresExchange(steps: plan(statements), statementCount: statements.count)
                active = ActiveExchange(
                    id: id, machine: machine, continuation: continuation, hiddenStatements: begin == nil ? 0 : 1)
                arm(timeout)
                send(statements, handle)
            case .script(let text):
                active = ActiveExchange(
                    id: id, machine: PostgresExchange(steps: [.script], statementCount: 1),
                    continuation: continuation, hiddenStatements: 0)
                arm(timeout)
                send(script: text, handle)
            }
        }
    }

    // MARK: - Sending

    /// Which statements must be prepared first, and which names the server may drop by the way.
    private func plan(_ statements: [PostgresStatement]) -> [PostgresExchange.Step] {
        var steps: [PostgresExchange.Step] = []
        var fresh: [PostgresStatement.Key: String] = [:]
        for (index, statement) in statements.enumerated() {
            guard statement.isCached else {
                steps.append(.execute(index: index, name: nil))
                continue
            }
            let key = statement.key
            if let name = fresh[key] ?? cache.name(of: key) {
                steps.append(.execute(index: index, name: name))
                continue
            }
            let name = cache.freshName()
            fresh[key] = name
            steps += [.prepare(key: key, name: name, index: index), .execute(index: index, name: name)]
        }
        // Only together with a preparation: never in front of a ROLLBACK, which must work in a failed transaction.
        let drops =
            fresh.isEmpty || pendingFailure ? [] : cache.doomed.map { PostgresExchange.Step.deallocate(name: $0) }
        return drops + steps + [.sync]
    }

    private var pendingFailure: Bool { handle?.standing == .failedTransaction }

    private func send(_ statements: [PostgresStatement], _ handle: PostgresHandle) {
        guard let steps = active?.machine.steps else { return }
        for (position, step) in steps.enumerated() where !enqueue(step, of: statements, handle) {
            let fate: PostgresError.Fate = position == 0 ? .notSent : .unknown
            return breakUp(PostgresError(.connectionLost, handle.message, fate: fate))
        }
        if active?.machine.startsRowByRow == true { _ = PQsetSingleRowMode(handle.raw) }
        flush(handle)
    }

    private func enqueue(_ step: PostgresExchange.Step, of statements: [PostgresStatement], _ handle: PostgresHandle)
        -> Bool
    {
        switch step {
        case .deallocate(let name):
            return PostgresParameters([]).sendQuery(handle, sql: "DEALLOCATE \(name)")
        case .prepare(_, let name, let index):
            let statement = statements[index]
            return PostgresParameters(statement.values).sendPrepare(handle, name: name, sql: statement.sql)
        case .execute(let index, let name):
            let statement = statements[index]
            let parameters = PostgresParameters(statement.values)
            guard let name else { return parameters.sendQuery(handle, sql: statement.sql) }
            return parameters.sendExecute(handle, name: name)
        case .sync: return PQpipelineSync(handle.raw) == 1
        case .script: return false
        }
    }

    /// The simple protocol does not mix with pipeline mode, so the session leaves it for the length of the script.
    private func send(script: String, _ handle: PostgresHandle) {
        guard PQexitPipelineMode(handle.raw) == 1, PQsendQuery(handle.raw, script) == 1 else {
            return breakUp(PostgresError(.connectionLost, handle.message, fate: .notSent))
        }
        flush(handle)
    }

    /// Writes what the socket takes now; the rest goes when it is writable. The manual: when PQflush returned 1, wait for
    /// either readiness; when readable, consume input, then flush again.
    private func flush(_ handle: PostgresHandle) {
        guard active != nil else { return }
        let pending = PQflush(handle.raw)
        guard pending >= 0 else {
            return breakUp(PostgresError(.connectionLost, handle.message, fate: .unknown))
        }
        sources?.wantsWrite(pending == 1)
    }

    // MARK: - Receiving

    /// The read or write source fired: reads all there is, hands out what is complete, writes what can be written.
    ///
    /// It must read until the socket is empty: when the peer hangs up, Dispatch on Linux reports that together with the
    /// last bytes and never again. Over TLS bytes may also wait inside the library with the socket empty; one more look
    /// brings them out.
    func socketIsReady() {
        var emptyLooks = 0
        for _ in 0..<PostgresLimits.readsPerTurn {
            guard let handle else { return }
            let waiting = sources?.readableBytes ?? 0
            active?.bytesOfRow += waiting
            // The manual: PQconsumeInput returns 0 when there was some kind of trouble.
            let isOpen = PQconsumeInput(handle.raw) == 1 && !handle.isBad
            if active == nil { takeUnasked(handle) } else { drain(handle) }
            guard self.handle != nil else { return }
            guard isOpen else {
                let fate: PostgresError.Fate = active == nil ? .notSent : .unknown
                return breakUp(PostgresError(.connectionLost, handle.message, fate: fate))
            }
            if waiting == 0 { emptyLooks += 1 }
            if emptyLooks > (handle.usesTLS ? 1 : 0) { return flush(handle) }
        }
        queue.async { [weak self] in self?.assumeIsolated { $0.socketIsReady() } }
    }

    /// Something arrived while nothing runs: a notification, a notice, or a closing server's last words.
    private func takeUnasked(_ handle: PostgresHandle) {
        _ = PQisBusy(handle.raw)
        deliverNotifications(handle)
    }

    private func drain(_ handle: PostgresHandle) {
        while active != nil, active?.isAnswered == false, PQisBusy(handle.raw) == 0 {
            guard let result = PQgetResult(handle.raw) else {
                handleAction(active?.machine.receive(.endOfStep) ?? .finish, handle)
                continue
            }
            defer { PQclear(result) }
            take(result, handle)
        }
        guard let active, !active.isAnswered else { return }
        if isRowTooLarge { refuseLargeResult() }
    }

    /// What waits in the socket may be counted more than once before libpq has read it, hence the allowance.
    private var isRowTooLarge: Bool {
        (active?.bytesOfRow ?? 0) > 2 * configuration.resultBytes + PostgresLimits.rowAllowance
    }

    private func take(_ result: OpaquePointer, _ handle: PostgresHandle) {
        guard active != nil else { return }
        switch read(result) {
        case .event(let event):
            handleAction(active?.machine.receive(event) ?? .finish, handle)
        case .row:
            active?.bytesOfRow = 0
            if (active?.machine.receivedBytes ?? 0) > configuration.resultBytes { refuseLargeResult() }
        case .lost(let error): breakUp(error)
        case .unexpected: handleAction(.outOfStep, handle)
        }
    }

    /// Lends the builder to the reader, so that rows go into it without a copy.
    private func read(_ result: OpaquePointer) -> PostgresResult.Meaning {
        var builder = active?.machine.builder ?? PostgresRowsBuilder()
        active?.machine.builder = PostgresRowsBuilder()
        defer { active?.machine.builder = builder }
        return PostgresResult.read(result, into: &builder)
    }

    private func handleAction(_ action: PostgresExchange.Action, _ handle: PostgresHandle) {
        switch action {
        case .wait: break
        case .nextStep(let rowByRow):
            // The manual: the mode holds for the command under way and must be set before its first result.
            if rowByRow { _ = PQsetSingleRowMode(handle.raw) }
        case .finish: answered(handle)
        case .outOfStep:
            breakUp(PostgresError(.connectionLost, "the server's answers are out of step", fate: .unknown))
        }
    }

    /// A large answer would go on for long; dropping the session is cheaper than reading it.
    private func refuseLargeResult() {
        askToCancel()
        breakUp(
            PostgresError(
                .resultTooLarge, "the answer is larger than \(configuration.resultBytes) bytes", fate: .unknown))
    }

    private func answered(_ handle: PostgresHandle) {
        active?.isAnswered = true
        learn(handle)
        deliver()
    }

    /// Keeps what the exchange taught about prepared statements.
    private func learn(_ handle: PostgresHandle) {
        guard let machine = active?.machine else { return }
        if machine.steps.count == 1, PQenterPipelineMode(handle.raw) == 0 {
            return breakUp(PostgresError(.connectionLost, handle.message, fate: .answered))
        }
        for name in machine.deallocated { cache.confirmDeallocated(name) }
        for (key, name) in machine.prepared { cache.confirm(key, name: name) }
        if machine.failure?.isStalePlan == true {
            cache.forgetAll(serverForgot: machine.failure?.sqlState == .invalidStatementName)
        }
    }

    /// Answers the caller, unless a cancel request is still out.
    private func deliver() {
        guard let handle, let active, active.isAnswered, !active.isCancelRequestOut else { return }
        self.active = nil
        disarm()
        deliverNotifications(handle)
        active.continuation.resume(returning: active.report(standing: handle.standing))
    }

    // MARK: - Interrupting

    func exchangeTimeIsUp() {
        guard let active else { return }
        guard active.interruption == nil else {
            return breakUp(PostgresError(.connectionLost, "the server did not answer a cancel", fate: .unknown))
        }
        interrupt(.deadline)
    }

    /// Asks the server to stop, and gives it a moment to say how far it got.
    func interrupt(_ reason: PostgresError.Code) {
        guard active?.interruption == nil else { return }
        active?.interruption = reason
        arm(PostgresLimits.cancelGrace)
        guard askToCancel() else {
            return breakUp(PostgresError(.connectionLost, "no thread for a cancel request", fate: .unknown))
        }
        active?.isCancelRequestOut = true
    }

    @discardableResult
    private func askToCancel() -> Bool {
        guard let cancelKey, let id = active?.id else { return false }
        return BlockingCalls.start { [weak self] in
            let isTaken = cancelKey.cancel()
            guard let self else { return }
            self.queue.async {
                self.assumeIsolated { $0.cancelReturned(of: id, isTaken: isTaken) }
            }
        }
    }

    private func cancelReturned(of id: UInt64, isTaken: Bool) {
        guard active?.id == id, active?.isCancelRequestOut == true else { return }
        active?.isCancelRequestOut = false
        guard isTaken else {
            return breakUp(PostgresError(.connectionLost, "the server took no cancel request", fate: .unknown))
        }
        deliver()
    }
}

extension PostgresError {
    /// The prepared statement no longer fits its tables, or the server does not know it; preparing anew helps.
    var isStalePlan: Bool {
        sqlState == .invalidStatementName
            || (sqlState == .featureNotSupported && message.contains("cached plan"))
    }
}
