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
    /// Losers of one merge.
    package static let mergeLosers = 2
    /// Custom fields of one object.
    package static let customFields = 800
    /// Orgs in one process (ours).
    package static let orgs = 100_000
}
