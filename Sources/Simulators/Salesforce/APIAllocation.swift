/// Calls of the last 24 hours, rolling, in buckets of one minute (reference section 3).
struct APIAllocation {
    private static let windowMinutes = 24 * 60

    /// Calls allowed per 24 hours.
    var limit: Int
    /// Calls beyond the limit that paid editions let pass.
    var overage: Int
    /// Minute and its calls, oldest first.
    private var buckets: [(minute: Int, calls: Int)] = []
    private var total = 0

    init(limit: Int, overage: Int) {
        self.limit = limit
        self.overage = overage
    }

    /// Calls within the 24 hours before `now`.
    mutating func used(now: Double) -> Int {
        let oldest = Int(now) / 60 - Self.windowMinutes
        let expired = buckets.prefix { $0.minute <= oldest }
        if !expired.isEmpty {
            total -= expired.reduce(0) { $0 + $1.calls }
            buckets.removeFirst(expired.count)
        }
        return total
    }

    /// Counts calls; false, and counts nothing, when they are more than the org may make.
    mutating func spend(_ calls: Int, now: Double) -> Bool {
        guard used(now: now) + calls <= limit + overage else { return false }
        add(calls, now: now)
        return true
    }

    /// Counts calls whatever the limit says: those of other integrations.
    mutating func add(_ calls: Int, now: Double) {
        let minute = Int(now) / 60
        if let last = buckets.last, last.minute >= minute {
            buckets[buckets.count - 1].calls += calls
        } else {
            buckets.append((minute, calls))
        }
        total += calls
    }
}
