import Dispatch

/// One timer on a connection's queue; it rings at the earliest instant it was asked for.
///
/// Not `Sendable`: it lives in one connection.
final class ConnectionAlarm {
    private let source: any DispatchSourceTimer
    /// When it will ring; nil when it is not set.
    private(set) var instant: ContinuousClock.Instant?

    init(queue: DispatchQueue, ring: @escaping @Sendable () -> Void) {
        source = DispatchSource.makeTimerSource(queue: queue)
        source.setEventHandler(handler: ring)
        source.activate()
    }

    deinit { source.cancel() }

    /// Makes it ring at `instant`, unless it rings earlier anyway.
    func set(_ instant: ContinuousClock.Instant) {
        if let earlier = self.instant, earlier <= instant { return }
        self.instant = instant
        let wait = max(.zero, ContinuousClock.now.duration(to: instant)).components
        let nanoseconds = wait.seconds * 1_000_000_000 + wait.attoseconds / 1_000_000_000
        source.schedule(deadline: .now() + .nanoseconds(Int(nanoseconds)), leeway: .milliseconds(1))
    }

    /// It rang: nothing is set any more.
    func hasRung() { instant = nil }
}
