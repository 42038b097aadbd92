package import Foundation

/// A loop of successful writes never fails, so no error ever stops it (T13): two programs that correct each other's
/// spelling go on for ever. Writes of one record are counted, and a record that is written more often than people change
/// records is held.
package enum LoopBrake {
    /// Code of the failure row of a held record.
    package static let code = "loop_brake"
    /// The rule its decision names.
    package static let rule = "T13"
    /// Accepted writes of one record, both ways together, within `window`; the next one is held.
    package static let writes = 20
    /// Seconds that writes count, and that a record is held.
    package static let window: TimeInterval = 3_600

    /// The instant a record held now is let go.
    package static func release(heldAt instant: Date) -> Date { instant.addingTimeInterval(window) }
}
