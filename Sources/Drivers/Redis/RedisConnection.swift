import Dispatch
import Synchronization

/// One connection to Redis: connects when there is something to send, pipelines everybody's commands, and connects
/// again after a loss.
///
/// What happens when the link dies: commands already sent fail with fate `unknown`, commands not yet sent wait for the
/// next link until their own deadline. A link that is silent for `silence` while an answer is due counts as dead.
package actor RedisConnection {
    private enum Phase {
        case idle
        case resolving
        case connecting(HiredisLink)
        case greeting(HiredisLink, RedisGreeting)
        case ready(HiredisLink)
        /// Waiting before the next attempt.
        case resting
        case closed
    }

    nonisolated let executor: QueueExecutor
    nonisolated let mailbox: CommandMailbox
    private nonisolated let nextID = Atomic<UInt64>(0)

    private let address: RedisAddress
    private let options: RedisOptions
    private let silence: Duration?
    private let dropsOnCancel: Bool

    private var phase = Phase.idle
    /// Counts links, so that events of an old one are known as such.
    private var generation: UInt64 = 0
    private var ledger = CommandLedger<ReplyTarget>()
    private var failures = 0
    private var lastFailure: RedisError?
    /// When resolving, connecting and greeting must be done, or when resting ends.
    private var phaseDeadline: ContinuousClock.Instant?
    private var alarm: ConnectionAlarm?

    package nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    /// Makes a connection; nothing is opened before the first command.
    /// - Parameter isBlocking: for BLPOP and its like: no silence limit, and a cancelled or late command closes the
    ///   link, so that the server forgets it.
    package init(address: RedisAddress, options: RedisOptions, isBlocking: Bool = false) {
        self.address = address
        self.options = options
        silence = isBlocking ? nil : options.commandTimeout
        dropsOnCancel = isBlocking
        executor = QueueExecutor(label: isBlocking ? "ferry.redis.blocking" : "ferry.redis")
        mailbox = CommandMailbox(maxCommands: options.waitingCommands, maxBytes: options.waitingBytes)
    }

    // MARK: - Callers' side

    /// Sends one command and returns its answer.
    /// - Parameter timeout: how long it may take, waiting for a connection included.
    package nonisolated func send(_ command: RedisCommand, timeout: Duration) async throws(RedisError) -> RESPValue {
        try Self.check(command)
        let id = nextID.wrappingAdd(1, ordering: .relaxed).newValue
        let deadline = ContinuousClock.now + timeout
        let result = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                post([.init(id: id, command: command, deadline: deadline, target: .one(continuation))], id..<id + 1)
            }
        } onCancel: {
            if mailbox.cancel(id..<id + 1) { wake() }
        }
        return try result.get()
    }

    /// Sends commands one behind the other and returns their answers in order.
    package nonisolated func pipeline(
        _ commands: [RedisCommand], timeout: Duration
    ) async -> [Result<RESPValue, RedisError>] {
        guard !commands.isEmpty else { return [] }
        for command in commands {
            do { try Self.check(command) } catch { return commands.map { _ in .failure(error) } }
        }
        let count = UInt64(commands.count)
        let first = nextID.wrappingAdd(count, ordering: .relaxed).oldValue + 1
        let deadline = ContinuousClock.now + timeout
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let group = ReplyGroup(count: commands.count, continuation)
                let entries = commands.enumerated().map { index, command in
                    CommandMailbox.Entry(
                        id: first + UInt64(index), command: command, deadline: deadline,
                        target: .member(group, index))
                }
                post(entries, first..<first + count)
            }
        } onCancel: {
            if mailbox.cancel(first..<first + count) { wake() }
        }
    }

    /// Ends the connection; everybody who waits is told.
    package func close() {
        mailbox.close()
        let post = mailbox.pickUp()
        for entry in post.entries { ledger.add(entry) }
        let verdicts =
            ledger.linkBroke(.closed, "the client was closed") + ledger.failUnsent(CommandMailbox.closedError)
        phase = .closed
        generation += 1
        alarm = nil
        tell(verdicts)
    }

    private nonisolated static func check(_ command: RedisCommand) throws(RedisError) {
        guard command.byteCount <= RedisLimits.commandBytes else {
            throw RedisError(
                .commandTooLarge, fate: .notSent, "the command is longer than \(RedisLimits.commandBytes) bytes")
        }
        precondition(command.count > 0, "a command needs a name")
    }

    private nonisolated func post(_ entries: [CommandMailbox.Entry], _ ids: Range<UInt64>) {
        let refusal: RedisError
        do {
            // A cancellation before the post left nothing to cancel; one after it finds the entries.
            if Task.isCancelled {
                refusal = RedisError(.cancelled, fate: .notSent, "the caller was cancelled")
            } else {
                let bytes = entries.reduce(0) { $0 + $1.command.byteCount }
                switch try mailbox.post(entries, bytes: bytes) {
                case .none: break
                case .queue: wake()
                case .direct:
                    // The queue is idle, so this runs here and now; at worst it waits for the end of a turn, which is short.
                    executor.queue.sync { self.assumeIsolated { $0.pickUp() } }
                }
                if Task.isCancelled, mailbox.cancel(ids) { wake() }
                return
            }
        } catch {
            refusal = error
        }
        for entry in entries { entry.target?.resume(.failure(refusal)) }
    }

    private nonisolated func wake() {
        executor.queue.async { self.assumeIsolated { $0.pickUp() } }
    }

    // MARK: - Turns

    /// Takes what callers have posted; the turn that follows sends it in one write.
    private func pickUp() {
        let post = mailbox.pickUp()
        if case .closed = phase {
            for entry in post.entries { entry.target?.resume(.failure(CommandMailbox.closedError)) }
            return
        }
        for entry in post.entries {
            ledger.add(entry)
            setAlarm(entry.deadline)
        }
        var verdicts: [CommandLedger<ReplyTarget>.Verdict] = []
        if !post.cancelled.isEmpty {
            verdicts = ledger.cancel(post.cancelled)
            if dropsOnCancel, !verdicts.isEmpty {
                verdicts += dropLink(.connectionLost, "a blocking command was cancelled")
            }
        }
        tell(verdicts)
        advance()
    }

    /// Does what the phase allows: connect, or send.
    private func advance() {
        switch phase {
        case .idle where ledger.hasUnsent: connect()
        case .ready(let link): transmit(link)
        default: break
        }
    }

    private func transmit(_ link: HiredisLink) {
        let now = ContinuousClock.now
        do throws(RedisError) {
            while ledger.hasUnsent || link.hasOutput {
                ledger.takeUnsent(bytes: RedisLimits.writeBytes, now: now) { link.append($0) }
                guard try link.flush() else {
                    awaitWritable(link)
                    return
                }
            }
            link.stopWaitingForWritable()
        } catch {
            lose(error)
        }
    }

    private func awaitWritable(_ link: HiredisLink) {
        let current = generation
        link.whenWritable { [weak self] in
            self?.assumeIsolated { $0.writable(current) }
        }
    }

    private func writable(_ current: UInt64) {
        guard current == generation else { return }
        switch phase {
        case .connecting(let link): greet(link)
        case .greeting(let link, _):
            do throws(RedisError) {
                if try link.flush() { link.stopWaitingForWritable() }
            } catch { failedToConnect(error) }
        case .ready(let link): transmit(link)
        default: break
        }
    }

    private func readable(_ current: UInt64) {
        guard current == generation else { return }
        switch phase {
        case .greeting(let link, var greeting):
            do throws(RedisError) {
                _ = try link.read()
                while let reply = try link.nextReply() {
                    guard try greeting.isDone(after: reply) else { continue }
                    return becomeReady(link)
                }
                phase = .greeting(link, greeting)
            } catch { failedToConnect(error) }
        case .ready(let link): receive(link)
        default: break
        }
    }

    private func receive(_ link: HiredisLink) {
        let now = ContinuousClock.now
        var verdicts: [CommandLedger<ReplyTarget>.Verdict] = []
        var wrongServer: RedisError?
        do throws(RedisError) {
            for _ in 0..<RedisLimits.readsPerTurn {
                let arrival = try link.read()
                ledger.heard(now: now)
                while let reply = try link.nextReply() {
                    if case .error(let error) = reply, wantsReconnect(error) { wrongServer = error }
                    if let verdict = try ledger.answer(reply, now: now) { verdicts.append(verdict) }
                }
                if arrival == .drained { break }
            }
            if wrongServer == nil { failures = 0 }
            tell(verdicts)
            if let wrongServer { lose(wrongServer) } else { advance() }
        } catch {
            tell(verdicts)
            lose(error)
        }
    }

    /// In a cluster a MOVED says where one slot is; the node is still the right one for its others.
    private func wantsReconnect(_ error: RedisError) -> Bool {
        error.wantsReconnect && !(options.isClusterNode && error.code == .server("MOVED"))
    }

    private func tell(_ verdicts: [CommandLedger<ReplyTarget>.Verdict]) {
        // Room first: a waiter that is told may send its next command at once.
        mailbox.release(ledger.takeFreed())
        for verdict in verdicts { verdict.target.resume(verdict.result) }
    }

    // MARK: - Connecting

    private func connect() {
        phase = .resolving
        generation += 1
        let current = generation
        setPhaseDeadline(ContinuousClock.now + options.connectTimeout)
        NameResolver.resolve(address.place, attempt: failures, on: executor.queue) { [weak self] result in
            self?.assumeIsolated { $0.resolved(result, current) }
        }
    }

    private func resolved(_ result: Result<RedisAddress.Place, RedisError>, _ current: UInt64) {
        guard current == generation, case .resolving = phase else { return }
        do throws(RedisError) {
            let link = try HiredisLink(
                try result.get(), queue: executor.queue, replyBytes: options.replyBytes
            ) { [weak self] in
                self?.assumeIsolated { $0.readable(current) }
            }
            phase = .connecting(link)
            awaitWritable(link)
        } catch {
            failedToConnect(error)
        }
    }

    private func greet(_ link: HiredisLink) {
        do throws(RedisError) {
            link.stopWaitingForWritable()
            try link.checkConnected()
            let greeting = RedisGreeting(address)
            for command in greeting.commands { link.append(command) }
            phase = .greeting(link, greeting)
            if try !link.flush() { awaitWritable(link) }
        } catch {
            failedToConnect(error)
        }
    }

    private func becomeReady(_ link: HiredisLink) {
        phase = .ready(link)
        phaseDeadline = nil
        lastFailure = nil
        advance()
    }

    // MARK: - Losing

    /// The link stopped working, or should not be used any more.
    private func lose(_ error: RedisError) {
        let code: RedisError.Code =
            switch error.code {
            case .replyTooLarge, .protocolViolation: error.code
            default: .connectionLost
            }
        let verdicts = dropLink(code, error.message)
        lastFailure = error
        tell(verdicts)
        rest()
    }

    private func dropLink(_ code: RedisError.Code, _ message: String) -> [CommandLedger<ReplyTarget>.Verdict] {
        generation += 1
        phase = .idle
        phaseDeadline = nil
        return ledger.linkBroke(code, message)
    }

    private func failedToConnect(_ error: RedisError) {
        generation += 1
        lastFailure = error
        // A wrong password does not get better by waiting: whoever waits learns it now.
        let verdicts = error.code == .authentication ? ledger.failUnsent(error) : []
        phase = .idle
        tell(verdicts)
        rest()
    }

    private func rest() {
        phase = .resting
        let wait = options.reconnect.delay(attempt: failures)
        failures += 1
        setPhaseDeadline(ContinuousClock.now + wait)
    }

    // MARK: - Time

    private func setPhaseDeadline(_ instant: ContinuousClock.Instant) {
        phaseDeadline = instant
        setAlarm(instant)
    }

    private func setAlarm(_ instant: ContinuousClock.Instant) {
        let alarm =
            alarm
            ?? ConnectionAlarm(queue: executor.queue) { [weak self] in
                self?.assumeIsolated { $0.alarmRang() }
            }
        self.alarm = alarm
        alarm.set(instant)
    }

    private func alarmRang() {
        if case .closed = phase { return }
        let now = ContinuousClock.now
        alarm?.hasRung()
        let isReady = if case .ready = phase { true } else { false }
        var verdicts = ledger.expire(now: now, connectionError: isReady ? nil : lastFailure ?? Self.noConnection)
        if isReady, dropsOnCancel, !verdicts.isEmpty {
            verdicts += dropLink(.timeout, "no answer before the deadline")
        }
        tell(verdicts)
        phaseRang(now)
        if case .ready = phase, let silence, let silentAt = ledger.silentAt(limit: silence), silentAt <= now {
            lose(RedisError(.connectionLost, fate: .unknown, "the server has been silent for \(silence)"))
        }
        advance()
        rearm()
    }

    private func phaseRang(_ now: ContinuousClock.Instant) {
        guard let deadline = phaseDeadline, deadline <= now else { return }
        phaseDeadline = nil
        switch phase {
        case .resting: phase = .idle
        case .resolving, .connecting, .greeting:
            failedToConnect(RedisError(.notConnected, fate: .notSent, "connecting took too long"))
        case .idle, .ready, .closed: break
        }
    }

    private func rearm() {
        var next = ledger.nextDeadline
        if let silence, let silentAt = ledger.silentAt(limit: silence) { next = min(next ?? silentAt, silentAt) }
        if let phaseDeadline { next = min(next ?? phaseDeadline, phaseDeadline) }
        if let next { setAlarm(next) }
    }

    private static let noConnection = RedisError(.notConnected, fate: .notSent, "no connection to Redis yet")
}
