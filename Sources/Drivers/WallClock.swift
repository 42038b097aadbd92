package import Foundation

/// The one source of wall time in a process: schedules, cursors, leases and token lifetimes all read it.
///
/// Production reads the system clock. A test injects a clock it moves itself, or points
/// `FERRY_CLOCK_OFFSET_FILE` at a file of seconds so that all processes of a cluster move together.
package struct WallClock: Sendable {
    private let offset: @Sendable () -> TimeInterval

    /// Makes a clock that runs beside the system clock at a distance that may change at any time.
    /// - Parameter offset: seconds to add to the system clock; read on every call.
    package init(offset: @escaping @Sendable () -> TimeInterval) {
        self.offset = offset
    }

    /// The system clock.
    package static let system = WallClock(offset: { 0 })

    /// The present instant.
    package var now: Date { Date(timeIntervalSinceNow: offset()) }

    /// Seconds between this clock and the system's; servers with a clock of their own (Redis `TIME`) add it.
    package var offsetSeconds: TimeInterval { offset() }
}
