import Drivers
import Foundation
import JobQueue
import Store
import SyncRules
import Synchronization

/// Why a call may not be made now.
enum BudgetRefusal: Error, Sendable, Hashable {
    /// The tenant's allowance is used up; more comes after this time.
    case spent(CallProvider, resumesAfter: Duration)
    /// The lease is another's by now.
    case leaseLost
    /// Redis, which keeps the allowance, did not answer.
    case unknown

    /// The code of errors, rows and metrics.
    var code: String {
        switch self {
        case .spent: Self.spentCode
        case .leaseLost: "lease_lost"
        case .unknown: "budget_unknown"
        }
    }

    /// The code of a call that the allowance did not have.
    static let spentCode = "budget_spent"

    /// The least wait before another try.
    var wait: Duration {
        switch self {
        case .spent(_, let wait): wait
        case .leaseLost, .unknown: ClusterLimits.budgetRetry
        }
    }
}

/// One run's account of its calls: asks for them before they are made, counts them when they are, and says what they were.
///
/// Found by the clients through the task, so that sessions, which outlive runs, need not know of it. A run of a tenant
/// without a budget is only counted.
final class RunAccount: Sendable {
    /// The account of the run this task works for.
    @TaskLocal static var current: RunAccount?

    /// Asks the queue for more calls.
    typealias Extend = @Sendable (CallExtension) async throws -> ExtensionResult

    private struct Figure {
        var usage: (used: Int, limit: Int)
        var requestStart: Date
        var callsAfter: Int
    }

    private struct State {
        /// Calls that may be made without asking; a provider without a budget is missing.
        var left: [CallProvider: Int]
        /// Calls that the queue does not know of yet.
        var unreported: [CallProvider: Int] = [:]
        var slices: [CallProvider: Int] = [:]
        var step: BudgetStep
        var figure: Figure?
        var hasNewFigure = false
        /// Calls to Salesforce that were let go and have not come back.
        var underWay = 0
        var totals: [Side: Int] = [:]
    }

    private let job: LeasedJob?
    private let clock: WallClock
    private let extend: Extend?
    private let meter = CallMeter()
    private let state: Mutex<State>

    /// Opens the account of a leased job.
    /// - Parameter extend: nil where no budget is kept.
    init(job: LeasedJob, clock: WallClock, extend: Extend?) {
        self.job = job
        self.clock = clock
        self.extend = extend
        state = Mutex(State(left: job.allowance?.granted ?? [:], step: job.allowance?.step ?? .full))
    }

    /// Opens the account of a person's look at a tenant: no lease, no allowance, counted only.
    private init(clock: WallClock) {
        job = nil
        self.clock = clock
        extend = nil
        state = Mutex(State(left: [:], step: .full))
    }

    /// Runs a body that is no job of the queue and adds its calls to the tenant's ledger.
    static func ofLook<Value>(
        at tenant: Int32, store: Store, clock: WallClock, _ body: (RunAccount) async throws -> Value
    ) async throws -> Value {
        let account = RunAccount(clock: clock)
        let result: Result<Value, any Error>
        do { result = .success(try await $current.withValue(account) { try await body(account) }) } catch {
            result = .failure(error)
        }
        try await store.addUsage(tenant: tenant, account.takeUsage())
        return try result.get()
    }

    /// How sparing the run has to be.
    var step: BudgetStep { state.withLock { $0.step } }

    // MARK: - Asking

    /// Makes the run ask before its first call to a provider: a budget that its lease did not know of.
    func require(_ provider: CallProvider) {
        state.withLock { state in
            if state.left[provider] == nil { state.left[provider] = 0 }
        }
    }

    /// Whether the lease came with calls to a provider, or was made to ask for them.
    func isBudgeted(_ provider: CallProvider) -> Bool { state.withLock { $0.left[provider] != nil } }

    /// Lets one call go.
    func admit(_ provider: CallProvider) async throws(BudgetRefusal) {
        for _ in 0..<ClusterLimits.budgetRounds {
            guard let wish = state.withLock({ take(provider, &$0) }) else { return }
            let result: ExtensionResult
            do {
                guard let extend else { return }
                result = try await extend(wish)
            } catch {
                state.withLock { restore(wish, &$0) }
                throw .unknown
            }
            MetricCatalog.extended(result)
            switch result {
            case .granted(let campaign, let salesforce, let percent):
                state.withLock { state in
                    state.left[provider, default: 0] += provider == .salesforce ? salesforce : campaign
                    state.step = max(state.step, BudgetStep(percentUsed: percent))
                }
            case .refused(let short, let wait):
                throw .spent(short, resumesAfter: wait)
            case .leaseLost:
                throw .leaseLost
            }
        }
        throw .unknown
    }

