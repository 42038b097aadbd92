import Drivers
import Foundation

/// Every bound of this module, in one place.
package enum ClusterLimits {
    // MARK: - Runs

    /// Contacts of one outbound chunk: what one counted Salesforce call can write (salesforce-api, economy summary).
    static let outboundChunk = 1_000
    /// Records of one counted Salesforce call: five collections of 200.
    static let recordsPerCall = 1_000
    /// Rows of one inbound page.
    static let inboundPage = 2_000
    /// Fewer contacts than this are written one by one, which is faster and can clear fields (activecampaign-api 6).
    static let importThreshold = 10
    /// Rounds of one write: each later round drops the fields the one before was refused for (D6).
    static let fieldDropRounds = 3
    /// Failures that are due again, per run.
    static let retriesPerRun = 200
    /// Seconds until the next pull when more failures are due than one takes.
    static let retryRunPause: TimeInterval = 60
    /// Tries of a record that fails by itself, by an automation of the org or an error of the server's, until it is left
    /// to its next change.
    static let recordAttempts = 8
    /// Tries of a record that is locked: an approval may take days, and the batch leaves anyway.
    static let lockedAttempts = 1_000
    /// Records in a row whose failure makes it the server's and not theirs.
    static let failuresInARow = 3
    /// Contacts missing in a listing that one batch asks for by themselves.
    static let missingPerRun = 20
    /// Seconds until the rest of them are asked for.
    static let missingPause: TimeInterval = 60
    /// Seconds until a record is tried again that somebody must do something for.
    static let humanRecordRetry: TimeInterval = 3_600
    /// Seconds a status write-back is tried, when something in the org refuses it again and again.
    static let writebackPatience: TimeInterval = 86_400
    /// Waits of a record that met a lock, or failed by itself.
    static let recordRetry = Backoff(base: .seconds(30), cap: .seconds(600), floor: .seconds(5))

    /// Seconds until a change that met a converted lead goes to the contact the lead became.
    static let conversionPause: TimeInterval = 5

    // MARK: - Sweeps

    /// Requests to read a record anew that one pull takes.
    static let resyncsPerRun = 200
    /// Links of one page of a re-evaluation: what one collection of ids reads, and ten pages of contacts.
    static let reevaluationPage = 1_000
    /// Pages of a sweep that one job takes before other jobs get their turn.
    static let sweepPages = 2
    /// Records on their way in imports above which a sweep waits: the importer is slower than our reading.
    static let sweepImports = 4_000
    /// Seconds until a sweep that waits for imports looks again.
    static let sweepPause: TimeInterval = 2
    /// Seconds until a change in a field whose mapping is being re-evaluated is looked at again.
    static let pausedMappingLook: TimeInterval = 60
    /// Seconds for which a person's word that many records are gone holds; longer than the longest pull interval.
    package static let missingConfirmation: Double = 90_000

    // MARK: - Imports

    /// Seconds until an import is first looked at.
    static let firstImportCheck: TimeInterval = 2
    /// Seconds between two looks at most.
    static let longestImportCheck: TimeInterval = 60
    /// Finished imports that are settled in one commit; their new contacts are read together, a hundred a call.
    static let importsSettledAtOnce = 4
    /// Seconds an outbound batch waits for the oldest open import before it goes on without its contacts.
    static let importCourtesy: TimeInterval = 120
    /// Seconds after which an import without a result is written again.
    static let importPatience: TimeInterval = 3_600

    // MARK: - Streams

    /// Waits of a stream whose run failed, by its failures in a row.
    static let streamRetry = Backoff(base: .seconds(5), cap: .seconds(900), floor: .seconds(1))
    /// Longest wait a provider can ask a stream for, in seconds.
    static let longestWait: TimeInterval = 86_400
    /// Seconds until a stream that needs a human is tried again.
    static let humanRetry: TimeInterval = 900
    /// Longest text of an error in a row.
    static let errorLength = 500

    // MARK: - Processes

    /// Tenants whose clients, tokens and field lists one worker keeps.
    static let cachedSessions = 2_000
    /// Seconds until a tenant's field lists are fetched anew.
    static let fieldListLife: TimeInterval = 21_600
    /// Seconds until they are while a mapping names a field that one side does not have.
    static let brokenFieldListLife: TimeInterval = 900
    /// Due streams one claim takes.
    static let claimSize = 1_000
    /// Time between two looks for due streams when nobody calls.
    static let schedulerTick: Duration = .milliseconds(500)
    /// Time between two heartbeats of a worker.
    static let heartbeat: Duration = .seconds(3)
    /// Time between two sweeps of dead workers' leases.
    static let sweep: Duration = .seconds(2)
    /// Longest wait for work before a worker looks again.
    static let idleWait: Duration = .seconds(2)
    /// Pause of a fully busy worker before it looks whether it has room again.
    static let busyLook: Duration = .milliseconds(50)
    /// Waits of a worker or scheduler that does not reach Redis.
    static let queueRetry = Backoff(base: .milliseconds(100), cap: .seconds(5), floor: .milliseconds(50))
    /// A run that takes longer is stopped and starts again behind its last commit.
    static let longestJob: Duration = .seconds(1_800)
    /// Share of the grace time that jobs get to finish by themselves; the rest is for handing back.
    static let graceShare = 0.8
    /// Seconds a claimed stream is left to its queue before the scheduler asks for it again.
    static let claimSeconds: TimeInterval = 60
    /// Time between two renewals of a running job's claim.
    static let claimRenewal: Duration = .seconds(20)
    /// Time between two looks at Redis's generation marks.
    static let generationCheck: Duration = .seconds(2)
    /// Time between two rounds of partition upkeep.
    static let upkeep: Duration = .seconds(3_600)
    /// Bytes of a webhook body.
    static let webhookBody = 65_536
    /// Webhooks waiting to be stored; more are refused with 503 and found by the next poll.
    static let webhookBacklog = 10_000
    /// Webhooks stored in one statement.
    static let webhookGroup = 500
    /// Time a webhook may wait for others to be stored with it.
    static let webhookLinger: Duration = .milliseconds(2)
}

extension Duration {
    /// The duration in seconds.
    var seconds: TimeInterval {
        Double(components.seconds) + Double(components.attoseconds) / 1e18
    }
}
