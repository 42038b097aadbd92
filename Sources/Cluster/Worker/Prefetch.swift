/// How many jobs to lease ahead of free places, so that a place that falls free need not wait for a round trip: as many as
/// end while one is under way. Slow jobs get none, for whom the wait is nothing and another worker may have a place.
///
/// Pure: instants come in.
struct Prefetch {
    /// Most jobs leased ahead.
    let cap: Int
    /// Jobs that end a second, and seconds of a round trip; both forget half of the past with every `halfLife`.
    private var rate = 0.0
    private var roundTrip = 0.0
    private var last: ContinuousClock.Instant?
    private var pausedUntil: ContinuousClock.Instant?

    /// Seconds in which half of the past is forgotten.
    private static let halfLife = 1.0
    /// Ends in a round trip below which it is not worth it.
    private static let threshold = 0.25

    init(cap: Int) { self.cap = cap }

    /// Jobs have ended since the last call.
    mutating func ended(_ count: Int, at now: ContinuousClock.Instant) {
        defer { last = now }
        guard let last else { return }
        let seconds = max(0.000_001, (now - last).seconds)
        let weight = Self.weight(of: seconds)
        rate += (Double(count) / seconds - rate) * weight
    }

    /// A lease call took so long.
    mutating func took(_ duration: Duration) {
        roundTrip = roundTrip == 0 ? duration.seconds : roundTrip + (duration.seconds - roundTrip) * 0.1
    }

    /// What came ahead was bulk work, which never waits in a worker: leases nothing ahead for a while.
    mutating func rest(until instant: ContinuousClock.Instant) { pausedUntil = instant }

    /// Jobs to lease beyond the free places.
    func extra(at now: ContinuousClock.Instant) -> Int {
        if let pausedUntil, now < pausedUntil { return 0 }
        let expected = rate * roundTrip
        return expected < Self.threshold ? 0 : min(cap, Int(expected.rounded(.up)))
    }

    /// `1 - 2^(-seconds / halfLife)`, near enough for short steps and never over 1.
    private static func weight(of seconds: Double) -> Double { min(1, seconds / halfLife * 0.693) }
}
