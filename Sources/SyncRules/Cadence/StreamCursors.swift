package import Foundation

/// How far an inbound stream has read: the lower bound of the running sweep, and the keyset position inside it (T1–T4).
///
/// Stamps are whole seconds and shared by many rows, so a position is a stamp and an id (T2); rows become visible after
/// their stamp, so a finished sweep leaves its mark `overlap` behind the newest instant it could have seen (T1).
package struct InboundCursor: Codable, Sendable, Hashable {
    /// Seconds a sweep reads again what an earlier one has read; longer than the longest usual commit (salesforce-api 6.4).
    package static let overlap: TimeInterval = 300
    /// Seconds between deep sweeps, for transactions that took longer than `overlap`.
    package static let deepSweepInterval: TimeInterval = 6 * 3_600
    /// Seconds a deep sweep reads again what the deep sweep before it has read: longer than any transaction. Deep sweeps
    /// chain like the others; one that reached back a fixed time from now would leave gaps between two of them.
    package static let deepSweepOverlap: TimeInterval = 2 * 3_600

    /// A place between two rows ordered by (SystemModstamp, Id).
    package struct Position: Codable, Sendable, Hashable {
        package var stamp: Date
        package var id: String

        /// Makes a position just behind one row.
        package init(stamp: Date, id: String) {
            self.stamp = stamp
            self.id = id
        }
    }

    /// Lower bound of the sweep, inclusive.
    package var from: Date
    /// Upper bound of the running sweep, exclusive: the server's clock when it began (T3).
    package var until: Date?
    /// Where the running sweep stands; nil before its first page.
    package var position: Position?
    /// When the last deep sweep began.
    package var deepSweptAt: Date

    /// The cursor of a stream that starts at `start`.
    package init(start: Date) {
        from = start
        deepSweptAt = start
    }

    /// Begins a sweep, unless one is under way.
    /// - Parameter serverNow: Salesforce's own clock (`Date` header), never ours.
    package mutating func begin(serverNow: Date) {
        guard until == nil else { return }
        until = serverNow
        if serverNow.timeIntervalSince(deepSweptAt) >= Self.deepSweepInterval {
            from = min(from, deepSweptAt.addingTimeInterval(-Self.deepSweepOverlap))
            deepSweptAt = serverNow
        }
    }

    /// Moves behind the last row of an applied page.
    package mutating func advance(past row: Position) { position = row }

    /// Ends the sweep: the next one starts `overlap` before this one's upper bound.
    package mutating func finish() {
        if let until { from = max(from, until.addingTimeInterval(-Self.overlap)) }
        until = nil
        position = nil
    }
}

/// How far an outbound stream has read the list of changed contacts (activecampaign-api 3.4, T3, T8).
///
/// The listing has no order by change, so a walk by id must be whole before the mark moves, and the mark is the instant
/// the walk began, less an overlap: `udate` may lag and its clock is not ours.
package struct OutboundCursor: Codable, Sendable, Hashable {
    /// Seconds a walk reads again what an earlier one has read.
    package static let overlap: TimeInterval = 300

    /// Lower bound of `updated_after`.
    package var since: Date
    /// When the walk under way began; nil between walks.
    package var walkBegan: Date?
    /// The last contact id the walk has settled.
    package var walkedTo: Int64 = 0

    /// The cursor of a stream that starts at `start`.
    package init(start: Date) { since = start }

    /// Begins a walk, unless one is under way.
    /// - Parameter now: ActiveCampaign's own clock (`Date` header), never ours (T3).
    package mutating func begin(now: Date) {
        if walkBegan == nil { walkBegan = now }
    }

    /// Moves behind a settled page.
    package mutating func advance(to contactID: Int64) { walkedTo = max(walkedTo, contactID) }

    /// Ends the walk.
    package mutating func finish() {
        if let walkBegan { since = max(since, walkBegan.addingTimeInterval(-Self.overlap)) }
        walkBegan = nil
        walkedTo = 0
    }
}
