import ActiveCampaign
import Drivers
import JobQueue
import Synchronization

/// One pace for all workers of the cluster that call an account: they take turns from Redis, a few at a time.
///
/// Each turn has its own time, and lapses with the next one's: nobody saves turns up for a burst, nor pushes them into the
/// time of another worker's. While Redis does not answer each process keeps the account's pace by itself, as
/// `AccountPacer` does in any case.
final class SharedPace: Sendable {
    /// Turns taken and not used yet; instants are those of the pace's clock.
    struct Turns {
        var next: Duration
        var left: Int
        let interval: Duration
        /// How many were taken at once.
        let size: Int
        private(set) var haveLapsed = false

        init(next: Duration, left: Int, interval: Duration, size: Int) {
            (self.next, self.left, self.interval, self.size) = (next, left, interval, size)
        }

        /// Uses one turn, after those whose time is over have lapsed; nil when none is left.
        mutating func use(at now: Duration) -> Duration? {
            let late = interval > .zero ? min(left, max(0, Int((now - next) / interval))) : 0
            if late > 0 {
                haveLapsed = true
                left -= late
                next += interval * late
            }
            guard left > 0 else { return nil }
            defer {
                next += interval
                left -= 1
            }
            return next
        }

        /// How many to take next: more at once for an account that uses them all, one for one that is called now and
        /// then.
        func nextSize(at now: Duration) -> Int {
            guard left == 0, next + interval > now else { return 1 }
            return haveLapsed ? max(1, size / 2) : min(size * 2, ClusterLimits.longestPaceSlice)
        }
    }

    private let queue: JobQueue
    private let clock: PaceClock
    private let turns = Mutex<[String: Turns]>([:])

    init(queue: JobQueue, clock: PaceClock = .system) {
        self.queue = queue
        self.clock = clock
    }

    /// Waits for a turn on each lane.
    func admit(_ account: String, _ lanes: [PaceLane], _ call: ActiveCampaignCall.Kind)
        async throws(ActiveCampaignError)
    {
        for lane in lanes {
            let name = "\(account) \(lane)"
            var start = use(name)
            if start == nil { start = try await take(name, lane, call) }
            guard let start else { continue }
            do { try await clock.sleep(start - clock.now) } catch {
                throw ActiveCampaignError(.retry(after: nil, kind: .cancelled, fate: .notSent), call: call)
            }
        }
    }

    /// An account refused a call: all workers hold back.
    func pause(_ account: String, _ lane: PaceLane, for duration: Duration) {
        let (queue, name) = (queue, "\(account) \(lane)")
        turns.withLock { $0[name] = nil }
        // Nobody waits for this: the process itself pauses anyway.
        Task {
            try? await queue.pausePace(account: name, interval: lane.interval, burst: lane.burst, for: duration)
        }
    }

    // MARK: - Turns

    private func use(_ name: String) -> Duration? {
        let now = clock.now
        return turns.withLock { $0[name]?.use(at: now) }
    }

    /// Takes turns, uses the first and keeps the others.
    /// - Returns: its time; nil when Redis does not answer.
    private func take(
        _ name: String, _ lane: PaceLane, _ call: ActiveCampaignCall.Kind
    ) async throws(ActiveCampaignError) -> Duration? {
        let now = clock.now
        let size = lane == .calls ? turns.withLock { $0[name]?.nextSize(at: now) ?? 1 } : 1
        let slice: PaceSlice
        do {
            slice = try await queue.pace(
                account: name, calls: size, interval: lane.interval, burst: lane.burst,
                longestWait: ActiveCampaignLimits.paceWait)
        } catch { return nil }
        guard slice.calls > 0 else {
            throw ActiveCampaignError(
                .retry(after: slice.wait, kind: lane == .calls ? .rateLimit : .importLimit, fate: .notSent), call: call)
        }
        let start = clock.now + slice.wait
        turns.withLock { turns in
            if turns.count >= ClusterLimits.cachedSessions { turns = turns.filter { $0.value.left > 0 } }
            turns[name] = Turns(
                next: start + slice.interval, left: slice.calls - 1, interval: slice.interval, size: size)
        }
        return start
    }
}
