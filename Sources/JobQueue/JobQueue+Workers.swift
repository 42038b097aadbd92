import Drivers

/// What a heartbeat found.
package struct HeartbeatResult: Hashable, Sendable {
    /// Leases this worker thought it held and has lost; their runs should stop. One that is just being settled may be
    /// among them.
    package var lost: Set<LeaseName>
    /// Leases that were granted in an answer this worker never got; they went back.
    package var orphansReturned: Int
}

extension JobQueue {
    /// Says that a worker lives: renews all its leases. Call at a third of `leaseDuration`, idle or not.
    /// - Throws: `generationLost` when all leases went with a wipe (those of single shards are among the lost ones);
    ///   `redis` when some shards were not reached.
    @discardableResult
    package func heartbeat(worker: WorkerID) async throws(JobQueueError) -> HeartbeatResult {
        var held = book.held(by: worker)
        let home = map.home(of: worker)
        if held[home] == nil { held[home] = [:] }
        let shards = held.keys.sorted()
        let calls = shards.map { shard in
            let times = ["\(options.leaseDuration.milliseconds)", "\(options.orphanAge.milliseconds)"]
            var arguments = call(.heartbeat, shard, [worker.name] + times).arguments
            for (token, key) in held[shard, default: [:]] { arguments.append(lease: token, of: key) }
            return ShardCaller.Call(script: .heartbeat, shard: shard, arguments: arguments)
        }
        var result = HeartbeatResult(lost: [], orphansReturned: 0)
        var failure: JobQueueError?
        var wiped = 0
        for (shard, answer) in zip(shards, await caller.run(calls)) {
            do throws(JobQueueError) {
                let parts = try answer.get().elements ?? []
                guard let orphans = parts.first?.number else { throw Self.unexpected("heartbeat") }
                let lost = parts.dropFirst().compactMap { $0.rawBytes.flatMap(FencingToken.init(lease:)) }
                let names = Self.names(of: lost, among: held[shard, default: [:]])
                book.ended(lost, in: shard, of: worker)
                result.lost.formUnion(names)
                result.orphansReturned += Int(orphans)
            } catch  where error.code == .generationLost && shards.count > 1 {
                let gone = held[shard, default: [:]]
                book.ended(gone.keys, in: shard, of: worker)
                result.lost.formUnion(Self.names(of: gone.keys, among: gone))
                wiped += 1
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
        guard wiped < shards.count else { throw Self.wiped }
        return result
    }

    private static func names(
        of tokens: some Sequence<FencingToken>, among held: [FencingToken: JobKey]
    ) -> [LeaseName] {
        tokens.compactMap { token in held[token].map { LeaseName(token: token, key: $0) } }
    }

    /// Gives dead workers' leases back to their queues. Continuous and bounded: every process may call it every second.
    ///
    /// Somebody has to: deadlines that passed while nobody swept for half a lease count as nobody's death, since the
    /// server may have been away, or its clock been set.
    /// - Returns: how many leases went back (or, after too many deaths, were buried).
    package func sweep() async throws(JobQueueError) -> Int {
        try await sweep(worker: nil)
    }

    /// A worker ends in peace: what it still holds goes back unburned, and its name leaves the list.
    /// - Returns: how many leases went back.
    @discardableResult
    package func leave(worker: WorkerID) async throws(JobQueueError) -> Int {
        await channels.close(worker)
        let returned = try await sweep(worker: worker)
        book.forget(worker)
        return returned
    }

    private func sweep(worker: WorkerID?) async throws(JobQueueError) -> Int {
        let arguments =
            [worker?.name ?? "", "\(JobQueueLimits.sweepBatch)", "\(options.leaseDuration.milliseconds)"]
            + ["\(options.maxDeaths)", "\(JobQueueLimits.deathPause.milliseconds)"]
            + ["\(JobQueueLimits.longestDeathPause.milliseconds)"]
        var open = Array(0..<options.shards)
        var returned = 0
        var failure: JobQueueError?
        for _ in 0..<JobQueueLimits.sweepRounds where !open.isEmpty {
            var next: [Int] = []
            for (shard, answer) in zip(open, await caller.run(open.map { call(.sweep, $0, arguments) })) {
                do throws(JobQueueError) {
                    let parts = try answer.get().elements?.map { $0.number } ?? []
                    guard parts.count == 2, let count = parts[0], let more = parts[1] else {
                        throw Self.unexpected("sweep")
                    }
                    returned += Int(count)
                    if more > 0 { next.append(shard) }
                } catch {
                    failure = error
                }
            }
            open = next
        }
        if let failure { throw failure }
        return returned
    }

    /// Waits until there may be work: somebody put a wake-up token into a shard, or the time is over. One caller a
    /// worker at a time; one token wakes one worker.
    /// - Parameter timeout: at most `options.maxWait` of it is waited.
    /// - Returns: whether a token came. Without one a look is worth it too: what was delayed or parked wakes nobody.
    @discardableResult
    package func waitForWork(worker: WorkerID, timeout: Duration) async -> Bool {
        let wait = min(timeout, options.maxWait)
        guard wait > .zero else { return false }
        // Begins at another shard for each worker, so that the first keys of the command favour nobody.
        let start = map.home(of: worker)
        let order = (0..<options.shards).map { ($0 + start) % options.shards }
        do throws(RedisError) {
            let woken = try await channels.wait(worker, for: order, timeout: wait)
            for shard in woken { book.hint(shard, to: worker) }
            return !woken.isEmpty
        } catch {
            // The next lease tells what is wrong; here it is only a wait that must not become a spin.
            try? await Task.sleep(for: wait)
            return false
        }
    }
}
