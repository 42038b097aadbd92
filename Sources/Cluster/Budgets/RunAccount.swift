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
    /// The reason of a write that leaves the last calls to those that come first (sync-traps 2d).
    static let scarceCode = "budget_scarce"

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
    /// What the ledger counts this task's calls as; nil counts each by what it is.
    @TaskLocal static var purpose: CallClass?

    /// Asks the queue for more calls to a provider.
    struct Wish: Sendable {
        let provider: CallProvider
        let calls: Int
        /// What the run called so far.
        let made: CallsMade
    }

    typealias Extend = @Sendable (Wish) async throws -> ExtensionResult
    /// Stores calls in the ledger.
    typealias Keep = @Sendable ([UsageEntry]) async throws -> Void

    private struct Figure {
        var usage: (used: Int, limit: Int)
        var requestStart: Date
        var callsAfter: Int
    }

    private struct State {
        /// Calls that may be made without asking; a provider without a budget is missing.
        var left: [CallProvider: Int]
        /// Calls that were let go, less those that were never sent.
        var made: [CallProvider: Int] = [:]
        var slices: [CallProvider: Int] = [:]
        var step: BudgetStep
        var figure: Figure?
        var hasNewFigure = false
        /// Calls to Salesforce that were let go and have not come back.
        var underWay = 0
        var totals: [Side: Int] = [:]
        var refusal: BudgetRefusal?
    }

    private let job: LeasedJob?
    private let clock: WallClock
    private let extend: Extend?
    private let keep: Keep?
    private let meter = CallMeter()
    private let state: Mutex<State>

    /// Opens the account of a leased job.
    /// - Parameters:
    ///   - extend: nil where no budget is kept.
    ///   - keep: called before each wish, so that the ledger misses few calls should the worker or Redis be lost.
    init(job: LeasedJob, clock: WallClock, extend: Extend?, keep: Keep?) {
        self.job = job
        self.clock = clock
        self.extend = extend
        self.keep = keep
        state = Mutex(State(left: job.allowance?.granted ?? [:], step: job.allowance?.step ?? .full))
    }

    /// Opens the account of a person's look at a tenant, which has no lease and asks for each call.
    init(looking providers: [CallProvider], clock: WallClock, extend: @escaping Extend) {
        job = nil
        self.clock = clock
        self.extend = extend
        keep = nil
        state = Mutex(State(left: Dictionary(uniqueKeysWithValues: providers.map { ($0, 0) }), step: .full))
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
            await keepUsage()
            do {
                guard let extend else { return }
                result = try await extend(wish)
            } catch {
                state.withLock { $0.hasNewFigure = $0.figure != nil }
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
                let refusal = BudgetRefusal.spent(short, resumesAfter: wait)
                state.withLock { $0.refusal = refusal }
                throw refusal
            case .leaseLost:
                throw .leaseLost
            }
        }
        throw .unknown
    }

    /// Takes one call off what is left; a wish for more when nothing is.
    private func take(_ provider: CallProvider, _ state: inout State) -> Wish? {
        if let left = state.left[provider], left <= 0, extend != nil {
            let slice = state.slices[provider] ?? ClusterLimits.firstCallSlice
            state.slices[provider] = min(slice * 2, ClusterLimits.longestCallSlice)
            return Wish(provider: provider, calls: slice, made: report(&state))
        }
        if state.left[provider] != nil { state.left[provider, default: 1] -= 1 }
        state.made[provider, default: 0] += 1
        if provider == .salesforce {
            state.underWay += 1
            state.figure?.callsAfter += 1
        }
        return nil
    }

    private func report(_ state: inout State) -> CallsMade {
        var figure: Figure?
        // Of a tenant whose lease knew of no budget each is wanted.
        if state.hasNewFigure, let last = state.figure, job?.allowance?.wantsFigure(of: last.usage.used) ?? true {
            figure = last
            state.hasNewFigure = false
        }
        return CallsMade(
            activeCampaign: state.made[.activeCampaign] ?? 0, salesforce: state.made[.salesforce] ?? 0,
            figure: figure.map {
                OrgFigure(
                    used: $0.usage.used,
                    age: .seconds(max(0, clock.now.timeIntervalSince($0.requestStart))), callsAfter: $0.callsAfter)
            })
    }

    /// Takes back a call that was let go and never left: it is in no count.
    private func takeBack(_ provider: CallProvider, _ state: inout State) {
        if state.left[provider] != nil { state.left[provider, default: 0] += 1 }
        state.made[provider, default: 1] -= 1
    }

    private func keepUsage() async {
        guard let keep else { return }
        let usage = takeUsage()
        guard !usage.isEmpty else { return }
        do { try await keep(usage) } catch { giveBack(usage) }
    }

    /// What the queue is told with the settlement; nil when there is no budget.
    func settled() -> CallsMade? {
        state.withLock { state in job?.allowance == nil && state.left.isEmpty ? nil : report(&state) }
    }

    // MARK: - Counting

    /// A call to ActiveCampaign has ended.
    /// - Parameter wasSent: whether the account can have counted it.
    func count(_ callClass: CallClass, wasSent: Bool) {
        guard wasSent else { return state.withLock { takeBack(.activeCampaign, &$0) } }
        note(.activeCampaign, callClass)
    }

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
            if isCounted {
                state.underWay = max(0, state.underWay - 1)
                if !wasSent {
                    takeBack(.salesforce, &state)
                    state.figure?.callsAfter -= 1
                }
            }
            guard let usage, state.figure.map({ $0.requestStart <= requestStart }) ?? true else { return }
            state.figure = Figure(usage: usage, requestStart: requestStart, callsAfter: state.underWay)
            state.hasNewFigure = true
        }
    }

    private func note(_ provider: Side, _ callClass: CallClass) {
        meter.count(provider, Self.purpose ?? callClass)
        state.withLock { $0.totals[provider, default: 0] += 1 }
    }

    /// Calls of the whole run so far.
    func total(_ provider: Side) -> Int { state.withLock { $0.totals[provider] ?? 0 } }

    /// Why calls were not made, when the allowance did not have them.
    var refusal: BudgetRefusal? { state.withLock { $0.refusal } }

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
