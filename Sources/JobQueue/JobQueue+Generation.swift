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
    /// - Throws: `redis` when no shard could be read. One that is out of reach counts as whole: nobody knows better.
    package func generation() async throws(JobQueueError) -> Generation {
        let shards = Array(0..<options.shards)
        let marks = await fleet.pipeline(
            shards.map {
                RoutedCommand(RedisCommand("HMGET", map.names[$0] + ":shard", "epoch", "run"), slot: map.slots[$0])
            }
        )
        let runs = await runIDs(of: shards)
        var generation = Generation(epochs: [], unsettled: [])
        var failure: RedisError?
        var read = 0
        for shard in shards {
            do throws(RedisError) {
                let parts = try marks[shard].get().elements ?? []
                let run = try runs[shard].get()
                let epoch = parts.first?.number
                generation.epochs.append(epoch)
                if epoch != nil, parts.last?.text != run { generation.unsettled.insert(shard) }
                read += 1
            } catch {
                // Counted neither as lost nor as settled.
                generation.epochs.append(0)
                failure = error
            }
        }
        if read == 0, let failure { throw JobQueueError(failure) }
        return generation
    }

    /// Those of some shards that take writes at present: a replica, a full server, or one that is short of replicas does
    /// not.
    package func writable(_ shards: [Int]) async -> [Int] {
        let answers = await fleet.pipeline(
            shards.map {
                RoutedCommand(RedisCommand("SET", map.names[$0] + ":probe", "1", "PX", "1"), slot: map.slots[$0])
            })
        return zip(shards, answers).filter { (try? $1.get()) != nil }.map(\.0)
    }

    /// Marks shards as filled, or about to be filled, from PostgreSQL. Tokens of the epoch are greater than all before.
    ///
    /// A shard whose epoch is as high already keeps it; to re-stamp one after a restart, come with a higher one.
    /// - Parameters:
    ///   - epoch: 1...`JobQueueLimits.maxEpoch`, from PostgreSQL, where it only grows.
    ///   - shards: which; nil for all.
    /// - Returns: the shards that are marked.
    /// - Throws: `epochsExhausted`; another error when none is marked.
    @discardableResult
    package func adopt(epoch: Int64, shards: [Int]? = nil) async throws(JobQueueError) -> [Int] {
        guard epoch > 0, epoch <= JobQueueLimits.maxEpoch else {
            throw JobQueueError(.epochsExhausted, "an epoch is 1...\(JobQueueLimits.maxEpoch)")
        }
        let shards = shards ?? Array(0..<options.shards)
        var calls: [ShardCaller.Call] = []
        var failure: JobQueueError?
        for (shard, run) in zip(shards, await runIDs(of: shards)) {
            do throws(RedisError) {
                let arguments = RedisCommand("\(epoch)", try run.get())
                calls.append(ShardCaller.Call(script: .adopt, shard: shard, arguments: arguments))
            } catch {
                failure = JobQueueError(error)
            }
        }
        var marked: [Int] = []
        for (call, answer) in zip(calls, await caller.run(calls)) {
            switch answer {
            case .success: marked.append(call.shard)
            case .failure(let error): failure = error
            }
        }
        if marked.isEmpty, let failure { throw failure }
        return marked
    }

    /// The shard a tenant lives in, for rebuilding one shard at a time.
    package func shard(of tenant: Int32) -> Int { map.shard(of: tenant) }

    /// The run of the server that has each shard.
    private func runIDs(of shards: [Int]) async -> [Result<String, RedisError>] {
        // One server is asked once for all.
        let asked = fleet.isCluster ? shards : Array(shards.prefix(1))
        let answers = await fleet.pipeline(
            asked.map { RoutedCommand(RedisCommand("INFO", "server"), slot: map.slots[$0]) })
        let runs = answers.map { answer in answer.map { Self.runID($0.text ?? "") } }
        return fleet.isCluster ? runs : shards.compactMap { _ in runs.first }
    }

    private static func runID(_ info: String) -> String {
        let line = info.split(whereSeparator: \.isNewline).first { $0.hasPrefix("run_id:") }
        return line.map { String($0.dropFirst("run_id:".count)) } ?? ""
    }
}
