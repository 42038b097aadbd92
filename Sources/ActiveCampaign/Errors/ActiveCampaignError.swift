package import Drivers

/// Why a call did not do what was asked, and who has to act on it.
///
/// Holds allow-listed codes, field names, the call's class and the status; never a value, address, token or body.
package struct ActiveCampaignError: Error, Sendable, Hashable, CustomStringConvertible {
    /// What kind of passing trouble it was.
    package enum RetryKind: String, Sendable {
        /// The account's calls a second are used up; the whole account waits.
        case rateLimit
        /// The importer's own limit is used up; other calls go on.
        case importLimit
        /// The server or its edge failed, or its answer could not be read.
        case server
        /// No whole answer came.
        case network
        /// The caller's task was cancelled, or the process is leaving.
        case cancelled
    }

    /// What a human has to put right before any further call makes sense.
    package enum HumanReason: String, Sendable {
        /// The API key is refused everywhere.
        case credentials
        /// The API key works, but its user may not do this.
        case permission
        /// The account is not paid for (402).
        case payment
        /// The account has as many contacts as its plan allows.
        case contactLimit
        /// The account's URL does not lead to an ActiveCampaign account.
        case address
    }

    /// Who has to act.
    package enum Verdict: Sendable, Hashable {
        /// This record was refused and will be again until its data changes.
        case permanent(code: String, fields: [String])
        /// Try again, not before `after` when it is given. `fate` says whether the call may have acted already.
        case retry(after: Duration?, kind: RetryKind, fate: HTTPFate)
        /// The tenant's own people must act.
        case needsHuman(HumanReason)
        /// Ferry asked for something wrong, or ActiveCampaign broke its contract.
        case ourBug(code: String)
    }

    /// Who has to act.
    package let verdict: Verdict
    /// What was asked.
    package let call: ActiveCampaignCall.Kind
    /// Status of the answer; nil when none came.
    package let status: Int?
    /// One word for rows and metrics, `duplicate` or `rate_limit` for example.
    package let code: String

    /// Makes an error.
    /// - Parameter code: the verdict's own code when nil.
    package init(
        _ verdict: Verdict, call: ActiveCampaignCall.Kind, status: Int? = nil, code: String? = nil
    ) {
        self.verdict = verdict
        self.call = call
        self.status = status
        self.code = code ?? Self.code(of: verdict)
    }

    /// Whether the same call may succeed later without anybody acting.
    package var isRetryable: Bool {
        if case .retry = verdict { true } else { false }
    }

    /// Words for a status row.
    package var message: String {
        let place = status.map { "\(call.rawValue) answered \($0)" } ?? "\(call.rawValue) got no answer"
        switch verdict {
        case .permanent(_, let fields):
            return fields.isEmpty ? "\(place): \(code)" : "\(place): \(code) (\(fields.joined(separator: ", ")))"
        case .retry, .ourBug: return "\(place): \(code)"
        case .needsHuman(let reason): return "\(place): \(reason.advice)"
        }
    }

    package var description: String { "activecampaign \(message)" }

    private static func code(of verdict: Verdict) -> String {
        switch verdict {
        case .permanent(let code, _), .ourBug(let code): return code
        case .needsHuman(let reason): return reason.code
        case .retry(_, let kind, _): return kind.code
        }
    }
}

extension ActiveCampaignError.RetryKind {
    /// The kind as a code in rows and metrics.
    package var code: String {
        switch self {
        case .rateLimit: "rate_limit"
        case .importLimit: "import_limit"
        case .server: "server_error"
        case .network: "network"
        case .cancelled: "cancelled"
        }
    }
}

extension ActiveCampaignError.HumanReason {
    /// The reason as a code in rows and metrics.
    package var code: String {
        switch self {
        case .contactLimit: "contact_limit"
        case .credentials, .permission, .payment, .address: rawValue
        }
    }

    /// What the tenant's people should do.
    package var advice: String {
        switch self {
        case .credentials: "the API key is not accepted; store the present key of the account"
        case .permission: "the API key's user may not do this; give its group the permission"
        case .payment: "the account is suspended for payment"
        case .contactLimit: "the account's contact limit is reached"
        case .address: "the account's URL does not lead to an ActiveCampaign account"
        }
    }
}
