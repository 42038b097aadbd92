import Drivers

extension JobQueue {
    /// Leases up to `limit` jobs.
    /// - Throws: `generationLost` when a shard was wiped and no other had work; `redis` likewise.
    package func lease(worker: WorkerID, limit: Int) async throws(JobQueueError) -> LeaseBatch {
        try await exchange(worker: worker, settling: [], limit: limit).batch
    }

    /// Settles runs.
    /// - Returns: one result a settlement, in order; `failed` ones are to be settled again, those with `generationLost`
    ///   excepted: their leases went with a wipe of their shard.
    /// - Throws: `generationLost`: all of the leases went with the wipe.
    package func settle(worker: WorkerID, _ settlements: [Settlement]) async throws(JobQueueError) -> [SettleResult] {
        try await exchange(worker: worker, settling: settlements, limit: 0).results
    }

    /// Settles runs and leases new ones, in one round trip where the shard whose turn it is has enough.
    ///
    /// Few jobs come from one shard, many from several; the next call begins at the next shard. Full calls cost the
    /// server least: `JobQueueLimits.exchangeBatch` jobs or a multiple of it at once is best.
    package func exchange(
        worker: WorkerID, settling settlements: [Settlement], limit: Int
    ) async throws(JobQueueError) -> Exchange {
        guard (0...JobQueueLimits.leaseLimit).contains(limit) else {
            throw JobQueueError(.badArgument, "a lease asks for 0...4096 jobs")
        }
        var round = ExchangeRound(worker: worker, settlements: settlements, wanted: limit)
        var parts = exchangeParts(settlements, Array(settlements.indices))
        var plan = WorkerBook.Plan(hinted: [], likely: [], cold: [])
        if limit > 0 { plan = book.plan(for: worker, wanted: limit, now: .now) }
        if !plan.hinted.isEmpty {
            try await ask(&round, parts, &plan.hinted)
            parts = []
            // What woke the worker is answered first; whether others have more is the next call's question.
            if !round.batch.jobs.isEmpty {
                round.batch.hasMore = true
                plan.likely = []
            }
        }
        while !parts.isEmpty || (round.isHungry && !plan.likely.isEmpty) {
            try await ask(&round, parts, &plan.likely)
            parts = []
        }
        while round.isHungry, round.batch.jobs.isEmpty, !plan.cold.isEmpty {
            try await ask(&round, [], &plan.cold)
        }
        try await settleAgain(&round)
        if let failure = round.failure, round.batch.jobs.isEmpty, settlements.isEmpty { throw failure }
        return Exchange(results: round.results, batch: round.batch)
    }

    // MARK: - One round trip

    private func exchangeParts(_ settlements: [Settlement], _ indices: [Int]) -> [ExchangePart] {
        ShardMap.group(indices) { map.shard(of: settlements[$0].job.key.tenant) }.flatMap { shard, indices in
            // The script reads what is simply done first.
            let forms = indices.map { settlements[$0].form }
            let isOrdered = zip(forms, forms.dropFirst()).allSatisfy { $0 <= $1 }
            let ordered = isOrdered ? indices : indices.sorted { settlements[$0].form < settlements[$1].form }
            return ordered.parts(of: JobQueueLimits.exchangeBatch).map { ExchangePart(shard: shard, indices: $0) }
        }
    }

    /// Settles `parts`, and asks as many of `shards` as are needed for what is missing; takes those away.
    private func ask(
        _ round: inout ExchangeRound, _ parts: [ExchangePart], _ shards: inout [Int]
    ) async throws(JobQueueError) {
        var asked = parts
        var room = round.missing
        let isFirst = round.asked.isEmpty
        // The first shards are asked for all they have, the others for an equal share.
        let share = isFirst ? JobQueueLimits.exchangeBatch : (room + shards.count - 1) / max(1, shards.count)
        let chunk = min(JobQueueLimits.exchangeBatch, max(JobQueueLimits.leaseChunk, share))
        while room > 0, let shard = shards.first {
            shards.removeFirst()
            round.asked.insert(shard)
            let quota = min(room, chunk)
            if let place = asked.firstIndex(where: { $0.shard == shard }) {
                asked[place].quota = quota
            } else {
                asked.append(ExchangePart(shard: shard, indices: [], quota: quota))
            }
            room -= quota
        }
        var calls: [ShardCaller.Call] = []
        for part in asked { calls.append(try exchangeCall(round, part)) }
        for (part, answer) in zip(asked, await caller.run(calls)) where take(answer, of: part, &round) {
            // It gave all it was asked for and has more: it is asked again when the others had too little.
            shards.append(part.shard)
        }
    }

