/// Bounds of the control interface.
extension SimulatorsLimits {
    /// The bounds of one call to the control interface, and of what it keeps.
    package enum Control {
        /// Accounts or orgs made by one call.
        package static let made = 10_000
        /// Records seeded by one call.
        package static let seeded = 5_000_000
        /// Records seeded under one lock, so that other calls get a turn.
        package static let seedStep = 10_000
        /// Rows of a page of records, contacts, accounts or orgs.
        package static let pageRows = 10_000
        /// Actions of one call.
        package static let actions = 100_000
        /// Marks kept; the oldest is forgotten first.
        package static let marks = 10_000
        /// Seconds the clock may be moved by one call, either way: a hundred years.
        package static let clockSeconds = 3_155_760_000.0
    }
}
