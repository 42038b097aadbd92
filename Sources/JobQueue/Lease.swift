package import Foundation

/// Names one process's right to hold leases. New for every start of a process: a name that comes back would be taken
/// for the dead one.
package struct WorkerID: Hashable, Sendable, CustomStringConvertible {
    /// 1...64 bytes, for example host, process id and a random part.
    package let name: String

    /// Makes an id of a name.
    package init(_ name: String) {
        precondition((1...64).contains(name.utf8.count), "a worker's name has 1...64 bytes")
        self.name = name
    }

    /// The id of one start of a process: its name and a random part. A process that is started again under the name of
    /// one that was killed must not keep that one's leases alive.
    package init(startOf name: String) {
        let part = String(UInt32.random(in: 0 ... .max), radix: 16)
        self.init(Self.plain(name) + "~" + String(repeating: "0", count: 8 - part.count) + part)
    }

    /// The name without what tells two starts apart.
    package var plainName: String { name.lastIndex(of: "~").map { String(name[..<$0]) } ?? name }

    /// A process's name as its ids carry it: what is too long is cut off.
    package static func plain(_ name: String) -> String {
        var plain = ""
        for character in name {
            guard plain.utf8.count + character.utf8.count <= JobQueueLimits.processNameBytes else { break }
            plain.append(character)
        }
        return plain
    }

    package var description: String { name }
}

/// Counts the leases of one shard; of two leases of a job the later has the greater token, over wipes of Redis as well
/// (`epoch << 40 | sequence`, under 2⁵³).
package struct FencingToken: Hashable, Sendable, Comparable, CustomStringConvertible {
    package let rawValue: Int64

    package init(rawValue: Int64) { self.rawValue = rawValue }

    /// The generation it was issued in.
    package var epoch: Int64 { rawValue >> 40 }

    package static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }

    package var description: String { "\(rawValue)" }
}

/// Names one lease among those of all shards: tokens are counted by each shard for itself.
package struct LeaseName: Hashable, Sendable {
    package let token: FencingToken
    package let key: JobKey

    /// Makes a name.
    package init(token: FencingToken, key: JobKey) {
        self.token = token
        self.key = key
    }
}

/// The right to run a job until the worker's deadline passes.
package struct LeasedJob: Hashable, Sendable {
    /// What to run.
    package let key: JobKey
    /// The class it was queued with.
    package let jobClass: JobClass
    /// Goes with every write this run makes.
    package let token: FencingToken
    /// 1 for the first try; grows with every retry and every death of a worker.
    package let attempt: Int
    /// When it was asked for.
    package let enqueuedAt: Date
    /// What it took from its tenant's turn.
    package let cost: Int
    /// Calls it may make before it asks for more; nil when its tenant has no budget.
    package let allowance: CallAllowance?

    /// The lease's name.
    package var name: LeaseName { LeaseName(token: token, key: key) }

    package init(
        key: JobKey, jobClass: JobClass, token: FencingToken, attempt: Int, enqueuedAt: Date, cost: Int = 1,
        allowance: CallAllowance? = nil
    ) {
        self.key = key
        self.jobClass = jobClass
        self.token = token
        self.attempt = attempt
        self.enqueuedAt = enqueuedAt
        self.cost = cost
        self.allowance = allowance
    }
}

/// What a lease call brought.
package struct LeaseBatch: Sendable {
    /// The jobs, each this worker's until its deadline.
    package var jobs: [LeasedJob]
    /// How long until something falls due in a shard that was asked; nil when nothing will.
    package var nextWake: Duration?
    /// Whether there was more than asked for.
    package var hasMore: Bool
}
