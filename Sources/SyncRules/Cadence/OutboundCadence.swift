package import Foundation

/// When an outbound batch leaves: on the clock or when it is full (R9, R10, R13).
package enum OutboundCadence {
    /// Seconds between batches (R9).
    package static let interval: TimeInterval = 600
    /// A batch leaves up to this many seconds late, so that tenants do not leave together (R10).
    package static let jitter: TimeInterval = 60
    /// Distinct pending contacts that make a batch leave at once (R9, R10).
    package static let threshold = 100

    /// Whether a batch leaves: it is full, or its time has come and somebody waits.
    /// - Parameters:
    ///   - pending: distinct contacts that wait; edits of one contact count once (R10).
    ///   - next: the departure by the clock.
    package static func departs(pending: Int, next: Date, now: Date) -> Bool {
        pending >= threshold || (pending > 0 && now >= next)
    }

    /// The next departure by the clock; the timer restarts from every run (R13).
    package static func nextRun(after run: Date, using generator: inout some RandomNumberGenerator) -> Date {
        run.addingTimeInterval(interval + .random(in: 0...jitter, using: &generator))
    }
}
