/// Facts of the platform that nobody could confirm, one switch each; the default is what the reference believes. A client
/// that passes its tests whatever is set here does not rely on any of them.
package struct SalesforceUnconfirmed: Sendable, Codable, Equatable {
    // MARK: Logging in

    /// Whether the org's own host is an audience of JWTs too.
    package var takesInstanceAudience = true
    /// Seconds a JWT may be good for; nil takes any.
    package var assertionSeconds: Double?
    /// Whether a flow hands out the live session's token instead of a new one.
    package var reusesSessions = false
    /// Whether each use of an access token begins its lifetime anew.
    package var sessionsExtendWithUse = false
    /// Code that every token call is refused with: `inactive_org`, `rate_limit_exceeded`, …; nil refuses none.
    package var tokenRefusal: String?
    /// Other words of errors, by their usual text or else by their code.
    package var texts: [String: String] = [:]

    // MARK: Counting

    /// Whether token calls count against the allocation.
    package var countsTokenCalls = false
    /// Whether calls that end in 4xx count.
    package var countsFailedCalls = true
    /// Whether calls that end in 304 count.
    package var countsUnchanged = true
    /// Seconds that `Sforce-Limit-Info` may be behind.
    package var usageLagSeconds = 0.0

    // MARK: Records

    /// Code of a collections call with too many records.
    package var tooManyRecordsCode = "EXCEEDED_MAX_SIZE_REQUEST"
    /// Code of a record that a collections update names twice.
    package var repeatedIDCode = "DUPLICATE_VALUE"
    /// Whether `""` in a text field is stored as null.
    package var emptyTextIsNull = true
    /// Whether a delete moves `SystemModstamp`; `LastModifiedDate` moves in any case.
    package var deleteMovesStamp = true
    /// Whether an account takes its contacts and opportunities into the recycle bin.
    package var accountDeleteCascades = true
    /// Whether records in the recycle bin keep their unique values from others.
    package var binHoldsUniqueValues = false
    /// Whether `ContactId` of an opportunity can only be set when it is made.
    package var opportunityContactIsFixed = true

    // MARK: Queries

    /// Whether nulls come first where ORDER BY does not say.
    package var sortsNullsFirst = true
    /// Highest LIMIT of FIELDS(ALL) and FIELDS(CUSTOM).
    package var fieldsFunctionRows = SimulatorsLimits.fieldsFunctionRows
    /// Whether getUpdated and getDeleted cut seconds off and want a span of more than a minute.
    package var changesAreCutToMinutes = true

    // MARK: Bulk

    /// Characters of rows that may come with the call that makes a job.
    package var bulkInlineCharacters = SimulatorsLimits.bulkInlineCharacters
    /// Status of an upload.
    package var bulkUploadStatus = 201
    /// Whether a job takes one upload only; else a later one adds to it.
    package var bulkTakesOneUpload = true
    /// Whether a bulk query with OFFSET is refused.
    package var bulkRefusesOffset = true
    /// Text of a field that clears the value.
    package var bulkNullText = "#N/A"
    /// Whether an empty field clears the value too.
    package var bulkEmptyClears = false

    /// Everything as the reference believes.
    package init() {}
}
