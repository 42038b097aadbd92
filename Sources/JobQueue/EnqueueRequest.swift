/// "Run this, soon or after a delay": level-triggered, so asking twice is asking once.
package struct EnqueueRequest: Hashable, Sendable {
    /// What to run.
    package var key: JobKey
    /// How urgent it is.
    package var jobClass: JobClass
    /// How long to wait first, 0...`JobQueueLimits.maxDelay`.
    package var delay: Duration
    /// What it takes from its tenant's turn, `JobQueueLimits.costs`.
    package var cost: Int

    /// Makes a request.
    package init(_ key: JobKey, class jobClass: JobClass = .normal, delay: Duration = .zero, cost: Int = 1) {
        self.key = key
        self.jobClass = jobClass
        self.delay = delay
        self.cost = cost
    }
}

/// What became of a request.
package enum EnqueueResult: Hashable, Sendable {
    /// It was not there and is queued now.
    case queued
    /// It was not there and runs after its delay.
    case delayed
    /// It was queued or due already, at least as soon; a higher class was noted.
    case coalesced
    /// It was due later and was moved forward. A job that waits after a failure moves only for `urgent`.
    case pulledForward
    /// It is running and will run exactly once more.
    case markedDirty
    /// It is a dead letter and stays one until somebody retries or discards it.
    case dead

    init?(letter: UInt8) {
        switch letter {
        case UInt8(ascii: "q"): self = .queued
        case UInt8(ascii: "d"): self = .delayed
        case UInt8(ascii: "c"): self = .coalesced
        case UInt8(ascii: "f"): self = .pulledForward
        case UInt8(ascii: "m"): self = .markedDirty
        case UInt8(ascii: "x"): self = .dead
        default: return nil
        }
    }
}
