package import Drivers

/// Why a retry is in order; each kind has its own pace.
package enum SalesforceRetryKind: String, Sendable {
    /// Too many requests in a short time.
    case rateLimit
    /// Too many long requests at once.
    case concurrency
    /// The org's calls of the last 24 hours are spent.
    case dailyLimit
    /// Another transaction, or an approval process, holds the row.
    case lock
    /// The server failed, or an automation in the org did.
    case server
    /// The connection failed.
    case network
    /// This record was fine; another one took it down. Send it again without the culprit.
    case collateral
    /// The batch is too much for the org's automation: send halves.
    case splitBatch
    /// The query's locator is gone: start again from one's own cursor.
    case restartQuery
}

/// What a person has to put right before the tenant, or the mapping, can go on.
package enum SalesforceHumanReason: String, Sendable {
    /// The grant is revoked, the key is wrong or the user may not log in.
    case credentials
    /// The user may not use the app, the object, the field or the record.
    case permission
    /// The edition or the user has no API.
    case apiDisabled
    /// The org is full.
    case storage
    /// The org is inactive.
    case inactiveOrg
    /// A field or an object that the mapping names is not there, or not writable.
    case mapping
    /// Several records carry what should be unique.
    case duplicateData
    /// The login or instance host is not acceptable.
    case badHost
    /// A policy of the org blocks the call.
    case policy
}

/// The one classification every answer goes through.
package enum SalesforceVerdict: Sendable, Hashable {
    /// This record cannot be written as it is; others can.
    case permanent(code: String, fields: [String])
    /// The same again may work. `after` is the least wait before jitter.
    case retry(after: Duration, kind: SalesforceRetryKind, fate: HTTPFate)
    /// Waiting does not help.
    case needsHuman(SalesforceHumanReason)
    /// Ferry sent something it should not have.
    case ourBug(code: String)
}

/// What a failure tells beyond its class, for rules that act on it.
package enum SalesforceHint: Sendable, Hashable {
    /// The record is deleted; a merge winner may stand in its `MasterRecordId`.
    case recordDeleted
    /// The lead is converted and read-only; its contact stands in `ConvertedContactId` (trap T23).
    case leadConverted
    /// The unique value is taken by this record; id as sent by Salesforce, nil when the text did not hold one.
    case valueTaken(byID: String?)
    /// A duplicate rule thinks the record exists (trap T30).
    case duplicateSuspected
    /// The same external id or record stands twice in one batch.
    case twiceInBatch
    /// Several records carry the external id.
    case ambiguousExternalID
    /// Ferry's own validation rule: changed in Salesforce since the last sync (`ACSYNC_PENDING`, reference 13.3).
    case changedSinceSync
    /// The description of the object is out of date: fetch it again.
    case describeStale
}

/// Why a call, or one record of it, failed. Descriptions hold codes, field names and statuses, never values.
package struct SalesforceError: Error, Sendable, Hashable, CustomStringConvertible, CustomDebugStringConvertible {
    /// Salesforce's error code (`STRING_TOO_LONG`), OAuth's (`invalid_grant`), or a code of this module.
    package let code: String
    /// HTTP status of the answer; nil when there was none.
    package let status: Int?
    /// API names of the fields concerned.
    package let fields: [String]
    /// The class.
    package let verdict: SalesforceVerdict
    /// What rules can act on.
    package let hint: SalesforceHint?
    /// Salesforce's own words. They may hold personal data: show them to the tenant's people, do not log them.
    package let providerText: String

    /// Makes an error.
    package init(
        code: String, status: Int? = nil, fields: [String] = [], verdict: SalesforceVerdict,
        hint: SalesforceHint? = nil, providerText: String = ""
    ) {
        self.code = code
        self.status = status
        self.fields = fields
        self.verdict = verdict
        self.hint = hint
        self.providerText = providerText
    }

    package var description: String {
        var parts = ["salesforce \(code)"]
        if let status { parts.append("status \(status)") }
        if !fields.isEmpty { parts.append("fields \(fields.joined(separator: ","))") }
        switch verdict {
        case .permanent: parts.append("permanent")
        case .retry(_, let kind, _): parts.append("retry \(kind.rawValue)")
        case .needsHuman(let reason): parts.append("needs a human: \(reason.rawValue)")
        case .ourBug: parts.append("our bug")
        }
        return parts.joined(separator: ", ")
    }

    package var debugDescription: String { description }

    /// A mistake of the caller's, before anything was sent.
    static func misuse(_ code: String) -> SalesforceError {
        SalesforceError(code: code, verdict: .ourBug(code: code))
    }
}
