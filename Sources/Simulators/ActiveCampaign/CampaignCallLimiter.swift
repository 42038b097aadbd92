import Foundation

/// The account's limit of calls a second; all keys and integrations share it.
struct CampaignCallLimiter {
    private var tokens = 0.0
    private var filledAt: Double?
    private var window = 0
    private var usedInWindow = 0

    /// Whether one more call is within the limit at `now` (seconds since 1970); spends it when it is.
    mutating func admit(at now: Double, limit: Int, algorithm: ActiveCampaignOptions.LimitAlgorithm) -> Bool {
        switch algorithm {
        case .tokenBucket: admitFromBucket(at: now, limit: Double(limit))
        case .fixedWindow: admitInWindow(at: now, limit: limit)
        }
    }

    private mutating func admitFromBucket(at now: Double, limit: Double) -> Bool {
        if let filledAt {
            // A clock moved back fills nothing and empties nothing.
            tokens = min(limit, tokens + max(0, now - filledAt) * limit)
        } else {
            tokens = limit
        }
        filledAt = now
        guard tokens >= 1 else { return false }
        tokens -= 1
        return true
    }

    private mutating func admitInWindow(at now: Double, limit: Int) -> Bool {
        let second = Int(now.rounded(.down))
        if second != window {
            window = second
            usedInWindow = 0
        }
        guard usedInWindow < limit else { return false }
        usedInWindow += 1
        return true
    }
}

/// The importer's own limits of requests a minute, one for requests with several contacts and one for single contacts.
struct CampaignImportLimiter {
    private var several: [Double] = []
    private var single: [Double] = []

    /// Whether one more import is allowed at `now`; counts it when it is. Otherwise the limit that was reached.
    mutating func admit(contacts: Int, at now: Double) -> (isAllowed: Bool, limit: Int) {
        typealias Limits = SimulatorsLimits.ActiveCampaign
        return contacts == 1
            ? Self.admit(&single, limit: Limits.singleImportsPerMinute, at: now)
            : Self.admit(&several, limit: Limits.importsPerMinute, at: now)
    }

    private static func admit(_ instants: inout [Double], limit: Int, at now: Double) -> (isAllowed: Bool, limit: Int) {
        instants.removeAll { $0 <= now - 60 || $0 > now }
        guard instants.count < limit else { return (false, limit) }
        instants.append(now)
        return (true, limit)
    }
}
