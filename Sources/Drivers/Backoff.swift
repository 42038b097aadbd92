/// Exponential backoff with full jitter: the n-th wait is uniform in `0...min(cap, base · 2ⁿ)`, never under `floor`.
///
/// Full jitter keeps a thousand clients that lost one server from coming back in step.
package struct Backoff: Sendable {
    /// The first wait's upper bound.
    package var base: Duration
    /// No wait is longer.
    package var cap: Duration
    /// No wait is shorter.
    package var floor: Duration

    /// Makes a backoff; all three durations must be positive and `floor <= base <= cap`.
    package init(base: Duration, cap: Duration, floor: Duration = .milliseconds(1)) {
        precondition(floor > .zero && floor <= base && base <= cap, "backoff wants 0 < floor <= base <= cap")
        self.base = base
        self.cap = cap
        self.floor = floor
    }

    /// The wait before try `attempt` (0 is the first repeat).
    package func delay(
        attempt: Int, using generator: inout some RandomNumberGenerator
    ) -> Duration {
        let doublings = min(max(attempt, 0), 40)
        let ceiling = min(cap, base * (1 << min(doublings, 30)))
        let share = Double.random(in: 0...1, using: &generator)
        return max(floor, ceiling * share)
    }

    /// The wait before try `attempt`, with the system's random numbers.
    package func delay(attempt: Int) -> Duration {
        var generator = SystemRandomNumberGenerator()
        return delay(attempt: attempt, using: &generator)
    }
}
