import Drivers

extension JobQueue {
    /// Leases up to `limit` jobs.
    /// - Throws: `generationLost` when a shard was wiped and no other had work; `redis` likewise.
    package func lease(worker: WorkerID, limit: Int) async throws(JobQueueError) -> LeaseBatch {
        try await exchange(worker: worker, settling: [], limit: limit).batch
    }

    /// Settles runs.
    /// - Returns: one result a settlement, in order; `failed` ones are to be settled again.
    /// - Throws: `generationLost`: the leases went with the wipe.
    package func settle(worker: WorkerID, _ settlements: [Settlement]) async throws(JobQueueError) -> [SettleResult] {
        try await exchange(worker: worker, settling: settlements, limit: 0).results
    }

    /// Settles runs and leases new ones, in one round trip where the shards that had work still have some.
    package func exchange(
        worker: WorkerID, settling settlements: [Settlement], limit: Int
    ) async throws(JobQueueError) -> Exchange {
        guard (0...JobQueueLimits.leaseLimit).contains(limit) else {
            throw JobQueueError(.badArgument, "a lease asks for 0...4096 jobs")
        }
        var round = ExchangeRound(
            results: Array(repeating: .stale, count: settlements.count), wanted: limit)
        var parts = settlementParts(settlements)
        var likely: [Int] = []
        var cold: [Int] = []
        if limit > 0 {
            (likely, cold) = book.plan(for: worker, now: .now)
            likely.removeAll { shard in parts.contains { $0.shard == shard } }
            cold.removeAll { shard in parts.contains { $0.shard == shard } }
        }
        while !parts.isEmpty || (round.isHungry && !likely.isEmpty) {
            try await ask(worker, settlements, parts, &likely, &round)
            parts = []
        }
        while round.isHungry, round.batch.jobs.isEmpty, !cold.isEmpty {
            try await ask(worker, settlements, [], &cold, &round)
        }
        try await settleAgain(worker, settlements, &round)
        if let failure = round.failure, round.batch.jobs.isEmpty, settlements.isEmpty { throw failure }
        return Exchange(results: round.results, batch: round.batch)
    }

    // MARK: - One round trip

    /// The settlements that go to one shard in one script.
    private struct Part {
        let shard: Int
        let indices: [Int]
    }

    /// What an exchange has brought so far.
    private struct ExchangeRound {
        var results: [SettleResult]
        var wanted: Int
        var batch = LeaseBatch(jobs: [], nextWake: nil, hasMore: false)
        var failure: JobQueueError?

        var missing: Int { wanted - batch.jobs.count }
        var isHungry: Bool { missing > 0 && failure?.code != .generationLost }
    }

    private func settlementParts(_ settlements: [Settlement]) -> [Part] {
        Dictionary(grouping: settlements.indices) { map.shard(of: settlements[$0].job.key.tenant) }
            .flatMap { shard, indices in
                stride(from: 0, to: indices.count, by: JobQueueLimits.exchangeBatch).map { start in
                    Part(shard: shard, indices: Array(indices[start...].prefix(JobQueueLimits.exchangeBatch)))
                }
            }
    }

    /// Asks the shards of `parts`, and as many of `shards` as are needed for what is missing.
    private func ask(
        _ worker: WorkerID, _ settlements: [Settlement], _ parts: [Part], _ shards: inout [Int],
        _ round: inout ExchangeRound
    ) async throws(JobQueueError) {
        var asked = parts
        var room = round.missing
        let chunk = min(
            JobQueueLimits.exchangeBatch,
            max(JobQueueLimits.leaseChunk, (room + parts.count + shards.count - 1) / max(1, parts.count + shards.count))
        )
        var quotas: [Int] = []
        for _ in parts {
            quotas.append(min(room, chunk))
            room -= min(room, chunk)
        }
        while room > 0, let shard = shards.first {
            shards.removeFirst()
            asked.append(Part(shard: shard, indices: []))
            quotas.append(min(room, chunk))
            room -= min(room, chunk)
        }
        var calls: [ShardCaller.Call] = []
        for (part, quota) in zip(asked, quotas) {
            calls.append(try exchangeCall(worker, part.shard, part.indices.map { settlements[$0] }, quota))
        }
        for (index, answer) in await caller.run(calls).enumerated() {
            take(answer, of: asked[index], quota: quotas[index], worker, settlements, &round)
        }
    }

