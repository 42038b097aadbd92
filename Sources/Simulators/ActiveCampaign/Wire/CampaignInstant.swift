/// Reads the forms of date and time that ActiveCampaign's filters and date fields take.
enum CampaignInstant {
    /// Seconds since 1970 of `2026-05-28T03:05:54-05:00`, `…Z`, `2026-05-28 03:05:54` or `2026-05-28`; fractions of a
    /// second are cut off. A form without offset is the account's local time, or Greenwich's when `naiveIsUTC`. Nil
    /// when it is none.
    static func parse(_ text: String, zone: CampaignZone, naiveIsUTC: Bool) -> Int? {
        var reader = Reader(bytes: Array(text.utf8))
        guard let day = reader.date() else { return nil }
        guard !reader.isAtEnd else { return naiveIsUTC ? day * 86_400 : zone.epoch(ofLocal: day * 86_400) }
        guard reader.take("T") || reader.take(" ") || reader.take("t"), let time = reader.time() else { return nil }
        let local = day * 86_400 + time
        if reader.isAtEnd { return naiveIsUTC ? local : zone.epoch(ofLocal: local) }
        guard let offset = reader.offset(), reader.isAtEnd else { return nil }
        return local - offset
    }

    private struct Reader {
        let bytes: [UInt8]
        var position = 0

        var isAtEnd: Bool { position == bytes.count }

        mutating func take(_ scalar: Unicode.Scalar) -> Bool {
            guard position < bytes.count, bytes[position] == UInt8(ascii: scalar) else { return false }
            position += 1
            return true
        }

        mutating func digits(_ count: Int) -> Int? {
            guard position + count <= bytes.count else { return nil }
            var number = 0
            for byte in bytes[position..<position + count] {
                guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else { return nil }
                number = number * 10 + Int(byte - UInt8(ascii: "0"))
            }
            position += count
            return number
        }

        mutating func date() -> Int? {
            guard let year = digits(4), take("-"), let month = digits(2), take("-"), let day = digits(2),
                (1...12).contains(month), (1...31).contains(day)
            else { return nil }
            return CampaignZone.days(year: year, month: month, day: day)
        }

        mutating func time() -> Int? {
            guard let hour = digits(2), take(":"), let minute = digits(2), hour < 24, minute < 60 else { return nil }
            guard take(":") else { return hour * 3_600 + minute * 60 }
            guard let second = digits(2), second < 61 else { return nil }
            if take(".") {
                while digits(1) != nil {}
            }
            return hour * 3_600 + minute * 60 + second
        }

        mutating func offset() -> Int? {
            if take("Z") || take("z") { return 0 }
            let isWest = take("-")
            guard isWest || take("+"), let hours = digits(2) else { return nil }
            _ = take(":")
            let seconds = hours * 3_600 + (digits(2) ?? 0) * 60
            return isWest ? -seconds : seconds
        }
    }
}
