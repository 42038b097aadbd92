import Drivers
package import Foundation

/// A job put aside until somebody decides.
package struct DeadLetter: Hashable, Sendable {
    package let key: JobKey
    package let jobClass: JobClass
    /// The last failure's code; `worker_lost` when workers kept dying with it.
    package let code: String
    /// Tries it had, deaths included.
    package let attempts: Int
    /// When it was buried.
    package let buriedAt: Date
    /// When it had been asked for.
    package let enqueuedAt: Date
}

extension JobQueue {
    /// Dead letters, oldest first within a shard.
    /// - Parameters:
    ///   - offset: how many to leave out at the start of each shard.
    ///   - limit: at most so many of each shard, up to `JobQueueLimits.deadPage`.
    package func dead(offset: Int = 0, limit: Int = JobQueueLimits.deadPage) async throws(JobQueueError) -> [DeadLetter]
    {
        let arguments = ["list", "\(max(0, offset))", "\(min(max(1, limit), JobQueueLimits.deadPage))"]
        var letters: [DeadLetter] = []
        for answer in await caller.run((0..<options.shards).map({ call(.dead, $0, arguments) })) {
            let parts = try answer.get().elements ?? []
            for start in stride(from: 0, to: parts.count - 2, by: 3) {
                guard let letter = DeadLetter(parts[start].text, parts[start + 1].text, parts[start + 2].text) else {
                    throw Self.unexpected("dead")
                }
                letters.append(letter)
            }
        }
        return letters.sorted { $0.buriedAt < $1.buriedAt }
    }

    /// Queues a dead letter again, with all counters at zero.
    /// - Returns: whether there was one.
    package func retryDead(_ key: JobKey) async throws(JobQueueError) -> Bool {
        try await run(.dead, map.shard(of: key.tenant), ["retry", "\(key.tenant)", key.kind]).number == 1
    }

    /// Forgets a dead letter; the job may be enqueued again.
    /// - Returns: whether there was one.
    package func discardDead(_ key: JobKey) async throws(JobQueueError) -> Bool {
        try await run(.dead, map.shard(of: key.tenant), ["discard", "\(key.tenant)", key.kind]).number == 1
    }
}

extension DeadLetter {
    /// Reads `tenant,kind`, milliseconds, and `class,cost,attempt,deaths,enqueued,code`.
    fileprivate init?(_ name: String?, _ buried: String?, _ about: String?) {
        guard let name = name?.split(separator: ",", maxSplits: 1), name.count == 2, let tenant = Int32(name[0]),
            JobKey.accepts(kind: String(name[1])), let buried = buried.flatMap(Double.init),
            let about = about?.split(separator: ",", maxSplits: 5, omittingEmptySubsequences: false), about.count == 6,
            let jobClass = UInt8(about[0]).flatMap(JobClass.init), let attempt = Int(about[2]),
            let deaths = Int(about[3]), let enqueued = Double(about[4])
        else { return nil }
        key = JobKey(tenant: tenant, kind: String(name[1]))
        self.jobClass = jobClass
        code = String(about[5])
        attempts = attempt + deaths
        buriedAt = Date(timeIntervalSince1970: buried / 1_000)
        enqueuedAt = Date(timeIntervalSince1970: enqueued / 1_000)
    }
}
