package import Drivers

/// Every bound of this module, in one place.
package enum JobQueueLimits {
    /// Logical shards unless told otherwise; the number never changes in the life of a cluster.
    package static let shards = 16
    /// Most logical shards.
    package static let maxShards = 1_024
    /// Bytes of a process's name in its worker's id, which has nine more.
    package static let processNameBytes = 55
    /// Bytes of a job's kind.
    package static let kindBytes = 24
    /// Bytes of an error code or a reason that are kept.
    package static let codeBytes = 64
    /// Requests in one enqueue script.
    package static let enqueueBatch = 256
    /// Jobs one lease script may grant, and settlements it may carry.
    package static let exchangeBatch = 256
    /// Jobs a shard is asked for at least, when that many are wanted: fewer, fuller calls.
    package static let leaseChunk = 16
    /// Jobs one lease call may ask for.
    package static let leaseLimit = 4_096
    /// Leases a sweep gives back in one script, about.
    package static let sweepBatch = 200
    /// Sweep scripts a call runs on one shard.
    package static let sweepRounds = 16
    /// How long a job waits after the second of its workers died; three times as long with each further one.
    package static let deathPause = Duration.seconds(5)
    /// Longest of these waits.
    package static let longestDeathPause = Duration.seconds(900)
    /// Cost of a job, 1 unless told otherwise.
    package static let costs = 1...100
    /// Weight of a tenant.
    package static let weights = 1...1_000
    /// Jobs of one tenant that may run at once.
    package static let concurrencies = 1...1_000
    /// Longest delay of a job or park of a tenant.
    package static let maxDelay = Duration.seconds(400 * 86_400)
    /// Dead letters in one page.
    package static let deadPage = 1_000
    /// Dead letters one call tells of.
    package static let deadLetters = 100_000
    /// Jobs or tenants that one audit script looks at.
    package static let auditBatch = 500
    /// Tokens have 53 bits, 40 of them for the sequence: epochs end here.
    package static let maxEpoch: Int64 = (1 << 13) - 1
    /// Tries of a settlement whose answer was lost.
    package static let settleTries = 3
    /// Waits between those tries.
    package static let settleBackoff = Backoff(base: .milliseconds(20), cap: .milliseconds(500))
    /// Calls to one provider a budget may allow in 24 hours.
    package static let dailyCalls = 1...1_000_000_000
    /// Calls a run asks for at most at once.
    package static let callSlice = 256
    /// Entries of a past that a new budget takes, the latest.
    package static let pastCalls = 100
    /// How long a restored budget is held back when no figure of the org's proves it.
    package static let budgetLearning = Duration.seconds(3_600)
    /// Percent of what is left that a restored budget may spend before that.
    package static let budgetOpenShare = 25
    /// Calls that each running job may have made, or still make, without the ledger having them when Redis is lost.
    package static let budgetGap = 64
    /// Longest a worker waits for work without looking for itself; a wake-up may be lost with the worker that got it.
    package static let maxWait = Duration.seconds(1)
    /// Shards of a cluster that one worker waits for at once, each on a connection of its own; of more shards it takes the
    /// next ones with each wait.
    package static let clusterWaits = 16
    /// How long a shard that had nothing is not asked again while others have work.
    package static let coldShard = Duration.seconds(1)
}
