/// How often something may start: one every `interval`, and up to `burst` at once after a rest. Pure; instants are
/// durations since any fixed moment (the generic cell rate algorithm).
struct CallPace: Sendable, Hashable {
    let interval: Duration
    let burst: Int
    /// When the allowance would be whole again.
    private var due: Duration = .zero
    /// Nothing starts before this instant.
    private(set) var pausedUntil: Duration = .zero

    init(interval: Duration, burst: Int = 1) {
        precondition(interval > .zero && burst > 0, "a pace wants a positive interval and burst")
        self.interval = interval
        self.burst = burst
    }

    /// The earliest instant at which one more may start.
    func opening(at now: Duration) -> Duration {
        max(now, pausedUntil, due - interval * (burst - 1))
    }

    /// Counts one that starts at `start`, an instant at or after the opening.
    mutating func take(at start: Duration) {
        due = max(due, start) + interval
    }

    /// Lets nothing start before `instant`; never shortens a pause.
    mutating func pause(until instant: Duration) {
        pausedUntil = max(pausedUntil, instant)
    }
}
