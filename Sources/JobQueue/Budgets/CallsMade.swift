/// The org's own count of its calls, as an answer brought it.
package struct OrgFigure: Hashable, Sendable {
    /// Calls of the last 24 hours, all integrations together.
    package var used: Int
    /// Time since the request was sent that it came with.
    package var age: Duration
    /// Calls of the same run that were sent later.
    package var callsAfter: Int

    /// Makes a figure.
    package init(used: Int, age: Duration = .zero, callsAfter: Int = 0) {
        self.used = used
        self.age = age
        self.callsAfter = callsAfter
    }
}

/// What a run has called so far: whole counts, so that a word that was lost or comes twice changes nothing.
package struct CallsMade: Hashable, Sendable {
    /// Calls to ActiveCampaign.
    package var activeCampaign: Int
    /// Counted calls to Salesforce.
    package var salesforce: Int
    /// The org's last figure; nil when there was none.
    package var figure: OrgFigure?

    /// Nothing, or so many.
    package init(activeCampaign: Int = 0, salesforce: Int = 0, figure: OrgFigure? = nil) {
        self.activeCampaign = activeCampaign
        self.salesforce = salesforce
        self.figure = figure
    }

    /// Both counts in a byte each; nil when they are greater, or there is a figure to be told.
    var bytes: (UInt8, UInt8)? {
        guard figure == nil, let activeCampaign = UInt8(exactly: activeCampaign),
            let salesforce = UInt8(exactly: salesforce)
        else { return nil }
        return (activeCampaign, salesforce)
    }

    /// As the scripts read it.
    var wire: String {
        let counts = "\(max(0, activeCampaign)),\(max(0, salesforce))"
        guard let figure else { return counts }
        return counts + ",\(max(0, figure.used)),\(max(0, figure.age.milliseconds)),\(max(0, figure.callsAfter))"
    }
}

/// A run's wish for more calls.
package struct CallExtension: Hashable, Sendable {
    package var job: LeasedJob
    /// What it called so far.
    package var made: CallsMade
    /// Calls wanted of each provider, 0...`JobQueueLimits.callSlice`.
    package var activeCampaign: Int
    package var salesforce: Int

    /// Makes a wish.
    package init(_ job: LeasedJob, made: CallsMade, activeCampaign: Int = 0, salesforce: Int = 0) {
        self.job = job
        self.made = made
        self.activeCampaign = activeCampaign
        self.salesforce = salesforce
    }
}

/// What became of it.
package enum ExtensionResult: Hashable, Sendable {
    /// So many calls more, up to what was wanted and at least one of each that was.
    case granted(activeCampaign: Int, salesforce: Int, percentUsed: Int)
    /// A provider's calls are used up; more come after a while.
    case refused(CallProvider, resumesAfter: Duration)
    /// The lease is another's by now: the run must stop.
    case leaseLost
}

/// A few calls to an account, one after the other.
package struct PaceSlice: Hashable, Sendable {
    /// Calls; 0 when the first of them would have to wait too long.
    package var calls: Int
    /// Time until the first may start.
    package var wait: Duration
    /// Time between two.
    package var interval: Duration

    /// Makes a slice.
    package init(calls: Int, wait: Duration, interval: Duration) {
        self.calls = calls
        self.wait = wait
        self.interval = interval
    }
}