    /// Takes one call off what is left; a wish for more when nothing is.
    private func take(_ provider: CallProvider, _ state: inout State) -> CallExtension? {
        if let job, let left = state.left[provider], left <= 0, extend != nil {
            let slice = state.slices[provider] ?? ClusterLimits.firstCallSlice
            state.slices[provider] = min(slice * 2, ClusterLimits.longestCallSlice)
            return CallExtension(
                job, made: report(&state), activeCampaign: provider == .activeCampaign ? slice : 0,
                salesforce: provider == .salesforce ? slice : 0)
        }
        if state.left[provider] != nil { state.left[provider, default: 1] -= 1 }
        state.unreported[provider, default: 0] += 1
        if provider == .salesforce {
            state.underWay += 1
            state.figure?.callsAfter += 1
        }
        return nil
    }

    private func report(_ state: inout State) -> CallsMade {
        defer {
            state.unreported = [:]
            state.hasNewFigure = false
        }
        let figure = state.hasNewFigure ? state.figure : nil
        return CallsMade(
            activeCampaign: state.unreported[.activeCampaign] ?? 0, salesforce: state.unreported[.salesforce] ?? 0,
            figure: figure.map {
                OrgFigure(
                    used: $0.usage.used,
                    age: .seconds(max(0, clock.now.timeIntervalSince($0.requestStart))), callsAfter: $0.callsAfter)
            })
    }

    private func restore(_ wish: CallExtension, _ state: inout State) {
        state.unreported[.activeCampaign, default: 0] += wish.made.activeCampaign
        state.unreported[.salesforce, default: 0] += wish.made.salesforce
        state.hasNewFigure = state.figure != nil
    }

    /// What the queue is told with the settlement; nil when there is no budget.
    func settled() -> CallsMade? {
        state.withLock { state in job?.allowance == nil && state.left.isEmpty ? nil : report(&state) }
    }

    // MARK: - Counting

    /// A call to ActiveCampaign has ended.
    func count(_ callClass: CallClass) { note(.activeCampaign, callClass) }

    /// A call to Salesforce has ended.
    /// - Parameters:
    ///   - usage: the org's own figure.
    ///   - isCounted: whether the org counts the call.
    ///   - wasSent: whether it can have counted it.
    func count(
        _ callClass: CallClass, usage: (used: Int, limit: Int)?, requestStart: Date, isCounted: Bool, wasSent: Bool
    ) {
        if wasSent { note(.salesforce, callClass) }
        state.withLock { state in
            if isCounted { state.underWay = max(0, state.underWay - 1) }
            guard let usage, state.figure.map({ $0.requestStart <= requestStart }) ?? true else { return }
            state.figure = Figure(usage: usage, requestStart: requestStart, callsAfter: state.underWay)
            state.hasNewFigure = true
        }
    }

    private func note(_ provider: Side, _ callClass: CallClass) {
        meter.count(provider, callClass)
        state.withLock { $0.totals[provider, default: 0] += 1 }
    }

    /// Calls of the whole run so far.
    func total(_ provider: Side) -> Int { state.withLock { $0.totals[provider] ?? 0 } }

    /// The org's own figure, as the run saw it last.
    var lastFigure: (used: Int, limit: Int)? { state.withLock { $0.figure?.usage } }

    /// Calls since the last time, for the ledger.
    func takeUsage() -> [UsageEntry] {
        let now = clock.now
        return meter.take().map {
            UsageEntry(
                provider: $0.key.provider, callClass: $0.key.callClass.rawValue, at: now, calls: Int64($0.value))
        }
    }

    /// Usage that was taken and could not be stored.
    func giveBack(_ usage: [UsageEntry]) {
        for entry in usage {
            guard let callClass = CallClass(rawValue: entry.callClass) else { continue }
            meter.put(entry.provider, callClass, Int(entry.calls))
        }
    }
}
