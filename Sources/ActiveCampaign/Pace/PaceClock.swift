/// Monotonic time for pacing and waits; a test's clock moves only when it is told to.
package struct PaceClock: Sendable {
    private let read: @Sendable () -> Duration
    private let wait: @Sendable (Duration) async throws -> Void

    /// Makes a clock.
    /// - Parameters:
    ///   - now: time since any fixed moment; never goes back.
    ///   - sleep: returns after that time, or throws when the task is cancelled.
    package init(
        now: @escaping @Sendable () -> Duration, sleep: @escaping @Sendable (Duration) async throws -> Void
    ) {
        read = now
        wait = sleep
    }

    /// The machine's monotonic clock.
    package static let system = {
        let clock = ContinuousClock()
        let start = clock.now
        return PaceClock(now: { start.duration(to: clock.now) }, sleep: { try await clock.sleep(for: $0) })
    }()

    /// Time since the clock's own zero.
    package var now: Duration { read() }

    /// Waits.
    /// - Throws: `CancellationError`.
    package func sleep(_ duration: Duration) async throws {
        guard duration > .zero else { return }
        try await wait(duration)
    }
}
