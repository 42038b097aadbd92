/// Dates and times as the platform writes and reads them (reference section 6.2).
enum Timestamp {
    /// `2013-05-20T20:49:32.000+0000`, as in every JSON answer.
    static func json(_ seconds: Int) -> String {
        let time = CivilTime(epochSeconds: Int64(seconds))
        return "\(date(time))T\(clock(time)).000+0000"
    }

    /// `2013-05-20`.
    static func date(_ day: Int) -> String {
        let (year, month, day) = CivilTime.date(ofDay: day)
        return "\(pad4(year))-\(pad(month))-\(pad(day))"
    }

    /// Days since 1970 of `2013-05-20`; `nil` when that is no date.
    static func parseDate(_ text: some StringProtocol) -> Int? {
        let bytes = Array(text.utf8)
        guard bytes.count == 10, bytes[4] == UInt8(ascii: "-"), bytes[7] == UInt8(ascii: "-"),
            let year = digits(bytes[0..<4]), let month = digits(bytes[5..<7]), let day = digits(bytes[8..<10]),
            CivilTime.isDate(year: year, month: month, day: day)
        else { return nil }
        return CivilTime.dayNumber(year: year, month: month, day: day)
    }

    /// Seconds since 1970 of `2026-10-01T12:00:00Z`, also with a fraction (cut off) and with `+01:00` or `+0100`.
    static func parseDateTime(_ text: some StringProtocol) -> Int? {
        let bytes = Array(text.utf8)
        guard bytes.count >= 20, bytes[10] == UInt8(ascii: "T"), bytes[13] == UInt8(ascii: ":"),
            bytes[16] == UInt8(ascii: ":"), let day = parseDate(text.prefix(10)), let hour = digits(bytes[11..<13]),
            let minute = digits(bytes[14..<16]), let second = digits(bytes[17..<19]), hour < 24, minute < 60,
            second < 60
        else { return nil }
        var rest = bytes[19...]
        if rest.first == UInt8(ascii: ".") {
            rest = rest.dropFirst().drop { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        }
        guard let offset = zoneOffset(Array(rest)) else { return nil }
        return day * 86_400 + hour * 3600 + minute * 60 + second - offset
    }

    private static func zoneOffset(_ zone: [UInt8]) -> Int? {
        if zone == [UInt8(ascii: "Z")] { return 0 }
        guard let sign = zone.first, sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-") else { return nil }
        let number = zone.dropFirst().filter { $0 != UInt8(ascii: ":") }
        guard number.count == 4, let hours = digits(number.prefix(2)), let minutes = digits(number.suffix(2)) else {
            return nil
        }
        return (sign == UInt8(ascii: "-") ? -1 : 1) * (hours * 3600 + minutes * 60)
    }

    private static func digits(_ bytes: some Sequence<UInt8>) -> Int? {
        var number = 0
        for byte in bytes {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else { return nil }
            number = number * 10 + Int(byte - UInt8(ascii: "0"))
        }
        return number
    }

    private static func date(_ time: CivilTime) -> String {
        "\(pad4(time.year))-\(pad(time.month))-\(pad(time.day))"
    }

    private static func clock(_ time: CivilTime) -> String {
        "\(pad(time.hour)):\(pad(time.minute)):\(pad(time.second))"
    }

    private static func pad(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }

    private static func pad4(_ number: Int) -> String {
        number >= 1000 ? "\(number)" : String(repeating: "0", count: 4 - "\(number)".utf8.count) + "\(number)"
    }
}
