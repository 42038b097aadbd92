import Foundation

/// The bulk jobs of one org, and what they may still use up today.
struct BulkJobs {
    private var jobs: [String: BulkJob] = [:]
    private var oldestFirst: [String] = []
    /// Jobs that wait for a step.
    private var active: Set<String> = []
    private var nextNumber = 1
    /// Before this instant no job expires.
    private var nextExpiry = Double.infinity
    /// Batches of 10,000 rows, queries and rows of the last 24 hours.
    var batches = APIAllocation(limit: SimulatorsLimits.bulkBatchesPerDay, overage: 0)
    var queries = APIAllocation(limit: SimulatorsLimits.bulkQueriesPerDay, overage: 0)
    var rows = APIAllocation(limit: SimulatorsLimits.bulkRowsPerDay, overage: 0)
    /// Seconds between a job's last call and its first step.
    var queueSeconds: Double = 1
    /// Seconds each step takes: 200 rows written, or a query run.
    var stepSeconds = 0.1

    /// The next free id.
    mutating func makeID(org: Int) -> String {
        defer { nextNumber += 1 }
        return RecordID.make(prefix: "750", org: org, sequence: nextNumber)
    }

    /// Keeps a job under its id.
    mutating func keep(_ job: BulkJob) {
        if jobs.updateValue(job, forKey: job.id) == nil { oldestFirst.append(job.id) }
        if job.due < .infinity { active.insert(job.id) } else { active.remove(job.id) }
        nextExpiry = min(nextExpiry, Self.expiry(of: job))
        if oldestFirst.count > SimulatorsLimits.bulkJobs { forget(oldestFirst[0]) }
    }

    /// Takes a job out, to change it without copying its rows; `keep` puts it back.
    mutating func take(_ id: String) -> BulkJob? {
        guard let index = jobs.index(forKey: id) else { return nil }
        let job = jobs.values[index]
        // A husk stays in its place, so that the order of the jobs does too.
        jobs.values[index].upload = .init()
        jobs.values[index].outcomes = []
        jobs.values[index].results = BulkQueryResults()
        return job
    }

    /// The job of an id, in either form.
    subscript(_ id: String) -> BulkJob? { RecordID.normalise(id).flatMap { jobs[$0] } }

    /// Every job, oldest first.
    var all: [BulkJob] { oldestFirst.compactMap { jobs[$0] } }

    /// The job whose step is due first, if it is by now.
    func next(now: Double) -> String? {
        guard !active.isEmpty else { return nil }
        return active.compactMap { jobs[$0] }.filter { $0.due <= now }.min { ($0.due, $0.id) < ($1.due, $1.id) }?.id
    }

    /// Drops a job.
    mutating func forget(_ id: String) {
        jobs[id] = nil
        active.remove(id)
        oldestFirst.removeAll { $0 == id }
    }

    /// Aborts what has been open for a day and drops what ended a week ago.
    mutating func expire(now: Double) {
        while nextExpiry <= now {
            for (id, job) in jobs {
                let expiry = Self.expiry(of: job)
                guard expiry <= now else { continue }
                if job.state == .open { jobs[id]?.end(.aborted, now: expiry) } else { forget(id) }
            }
            nextExpiry = jobs.values.map(Self.expiry).min() ?? .infinity
        }
    }

    /// When an open job is aborted, or one that ended is dropped.
    private static func expiry(of job: BulkJob) -> Double {
        if job.state == .open { return job.created + SimulatorsLimits.bulkOpenSeconds }
        return job.state.isFinal ? job.changed + SimulatorsLimits.bulkResultSeconds : .infinity
    }
}
