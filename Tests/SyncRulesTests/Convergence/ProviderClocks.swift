import Foundation
import SyncRules
import TestSupport

/// The clocks of both providers, each by itself: they stand, run, jump by hours, differ, and show a change only some time
/// after its stamp. No clock of Ferry's is among them: nothing is found by one (T3).
///
/// What was changed is found by the cursors of the streams alone (T1–T4, T8), and may stay unfound until they come by.
struct ProviderClocks {
    /// Seconds that pass between two rounds of peace: longer than any lag.
    private static let restBetweenRounds: TimeInterval = 3_600
    /// Seconds at most from a stamp until its row is seen, and between the servers of one provider: less than the cursors
    /// read again, together.
    private static let lag: TimeInterval = 180
    private static let disagreement: TimeInterval = 50

    private var random: SeededGenerator
    private var now: TimeInterval = 1_000_000
    /// Seconds by which ActiveCampaign is ahead of Salesforce.
    private var ahead: TimeInterval = 0
    private var records: InboundCursor
    private var contacts: OutboundCursor
    /// Changes that no cursor has come by yet, with the instants from which they are seen.
    private var unseenRecords: [String: TimeInterval] = [:]
    private var unseenContacts: [Int64: TimeInterval] = [:]

    init(seed: UInt64) {
        random = SeededGenerator(seed: seed)
        let start = Date(timeIntervalSince1970: now)
        records = InboundCursor(start: start)
        contacts = OutboundCursor(start: start)
        ahead = .random(in: -86_400...86_400, using: &random)
        // Less than any stamp of its own clock.
        contacts.since = start - 172_800
    }

    /// Whether everything that was changed has been found.
    var isThrough: Bool { unseenRecords.isEmpty && unseenContacts.isEmpty }

    /// Time passes between two steps: often none at all, so that many stamps are one.
    mutating func tick() {
        switch Int.random(in: 0..<100, using: &random) {
        case 0..<50: break
        case 50..<80: now += .random(in: 0...5, using: &random)
        case 80..<95: now += .random(in: 5...900, using: &random)
        default: now += .random(in: 900...30_000, using: &random)
        }
        // Set by a second or two, as clocks are.
        if random.chance(10) { ahead += .random(in: -2...2, using: &random) }
    }

    mutating func rest() { now += Self.restBetweenRounds }

    // MARK: - Changes

    /// A record was saved now; returns its stamp.
    mutating func stamp(_ record: String) -> Date {
        unseenRecords[record] = now + .random(in: 0...Self.lag, using: &random)
        return Date(timeIntervalSince1970: now.rounded(.down))
    }

    /// A contact was saved now; returns its stamp.
    mutating func stamp(_ contact: Int64) -> Date {
        unseenContacts[contact] = now + .random(in: 0...Self.lag, using: &random)
        return Date(timeIntervalSince1970: (now + ahead).rounded(.down))
    }

    // MARK: - Streams

    /// One sweep over the records: those that its window shows, among them some that were found before.
    mutating func found(_ stamps: [String: Date]) -> Set<String> {
        records.begin(serverNow: Date(timeIntervalSince1970: now + serverError()))
        defer { records.finish() }
        let (from, until) = (records.from, records.until ?? .distantPast)
        let found = stamps.filter { id, stamp in
            stamp >= from && stamp < until && (unseenRecords[id] ?? 0) <= now
        }
        for id in found.keys { unseenRecords[id] = nil }
        return Set(found.keys)
    }

    /// One walk over the contacts.
    mutating func found(_ stamps: [Int64: Date]) -> Set<Int64> {
        contacts.begin(now: Date(timeIntervalSince1970: now + ahead + serverError()))
        let since = contacts.since
        defer { contacts.finish() }
        let found = stamps.filter { id, stamp in stamp >= since && (unseenContacts[id] ?? 0) <= now }
        for id in found.keys { unseenContacts[id] = nil }
        return Set(found.keys)
    }

    private mutating func serverError() -> TimeInterval {
        .random(in: -Self.disagreement...Self.disagreement, using: &random)
    }
}
