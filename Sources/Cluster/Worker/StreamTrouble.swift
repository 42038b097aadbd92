import Drivers
import Foundation
import JobQueue
import Salesforce

/// Why a run stopped before its end, as the stream's row tells it.
struct StreamTrouble: Error, Sendable {
    enum Kind: Sendable {
        /// Passing; after this many seconds where the provider said so.
        case retry(after: TimeInterval?)
        /// The tenant's allowance of calls is used up for this many seconds.
        case budget(after: TimeInterval)
        /// The org takes no more calls of anybody until some of the last 24 hours are over.
        case dailyLimit
        /// Somebody must act: credentials, permissions, payment.
        case needsHuman
        /// A fault of ours or of the configuration, tried again slowly.
        case bug
    }

    let kind: Kind
    /// Stable code, `INVALID_SESSION_ID`.
    let code: String
    /// A sentence for people, with the remedy; no values, secrets or addresses.
    let message: String

    /// Whether the cause may be the one record a call was about: the server answered, and failed.
    var mayBeOneRecord: Bool {
        switch kind {
        case .retry, .budget, .dailyLimit: code == "server_error"
        case .bug: code.hasPrefix("http_")
        case .needsHuman: false
        }
    }

    /// Whether it counts against the stream: waiting for calls is nobody's failure. Looks in vain at an org that takes no
    /// more calls are counted, for they get rarer.
    var isFailure: Bool {
        if case .budget = kind { false } else { true }
    }

    /// Whether nothing of the tenant can run before the org's own limit lets it.
    var isDailyLimit: Bool {
        if case .dailyLimit = kind { true } else { false }
    }

    /// When the stream is tried again.
    /// - Parameter failures: failures in a row, this one included; of the daily limit, looks in vain of the whole tenant.
    func delay(failures: Int) -> TimeInterval {
        switch kind {
        case .retry(let after):
            // What the provider asks for is the least; a provider that is down for hours is asked less and less often.
            max(
                min(after ?? 0, ClusterLimits.longestWait),
                ClusterLimits.streamRetry.delay(attempt: failures - 1).seconds)
        case .budget(let after): min(max(after, 1), ClusterLimits.longestBudgetWait)
        case .dailyLimit:
            min(
                SalesforceLimits.dailyLimitWait.seconds * pow(2, Double(min(max(failures - 1, 0), 16))),
                SalesforceLimits.dailyLimitLongestWait.seconds)
        case .needsHuman, .bug: ClusterLimits.humanRetry
        }
    }

    /// The word of the stream's state.
    var state: String {
        switch kind {
        case .retry: "retrying"
        case .budget, .dailyLimit: "waiting for budget"
        case .needsHuman, .bug: "needs attention"
        }
    }
}

extension StreamTrouble {
    /// Code of streams that wait for the org's own limit.
    static let dailyLimitCode = "budget_org_limit"
    /// Why the queue does not let a tenant run meanwhile.
    static let dailyLimitReason = "budget of the org: Salesforce refuses all calls"

    /// Salesforce refused a call because all of the org's calls of 24 hours are made (salesforce-api 3.6).
    static let dailyLimit = StreamTrouble(
        kind: .dailyLimit, code: dailyLimitCode,
        message: "All calls that the Salesforce org has in 24 hours are used up (REQUEST_LIMIT_EXCEEDED), whoever made "
            + "them. Nothing is lost; Ferry looks again by itself with one call, later each time, an hour at most.")

    /// A call was not made for want of budget; nil for any other code.
    init?(refused code: String, by provider: CallProvider, after: TimeInterval?) {
        guard code == BudgetRefusal.spentCode else { return nil }
        self.init(
            kind: .budget(after: after ?? 0), code: code,
            message: "The tenant's allowance of \(provider.title) calls is used up. Nothing is lost; it goes on by "
                + "itself when calls come back, or at once when `ferry budgets set` raises it.")
    }
}
