import DequeModule

/// Who waits for what on one connection: commands not yet sent, commands sent, in order.
///
/// A value without I/O and without a clock. RESP answers come in the order of the commands, so a sent command keeps its
/// place until its answer is there, even when nobody wants the answer any more (deadline, cancellation).
struct CommandLedger<Target: Sendable> {
    typealias Instant = ContinuousClock.Instant

    /// One command and who waits for it.
    struct Entry: Sendable {
        let id: UInt64
        let command: RedisCommand
        let deadline: Instant
        /// Nil once the waiter has been told something else.
        var target: Target?
    }

    /// What a waiter is to be told.
    struct Verdict {
        let target: Target
        let result: Result<RESPValue, RedisError>
    }

    /// Places and bytes that have become free.
    struct Room: Equatable, Sendable {
        var commands = 0
        var bytes = 0
    }

    private struct Sent {
        var entry: Entry
        let at: Instant
    }

    private var unsent: Deque<Entry> = []
    private var sent: Deque<Sent> = []
    private var freed = Room()
    /// When the link last proved to be alive.
    private var heardAt: Instant?

    var hasUnsent: Bool { !unsent.isEmpty }
    var isEmpty: Bool { unsent.isEmpty && sent.isEmpty }

    mutating func add(_ entry: Entry) {
        unsent.append(entry)
    }

    /// Moves commands of at most `bytes` (but at least one command) from unsent to sent.
    mutating func takeUnsent(bytes limit: Int, now: Instant, _ send: (RedisCommand) -> Void) {
        var bytes = 0
        while bytes < limit, let entry = unsent.popFirst() {
            bytes += entry.command.byteCount
            send(entry.command)
            sent.append(Sent(entry: entry, at: now))
        }
    }

    /// An answer came: it belongs to the oldest sent command.
    /// - Returns: what to tell its waiter, nil when nobody waits any more.
    /// - Throws: `protocolViolation` when nothing was asked.
    mutating func answer(_ value: RESPValue, now: Instant) throws(RedisError) -> Verdict? {
        guard let first = sent.popFirst() else {
            throw RedisError(.protocolViolation, fate: .answered, "an answer without a question")
        }
        heardAt = now
        release(first.entry)
        guard let target = first.entry.target else { return nil }
        if case .error(let error) = value { return Verdict(target: target, result: .failure(error)) }
        return Verdict(target: target, result: .success(value))
    }

    /// Tells the waiters of these commands that they were cancelled; the order of answers is kept.
    mutating func cancel(_ ids: Set<UInt64>) -> [Verdict] {
        drop({ ids.contains($0.id) }) { fate in
            RedisError(.cancelled, fate: fate, "the caller was cancelled")
        }
    }

    /// Tells the waiters whose deadline has passed.
    /// - Parameter connectionError: why there is no connection, when there is none.
    mutating func expire(now: Instant, connectionError: RedisError?) -> [Verdict] {
        drop({ $0.deadline <= now }) { fate in
            if fate == .notSent, let connectionError {
                return RedisError(.notConnected, fate: .notSent, connectionError.message)
            }
            return RedisError(.timeout, fate: fate, "no answer before the deadline")
        }
    }

    /// The connection is gone: what was sent has an unknown fate, what was not stays for the next connection.
    mutating func linkBroke(_ code: RedisError.Code, _ message: String) -> [Verdict] {
        heardAt = nil
        var verdicts: [Verdict] = []
        while let first = sent.popFirst() {
            release(first.entry)
            if let target = first.entry.target {
                verdicts.append(Verdict(target: target, result: .failure(RedisError(code, fate: .unknown, message))))
            }
        }
        return verdicts
    }

    /// Fails what was not sent.
    mutating func failUnsent(_ error: RedisError) -> [Verdict] {
        var verdicts: [Verdict] = []
        while let entry = unsent.popFirst() {
            release(entry)
            if let target = entry.target { verdicts.append(Verdict(target: target, result: .failure(error))) }
        }
        return verdicts
    }

    /// The earliest deadline of a waiter.
    var nextDeadline: Instant? {
        var earliest: Instant?
        for entry in unsent where entry.target != nil { earliest = min(earliest ?? entry.deadline, entry.deadline) }
        for one in sent where one.entry.target != nil {
            earliest = min(earliest ?? one.entry.deadline, one.entry.deadline)
        }
        return earliest
    }

    /// When the link counts as half-open, if nothing is heard until then; nil when nothing is due from it.
    func silentAt(limit: Duration) -> Instant? {
        guard let oldest = sent.first else { return nil }
        return max(oldest.at, heardAt ?? oldest.at) + limit
    }

    /// Bytes arrived.
    mutating func heard(now: Instant) { heardAt = now }

    /// What has become free since the last call.
    mutating func takeFreed() -> Room {
        defer { freed = Room() }
        return freed
    }

    // MARK: - Leaving

    private mutating func release(_ entry: Entry) {
        freed.commands += 1
        freed.bytes += entry.command.byteCount
    }

    private mutating func drop(
        _ isMeant: (Entry) -> Bool, error: (RedisError.Fate) -> RedisError
    ) -> [Verdict] {
        var verdicts: [Verdict] = []
        for index in sent.indices where isMeant(sent[index].entry) {
            guard let target = sent[index].entry.target else { continue }
            sent[index].entry.target = nil
            verdicts.append(Verdict(target: target, result: .failure(error(.unknown))))
        }
        guard unsent.contains(where: isMeant) else { return verdicts }
        var kept: Deque<Entry> = []
        while let entry = unsent.popFirst() {
            guard isMeant(entry) else {
                kept.append(entry)
                continue
            }
            release(entry)
            if let target = entry.target {
                verdicts.append(Verdict(target: target, result: .failure(error(.notSent))))
            }
        }
        unsent = kept
        return verdicts
    }
}
