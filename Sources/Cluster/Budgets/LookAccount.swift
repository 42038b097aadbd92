import Drivers
import Foundation
import JobQueue
import Store

/// The account of a person's looks at tenants: commands that call providers without being a job of the queue.
///
/// Each call is booked in the tenant's budget before it is made, ahead of all jobs, and in the ledger after. When the
/// budget has none left the look ends. A tenant without a budget is only counted, and needs no Redis.
struct LookAccount: Sendable {
    let store: Store
    let queue: JobQueue
    let clock: WallClock

    /// Runs a look.
    /// - Throws: `TenantRefusal` when the tenant's budget had no call for it; what `body` throws.
    func run<Value>(
        at tenant: Int32, _ body: (RunAccount) async throws -> Value
    ) async throws -> Value {
        let providers = try await store.tenantConfig(tenant)?.budgets.map { CallProvider($0.provider) } ?? []
        try await setMissing(providers, of: tenant)
        let account = RunAccount(looking: providers, clock: clock, extend: extend(tenant))
        let result: Result<Value, any Error>
        do { result = .success(try await RunAccount.$current.withValue(account) { try await body(account) }) } catch {
            result = .failure(error)
        }
        try await store.addUsage(tenant: tenant, account.takeUsage())
        if case .spent(let provider, let wait)? = account.refusal { throw refusal(provider, wait) }
        return try result.get()
    }

    /// A row that is new, or a budget that Redis has lost.
    private func setMissing(_ providers: [CallProvider], of tenant: Int32) async throws {
        guard !providers.isEmpty else { return }
        let known = Set(try await queue.budgets(tenant: tenant).map(\.provider))
        guard !known.isSuperset(of: providers) else { return }
        try await BudgetKeeper(store: store, queue: queue, clock: clock).set(tenant)
    }

    /// One call at a time: a command that is stopped leaves nothing reserved.
    private func extend(_ tenant: Int32) -> RunAccount.Extend {
        { [queue] wish in
            if let wait = try await queue.look(tenant: tenant, wish.provider) {
                return .refused(wish.provider, resumesAfter: wait)
            }
            let isSalesforce = wish.provider == .salesforce
            return .granted(activeCampaign: isSalesforce ? 0 : 1, salesforce: isSalesforce ? 1 : 0, percentUsed: 0)
        }
    }

    private func refusal(_ provider: CallProvider, _ wait: Duration) -> TenantRefusal {
        let instant = clock.now.addingTimeInterval(wait.seconds).formatted(.iso8601)
        return TenantRefusal(
            description: "The tenant's allowance of \(provider.title) calls is used up, and looking takes calls too. "
                + "It resumes \(instant), or at once when `ferry budgets set` raises it.")
    }
}
