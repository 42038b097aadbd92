import Drivers

/// What one shard is asked in one script: settlements, and how many new leases.
struct ExchangePart {
    let shard: Int
    /// Settlements by index, those that are simply done first.
    let indices: [Int]
    /// Leases wanted.
    var quota = 0

    /// Bytes of a settlement on the wire, about.
    static let settlementBytes = 48
}

/// What an exchange has brought so far.
struct ExchangeRound {
    let worker: WorkerID
    let settlements: [Settlement]
    let wanted: Int
    var results: [SettleResult]
    var batch = LeaseBatch(jobs: [], nextWake: nil, hasMore: false)
    /// Shards asked for leases.
    var asked: Set<Int> = []
    var failure: JobQueueError?

    init(worker: WorkerID, settlements: [Settlement], wanted: Int) {
        self.worker = worker
        self.settlements = settlements
        self.wanted = wanted
        results = Array(repeating: .stale, count: settlements.count)
    }

    var missing: Int { wanted - batch.jobs.count }
    /// A shard that was lost says nothing of the others.
    var isHungry: Bool { missing > 0 }
}

/// What the exchange script answers.
struct ExchangeReply {
    var results: [SettleResult] = []
    var wait: Duration?
    var hasMore = false
    var sequence: Int64 = 0
    var jobs: [LeasedJob] = []

    init(_ value: RESPValue, settlements: Int) throws(JobQueueError) {
        guard let parts = value.elements, parts.count == 5, let letters = parts[0].rawBytes,
            letters.count == settlements, let wait = parts[1].number, let more = parts[2].number,
            let sequence = parts[3].number, let leases = parts[4].rawBytes
        else { throw JobQueue.unexpected("exchange") }
        results.reserveCapacity(letters.count)
        for letter in letters {
            switch letter {
            case UInt8(ascii: "a"): results.append(.accepted)
            case UInt8(ascii: "b"): results.append(.buried)
            case UInt8(ascii: "s"): results.append(.stale)
            default: throw JobQueue.unexpected("exchange")
            }
        }
        self.wait = wait < 0 ? nil : .milliseconds(wait)
        hasMore = more == 1
        self.sequence = sequence
        var reader = LeaseReader(leases)
        guard let jobs = reader.jobs() else { throw JobQueue.unexpected("exchange") }
        self.jobs = jobs
    }
}