    private func exchangeCall(_ round: ExchangeRound, _ part: ExchangePart) throws(JobQueueError) -> ShardCaller.Call {
        var arguments = prelude
        arguments.reserve(part.indices.count * ExchangePart.settlementBytes)
        arguments.append(round.worker.name)
        arguments.append(options.leaseDuration.milliseconds)
        arguments.append(book.floor(of: part.shard))
        arguments.append(Int64(options.quantum))
        arguments.append(Int64(part.quota))
        arguments.append(Int64(options.maxAttempts))
        let forms = part.indices.map { round.settlements[$0].form }
        arguments.append(Int64(forms.count { $0 != .whole }))
        var called: [UInt8] = []
        for (index, form) in zip(part.indices, forms) where form == .called {
            guard let (campaign, salesforce) = round.settlements[index].made?.bytes else { continue }
            called.append(campaign)
            called.append(salesforce)
        }
        arguments.append(called)
        for (index, form) in zip(part.indices, forms) {
            let settlement = round.settlements[index]
            arguments.append(lease: settlement.job.token, of: settlement.job.key)
            guard form == .whole else { continue }
            let (letter, delay, code) = try wire(settlement)
            arguments.append(letter)
            arguments.append(delay)
            arguments.append(code)
            arguments.append(settlement.made?.wire ?? "")
        }
        return ShardCaller.Call(script: .exchange, shard: part.shard, arguments: arguments)
    }

    private func wire(_ settlement: Settlement) throws(JobQueueError) -> (String, Int64, String) {
        switch settlement.outcome {
        case .done: ("D", 0, "")
        case .again(let after): ("A", try Self.milliseconds(after), "")
        case .retry(let after, let code):
            (
                "R", try Self.milliseconds(after ?? options.retry.delay(attempt: settlement.job.attempt - 1)),
                Self.label(code)
            )
        case .dead(let code): ("X", 0, Self.label(code))
        case .returned: ("U", 0, "")
        }
    }

    /// Takes an answer in.
    /// - Returns: whether the shard has more leases to give.
    private func take(
        _ answer: Result<RESPValue, JobQueueError>, of part: ExchangePart, _ round: inout ExchangeRound
    ) -> Bool {
        do throws(JobQueueError) {
            let reply = try ExchangeReply(try answer.get(), settlements: part.indices.count)
            for (index, result) in zip(part.indices, reply.results) { round.results[index] = result }
            book.ended(part.indices.map { round.settlements[$0].job.token }, in: part.shard, of: round.worker)
            book.granted(reply.jobs, by: part.shard, to: round.worker)
            book.saw(sequence: reply.sequence, of: part.shard)
            if part.quota > 0 {
                let coldUntil = ContinuousClock.now + min(JobQueueLimits.coldShard, reply.wait ?? .seconds(3_600))
                book.asked(part.shard, by: round.worker, hasMore: reply.hasMore, coldUntil: coldUntil)
            }
            round.batch.jobs += reply.jobs
            round.batch.hasMore = round.batch.hasMore || reply.hasMore
            if let wait = reply.wait { round.batch.nextWake = min(round.batch.nextWake ?? wait, wait) }
            return part.quota > 0 && reply.hasMore
        } catch {
            for index in part.indices { round.results[index] = .failed(error) }
            if round.failure?.code != .generationLost { round.failure = error }
            return false
        }
    }

    // MARK: - Lost answers

    /// A settlement is tried until it is answered, a bounded number of times; the token makes a second try harmless.
    private func settleAgain(_ round: inout ExchangeRound) async throws(JobQueueError) {
        for attempt in 0..<JobQueueLimits.settleTries - 1 {
            let open = round.results.indices.filter { index in
                guard case .failed(let error) = round.results[index] else { return false }
                return error.isRetryable && error.code != .generationLost
            }
            guard !open.isEmpty, !Task.isCancelled else { break }
            try? await Task.sleep(for: JobQueueLimits.settleBackoff.delay(attempt: attempt))
            var none: [Int] = []
            try await ask(&round, exchangeParts(round.settlements, open), &none)
        }
        let areAllLost = round.results.allSatisfy { $0 == .failed(Self.wiped) }
        if areAllLost, !round.results.isEmpty, round.batch.jobs.isEmpty { throw Self.wiped }
    }
}
