import Drivers
package import Foundation

/// Date-times as Salesforce writes them: `2013-05-20T20:49:32.000+0000`, whole seconds in UTC.
package enum SalesforceTime {
    /// Reads a date-time: with or without a fraction, zone `Z`, `+0000` or `+00:00`; nil for anything else.
    package static func parse(_ text: String) -> Date? {
        let bytes = Array(text.utf8)
        guard bytes.count >= 20, bytes[4] == UInt8(ascii: "-"), bytes[7] == UInt8(ascii: "-"),
            bytes[10] == UInt8(ascii: "T"), bytes[13] == UInt8(ascii: ":"), bytes[16] == UInt8(ascii: ":"),
            let year = number(bytes[0..<4]), let month = number(bytes[5..<7]), let day = number(bytes[8..<10]),
            let hour = number(bytes[11..<13]), let minute = number(bytes[14..<16]),
            let second = number(bytes[17..<19]),
            let time = CalendarTime(
                year: year, month: month, day: day, hour: hour, minute: minute, second: second)
        else { return nil }
        var zone = bytes[19...]
        if zone.first == UInt8(ascii: ".") { zone = zone.dropFirst().drop { $0 >= 0x30 && $0 <= 0x39 } }
        guard let offset = offsetSeconds(Array(zone)) else { return nil }
        return time.date.addingTimeInterval(-Double(offset))
    }

    /// Writes a date-time for SOQL and for records: `2026-10-01T12:00:00Z`.
    package static func format(_ date: Date) -> String {
        let time = CalendarTime(date)
        let day = [pad(time.year, 4), pad(time.month, 2), pad(time.day, 2)].joined(separator: "-")
        let clock = [time.hour, time.minute, time.second].map { pad($0, 2) }.joined(separator: ":")
        return "\(day)T\(clock)Z"
    }

    private static func offsetSeconds(_ zone: [UInt8]) -> Int? {
        if zone == [UInt8(ascii: "Z")] { return 0 }
        guard let sign = zone.first, sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-") else { return nil }
        let digits = zone.dropFirst().filter { $0 != UInt8(ascii: ":") }
        guard digits.count == 4, let value = number(digits[...]) else { return nil }
        let seconds = (value / 100 * 60 + value % 100) * 60
        return sign == UInt8(ascii: "-") ? -seconds : seconds
    }

    private static func number(_ bytes: ArraySlice<UInt8>) -> Int? {
        guard bytes.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }) else { return nil }
        return bytes.reduce(0) { $0 * 10 + Int($1 - 0x30) }
    }

    private static func pad(_ number: Int, _ width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
}
