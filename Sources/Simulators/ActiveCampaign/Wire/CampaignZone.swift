import Foundation
import Synchronization

/// An account's time zone with its changes of offset as a table, because one page of contacts holds over a thousand
/// stamps and Foundation asks ICU for each.
struct CampaignZone: Sendable {
    /// The zone's name, `America/Chicago`.
    let identifier: String
    /// Instants (seconds since 1970) at which `offsets` at the same index begins to hold; the first is far in the past.
    private let starts: [Int]
    /// Seconds east of Greenwich.
    private let offsets: [Int]

    private static let known = Mutex<[String: CampaignZone]>([:])

    /// The zone of that name; Greenwich when Foundation does not know it.
    static func named(_ identifier: String) -> CampaignZone {
        known.withLock { known in
            if let zone = known[identifier] { return zone }
            let zone = CampaignZone(identifier: identifier)
            known[identifier] = zone
            return zone
        }
    }

    private init(identifier: String) {
        let zone = TimeZone(identifier: identifier) ?? .gmt
        self.identifier = zone.identifier
        // The table reaches from 2000 to 2050; outside of it the nearest offset holds.
        var instant = Date(timeIntervalSince1970: 946_684_800)
        let end = Date(timeIntervalSince1970: 2_524_608_000)
        var starts = [Int.min]
        var offsets = [zone.secondsFromGMT(for: instant)]
        while let next = zone.nextDaylightSavingTimeTransition(after: instant), next < end, next > instant {
            starts.append(Int(next.timeIntervalSince1970))
            offsets.append(zone.secondsFromGMT(for: next))
            instant = next
        }
        self.starts = starts
        self.offsets = offsets
    }

    // MARK: - Offsets

    /// Seconds east of Greenwich at an instant.
    func offset(at epoch: Int) -> Int {
        var low = 0
        var high = starts.count
        while high - low > 1 {
            let middle = (low + high) / 2
            if starts[middle] <= epoch { low = middle } else { high = middle }
        }
        return offsets[low]
    }

    /// The instant of a local wall time given as if it were Greenwich's. Of two possible instants the earlier offset
    /// wins.
    func epoch(ofLocal local: Int) -> Int {
        let guess = local - offset(at: local)
        return local - offset(at: guess)
    }

    // MARK: - Stamps

    /// `2026-05-28T04:03:25-05:00`, in the account's zone.
    func stamp(_ epoch: UInt32) -> String {
        stamp(Int(epoch), offset: offset(at: Int(epoch)))
    }

    /// A stamp whose wall clock belongs to one offset and whose suffix is that of `offset`.
    func stamp(_ epoch: Int, offset: Int) -> String {
        var bytes: [UInt8] = []
        Self.appendStamp(epoch, offset: offset, to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    /// `2026-05-28 04:03:25`: the account's wall clock without an offset, which the wire calls `utc_timestamp` all
    /// the same.
    func naiveStamp(_ epoch: UInt32) -> String {
        var bytes: [UInt8] = []
        appendNaiveStamp(epoch, to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Appends what ``stamp(_:)`` gives.
    func appendStamp(_ epoch: UInt32, to bytes: inout [UInt8]) {
        Self.appendStamp(Int(epoch), offset: offset(at: Int(epoch)), to: &bytes)
    }

    /// Appends what ``naiveStamp(_:)`` gives.
    func appendNaiveStamp(_ epoch: UInt32, to bytes: inout [UInt8]) {
        Self.appendWallClock(Int(epoch) + offset(at: Int(epoch)), separator: UInt8(ascii: " "), to: &bytes)
    }

    private static func appendStamp(_ epoch: Int, offset: Int, to bytes: inout [UInt8]) {
        appendWallClock(epoch + offset, separator: UInt8(ascii: "T"), to: &bytes)
        bytes.append(offset < 0 ? UInt8(ascii: "-") : UInt8(ascii: "+"))
        let minutes = abs(offset) / 60
        appendDigits(minutes / 60, width: 2, to: &bytes)
        bytes.append(UInt8(ascii: ":"))
        appendDigits(minutes % 60, width: 2, to: &bytes)
    }

    private static func appendWallClock(_ seconds: Int, separator: UInt8, to bytes: inout [UInt8]) {
        let days = Int((Double(seconds) / 86_400).rounded(.down))
        let second = seconds - days * 86_400
        let date = civil(days: days)
        appendDigits(date.year, width: 4, to: &bytes)
        bytes.append(UInt8(ascii: "-"))
        appendDigits(date.month, width: 2, to: &bytes)
        bytes.append(UInt8(ascii: "-"))
        appendDigits(date.day, width: 2, to: &bytes)
        bytes.append(separator)
        appendDigits(second / 3_600, width: 2, to: &bytes)
        bytes.append(UInt8(ascii: ":"))
        appendDigits(second / 60 % 60, width: 2, to: &bytes)
        bytes.append(UInt8(ascii: ":"))
        appendDigits(second % 60, width: 2, to: &bytes)
    }

    /// Appends a number of zero or more in at least `width` digits.
    static func appendDigits(_ number: Int, width: Int, to bytes: inout [UInt8]) {
        let start = bytes.count
        var rest = number
        while rest > 0 || bytes.count - start < width {
            bytes.append(UInt8(ascii: "0") + UInt8(rest % 10))
            rest /= 10
        }
        bytes[start...].reverse()
    }

    // MARK: - Calendar

    /// The date of a day counted from 1970-01-01 (Howard Hinnant's `civil_from_days`).
    static func civil(days: Int) -> (year: Int, month: Int, day: Int) {
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthIndex = (5 * dayOfYear + 2) / 153
        let month = monthIndex < 10 ? monthIndex + 3 : monthIndex - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * monthIndex + 2) / 5 + 1)
    }

    /// The day of a date counted from 1970-01-01; the inverse of ``civil(days:)``.
    static func days(year: Int, month: Int, day: Int) -> Int {
        let shifted = month <= 2 ? year - 1 : year
        let era = (shifted >= 0 ? shifted : shifted - 399) / 400
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * 146_097 + dayOfEra - 719_468
    }
}
