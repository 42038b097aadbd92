/// Bounds of the simulated Salesforce, each as the platform documents it unless said otherwise.
extension SimulatorsLimits {
    /// Records in one collections write.
    package static let collectionRecords = 200
    /// Ids in one collections retrieve by POST.
    package static let retrieveRecords = 2_000
    /// Runs of equal type in one collections write.
    package static let collectionChunks = 10
    /// Subrequests of one composite or batch call.
    package static let compositeSubrequests = 25
    /// Subrequests of one composite call that may be collections or queries.
    package static let compositeCollections = 5
    /// Graphs of one graph call, and nodes of all of them together.
    package static let graphs = 75
    package static let graphNodes = 500
    /// Nodes of one graph that depend on each other in a row.
    package static let graphDepth = 15
    /// Nodes of one graph that differ in version, method or object.
    package static let graphDifferentNodes = 15
    /// Graphs of one call that may fail before the rest is halted.
    package static let graphFailures = 14
    /// Rows of a query for FIELDS(ALL) or FIELDS(CUSTOM), unless switched.
    package static let fieldsFunctionRows = 200
    /// Levels and object types of one sObject tree.
    package static let treeDepth = 5
    package static let treeTypes = 5
    /// Rows of a query page when nothing is asked, and the most that can be asked.
    package static let queryPageRows = 2_000
    /// Fewest rows of a query page that can be asked.
    package static let queryPageRowsLeast = 200
    /// Characters of a query.
    package static let queryCharacters = 100_000
    /// Characters of one string literal in a query.
    package static let queryLiteralCharacters = 4_000
    /// Highest OFFSET of a query.
    package static let queryOffset = 2_000
    /// Relations a query may follow upwards.
    package static let queryParentLevels = 5
    /// Parentheses and NOTs inside each other in a query (ours; the platform only says "too complicated").
    package static let queryNesting = 50
    /// Seconds a query locator lives: 2 days.
    package static let locatorSeconds: Double = 2 * 86_400
    /// Open query locators of one org (ours; the platform has no cap): the oldest goes first.
    package static let locators = 2_000
    /// Bytes of a request target, and of target and headers together.
    package static let targetBytes = 16_384
    /// Approvals of one user for one app: a further refresh token kills the oldest.
    package static let refreshTokens = 5
    /// Live sessions of one org (ours): the oldest goes first.
    package static let sessions = 1_000
    /// Days getDeleted looks back.
    package static let deletedDays = 15
    /// Days getUpdated looks back.
    package static let updatedDays = 30
    /// Ids one getUpdated or getDeleted may return.
    package static let changedIDs = 600_000
    /// Saves automation may set off inside each other.
    package static let automationDepth = 16
    /// Requests of 20 seconds and more at once, in Developer Edition and in the others.
    package static let longRunningCallsInDeveloper = 5
    package static let longRunningCalls = 25
    /// Fields room is made for in a new record before it is stored (ours).
    package static let cellsReserved = 16
    /// Undo entries a finished transaction leaves room for (ours).
    package static let undoKept = 8_192
    /// Losers of one merge.
    package static let mergeLosers = 2
    /// Custom fields of one object.
    package static let customFields = 800
    /// Bytes of one bulk upload: 150 MB once the platform has made base64 of them.
    package static let bulkUploadBytes = 150_000_000 / 4 * 3
    /// Bytes of an upload beyond its bound that are still read, to answer 413 with words (ours).
    package static let bulkUploadSlackBytes = 1 << 20
    /// Characters of rows that come with the call that makes a job, unless switched.
    package static let bulkInlineCharacters = 100_000
    /// Rows of a bulk upload written in one transaction.
    package static let bulkChunkRows = 200
    /// Rows the platform makes one internal batch of.
    package static let bulkBatchRows = 10_000
    /// Internal batches of 24 hours.
    package static let bulkBatchesPerDay = 15_000
    /// Query jobs of 24 hours.
    package static let bulkQueriesPerDay = 10_000
    /// Uploaded rows of 24 hours.
    package static let bulkRowsPerDay = 150_000_000
    /// Rows of one page of bulk query results (ours; the platform chooses by size).
    package static let bulkPageRows = 250_000
    /// Seconds a job may stay open.
    package static let bulkOpenSeconds: Double = 86_400
    /// Seconds results are kept: 7 days.
    package static let bulkResultSeconds: Double = 7 * 86_400
    /// Jobs of one org that are remembered (ours): the oldest goes first.
    package static let bulkJobs = 10_000
    /// Orgs in one process (ours).
    package static let orgs = 100_000
}
