/// How one simulated account behaves. Every fact that ActiveCampaign does not document is a switch here; the default
/// is what the reference believes.
package struct ActiveCampaignOptions: Sendable, Codable, Equatable {
    /// How calls over the rate limit are answered.
    package enum LimitedBody: String, Sendable, Codable, CaseIterable {
        /// `{"message":"Too Many Requests"}`
        case json
        /// A page of the edge.
        case html
        /// Nothing.
        case empty
    }

    /// How a call without a good key is answered, always 403.
    package enum BadKeyBody: String, Sendable, Codable, CaseIterable {
        /// `{"message":"Forbidden"}`
        case message
        /// `{"errors":[{"status":403,"title":"Forbidden","detail":…}]}`, as a missing permission is told.
        case errors
        /// A page of the edge.
        case html
        /// Nothing.
        case empty
    }

    /// How the rate limit counts.
    package enum LimitAlgorithm: String, Sendable, Codable, CaseIterable {
        /// As many tokens as the limit, refilled evenly.
        case tokenBucket
        /// Every whole second starts anew.
        case fixedWindow
    }

    /// What becomes of a contact whom a person erases for privacy's sake.
    package enum Erasure: String, Sendable, Codable, CaseIterable {
        /// The row stays with `anonymized` "1" and nothing personal in it.
        case anonymizes
        /// The row stays as it is, but for `anonymized` "1".
        case flags
        /// The row is deleted like any other.
        case deletes
    }

    /// Where the currency of a contact's money value stands.
    package enum CurrencyShape: String, Sendable, Codable, CaseIterable {
        /// `{"value":"100","currency":"usd"}`
        case currency
        /// `{"value":"100","fieldCurrency":"usd"}`, as accounts and deals have it.
        case fieldCurrency
        /// `{"value":{"value":"100","currency":"usd"}}`
        case nested
        /// Nowhere: a currency that is sent is ignored.
        case none
    }

    /// The account's name: host `NAME.api-us1.com`.
    package var name: String
    /// The API key; made from the seed when nil.
    package var token: String?
    /// Zone of all stamps.
    package var timeZone = "America/Chicago"
    /// Seed of everything random in the account.
    package var seed: UInt64 = 1

    // MARK: Limits

    /// Calls a second of the whole account; nil lifts the limit.
    package var rateLimit: Int? = 5
    /// How the limit counts.
    package var rateLimitAlgorithm = LimitAlgorithm.tokenBucket
    /// Body of a 429.
    package var limitedBody = LimitedBody.json
    /// Answers 503 instead of 429, as until 2021.
    package var limitsWithLegacy503 = false
    /// Seconds in `Retry-After`; nil leaves the header out.
    package var retryAfterSeconds: Int? = 1
    /// Whether the bulk importer has its own limit of 100 (or 20 single) requests a minute.
    package var limitsImports = true
    /// Whether a bulk import spends one of the calls a second too.
    package var importsSpendRateLimit = true
    /// Whether a page size over 100 is a 400 instead of being cut to 100.
    package var refusesLargePages = false
    /// Contacts the plan allows; nil is unlimited.
    package var contactLimit: Int?
    /// Status of an answer that would exceed `contactLimit`.
    package var contactLimitStatus = 403

    // MARK: Access

    /// Body of the 403 to a key that was revoked, or to an unknown key on the account's host name.
    package var badKeyBody = BadKeyBody.message
    /// Whether a key is worthless as soon as it is replaced; else both work.
    package var rotationKillsOldKey = true
    /// Whether the key of a user who is switched off or deleted is worthless; else it works on.
    package var disabledUserLosesKey = true
    /// First path components (`lists`, `import`, …) that the key's user may not use: 403.
    package var forbiddenResources: Set<String> = []
    /// Whether the account has a payment problem: 402 on everything.
    package var hasPaymentProblem = false
    /// Share of calls answered 403 for no reason, 0…1.
    package var spurious403Rate = 0.0

    // MARK: Reading

    /// Rows of the largest page of lists other than contacts.
    package var pageRowsElsewhere = SimulatorsLimits.ActiveCampaign.pageRows
    /// Seconds a segment's query takes: until then the segment is empty.
    package var segmentSeconds = 2.0
    /// Seconds a segment's result is kept before `forceQuery=1` makes a new one.
    package var segmentFreshSeconds = 3_600.0
    /// Whether `filters[updated_timestamp]` does what `filters[updated_after]` does; else it is ignored.
    package var takesUpdatedTimestampFilter = false
    /// Seconds until `updated_after`, `search` and `email_like` see a change.
    package var readLagSeconds = 0.0
    /// Whether `updated_after` and `created_after` include the instant itself.
    package var afterIsInclusive = true
    /// Whether filter times without offset are Greenwich's; else the account's.
    package var naiveFilterTimesAreUTC = false
    /// Whether `orders[udate]` and `orders[updated_timestamp]` sort contacts; else they are ignored.
    package var ordersByUpdateTime = false

    /// Whether the `email` filter finds an address whatever its letter case.
    package var emailFilterIgnoresCase = true

    // MARK: Writing

    /// Whether PUT of an address that another contact has is 422; else the address is ignored and the rest written.
    package var putRefusesDuplicateEmail = true
    /// Code of the 422 to an address that is none.
    package var invalidEmailCode = "email_invalid"
    /// Title of the 422 to an address that is none.
    package var invalidEmailTitle = "Email address is not valid"
    /// Code of the 422 to a contact without an address.
    package var missingEmailCode = "field_missing"
    /// Title of the 422 to a contact without an address.
    package var missingEmailTitle = "The email address was not provided"
    /// What becomes of a contact whom a person erases.
    package var erasure = Erasure.anonymizes
    /// Where the currency of a contact's money value stands, in requests and answers.
    package var currencyShape = CurrencyShape.currency
    /// Whether the account has the deal custom field "Forecasted Close Date" from the start. Read once, when the
    /// account is made.
    package var hasCloseDateField = false
    /// Letters of a tag's name; longer ones are cut.
    package var tagLetters = SimulatorsLimits.ActiveCampaign.tagLetters
    /// Whether the name of a deleted tag stays taken; else it is free again.
    package var deletedTagNameStaysTaken = false
    /// Whether `tags` (names) in the body of `contact/sync` tag the contact; else they are ignored.
    package var syncTakesTags = false
    /// Whether a value that is none of a choice field's options is refused with 422; else it is stored.
    package var refusesUnknownOptions = false
    /// Whether PUT changes the type of a custom field; else the type is ignored.
    package var fieldTypeMayChange = false
    /// Whether deleting a tag takes it off everybody; else the associations stay and name a tag that is gone.
    package var tagDeleteRemovesAssociations = true

    /// Whether `contact/sync` with nothing new moves `udate` all the same.
    package var idleSyncMovesUpdateTime = true
    /// Whether null in a contact body empties the value; else it is as if absent.
    package var nullClears = false
    /// Whether an API create without a list fires the `update` webhook.
    package var createFiresUpdate = true
    /// Status of the duplicate tag's SQL error: 422 or 500.
    package var duplicateTagStatus = 422
    /// Status of POST /contact/sync on an existing contact: 200 live, 201 in the documentation.
    package var syncExistingStatus = 200
    /// Status of an update through the custom object upsert.
    package var recordUpdateStatus = 200
    /// Whether an update through the custom object upsert keeps the fields it does not name.
    package var recordUpdateIsPartial = true

    // MARK: Importing

    /// Seconds from a bulk import to its effects, drawn evenly.
    package var importLatency: ClosedRange<Double> = 1...3
    /// Whether batches take effect in the order they were queued; else each at its own time.
    package var importsKeepOrder = true
    /// Whether `""` in an import clears the value; else it is ignored.
    package var importEmptyClears = false
    /// Status of an import over 399,999 bytes: 413 or 400.
    package var importOversizeStatus = 413
    /// Number of the first contact in `failureReasons`.
    package var importIndexBase = 0
    /// Seconds during which a fresh batch answers `status: false`.
    package var importUnknownSeconds = 0.5
    /// How often the callback of an import is tried until its receiver answers 2xx.
    package var importCallbackTries = 1
    /// Seconds on the simulators' clock between two tries of a callback.
    package var importCallbackRetrySeconds = 60.0
    /// Addresses the importer skips (the exclusion list), lower case.
    package var excludedEmails: Set<String> = []

    // MARK: Webhooks

    /// Whether a webhook over https must name port 443 or none, as the live service has it.
    package var refusesOddWebhookPorts = false
    /// Whether an empty custom value is missing from `contact[fields]`; else it is there and empty.
    package var webhooksOmitEmptyFields = false
    /// Deliveries that may be under way at once; with several, none waits for the one before it.
    package var webhooksAtOnce = 1
    /// Seconds a receiver may take to answer.
    package var webhookTimeoutSeconds = SimulatorsLimits.ActiveCampaign.deliverySeconds
    /// Share of deliveries that never happen, 0…1.
    package var webhookDropRate = 0.0
    /// Share of deliveries that happen twice.
    package var webhookDuplicateRate = 0.0
    /// Share of deliveries that change places with the one before.
    package var webhookReorderRate = 0.0
    /// Share of deliveries held back by `webhookLateSeconds`.
    package var webhookLateRate = 0.0
    /// Seconds a late delivery waits on the simulators' clock.
    package var webhookLateSeconds = 60.0

    /// An account of that name with every switch at its default.
    package init(name: String, token: String? = nil, timeZone: String = "America/Chicago", seed: UInt64 = 1) {
        self.name = name
        self.token = token
        self.timeZone = timeZone
        self.seed = seed
    }
}
