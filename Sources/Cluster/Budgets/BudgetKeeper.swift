package import Drivers
import Foundation
package import JobQueue
package import Store
import SyncRules
import Synchronization

/// Sets budgets in Redis as PostgreSQL has them: when rows change, when an org tells another limit, and all of them when
/// Redis has lost its memory. Safe to do anywhere and as often as one likes.
package struct BudgetKeeper: Sendable {
    private let store: Store
    private let queue: JobQueue
    private let clock: WallClock

    /// Makes a keeper.
    package init(store: Store, queue: JobQueue, clock: WallClock) {
        self.store = store
        self.queue = queue
        self.clock = clock
    }

    /// Why tenants' budgets could not be set.
    package struct Failure: Sendable {
        /// One of them, its reason, and how many others there are.
        package let tenant: Int32
        package let error: any Error
        package fileprivate(set) var others = 0
    }

    /// Sets the budgets that changed, each once. One that can't be set keeps its row for the next call and holds nobody
    /// up; when a shard is out of reach its other tenants are left for then too.
    /// - Returns: what could not be set; nil when all could.
    @discardableResult
    package func renew() async throws -> Failure? {
        var failure: Failure?
        var lost: Set<Int> = []
        var last = Int32.min
        while true {
            let changes = try await store.budgetChanges(after: last, limit: ClusterLimits.budgetPage)
            var done: [BudgetChange] = []
            for start in stride(from: 0, to: changes.count, by: ClusterLimits.budgetsAtOnce) {
                let part = changes[start..<min(start + ClusterLimits.budgetsAtOnce, changes.count)]
                for (change, error) in await set(part.filter { !lost.contains(queue.shard(of: $0.tenant)) }) {
                    guard let error else {
                        done.append(change)
                        continue
                    }
                    if error is JobQueueError { lost.insert(queue.shard(of: change.tenant)) }
                    failure = failure ?? Failure(tenant: change.tenant, error: error)
                }
            }
            try await store.finishBudgetChanges(done)
            failure?.others += changes.count - done.count
            guard changes.count == ClusterLimits.budgetPage, let end = changes.last else { break }
            last = end.tenant
        }
        failure?.others -= 1
        return failure
    }

    private func set(_ changes: [BudgetChange]) async -> [(BudgetChange, (any Error)?)] {
        await withTaskGroup { group in
            for change in changes {
                group.addTask {
                    do { try await set(change.tenant, isAfterLoss: change.isAfterLoss) } catch {
                        return (change, error as (any Error)?)
                    }
                    return (change, nil)
                }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
    }

    /// Redis lost shards: notes that all budgets in them have to be set, with what PostgreSQL knows to be spent.
    package func callForAll(of shards: Set<Int>) async throws {
        var last = Int32.min
        while true {
            let page = try await store.budgetedTenants(after: last, limit: ClusterLimits.budgetPage)
            try await store.callForBudgets(of: page.filter { shards.contains(queue.shard(of: $0)) })
            guard page.count == ClusterLimits.budgetPage, let end = page.last else { return }
            last = end
        }
    }

    /// Sets one tenant's budgets as its rows are now.
    /// - Parameter isAfterLoss: whether Redis may have lost them; nil: as PostgreSQL has it.
    package func set(_ tenant: Int32, isAfterLoss: Bool? = nil) async throws {
        var isLost = isAfterLoss ?? false
        if isAfterLoss == nil { isLost = try await store.isBudgetLost(tenant: tenant) }
        let config = try await store.tenantConfig(tenant)
        let limits = try await store.providerLimits(tenant: tenant)
        let usage = try await store.usage(tenant: tenant, since: clock.now.addingTimeInterval(-ClusterLimits.budgetDay))
        for provider in CallProvider.allCases {
            guard let config, let terms = BudgetTerms(provider, rows: config.budgets, limit: limits[Side(provider)])
            else {
                try await queue.endBudget(tenant: tenant, provider)
                continue
            }
            try await queue.setBudget(
                tenant: tenant, provider, terms,
                past: past(of: provider, in: usage, limit: terms.dailyCalls, isLost: isLost))
        }
    }

    /// Calls of the last day as the ledger has them, each counted at the end of its hour at the latest, and some more for
    /// runs whose calls it may not have: one of each kind of job, which stores its calls before it asks for more. Of a
    /// small allowance a quarter, else it would stand still for a day.
    private func past(of provider: CallProvider, in usage: [HourlyUsage], limit: Int, isLost: Bool) -> PastCalls {
        let own = usage.filter { $0.provider == Side(provider) && CallClass(rawValue: $0.callClass) != .token }
        guard isLost || !own.isEmpty else { return PastCalls() }
        let calls = Dictionary(
            own.map { (min(clock.now, $0.hour.addingTimeInterval(3_599)), Int($0.calls)) }, uniquingKeysWith: +)
        return PastCalls(restoring: calls, unknown: min(JobKind.allCases.count * JobQueueLimits.budgetGap, limit / 4))
    }
}

extension Side {
    /// The side of a provider that is called.
    init(_ provider: CallProvider) { self = provider == .salesforce ? .salesforce : .activeCampaign }
}

/// What orgs tell of their limits, stored when it is new or a while old.
final class LimitLessons: Sendable {
    private struct Lesson {
        var limit: Int
        var at: Date
    }

    private let store: Store
    private let clock: WallClock
    private let learned = Mutex<[Int32: Lesson]>([:])

    init(store: Store, clock: WallClock) {
        self.store = store
        self.clock = clock
    }

    /// Takes an org's figure.
    /// - Returns: whether others called far more than is usual of them.
    func learn(_ tenant: Int32, used: Int, limit: Int) async throws -> Bool {
        let now = clock.now
        let isKnown = learned.withLock { learned in
            if let lesson = learned[tenant], lesson.limit == limit,
                abs(now.timeIntervalSince(lesson.at)) < ClusterLimits.limitLife
            {
                return true
            }
            if learned.count >= ClusterLimits.cachedSessions { learned.removeAll() }
            learned[tenant] = Lesson(limit: limit, at: now)
            return false
        }
        guard !isKnown, limit > 0 else { return false }
        let usage = try await store.usage(tenant: tenant, since: now.addingTimeInterval(-86_400))
        let own = usage.filter { $0.provider == .salesforce && CallClass(rawValue: $0.callClass) != .token }
        return try await store.learnLimit(
            tenant: tenant, provider: .salesforce, limit: limit, used: used,
            own: Int(own.map(\.calls).reduce(0, +)), now: now
        ).isUnplannedUse
    }
}
