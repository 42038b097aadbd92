import Drivers

/// Which rebuild of Redis this is.
package struct Generation: Hashable, Sendable {
    /// Each shard's epoch; nil where the mark is missing.
    package var epochs: [Int64?]
    /// Shards that were marked on another run of the server: after a restart or a failover their last writes may be
    /// missing, so they want a higher epoch and a look at what is due.
    package var unsettled: Set<Int>

    /// Shards without a mark.
    package var lost: [Int] { epochs.indices.filter { epochs[$0] == nil } }
    /// The highest epoch of any shard.
    package var highest: Int64 { epochs.compactMap { $0 }.max() ?? 0 }
    /// Whether every shard has a mark of this run of the server.
    package var isWhole: Bool { lost.isEmpty && unsettled.isEmpty }
}

extension JobQueue {
    /// Reads the generation marks.
    package func generation() async throws(JobQueueError) -> Generation {
        let marks = map.names.map { RedisCommand("HMGET", $0 + ":shard", "epoch", "run") }
        do throws(RedisError) {
            let run = try await runID()
            var generation = Generation(epochs: [], unsettled: [])
            for (shard, answer) in await redis.pipeline(marks).enumerated() {
                let parts = try answer.get().elements ?? []
                let epoch = parts.first?.number
                generation.epochs.append(epoch)
                if epoch != nil, parts.last?.text != run { generation.unsettled.insert(shard) }
            }
            return generation
        } catch {
            throw JobQueueError(error)
        }
    }

    /// Marks shards as filled, or about to be filled, from PostgreSQL. Tokens of the epoch are greater than all before.
    ///
    /// A shard whose epoch is as high already keeps it; to re-stamp one after a restart, come with a higher one.
    /// - Parameters:
    ///   - epoch: 1...`JobQueueLimits.maxEpoch`, from PostgreSQL, where it only grows.
    ///   - shards: which; nil for all.
    package func adopt(epoch: Int64, shards: [Int]? = nil) async throws(JobQueueError) {
        guard epoch > 0, epoch <= JobQueueLimits.maxEpoch else {
            throw JobQueueError(.epochsExhausted, "an epoch is 1...\(JobQueueLimits.maxEpoch)")
        }
        let run: String
        do { run = try await runID() } catch { throw JobQueueError(error) }
        let calls = (shards ?? Array(0..<options.shards)).map { shard in
            ShardCaller.Call(script: .adopt, shard: shard, arguments: RedisCommand("\(epoch)", run))
        }
        for answer in await caller.run(calls) { _ = try answer.get() }
    }

    /// The shard a tenant lives in, for rebuilding one shard at a time.
    package func shard(of tenant: Int32) -> Int { map.shard(of: tenant) }

    private func runID() async throws(RedisError) -> String {
        let info = try await redis.send("INFO", "server").text ?? ""
        let line = info.split(whereSeparator: \.isNewline).first { $0.hasPrefix("run_id:") }
        return line.map { String($0.dropFirst("run_id:".count)) } ?? ""
    }
}
