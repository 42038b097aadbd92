import Drivers
package import Foundation

/// Jobs of one class of a tenant that wait for calls.
package struct BudgetPark: Hashable, Sendable {
    package var jobClass: JobClass
    /// When the queue lets them run.
    package var until: Date
    /// What they wait for, `budget: Salesforce allowance 60 %`.
    package var reason: String
}

extension JobQueue {
    /// How every park for want of calls begins to tell its reason.
    package static let budgetReason = "budget"

    /// Which of some tenants' queued jobs wait for calls; tenants that wait for nothing are missing. One round trip for all.
    package func budgetParks(of tenants: [Int32]) async throws(JobQueueError) -> [Int32: [BudgetPark]] {
        let answers = await caller.run(tenants.map { call(.status, map.shard(of: $0), ["\($0)"]) })
        var parks: [Int32: [BudgetPark]] = [:]
        for (tenant, answer) in zip(tenants, answers) {
            let parts = try answer.get().elements ?? []
            guard parts.count == 2, let now = parts[0].number, let fields = parts[1].elements else {
                throw Self.unexpected("status")
            }
            let own = TenantReport(fields, now: now).parks.filter { $0.reason.hasPrefix(Self.budgetReason) }
            if !own.isEmpty { parks[tenant] = own }
        }
        return parks
    }
}
