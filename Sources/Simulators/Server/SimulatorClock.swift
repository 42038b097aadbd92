package import Foundation
import Synchronization

/// The simulators' clock: the system's, moved by whoever holds it. Both providers of one process share one.
package final class SimulatorClock: Sendable {
    private let offset = Mutex<TimeInterval>(0)

    /// Makes a clock that agrees with the system's until it is moved.
    package init() {}

    /// The present instant on this clock.
    package var now: Date { Date(timeIntervalSinceNow: offset.withLock { $0 }) }

    /// Seconds this clock is ahead of the system's; set it to move every account and org at once.
    package var offsetSeconds: TimeInterval {
        get { offset.withLock { $0 } }
        set { offset.withLock { $0 = newValue } }
    }

    /// Moves the clock on. Negative values move it back.
    package func advance(by seconds: TimeInterval) {
        offset.withLock { $0 += seconds }
    }
}
