import Foundation
import SyncRules
import Testing

/// When a pull runs: R31–R33, D8, and tenants that don't fire together.
@Suite struct InboundCadenceTests {
    private func cadence(_ hours: Int, tenant: Int32 = 1, hour: Int? = nil, zone: String = "UTC") -> InboundCadence {
        var settings = SyncSettings()
        settings.inboundIntervalHours = hours
        settings.dailyHour = hour
        settings.timeZone = zone
        return InboundCadence(settings: settings, tenant: tenant)
    }

    @Test(arguments: [1, 2, 3, 4, 6, 8, 12, 24])
    func R31_pullsAreOneIntervalApart(hours: Int) {
        for tenant: Int32 in [0, 1, 7, 100_000, .max] {
            let cadence = cadence(hours, tenant: tenant)
            let first = cadence.nextRun(after: Fixtures.start)
            let wait = first.timeIntervalSince(Fixtures.start)
            #expect(wait > 0 && wait <= Double(hours) * 3_600)
            #expect(cadence.nextRun(after: first).timeIntervalSince(first) == Double(hours) * 3_600)
            #expect(cadence.nextRun(after: first.addingTimeInterval(-1)) == first)
        }
    }

    @Test(arguments: [1, 24])
    func hundredThousandTenantsAreSpreadEvenWithinOnePercent(hours: Int) {
        let interval = Double(hours) * 3_600
        var buckets = [Int](repeating: 0, count: 20)
        for tenant in Int32(1)...100_000 {
            let place = cadence(hours, tenant: tenant).nextRun(after: Fixtures.start).timeIntervalSince1970
                .truncatingRemainder(dividingBy: interval)
            buckets[min(19, Int(place / interval * 20))] += 1
        }
        #expect(buckets.allSatisfy { (4_950...5_050).contains($0) }, "\(buckets)")
    }

    /// Zones whose clocks change at two, at midnight, by half an hour, on the other half of the globe, or never.
    static let zones = [
        "Europe/Berlin", "America/New_York", "America/Havana", "Asia/Beirut", "Australia/Lord_Howe",
        "America/Santiago", "Africa/Cairo", "Pacific/Auckland", "Asia/Kolkata", "UTC",
    ]

    @Test(arguments: zones)
    func D8_everyDayOfTwoYearsHasExactlyOneRun(zone: String) throws {
        let timeZone = try #require(TimeZone(identifier: zone))
        for hour in [0, 1, 2, 3, 23] {
            let cadence = cadence(24, tenant: Int32(hour * 7 + 3), hour: hour, zone: zone)
            var run = cadence.nextRun(after: Date(timeIntervalSince1970: 1_704_067_200))
            var day = localDay(run, timeZone)
            for _ in 0..<730 {
                let next = cadence.nextRun(after: run)
                #expect(localDay(next, timeZone) == day + 1, "\(zone) \(hour) \(run) -> \(next)")
                run = next
                day = localDay(run, timeZone)
            }
        }
    }

    @Test(arguments: zones)
    func R33_runFallsIntoTheTenantsHour(zone: String) throws {
        let timeZone = try #require(TimeZone(identifier: zone))
        let cadence = cadence(24, hour: 15, zone: zone)
        var run = Date(timeIntervalSince1970: 1_704_067_200)
        for _ in 0..<400 {
            run = cadence.nextRun(after: run)
            let local = run.timeIntervalSince1970 + Double(timeZone.secondsFromGMT(for: run))
            #expect(Int(local / 3_600) % 24 == 15)
        }
    }

    @Test func R33_withoutAnHourTheDailyPullIsSpreadLikeTheOthers() {
        let runs = (Int32(1)...50).map { cadence(24, tenant: $0).nextRun(after: Fixtures.start) }
        #expect(Set(runs).count == 50)
    }

    private func localDay(_ instant: Date, _ zone: TimeZone) -> Int {
        Int(((instant.timeIntervalSince1970 + Double(zone.secondsFromGMT(for: instant))) / 86_400).rounded(.down))
    }
}
