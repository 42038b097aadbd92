/// How a run ended.
package enum JobOutcome: Hashable, Sendable {
    /// It is done; if it was asked for meanwhile it runs once more.
    case done
    /// It went well and wants to run again after a while (more pages, for example); attempts start anew.
    case again(after: Duration)
    /// It failed and may work later; nil waits with backoff and jitter by the attempt. The last attempt is buried.
    case retry(after: Duration?, code: String)
    /// It will never work: a dead letter.
    case dead(code: String)
    /// It was not run: back to its queue, no attempt counted.
    case returned
}

/// One run's end.
package struct Settlement: Hashable, Sendable {
    /// The lease.
    package var job: LeasedJob
    /// How it ended.
    package var outcome: JobOutcome
    /// What it called in all. Nil, when its tenant has a budget, counts everything it had reserved as spent; of a run that
    /// is `returned`, which has not begun, nothing.
    package var made: CallsMade?

    /// Makes a settlement.
    package init(_ job: LeasedJob, _ outcome: JobOutcome, made: CallsMade? = nil) {
        self.job = job
        self.outcome = outcome
        self.made = made
    }

    /// What the script needs to know besides the lease, and so the order in which it is told.
    enum Form: Int, Comparable {
        /// It is done.
        case plain
        /// It is done, and called so little that a byte a provider says it.
        case called
        case whole

        static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
    }

    var form: Form {
        guard outcome == .done else { return .whole }
        guard let made else { return .plain }
        return made.bytes == nil ? .whole : .called
    }
}

/// What the queue made of a settlement.
package enum SettleResult: Hashable, Sendable {
    /// It counts.
    case accepted
    /// It counts, and the job is a dead letter now.
    case buried
    /// The lease was not this worker's any more (or an earlier try, whose answer was lost, settled it): nothing changed.
    case stale
    /// No answer: the lease is still held here; settle again until it is lost.
    case failed(JobQueueError)
}

/// What a settle-and-lease call brought.
package struct Exchange: Sendable {
    /// One result a settlement, in order.
    package var results: [SettleResult]
    /// The new leases.
    package var batch: LeaseBatch
}
