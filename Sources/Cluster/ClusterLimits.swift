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

    // MARK: - Accounts and opportunities

    /// Contacts put into their accounts by one run; each costs a call.
    static let placesPerRun = 500
    /// Of these, those whose outcome is stored together.
    static let placesPerCommit = 100
    /// Accounts made for one run's people.
    static let accountsPerRun = 2_000
    /// Calls that read the accounts of people linked before accounts were synced, 2,000 people each, per run.
    static let membershipCalls = 10
    /// Accounts or opportunities whose writes are stored together.
    static let objectsPerCommit = 100
    /// Opportunities one run takes up again because their contact is synced by now.
    static let opportunitiesPerRun = 2_000
    /// Seconds between two walks over ActiveCampaign's accounts: there is no filter by change.
    static let accountWalk: TimeInterval = 3_600
    /// Accounts of one page of such a walk whose custom values are read, each by a call of its own.
    static let accountPages = 500
    /// Seconds until an org is described anew.
    static let orgFactsLife: TimeInterval = 7 * 86_400
    /// Seconds before the first attempt from which a deal is looked for whose creation was not answered.
    static let dealSearchMargin: TimeInterval = 600
    /// Stages made in the pipeline of opportunities.
    static let dealStages = 50

    // MARK: - Sweeps

    /// Requests to read a record anew that one pull takes.
    static let resyncsPerRun = 200
    /// Links of one page of a re-evaluation: what one collection of ids reads, and ten pages of contacts.
    static let reevaluationPage = 1_000
    /// Pages of a sweep that one job takes before other jobs get their turn.
    static let sweepPages = 2
    /// Records on their way in imports above which a sweep waits: the importer is slower than our reading.
    static let sweepImports = 10_000
    /// Seconds until a sweep that waits for imports looks again.
    static let sweepPause: TimeInterval = 2
    /// Links of one page of a formula sweep: what one counted call reads.
    static let formulaPage = 2_000
    /// Seconds between two pages of a formula sweep: it has the day for it.
    static let formulaPause: TimeInterval = 60
    /// Seconds between two formula sweeps of an object: once a day, however the pull that begins it comes early.
    static let formulaInterval: TimeInterval = 82_800
    /// Seconds until a change in a field whose mapping is being re-evaluated is looked at again.
    static let pausedMappingLook: TimeInterval = 60
    /// Seconds for which a person's word that many records are gone holds; longer than the longest pull interval.
    package static let missingConfirmation: Double = 90_000

    // MARK: - Imports

    /// Seconds until an import is first looked at.
    static let firstImportCheck: TimeInterval = 2
    /// Seconds between two looks at most.
    static let longestImportCheck: TimeInterval = 60
    /// Seconds that each import which waits for its turn puts the next look off.
    static let importTurn: TimeInterval = 0.5
    /// Looks that find an import open before those behind it are looked at all the same.
    static let hangingImportChecks = 5
    /// Finished imports that are settled in one commit; their new contacts are read together, a hundred a call.
    static let importsSettledAtOnce = 4
    /// Seconds an outbound batch waits for the oldest open import before it goes on without its contacts.
    static let importCourtesy: TimeInterval = 120
    /// Seconds by which a contact is older than the import that brought it to have been there before: two clocks differ.
    static let importClockSlack: TimeInterval = 5
    /// Seconds after which an import without a result is written again.
    static let importPatience: TimeInterval = 3_600

    // MARK: - Streams

    /// Waits of a stream whose run failed, by its failures in a row.
    static let streamRetry = Backoff(base: .seconds(5), cap: .seconds(900), floor: .seconds(1))
    /// Longest wait a provider can ask a stream for, in seconds.
    static let longestWait: TimeInterval = 86_400
    /// Seconds until a stream that needs a human is tried again.
    package static let humanRetry: Double = 900
    /// Longest text of an error in a row.
    static let errorLength = 500

    // MARK: - Budgets

    /// Calls a run asks for when those it was leased with are used up; doubles with each time.
    static let firstCallSlice = 4
    /// Calls it asks for at most.
    static let longestCallSlice = 64
    /// Times one call asks before it gives up; others of its run may take what it was given.
    static let budgetRounds = 8
    /// Time after which a run tries again whose calls nobody could vouch for.
    static let budgetRetry: Duration = .seconds(5)
    /// Tenants whose budgets are read in one page.
    static let budgetPage = 1_000
    /// Of these, those that are set side by side.
    static let budgetsAtOnce = 8
    /// Time until budgets are tried again that could not be set.
    static let budgetPause: Duration = .seconds(5)
    /// Seconds of the ledger that a restored budget is filled with: the day, and what may overlap it.
    static let budgetDay: TimeInterval = 90_000
    /// Share of an org's calls that a tenant has which says nothing else: the other half is for the customer's own
    /// integrations.
    static let defaultShare = 0.5
    /// Calls a day that five a second come to: ActiveCampaign's limit.
    static let campaignCallsADay = 432_000
    /// Seconds until an org's limit is stored again although it is the same.
    static let limitLife: TimeInterval = 900
    /// Least seconds until a run that failed is tried again while automatic retries are to be spared: an outbound batch's.
    static let sparingRetry: TimeInterval = 600
    /// Longest wait for calls to come back: a day, and what the count of it is rounded by.
    static let longestBudgetWait: TimeInterval = 90_000
    /// Turns to call an account that are taken at once.
    static let longestPaceSlice = 8

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
    /// Jobs one worker holds for each of its places, those that wait for their turn to call included.
    static let jobsPerPlace = 4
    /// Jobs one worker leases ahead of free places.
    static let prefetchCap = 64
    /// Time a job leased ahead waits for a place before it is handed back.
    static let prefetchLife: Duration = .milliseconds(500)
    /// Time a worker leases nothing ahead after what came was bulk work.
    static let prefetchRest: Duration = .seconds(1)
    /// Waits of a worker or scheduler that does not reach Redis.
    static let queueRetry = Backoff(base: .milliseconds(100), cap: .seconds(5), floor: .milliseconds(50))
    /// A run that takes longer is stopped and starts again behind its last commit.
    static let longestJob: Duration = .seconds(1_800)
    /// Share of the grace time that jobs get to finish by themselves; the rest is for handing back.
    static let graceShare = 0.8
    /// Seconds a claimed stream is left to its queue before the scheduler asks for it again. Long, so that a backlog is
    /// not claimed over and over; the auditor finds within a minute what the queue has lost.
    static let claimSeconds: TimeInterval = 600
    /// Seconds a claimed import or sweep is; no auditor looks after these.
    static let asideClaimSeconds: TimeInterval = 60
    /// Seconds until a stream is claimed again whose shard was out of reach.
    static let refusedPause: TimeInterval = 2
    /// Time between two audits of the queue.
    static let audit: Duration = .seconds(60)
    /// Seconds a claim is left alone by the auditor: its job may be on the way to the queue.
    static let auditPatience: TimeInterval = 15
    /// Claimed streams of one page of an audit or a rebuild.
    static let auditPage = 1_000
    /// Pages of claimed streams, and of tenants on the queue, that one audit looks at; the next one goes on behind them.
    static let auditPages = 100
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
