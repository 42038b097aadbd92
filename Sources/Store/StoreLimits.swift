import SyncRules

/// Every bound of this module, in one place.
package enum StoreLimits {
    /// Distinct pending contacts that make an outbound batch leave at once (R9, R10).
    package static let outboundThreshold = OutboundCadence.threshold
    /// Changes stored by one call.
    package static let changesPerCall = 10_000
    /// Rows of one page of any listing.
    package static let pageSize = 10_000
    /// Tries of a transaction that met a deadlock or a serialization failure.
    package static let transactionTries = 5
    /// Time one migration may take.
    package static let migrationTimeout: Duration = .seconds(3_600)
    /// Time a process waits for another one that migrates.
    package static let migrationLockTimeout: Duration = .seconds(3_600)
    /// Days of partitions made ahead.
    package static let partitionsAhead = 7
    /// Days that record decisions are kept.
    package static let decisionRetentionDays = 30
    /// Days that runs are kept.
    package static let runRetentionDays = 90
    /// Days that hourly API usage is kept.
    package static let usageRetentionDays = 400
    /// Days that an echo waits for its change; longer than the longest pull interval, by far.
    package static let echoRetentionDays = 7
    /// Rows one housekeeping statement deletes.
    package static let deletionBatch = 50_000
    /// Characters of an error's text in a row.
    package static let errorCharacters = 500
    /// Records that share one page of an import's members.
    package static let importsPerTenant = 1_000
    /// Seconds that a worker which does not report any more is remembered.
    package static let workerMemory: Double = 86_400
    /// Seconds after which a worker that does not report counts as gone.
    package static let workerSilence: Double = 60
    /// Rows that a gauge counts at most.
    package static let gaugeRows = 1_000_000
    /// Runs that the mean run's length is taken from.
    package static let sampledRuns = 2_000
    /// Seconds they go back at most.
    package static let runSample: Double = 900
    /// Fields that one decision names; of more it tells the number.
    package static let decisionFields = 40
    /// Decisions of one record's story, the newest.
    package static let storyDecisions = 500
    /// Ids of one side that one record's story follows.
    package static let storyIDs = 100
    /// Share of an account's limit by which use of others has to exceed the usual to be an event.
    package static let unplannedShare = 0.1
    /// Seconds between two such events of a tenant, at least.
    package static let eventPause: Double = 3_600
    /// Days that they are kept.
    package static let eventRetentionDays = 90
    /// Failures that one command makes due again.
    package static let failuresPerRetry = 10_000
    /// Times people may ask for a tenant's runs within `runRequestWindow` (R35): each may spend the last tenth of its calls.
    package static let runRequests = 5
    /// Seconds that such a request counts.
    package static let runRequestWindow: Double = 60
}
