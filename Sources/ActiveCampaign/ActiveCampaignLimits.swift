/// Every bound of this module, in one place.
package enum ActiveCampaignLimits {
    // MARK: - Pace

    /// Calls a second of one account that this process allows itself. The account's own 5/s are shared with every
    /// other integration of the tenant, so some are left to them.
    package static let callsPerSecond: Double = 4
    /// Imports a minute with more than one contact: the importer takes 100, burst and refill stay below it together.
    package static let importsPerMinute: Double = 99
    /// Imports with more than one contact that may start at once.
    static let importBurst = 1
    /// Imports a minute with one contact: the importer takes 20.
    static let singleImportsPerMinute: Double = 14
    /// Imports with one contact that may start at once.
    static let singleImportBurst = 5
    /// The longest a call waits for its turn before it fails with a retry.
    package static let paceWait: Duration = .seconds(60)

    // MARK: - Repeats

    /// Tries of one call, the first included.
    static let attempts = 5
    /// Time one call may spend waiting between its tries; a longer wait is the caller's, who can park the tenant.
    package static let patience: Duration = .seconds(20)
    /// Wait after the first 429 or 5xx without `Retry-After`; doubles with each further one.
    static let firstRetryDelay: Duration = .seconds(1)
    /// The longest wait without `Retry-After`.
    static let longestRetryDelay: Duration = .seconds(60)
    /// The longest `Retry-After` that is believed.
    static let longestRetryAfter: Duration = .seconds(3_600)
    /// Wait after the importer's own limit was met.
    static let importLimitDelay: Duration = .seconds(60)

    // MARK: - Requests and answers

    /// Total time of one request.
    static let timeout: Duration = .seconds(60)
    /// Time a request may stand still; a contact page takes about a second.
    static let idleTimeout: Duration = .seconds(30)
    /// Bytes of an answer; a page of 100 contacts with values and tags has about 1 MB.
    static let answerBytes = 16 << 20
    /// Bytes of an error's body that are looked at.
    static let errorBodyBytes = 64 << 10
    /// Rows of a page: ActiveCampaign gives at most this many, and 20 when nothing is said.
    package static let pageSize = 100
    /// Pages of one complete list (fields, tags, webhooks, a contact's tags).
    static let listPages = 200
    /// Contacts of one page that are read again by themselves because their values or tags were missing from it.
    static let rereadsPerPage = 20
    /// Length of an API key.
    static let tokenLength = 512
    /// Length of an account's URL.
    static let urlLength = 512
    /// Fields named by one error.
    static let errorFields = 16

    // MARK: - Imports

    /// Contacts of one import.
    package static let importContacts = 250
    /// Bytes of one import's body. The importer refuses 400,000; clients in the field stay below this (reference 6).
    static let importBytes = 350_000
    /// Calls one `importContacts` may make beyond one a batch, to find out which rows were refused.
    static let importExtraCalls = 100
}