    private func exchangeCall(
        _ worker: WorkerID, _ shard: Int, _ settlements: [Settlement], _ quota: Int
    ) throws(JobQueueError) -> ShardCaller.Call {
        var arguments = [
            worker.name, "\(options.leaseDuration.milliseconds)", "\(book.floor(of: shard))", "\(options.quantum)",
            "\(quota)", "\(options.maxAttempts)",
        ]
        for settlement in settlements {
            let (letter, delay, code) = try wire(settlement)
            arguments += ["\(settlement.job.token.rawValue)", letter, "\(delay)", code]
        }
        return call(.exchange, shard, arguments)
    }

    private func wire(_ settlement: Settlement) throws(JobQueueError) -> (String, Int64, String) {
        switch settlement.outcome {
        case .done: ("D", 0, "")
        case .again(let delay): ("A", try Self.milliseconds(delay), "")
        case .retry(let delay, let code):
            (
                "R", try Self.milliseconds(delay ?? options.retry.delay(attempt: settlement.job.attempt - 1)),
                Self.label(code)
            )
        case .dead(let code): ("X", 0, Self.label(code))
        case .returned: ("U", 0, "")
        }
    }

    private func take(
        _ answer: Result<RESPValue, JobQueueError>, of part: Part, quota: Int, _ worker: WorkerID,
        _ settlements: [Settlement], _ round: inout ExchangeRound
    ) {
        do throws(JobQueueError) {
            let reply = try ExchangeReply(try answer.get(), settlements: part.indices.count)
            for (index, result) in zip(part.indices, reply.results) { round.results[index] = result }
            book.ended(part.indices.map { settlements[$0].job.token }, in: part.shard, of: worker)
            book.granted(reply.jobs.map(\.token), by: part.shard, to: worker)
            book.saw(sequence: reply.sequence, of: part.shard)
            if quota > 0 {
                let coldUntil = ContinuousClock.now + min(JobQueueLimits.coldShard, reply.wait ?? .seconds(3_600))
                book.asked(part.shard, by: worker, hasMore: reply.hasMore, coldUntil: coldUntil)
            }
            round.batch.jobs += reply.jobs
            round.batch.hasMore = round.batch.hasMore || reply.hasMore
            if let wait = reply.wait { round.batch.nextWake = min(round.batch.nextWake ?? wait, wait) }
        } catch {
            for index in part.indices { round.results[index] = .failed(error) }
            if round.failure?.code != .generationLost { round.failure = error }
        }
    }

    // MARK: - Lost answers

    /// A settlement is tried until it is answered, a bounded number of times; the token makes a second try harmless.
    private func settleAgain(
        _ worker: WorkerID, _ settlements: [Settlement], _ round: inout ExchangeRound
    ) async throws(JobQueueError) {
        for attempt in 0..<JobQueueLimits.settleTries - 1 {
            let open = round.results.indices.filter { index in
                if case .failed(let error) = round.results[index] { error.isRetryable } else { false }
            }
            guard !open.isEmpty, !Task.isCancelled else { break }
            if round.failure?.code == .generationLost, round.batch.jobs.isEmpty { break }
            try? await Task.sleep(for: JobQueueLimits.settleBackoff.delay(attempt: attempt))
            var none: [Int] = []
            var again = ExchangeRound(results: round.results, wanted: 0)
            let parts = Dictionary(grouping: open) { map.shard(of: settlements[$0].job.key.tenant) }
            let asked = parts.flatMap { shard, indices in
                stride(from: 0, to: indices.count, by: JobQueueLimits.exchangeBatch).map { start in
                    Part(shard: shard, indices: Array(indices[start...].prefix(JobQueueLimits.exchangeBatch)))
                }
            }
            try await ask(worker, settlements, asked, &none, &again)
            round.results = again.results
            round.failure = again.failure
        }
        if let failure = round.failure, failure.code == .generationLost, round.batch.jobs.isEmpty { throw failure }
    }
}

/// What the exchange script answers.
private struct ExchangeReply {
    var results: [SettleResult] = []
    var wait: Duration?
    var hasMore = false
    var sequence: Int64 = 0
    var jobs: [LeasedJob] = []

    init(_ value: RESPValue, settlements: Int) throws(JobQueueError) {
        guard let parts = value.elements, parts.count >= 4, let letters = parts[0].rawBytes,
            letters.count == settlements, let wait = parts[1].number, let more = parts[2].number,
            let sequence = parts[3].number
        else { throw JobQueue.unexpected("exchange") }
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
        for part in parts.dropFirst(4) {
            guard let bytes = part.rawBytes, let job = LeasedJob(packed: bytes) else {
                throw JobQueue.unexpected("exchange")
            }
            jobs.append(job)
        }
    }
}
