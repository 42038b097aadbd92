package import Drivers

/// How the queue behaves. `namespace` and `shards` must be the same in every process of a cluster, for ever.
package struct JobQueueOptions: Sendable {
    /// Prefix of all keys; lets several clusters share a Redis.
    package var namespace = ""
    /// Logical shards, 1...`JobQueueLimits.maxShards`.
    package var shards = JobQueueLimits.shards
    /// How long a worker may be silent before its leases go back: so long, and the time between two sweeps, its work
    /// rests when it is killed.
    package var leaseDuration = Duration.seconds(12)
    /// Age at which a lease that its worker does not know of is given back (the answer that granted it was lost);
    /// well over the command timeout of the client.
    package var orphanAge = Duration.seconds(15)
    /// Longest a worker waits for work without looking for itself, up to `RedisLimits.maxBlocking`.
    package var maxWait = JobQueueLimits.maxWait
    /// Jobs of one tenant that may run at once unless `setLimits` says otherwise.
    package var tenantConcurrency = 1
    /// Cost a tenant of weight 1 may spend in one turn of the ring.
    package var quantum = 4
    /// Failed attempts before a job is buried; a worker's death is none.
    package var maxAttempts = 12
    /// Workers that may die with a job before it is buried; from the second death on it waits longer with each
    /// (`JobQueueLimits.deathPause`). Silences that nobody watched are not counted.
    package var maxDeaths = 8
    /// Waits between attempts.
    package var retry = Backoff(base: .seconds(5), cap: .seconds(1_800), floor: .milliseconds(500))

    /// The defaults.
    package init() {}

    /// Traps on values out of bounds: options are written by programmers.
    func check() {
        precondition((1...JobQueueLimits.maxShards).contains(shards), "1...1024 shards")
        precondition(leaseDuration > .zero && orphanAge > .zero, "durations are positive")
        precondition(JobQueueLimits.concurrencies.contains(tenantConcurrency), "concurrency is 1...1000")
        precondition(quantum > 0 && maxAttempts > 0 && maxDeaths > 0, "quantum, attempts and deaths are positive")
        precondition(namespace.utf8.count <= 32 && !namespace.contains("{"), "a namespace is short and has no braces")
    }
}
