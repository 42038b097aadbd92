import Drivers
package import Foundation

extension JobQueue {
    /// Stops new runs of a tenant; its jobs stay queued.
    package func pause(tenant: Int32, reason: String) async throws(JobQueueError) {
        try await change(tenant, ["pause", "\(tenant)", Self.label(reason)])
    }

    /// Lets a paused tenant run again.
    /// - Returns: whether it was paused.
    @discardableResult
    package func resume(tenant: Int32) async throws(JobQueueError) -> Bool {
        try await change(tenant, ["resume", "\(tenant)"])
    }

    /// Keeps a tenant from running until an instant; it costs nothing while parked.
    /// - Parameters:
    ///   - classes: which of its jobs; nil for all.
    ///   - reason: what `why` says, for example `budget` or `429`.
    package func park(
        tenant: Int32, classes: Set<JobClass>? = nil, until: Date, reason: String
    ) async throws(JobQueueError) {
        guard until.timeIntervalSince(clock.now) <= TimeInterval(JobQueueLimits.maxDelay.components.seconds) else {
            throw JobQueueError(.badArgument, "a tenant is parked for at most 400 days")
        }
        let wake = Int64((until.timeIntervalSince1970 * 1_000).rounded(.up))
        try await change(tenant, ["park", "\(tenant)", "\(max(0, wake))", Self.label(reason), Self.digits(classes)])
    }

    /// Lets a parked tenant run at once. To unpark some classes does not end a park of all.
    package func unpark(tenant: Int32, classes: Set<JobClass>? = nil) async throws(JobQueueError) {
        try await change(tenant, ["park", "\(tenant)", "0", "", Self.digits(classes)])
    }

    /// Sets a tenant's share and how many of its jobs may run at once; nil is the default.
    ///
    /// No config row leads here. Ferry's fence is one for all jobs of a tenant (`FenceScope.tenant`; contacts and accounts
    /// must not be written side by side, T31), so that of two that ran at once the older could not commit; and with
    /// one at a time of at most four kinds no weight changes what a tenant gets.
    package func setLimits(tenant: Int32, weight: Int?, maxConcurrency: Int?) async throws(JobQueueError) {
        guard weight.map(JobQueueLimits.weights.contains) ?? true,
            maxConcurrency.map(JobQueueLimits.concurrencies.contains) ?? true
        else { throw JobQueueError(.badArgument, "weight and concurrency are 1...1000") }
        try await change(
            tenant, ["limit", "\(tenant)", weight.map(String.init) ?? "", maxConcurrency.map(String.init) ?? ""])
    }

    @discardableResult
    private func change(_ tenant: Int32, _ arguments: [String]) async throws(JobQueueError) -> Bool {
        try await run(.tenant, map.shard(of: tenant), arguments).number == 1
    }

    private static func digits(_ classes: Set<JobClass>?) -> String {
        (classes.map(Array.init) ?? JobClass.allCases).sorted().map { "\($0.rawValue)" }.joined()
    }
}
