import ActiveCampaign
import Foundation
package import JobQueue

/// How long an allowance lasts, and what more would cost: plain arithmetic over what the ledger and the purse say.
package struct CallForecast: Hashable, Sendable, Codable {
    /// Calls left now.
    package let left: Int
    /// Calls an hour at the pace of the last day.
    package let callsAnHour: Double
    /// Calls a day more that were asked about.
    package let extraADay: Int
    /// Calls once that were asked about.
    package let extraOnce: Int
    /// Hours until back-fills, everything automatic, and everything waits at this pace; nil: not within two days.
    package let hoursToNoBackfill: Double?
    package let hoursToUrgentOnly: Double?
    package let hoursToSpent: Double?
    /// Whether a day at this pace fits into the allowance.
    package let fits: Bool

    /// Looks ahead for two days: calls come back when their day is over.
    /// - Parameter usedLastDay: calls of the last 24 hours.
    package init(_ purse: BudgetReport, usedLastDay: Int, extraADay: Int = 0, extraOnce: Int = 0) {
        let pace = Double(usedLastDay + extraADay) / 24
        let limit = Double(purse.terms.dailyCalls)
        let spent = Double(purse.spent + purse.reserved + extraOnce)
        func instant(_ percent: Double) -> Double? {
            var spent = spent
            for hour in 0..<48 {
                if spent >= limit * percent / 100 { return Double(hour) }
                let back = hour < purse.returning.count ? Double(purse.returning[hour]) : pace
                let next = spent + pace - back
                if next >= limit * percent / 100, next > spent {
                    return Double(hour) + (limit * percent / 100 - spent) / (next - spent)
                }
                spent = next
            }
            return nil
        }
        left = max(0, purse.left - extraOnce)
        callsAnHour = pace
        self.extraADay = extraADay
        self.extraOnce = extraOnce
        hoursToNoBackfill = instant(60)
        hoursToUrgentOnly = instant(90)
        hoursToSpent = instant(100)
        fits = pace * 24 <= limit * 0.9
    }
}

/// What a schedule or a back-fill costs at least, in calls, by the sizes Ferry calls in.
package enum CallCosts {
    /// Calls of one pull that finds nothing: all objects in one.
    package static let idlePull = 1
    /// Calls of one outbound tick that finds nothing: one look at what changed.
    package static let idleTick = 1

    /// Calls a day of a schedule while nothing changes.
    package static func schedule(_ provider: CallProvider, intervalHours: Int) -> Int {
        switch provider {
        case .salesforce: 24 / max(1, intervalHours) * idlePull
        case .activeCampaign: 144 * idleTick
        }
    }

    /// Calls to Salesforce that read so many records.
    package static func pages(of records: Int) -> Int { parts(of: records, ClusterLimits.inboundPage) }

    /// Calls of pulling so many records for the first time.
    /// - Parameter acknowledges: whether Salesforce is told what was synced.
    package static func backfill(_ provider: CallProvider, records: Int, acknowledges: Bool = true) -> Int {
        switch provider {
        case .salesforce: pages(of: records) + (acknowledges ? parts(of: records, ClusterLimits.recordsPerCall) : 0)
        // Imports, a look at each, and the contacts they made, read for their ids.
        case .activeCampaign:
            2 * parts(of: records, ActiveCampaignLimits.importContacts)
                + parts(of: records, ActiveCampaignLimits.pageSize)
        }
    }

    private static func parts(of records: Int, _ size: Int) -> Int { (records + size - 1) / size }
}
