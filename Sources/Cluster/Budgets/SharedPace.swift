import ActiveCampaign
import Drivers
import JobQueue
import Synchronization

/// One pace for all workers of the cluster that call an account: they take turns from Redis, a few at a time.
///
/// A turn that is not used in time is lost, so that nobody saves them up for a burst. While Redis does not answer each
/// process keeps the account's pace by itself, as `AccountPacer` does in any case.
final class SharedPace: Sendable {
    /// Turns taken and not used yet.
    private struct Turns {
        var next: ContinuousClock.Instant
        var left: Int
        var interval: Duration
        /// How many are taken at once; grows while they are all used.
        var size: Int
        var end: ContinuousClock.Instant { next + interval * (left + 1) }
    }

    private let queue: JobQueue
    private let turns = Mutex<[String: Turns]>([:])

    init(queue: JobQueue) { self.queue = queue }

    /// Waits for a turn on each lane.
    func admit(_ account: String, _ lanes: [PaceLane], _ call: ActiveCampaignCall.Kind)
        async throws(ActiveCampaignError)
    {
        for lane in lanes {
            let name = "\(account) \(lane)"
            if turn(name) == nil { try await takeTurns(name, lane, call) }
            guard let start = use(name) else { continue }
            do { try await Task.sleep(until: start, clock: .continuous) } catch {
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

    private func turn(_ name: String) -> Turns? {
        turns.withLock { turns in
            guard let held = turns[name], held.left > 0, held.end > .now else { return nil }
            return held
        }
    }

    /// Uses one turn; nil when another task has taken the last one, which the process's own pace has spaced anyway.
    private func use(_ name: String) -> ContinuousClock.Instant? {
        turns.withLock { turns in
            guard var held = turns[name], held.left > 0 else { return nil }
            let start = held.next
            held.next = max(start, .now) + held.interval
            held.left -= 1
            turns[name] = held
            return start
        }
    }

    private func takeTurns(
        _ name: String, _ lane: PaceLane, _ call: ActiveCampaignCall.Kind
    ) async throws(ActiveCampaignError) {
        let size = nextSize(name, lane)
        let slice: PaceSlice
        do {
            slice = try await queue.pace(
                account: name, calls: size, interval: lane.interval, burst: lane.burst,
                longestWait: ActiveCampaignLimits.paceWait)
        } catch { return }
        guard slice.calls > 0 else {
            throw ActiveCampaignError(
                .retry(after: slice.wait, kind: lane == .calls ? .rateLimit : .importLimit, fate: .notSent), call: call)
        }
        turns.withLock { turns in
            if turns.count >= ClusterLimits.cachedSessions { turns = turns.filter { $0.value.end > .now } }
            turns[name] = Turns(
                next: .now + slice.wait, left: slice.calls, interval: slice.interval, size: size)
        }
    }

    /// More at once for an account that uses all its turns, one for an account that is called now and then.
    private func nextSize(_ name: String, _ lane: PaceLane) -> Int {
        guard lane == .calls else { return 1 }
        return turns.withLock { turns in
            guard let held = turns[name], held.left == 0, held.next + held.interval * 2 > .now else { return 1 }
            return min(held.size * 2, ClusterLimits.longestPaceSlice)
        }
    }
}
