/// Records that vanish by themselves vanish one at a time; many at once are a permission taken away, an empty answer, or
/// somebody's mistake (T20). Nothing is ever deleted for it, but links would be taken for missing, and the people behind
/// them would fall out of the sync. So they are held back until somebody says that it is true.
package enum MassDeleteBrake {
    /// Code of the failure row of a record held back, and of the stream's alert.
    package static let code = "withheld_mass_delete"
    /// The rule its decisions name.
    package static let rule = "T20"
    /// Records that may vanish in one run whatever their share.
    package static let records = 20
    /// Per cent of an object's links that may vanish in one run.
    package static let percent = 10

    /// Whether so many are too many to believe.
    /// - Parameters:
    ///   - missing: records that vanished in this run so far.
    ///   - links: active links of the object, counted as far as `enough(for:)`.
    package static func holds(missing: Int, links: Int) -> Bool {
        missing > records && missing * 100 > links * percent
    }

    /// Links that need to be counted at most to judge so many.
    package static func enough(for missing: Int) -> Int { missing * 100 / percent }
}
