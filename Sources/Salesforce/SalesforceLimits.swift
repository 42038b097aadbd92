/// Every bound of this module, in one place. Figures without a reason beside them are Salesforce's own.
package enum SalesforceLimits {
    /// Subrequests in one composite call.
    package static let subrequests = 25
    /// Of these, collections and queries.
    package static let collectionsPerComposite = 5
    /// Records in one collections write.
    package static let recordsPerCollection = 200
    /// Runs of one type in one collections write of mixed types.
    package static let chunksPerCollection = 10
    /// Records one counted call can write: five collections of 200.
    package static let recordsPerCall = 1_000
    /// Ids in one collections retrieve.
    package static let idsPerRetrieve = 2_000
    /// Records on one page of a query.
    package static let recordsPerPage = 2_000
    /// Characters of one SOQL query.
    package static let soqlCharacters = 100_000
    /// Characters of one string literal in a WHERE clause.
    package static let soqlLiteralCharacters = 4_000
    /// Bytes of URI beyond which a query travels inside a composite call; Salesforce refuses 16,384 with headers.
    package static let uriBytes = 8_000
    /// Nested conditions, so that a condition tree cannot exhaust the stack.
    package static let conditionDepth = 32
    /// Total time of a read: queries may execute 2 minutes.
    package static let readTimeout: Duration = .seconds(150)
    /// Total time of a write. Salesforce itself gives up after 10 minutes; a batch that takes this long must shrink.
    package static let writeTimeout: Duration = .seconds(300)
    /// Total time of a token request.
    package static let tokenTimeout: Duration = .seconds(30)
    /// Bytes of an answer. A page of 2,000 wide records is a few megabytes.
    package static let answerBytes = 64 << 20
    /// Bytes of a token answer.
    package static let tokenAnswerBytes = 64 << 10
    /// Life of a JWT assertion; short, since it is used at once, and within what servers take.
    package static let assertionSeconds = 180
    /// First wait after a daily limit; it grows to `dailyLimitLongestWait` (the window rolls, nothing resets it).
    package static let dailyLimitWait: Duration = .seconds(300)
    /// Longest wait between two looks whether a daily limit is over.
    package static let dailyLimitLongestWait: Duration = .seconds(3_600)
    /// Wait after a concurrency limit, before jitter.
    package static let concurrencyWait: Duration = .seconds(5)
    /// Wait after a server fault, before jitter.
    package static let serverWait: Duration = .seconds(10)
    /// Wait after a row lock, before jitter.
    package static let lockWait: Duration = .seconds(3)
    /// Wait after a record locked by an approval process.
    package static let approvalWait: Duration = .seconds(3_600)
    /// Errors kept of one record; Salesforce sends one or two.
    package static let errorsPerRecord = 10
    /// Characters of an error code or a field name that are believed.
    package static let nameCharacters = 80
}
