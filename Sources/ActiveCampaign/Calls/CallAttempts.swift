import Drivers

/// What to do after each try of one call: read, wait and repeat, ask `users/me`, or give up. Pure.
struct CallAttempts: Sendable {
    /// The next step.
    enum Action: Sendable, Hashable {
        /// Try again after this time.
        case again(after: Duration)
        /// Ask `users/me` and tell `probed` what came of it.
        case probe
        /// Give up.
        case fail(ActiveCampaignError)
    }

    let call: ActiveCampaignCall.Kind
    let isRepeatable: Bool
    let patience: Duration
    /// Tries that ended, the present one excluded.
    private(set) var tries = 0
    private var waited: Duration = .zero
    private var refusals = 0
    private var isVouchedFor = false

    init(call: ActiveCampaignCall.Kind, isRepeatable: Bool, patience: Duration) {
        self.call = call
        self.isRepeatable = isRepeatable
        self.patience = patience
    }

    /// Takes the judgement of the try that just ended.
    /// - Parameter jitter: 0…1, spreads the repeats of many.
    mutating func ended(_ judgement: Judgement, jitter: Double) -> Action {
        tries += 1
        switch judgement {
        case .accepted: return .again(after: .zero)
        case .doubted(let status): return refused(status)
        case .failed(let error): return failed(error, jitter: jitter)
        }
    }

    /// Takes what `users/me` said.
    mutating func probed(_ judgement: Judgement, refusedStatus: Int) -> Action {
        switch judgement {
        case .accepted:
            isVouchedFor = true
            return .again(after: .zero)
        case .doubted(let status):
            return .fail(ActiveCampaignError(.needsHuman(.credentials), call: call, status: status))
        case .failed(let error):
            // Nothing is known of the key: neither the tenant nor the record may be blamed.
            guard case .needsHuman = error.verdict else {
                return .fail(
                    ActiveCampaignError(
                        .retry(after: nil, kind: .server, fate: .notSent), call: call, status: refusedStatus,
                        code: "refusal_unverified"))
            }
            return .fail(error)
        }
    }

    /// Spurious 403s happen, so one alone never condemns a tenant (reference 1.3).
    private mutating func refused(_ status: Int) -> Action {
        refusals += 1
        if call == .usersMe {
            guard refusals > 1 else { return .again(after: ActiveCampaignLimits.firstRetryDelay) }
            return .fail(ActiveCampaignError(.needsHuman(.credentials), call: call, status: status))
        }
        guard isVouchedFor else { return .probe }
        if status == 404 {
            return .fail(ActiveCampaignError(.permanent(code: "not_found", fields: []), call: call, status: status))
        }
        return .fail(ActiveCampaignError(.needsHuman(.permission), call: call, status: status))
    }

    private mutating func failed(_ error: ActiveCampaignError, jitter: Double) -> Action {
        guard case .retry(let after, let kind, let fate) = error.verdict, kind != .cancelled else {
            return .fail(error)
        }
        let wait = after ?? Self.delay(tries: tries, jitter: jitter)
        let mayRepeat = isRepeatable || fate == .notSent
        guard mayRepeat, tries < ActiveCampaignLimits.attempts, waited + wait <= patience else {
            return .fail(error.waiting(wait))
        }
        waited += wait
        return .again(after: wait)
    }

    /// 1 s doubling to 60 s, and up to a quarter more.
    static func delay(tries: Int, jitter: Double) -> Duration {
        let doublings = min(max(tries - 1, 0), 16)
        let base = min(
            ActiveCampaignLimits.firstRetryDelay * (1 << doublings), ActiveCampaignLimits.longestRetryDelay)
        return base + base * (min(max(jitter, 0), 1) / 4)
    }
}

extension ActiveCampaignError {
    /// The same failure with a time to come back at, when it had none.
    fileprivate func waiting(_ wait: Duration) -> ActiveCampaignError {
        guard case .retry(nil, let kind, let fate) = verdict else { return self }
        return ActiveCampaignError(
            .retry(after: wait, kind: kind, fate: fate), call: call, status: status, code: code)
    }
}
