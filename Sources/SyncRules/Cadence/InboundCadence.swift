package import Foundation

/// When an inbound pull runs (R31–R34, D8).
package struct InboundCadence: Sendable {
    /// The intervals a tenant may choose (R31).
    package static let intervals = [1, 2, 3, 4, 6, 8, 12, 24]

    /// Hours between pulls, one of `intervals`.
    package let intervalHours: Int
    /// Local hour of a once-a-day pull; nil spreads it like the others.
    package let dailyHour: Int?
    /// Zone of `dailyHour`.
    package let timeZone: TimeZone
    /// The tenant's place inside the interval, 0 ..< 1, so that 100,000 tenants do not fire together.
    package let spread: Double

    /// Makes a tenant's cadence.
    /// - Parameter tenant: the tenant's number; its place inside the interval follows from it and never changes.
    package init(settings: SyncSettings, tenant: Int32) {
        // Rows with another interval are refused by the database; the next longer one does no harm.
        intervalHours = Self.intervals.first { $0 >= settings.inboundIntervalHours } ?? 24
        dailyHour = settings.inboundIntervalHours == 24 ? settings.dailyHour : nil
        timeZone = TimeZone(identifier: settings.timeZone) ?? .gmt
        spread = Self.place(of: tenant)
    }

    /// The first pull after `instant`: at the tenant's place in the grid of whole intervals since 1970, or at its hour.
    package func nextRun(after instant: Date) -> Date {
        if let dailyHour { return nextDay(after: instant, hour: dailyHour) }
        let interval = Double(intervalHours) * 3_600
        let offset = (spread * interval).rounded(.down)
        let elapsed = instant.timeIntervalSince1970 - offset
        return Date(timeIntervalSince1970: ((elapsed / interval).rounded(.down) + 1) * interval + offset)
    }

    /// Once a day, also on the days when a clock change skips or repeats the hour (D8): the instant is derived from the
    /// calendar day, and each day has exactly one.
    private func nextDay(after instant: Date, hour: Int) -> Date {
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = timeZone
        let today = calendar.startOfDay(for: instant)
        for days in 0...2 {
            guard let day = calendar.date(byAdding: .day, value: days, to: today) else { continue }
            let run = firstInstant(ofHour: hour, on: day, calendar: calendar)
            if run > instant { return run }
        }
        return instant.addingTimeInterval(86_400)
    }

    /// The first instant of a local hour; of a skipped hour, the instant the clock jumps to. A minute inside the hour
    /// keeps tenants of one zone apart.
    private func firstInstant(ofHour hour: Int, on day: Date, calendar: Calendar) -> Date {
        let components = calendar.dateComponents([.year, .month, .day], from: day)
        let match = calendar.date(bySettingHour: hour, minute: 0, second: 0, of: day, matchingPolicy: .nextTime)
        let run = match ?? day.addingTimeInterval(Double(hour) * 3_600)
        let sameDay = calendar.dateComponents([.year, .month, .day], from: run) == components
        let base = sameDay ? run : day.addingTimeInterval(Double(hour) * 3_600)
        return base.addingTimeInterval((spread * 3_600).rounded(.down))
    }

    /// Spreads consecutive numbers evenly: multiples of the golden ratio, modulo one.
    private static func place(of tenant: Int32) -> Double {
        (Double(tenant) * 0.618_033_988_749_894_9).truncatingRemainder(dividingBy: 1).magnitude
    }
}
