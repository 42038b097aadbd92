import DequeModule

/// Which connections a pool has, who waits for one, and when another should be opened.
///
/// A value type without I/O: the pool tells it what happened and does what it answers. Callers are served in the order
/// they came; of idle connections the one used last goes first, so that the others can age and close.
struct PostgresPoolState: Sendable {
    typealias ConnectionID = Int
    typealias WaiterID = UInt64

    enum Lease: Equatable {
        case use(ConnectionID)
        case wait
        case full
        case closed
    }

    enum Placement: Equatable {
        case hand(ConnectionID, to: WaiterID)
        case keep
        case close
    }

    private struct Idle {
        let id: ConnectionID
        let since: ContinuousClock.Instant
    }

    let minimum: Int
    let maximum: Int
    let maximumWaiters: Int
    private var idle: [Idle] = []
    private var leased: Set<ConnectionID> = []
    private var opening: Set<ConnectionID> = []
    private var lastID: ConnectionID = 0
    /// Broke before they were handed back; they are not to be used again.
    private var brokenAway: Set<ConnectionID> = []
    /// In order of arrival; those that gave up stay until they come up, and are skipped.
    private var queue: Deque<WaiterID> = []
    private var waiting: Set<WaiterID> = []
    /// Tries to connect that failed in a row.
    private(set) var failures = 0
    private var isRetryScheduled = false
    private(set) var isClosed = false

    init(minimum: Int, maximum: Int, maximumWaiters: Int) {
        self.maximum = max(1, min(maximum, PostgresLimits.connectionsPerPool))
        self.minimum = max(0, min(minimum, self.maximum))
        self.maximumWaiters = maximumWaiters
    }

    var total: Int { idle.count + leased.count + opening.count }
    var idleCount: Int { idle.count }
    var leasedCount: Int { leased.count }
    var waitingCount: Int { waiting.count }

    /// A caller wants a connection.
    mutating func lease(_ waiter: WaiterID) -> Lease {
        guard !isClosed else { return .closed }
        if let connection = idle.popLast() {
            leased.insert(connection.id)
            return .use(connection.id)
        }
        guard waiting.count < maximumWaiters else { return .full }
        waiting.insert(waiter)
        queue.append(waiter)
        compact()
        return .wait
    }

    /// The connections to start opening now; they count as being opened from here on.
    mutating func openingsWanted() -> [ConnectionID] {
        guard !isClosed, !isRetryScheduled else { return [] }
        let demand = max(waiting.count - opening.count, minimum - total)
        // After a failure one connection tries the ice.
        let allowed = failures > 0 ? max(0, 1 - opening.count) : maximum - total
        let count = max(0, min(demand, allowed, maximum - total))
        let fresh = (0..<count).map { lastID + 1 + $0 }
        lastID += count
        opening.formUnion(fresh)
        return fresh
    }

    /// A connection was opened.
    mutating func opened(_ id: ConnectionID, now: ContinuousClock.Instant) -> Placement {
        opening.remove(id)
        failures = 0
        return place(id, now: now)
    }

    /// A connection could not be opened.
    /// - Returns: the number of the try to wait for before `retry()`; nil when a retry is under way already.
    mutating func openingFailed(_ id: ConnectionID) -> Int? {
        opening.remove(id)
        failures += 1
        guard !isClosed, !isRetryScheduled else { return nil }
        isRetryScheduled = true
        return failures - 1
    }

    /// The wait after a failure is over.
    mutating func retry() { isRetryScheduled = false }

    /// A caller hands its connection back.
    mutating func released(_ id: ConnectionID, isUsable: Bool, now: ContinuousClock.Instant) -> Placement {
        guard leased.remove(id) != nil, isUsable else {
            brokenAway.remove(id)
            return .close
        }
        return place(id, now: now)
    }

    /// A connection broke while nothing ran on it. The news may overtake its being opened or handed back.
    /// - Returns: true when it was idle and is to be forgotten.
    mutating func broke(_ id: ConnectionID) -> Bool {
        if let index = idle.firstIndex(where: { $0.id == id }) {
            idle.remove(at: index)
            return true
        }
        if leased.contains(id) || opening.contains(id) { brokenAway.insert(id) }
        return false
    }

    /// A caller no longer wants to wait.
    /// - Returns: false when it has been served already.
    mutating func giveUp(_ waiter: WaiterID) -> Bool { waiting.remove(waiter) != nil }

    /// Everyone who waits, who then waits no more.
    mutating func giveUpAll() -> Set<WaiterID> {
        defer {
            waiting = []
            queue = []
        }
        return waiting
    }

    /// The caller that has waited longest.
    mutating func longestWaiting() -> WaiterID? {
        while let first = queue.first {
            if waiting.contains(first) { return first }
            queue.removeFirst()
        }
        return nil
    }

    /// Connections idle since before `instant`, above the minimum: they are to be closed.
    mutating func takeIdle(since instant: ContinuousClock.Instant) -> [ConnectionID] {
        let spare = max(0, total - minimum)
        let old = idle.prefix(spare).prefix { $0.since <= instant }.map(\.id)
        idle.removeFirst(old.count)
        return old
    }

    /// Closes the pool.
    /// - Returns: the idle connections, to be closed; leased ones follow when they come back.
    mutating func close() -> [ConnectionID] {
        isClosed = true
        defer { idle = [] }
        return idle.map(\.id)
    }

    private mutating func place(_ id: ConnectionID, now: ContinuousClock.Instant) -> Placement {
        guard brokenAway.remove(id) == nil, !isClosed else { return .close }
        if let waiter = longestWaiting() {
            queue.removeFirst()
            waiting.remove(waiter)
            leased.insert(id)
            return .hand(id, to: waiter)
        }
        idle.append(Idle(id: id, since: now))
        return .keep
    }

    /// Keeps those that gave up from filling the queue.
    private mutating func compact() {
        guard queue.count > 2 * waiting.count + 64 else { return }
        queue.removeAll { !waiting.contains($0) }
    }
}
