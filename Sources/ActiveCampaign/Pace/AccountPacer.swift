import Drivers
import Synchronization

/// Whose allowance a call uses up. An import uses two: the importer's and the account's.
package enum PaceLane: String, Sendable, Hashable {
    /// The account's calls a second.
    case calls
    /// Imports of several contacts.
    case imports
    /// Imports of one contact.
    case singleImports

    /// Time between two calls.
    package var interval: Duration {
        switch self {
        case .calls: .seconds(1) / ActiveCampaignLimits.callsPerSecond
        case .imports: .seconds(60) / ActiveCampaignLimits.importsPerMinute
        case .singleImports: .seconds(60) / ActiveCampaignLimits.singleImportsPerMinute
        }
    }

    /// Calls that may start at once after a rest.
    package var burst: Int {
        switch self {
        case .calls: 1
        case .imports: ActiveCampaignLimits.importBurst
        case .singleImports: ActiveCampaignLimits.singleImportBurst
        }
    }
}

/// How fast one account may be called.
package struct AccountPace: Sendable, Hashable {
    /// Calls a second, evenly spaced. ActiveCampaign takes 5 of all integrations of the account together.
    package var callsPerSecond = ActiveCampaignLimits.callsPerSecond
    /// The longest a call waits for its turn.
    package var longestWait = ActiveCampaignLimits.paceWait

    /// Production's pace.
    package init() {}

    /// A pace of one's own; `callsPerSecond` must be positive.
    package init(callsPerSecond: Double) {
        precondition(callsPerSecond > 0, "a pace must be positive")
        self.callsPerSecond = callsPerSecond
    }
}

/// Spaces the calls to one account, whoever in the process makes them, and keeps its pauses after a 429.
///
/// Turns are handed out in order of asking. A cancelled waiter's turn is lost; that costs one interval.
package final class AccountPacer: Sendable {
    private struct State {
        var calls: CallPace
        var imports: CallPace
        var singleImports: CallPace

        subscript(lane: PaceLane) -> CallPace {
            get {
                switch lane {
                case .calls: calls
                case .imports: imports
                case .singleImports: singleImports
                }
            }
            set {
                switch lane {
                case .calls: calls = newValue
                case .imports: imports = newValue
                case .singleImports: singleImports = newValue
                }
            }
        }
    }

    private let clock: PaceClock
    private let longestWait: Duration
    private let state: Mutex<State>

    /// Makes a pacer for one account.
    package init(pace: AccountPace = AccountPace(), clock: PaceClock = .system) {
        self.clock = clock
        longestWait = pace.longestWait
        state = Mutex(
            State(
                calls: CallPace(interval: .seconds(1) / pace.callsPerSecond),
                imports: CallPace(
                    interval: .seconds(60) / ActiveCampaignLimits.importsPerMinute,
                    burst: ActiveCampaignLimits.importBurst),
                singleImports: CallPace(
                    interval: .seconds(60) / ActiveCampaignLimits.singleImportsPerMinute,
                    burst: ActiveCampaignLimits.singleImportBurst)))
    }

    /// Waits for a turn on each of `lanes`, one after the other: a turn of a fast lane isn't held while a slow one is
    /// waited for.
    /// - Returns: how long it waited.
    /// - Throws: `retry` when the turn is further off than the longest wait, or the task is cancelled.
    func admit(_ lanes: [PaceLane], for call: ActiveCampaignCall.Kind) async throws(ActiveCampaignError) -> Duration {
        let arrived = clock.now
        for lane in lanes { try await admit(lane, deadline: arrived + longestWait, for: call) }
        return clock.now - arrived
    }

    private func admit(
        _ lane: PaceLane, deadline: Duration, for call: ActiveCampaignCall.Kind
    ) async throws(ActiveCampaignError) {
        while true {
            let now = clock.now
            let start = try reserve(lane, now: now, deadline: deadline, for: call)
            do { try await clock.sleep(start - now) } catch {
                throw ActiveCampaignError(.retry(after: nil, kind: .cancelled, fate: .notSent), call: call)
            }
            // Another call may have met a 429 in the meantime: its pause holds for those who wait, too.
            guard state.withLock({ $0[lane].pausedUntil > start }) else { return }
        }
    }

    /// Lets no call of a lane start for a while.
    func pause(_ lane: PaceLane, for duration: Duration) {
        let until = clock.now + duration
        state.withLock { $0[lane].pause(until: until) }
    }

    private func reserve(
        _ lane: PaceLane, now: Duration, deadline: Duration, for call: ActiveCampaignCall.Kind
    ) throws(ActiveCampaignError) -> Duration {
        let (start, isLate) = state.withLock { state in
            let start = state[lane].opening(at: now)
            guard start <= deadline else { return (start, true) }
            state[lane].take(at: start)
            return (start, false)
        }
        guard isLate else { return start }
        let kind: ActiveCampaignError.RetryKind = lane == .calls ? .rateLimit : .importLimit
        throw ActiveCampaignError(.retry(after: start - now, kind: kind, fate: .notSent), call: call)
    }
}

/// The process's pacers: clients of one account share one, so that a renewed session doesn't double its pace.
package final class AccountPacers: Sendable {
    private struct Holder {
        weak var pacer: AccountPacer?
    }

    private struct Table {
        var holders: [AccountURL: Holder] = [:]
        var sweepAt = 64

        /// Forgets accounts nobody holds each time the table has doubled, so it stays within twice what is in use.
        mutating func sweep() {
            guard holders.count > sweepAt else { return }
            holders = holders.filter { $0.value.pacer != nil }
            sweepAt = max(64, holders.count * 2)
        }
    }

    private let pace: AccountPace
    private let clock: PaceClock
    private let table = Mutex(Table())

    /// Makes an empty set of pacers, all of one pace.
    package init(pace: AccountPace = AccountPace(), clock: PaceClock = .system) {
        self.pace = pace
        self.clock = clock
    }

    /// The pacer of an account; it lives as long as a client holds it.
    package func pacer(of account: AccountURL) -> AccountPacer {
        table.withLock { table in
            if let pacer = table.holders[account]?.pacer { return pacer }
            let pacer = AccountPacer(pace: pace, clock: clock)
            table.holders[account] = Holder(pacer: pacer)
            table.sweep()
            return pacer
        }
    }

    /// Accounts remembered, held or not yet swept.
    var count: Int { table.withLock { $0.holders.count } }
}
