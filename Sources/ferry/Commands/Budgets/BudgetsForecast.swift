import ArgumentParser
import Cluster
import Drivers
import Foundation
import JobQueue
import Store
import SyncRules

/// `ferry budgets forecast`.
struct BudgetsForecast: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "forecast", abstract: "Tell when a tenant's calls run out at this pace, and what more would cost.",
        discussion: """
            --interval and --backfill ask before something is enabled: their cost is the least, for records that change \
            nothing else. Ends with 1 when a day at that pace does not fit into the allowance.
            """)

    @Argument(help: "The tenant's id.")
    var tenant: String

    @Option(help: "As if pulls ran every so many hours: 1, 2, 3, 4, 6, 8, 12 or 24.")
    var interval: Int?

    @Option(help: "As if so many records were pulled for the first time.")
    var backfill: Int?

    @OptionGroup var output: OutputOptions

    private struct Line: Encodable {
        let provider: String
        let dailyCalls: Int
        let forecast: CallForecast
    }

    func validate() throws {
        if let interval, ![1, 2, 3, 4, 6, 8, 12, 24].contains(interval) {
            throw ValidationError("--interval: the pull interval is 1, 2, 3, 4, 6, 8, 12 or 24 hours")
        }
        if let backfill, !(1...1_000_000_000).contains(backfill) {
            throw ValidationError("--backfill: want 1 to 1000000000 records")
        }
    }

    func run() async throws {
        let lines = try await Control.run("budgets") { runtime in
            let row = try await Control.tenant(tenant, in: runtime.store)
            let now = runtime.clock.now
            let usage = try await runtime.store.usage(tenant: row.number, since: now.addingTimeInterval(-82_800))
            let present = try await runtime.store.show(tenant).settings?.inboundIntervalHours
            return try await BudgetsCommand.purses(runtime, row.number).map { purse in
                Line(
                    provider: purse.provider.name, dailyCalls: purse.terms.dailyCalls,
                    forecast: forecast(purse, usage, present: present))
            }
        }
        guard !lines.isEmpty else {
            throw ValidationError("Redis was wiped; a scheduler fills \(tenant)'s budgets again, ask then")
        }
        try output.print(lines) { lines.map(Self.text).joined(separator: "\n") }
        if lines.contains(where: { !$0.forecast.fits }) { throw ExitCode.failure }
    }

    private func forecast(_ purse: BudgetReport, _ usage: [HourlyUsage], present: Int?) -> CallForecast {
        let side: Side = purse.provider == .salesforce ? .salesforce : .activeCampaign
        let used = usage.filter { $0.provider == side && CallClass(rawValue: $0.callClass) != .token }
        var extra = 0
        if let interval {
            extra = CallCosts.schedule(purse.provider, intervalHours: interval)
            if let present { extra -= CallCosts.schedule(purse.provider, intervalHours: present) }
        }
        return CallForecast(
            purse, usedLastDay: Int(used.map(\.calls).reduce(0, +)), extraADay: extra,
            extraOnce: backfill.map { CallCosts.backfill(purse.provider, records: $0) } ?? 0)
    }

    private static func text(_ line: Line) -> String {
        let forecast = line.forecast
        let pace = String(format: "%.1f", forecast.callsAnHour)
        var text = "\(line.provider): \(forecast.left) of \(line.dailyCalls) calls left, \(pace) an hour"
        if forecast.extraADay != 0 { text += " (\(forecast.extraADay) a day more than now)" }
        if forecast.extraOnce > 0 { text += ", \(forecast.extraOnce) once" }
        func hours(_ value: Double?) -> String { value.map { String(format: "in %.1f h", $0) } ?? "not in two days" }
        return text + ".\n  Back-fills stop \(hours(forecast.hoursToNoBackfill)), everything automatic "
            + "\(hours(forecast.hoursToUrgentOnly)), everything \(hours(forecast.hoursToSpent))."
    }
}
