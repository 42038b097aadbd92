package import Drivers
package import Foundation

/// The org's calls of the last 24 hours, all users and integrations together (reference 3.5).
package struct APIUsage: Sendable, Hashable {
    /// Calls made; may exceed `limit` while Salesforce tolerates it.
    package var used: Int
    /// Calls allowed.
    package var limit: Int

    /// Makes a figure.
    package init(used: Int, limit: Int) {
        self.used = used
        self.limit = limit
    }

    /// Reads `Sforce-Limit-Info: api-usage=10018/100000; …`; nil when the header says nothing of it.
    package init?(header: String) {
        for item in header.split(separator: ";") {
            let parts = item.trimmingCharacters(in: .whitespaces).split(separator: "=", maxSplits: 1)
            guard parts.count == 2, parts[0] == "api-usage" else { continue }
            let numbers = parts[1].split(separator: "/")
            guard numbers.count == 2, let used = Int(numbers[0]), let limit = Int(numbers[1].prefix { $0.isNumber })
            else { return nil }
            self.init(used: used, limit: limit)
            return
        }
        return nil
    }
}

/// What a call was for; budgets and metrics count by it.
package enum SalesforceCallClass: String, Sendable, CaseIterable {
    case versions, describe, query, read, write, limits, updated, deleted, token

    /// Whether it counts towards the org's calls of 24 hours (reference 3.4).
    package var isCounted: Bool { self != .versions && self != .token }
}

/// One HTTP request that was made, for the budget's books and for metrics.
package struct SalesforceCallRecord: Sendable, Hashable {
    /// What it was for.
    package var callClass: SalesforceCallClass
    /// The org's own figure, when the answer had one.
    package var usage: APIUsage?
    /// When it was sent, on the injected clock.
    package var requestStart: Date
    /// Whether the server may have counted it: `notSent` costs nothing, `unknown` counts as spent.
    package var fate: HTTPFate
}

/// An answer with what every answer tells.
package struct SalesforceAnswer<Value: Sendable>: Sendable {
    /// What was asked for.
    package var value: Value
    /// The org's own count of calls, when it was told.
    package var usage: APIUsage?
    /// The server's clock; windows and cursors follow it, not ours (reference 6.4).
    package var serverDate: Date?

    /// Makes an answer.
    package init(value: Value, usage: APIUsage? = nil, serverDate: Date? = nil) {
        self.value = value
        self.usage = usage
        self.serverDate = serverDate
    }
}
