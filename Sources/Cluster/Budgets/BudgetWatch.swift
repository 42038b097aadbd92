import Drivers
import Foundation
import JobQueue
import Store

/// Says in PostgreSQL what the queue alone knows: that a tenant's work is on it and not handed out, for want of calls, and
/// until when. Safe to do anywhere and as often as one likes.
struct BudgetWatch: Sendable {
    let store: Store
    let queue: JobQueue
    let clock: WallClock

    /// Looks at the tenants that are overdue, a bounded number of pages of them.
    func runOnce() async throws {
        var last: Int32 = 0
        for _ in 0..<ClusterLimits.auditPages {
            let now = clock.now
            let tenants = try await store.overdueTenants(
                after: last, since: now.addingTimeInterval(-ClusterLimits.auditPatience),
                limit: ClusterLimits.auditPage, now: now)
            guard let end = tenants.last else { return }
            let waits = try await queue.budgetParks(of: tenants).flatMap { tenant, parks in
                parks.map { BudgetWait(tenant: tenant, isSweep: $0.jobClass == .bulk, message: Self.message($0)) }
            }
            try await store.reportBudgetWaits(waits, now: now)
            guard tenants.count == ClusterLimits.auditPage else { return }
            last = end
        }
    }

    private static func message(_ park: BudgetPark) -> String {
        "Waits for calls (\(park.reason)) and resumes at \(park.until.formatted(.iso8601)). Nothing is lost; it goes on at "
            + "once when `ferry budgets set` raises the allowance."
    }
}
