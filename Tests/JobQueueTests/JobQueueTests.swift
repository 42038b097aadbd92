import Drivers
import Foundation
import JobQueue
import Testing

@Suite(.timeLimit(.minutes(2))) struct JobQueueTests {
    // MARK: - Enqueueing

    @Test func aJobIsQueuedOnceHoweverOftenItIsAskedFor() async throws {
        let bench = try await QueueBench.make()
        let request = EnqueueRequest(key(1))
        #expect(try await bench.queue.enqueue([request, request]) == [.queued, .coalesced])
        #expect(try await bench.queue.enqueue(request) == .coalesced)
        let jobs = try await bench.leaseAll()
        #expect(jobs.map(\.key) == [key(1)])
        #expect(jobs.first?.attempt == 1)
        #expect(jobs.first?.enqueuedAt.timeIntervalSince(bench.clock.now).magnitude ?? 9 < 2)
    }

    @Test func askingWhileItRunsMakesItRunExactlyOnceMore() async throws {
        let bench = try await QueueBench.make()
        _ = try await bench.queue.enqueue(EnqueueRequest(key(1)))
        let first = try #require(try await bench.leaseAll().first)
        for _ in 0..<3 { #expect(try await bench.queue.enqueue(EnqueueRequest(key(1))) == .markedDirty) }
        #expect(try await bench.leaseAll().isEmpty)
        #expect(try await bench.settle(first, .done) == .accepted)
        let second = try #require(try await bench.leaseAll().first)
        #expect(second.token > first.token)
        #expect(try await bench.settle(second, .done) == .accepted)
        #expect(try await bench.leaseAll().isEmpty)
    }

    @Test func aDelayedJobWaitsAndIsPulledForwardWhenAskedSooner() async throws {
        let bench = try await QueueBench.make()
        #expect(try await bench.queue.enqueue(EnqueueRequest(key(1), delay: .seconds(60))) == .delayed)
        #expect(try await bench.queue.enqueue(EnqueueRequest(key(2), delay: .seconds(60))) == .delayed)
        #expect(try await bench.queue.enqueue(EnqueueRequest(key(1), delay: .seconds(90))) == .coalesced)
        #expect(try await bench.queue.enqueue(EnqueueRequest(key(1), delay: .seconds(10))) == .pulledForward)
        let empty = try await bench.queue.lease(worker: bench.worker, limit: 10)
        #expect(empty.jobs.isEmpty)
        #expect(empty.nextWake.map { $0 > .seconds(8) && $0 < .seconds(12) } == true)
        bench.clock.advance(11)
        #expect(try await bench.leaseAll().map(\.key) == [key(1)])
        #expect(try await bench.queue.enqueue(EnqueueRequest(key(2))) == .pulledForward)
        #expect(try await bench.leaseAll().map(\.key) == [key(2)])
    }

    @Test func aMoreUrgentRequestMovesAQueuedJobUp() async throws {
        let bench = try await QueueBench.make { $0.tenantConcurrency = 10 }
        let kinds = (0..<8).map { "kind-with-a-long-name-\($0)" }
        for kind in kinds { _ = try await bench.queue.enqueue(EnqueueRequest(key(1, kind), class: .bulk)) }
        // The first is in the hash, the last in the overflow list.
        for kind in [kinds[0], kinds[7]] {
            #expect(try await bench.queue.enqueue(EnqueueRequest(key(1, kind), class: .urgent)) == .coalesced)
        }
        let jobs = try await bench.leaseAll()
        #expect(jobs.prefix(2).map(\.key.kind) == [kinds[0], kinds[7]])
        #expect(Set(jobs.map(\.key.kind)) == Set(kinds))
        #expect(jobs.count == kinds.count)
    }

    // MARK: - Leasing

    @Test func oneTenantRunsOneJobAtATimeUnlessTold() async throws {
        let bench = try await QueueBench.make()
        for kind in ["a", "b", "c"] { _ = try await bench.queue.enqueue(EnqueueRequest(key(1, kind))) }
        let first = try await bench.leaseAll()
        #expect(first.count == 1)
        #expect(try await bench.queue.why(tenant: 1) == .atLimit(running: 1))
        try await bench.queue.setLimits(tenant: 1, weight: nil, maxConcurrency: 2)
        let second = try await bench.leaseAll()
        #expect(second.count == 1)
        #expect(try await bench.settle(first[0], .done) == .accepted)
        #expect(try await bench.leaseAll().map(\.key.kind) == ["c"])
    }

    @Test func settlingAndLeasingAreOneCall() async throws {
        let bench = try await QueueBench.make()
        _ = try await bench.queue.enqueue([EnqueueRequest(key(1, "a")), EnqueueRequest(key(1, "b"))])
        let first = try #require(try await bench.leaseAll().first)
        let exchange = try await bench.queue.exchange(
            worker: bench.worker, settling: [Settlement(first, .done)], limit: 5)
        #expect(exchange.results == [.accepted])
        #expect(exchange.batch.jobs.map(\.key.kind) == ["b"])
    }

    @Test func urgentWorkGoesFirstAndBulkDoesNotStarve() async throws {
        let bench = try await QueueBench.make { $0.shards = 1 }
        var requests: [EnqueueRequest] = []
        for tenant in Int32(0)..<100 {
            for jobClass in JobClass.allCases {
                let number = tenant * 3 + Int32(jobClass.rawValue)
                requests.append(EnqueueRequest(key(number), class: jobClass))
            }
        }
        _ = try await bench.queue.enqueue(requests)
        let jobs = try await bench.leaseAll(130)
        let shares = JobClass.allCases.map { jobClass in jobs.count { $0.jobClass == jobClass } }
        #expect(shares == [80, 40, 10])
        #expect(jobs.first?.jobClass == .urgent)
    }

    @Test func aTenantWithThousandsOfJobsDoesNotDelayTheOthers() async throws {
        let bench = try await QueueBench.make {
            $0.shards = 1
            $0.tenantConcurrency = 1_000
        }
        _ = try await bench.queue.enqueue((0..<20_000).map { EnqueueRequest(key(7, "kind-\($0)")) })
        _ = try await bench.queue.enqueue((100..<200).map { EnqueueRequest(key($0)) })
        var waiting = Set<Int32>(100..<200)
        var leased = 0
        while !waiting.isEmpty {
            let jobs = try await bench.queue.lease(worker: bench.worker, limit: 64).jobs
            try #require(!jobs.isEmpty)
            leased += jobs.count
            for job in jobs { waiting.remove(job.key.tenant) }
            _ = try await bench.queue.settle(worker: bench.worker, jobs.map { Settlement($0, .done) })
        }
        // Every turn of the ring gives the big tenant at most its quantum; all others have one job.
        #expect(leased <= 100 + 2 * 64, "the others' jobs came within \(leased) leases")
    }

    @Test func weightsDivideTheTurns() async throws {
        let bench = try await QueueBench.make {
            $0.shards = 1
            $0.tenantConcurrency = 1_000
            $0.quantum = 1
        }
        try await bench.queue.setLimits(tenant: 1, weight: 3, maxConcurrency: nil)
        for tenant in [Int32(1), 2] {
            _ = try await bench.queue.enqueue((0..<200).map { EnqueueRequest(key(tenant, "k\($0)")) })
        }
        let jobs = try await bench.leaseAll(100)
        #expect(jobs.count { $0.key.tenant == 1 } == 75)
    }

    @Test func tokensGrowWithEveryLeaseAndEveryEpoch() async throws {
        let bench = try await QueueBench.make { $0.shards = 1 }
        var last = FencingToken(rawValue: 0)
        for epoch in 2...4 {
            for _ in 0..<3 {
                _ = try await bench.queue.enqueue(EnqueueRequest(key(1)))
                let job = try #require(try await bench.leaseAll().first)
                #expect(job.token > last)
                last = job.token
                _ = try await bench.settle(job, .done)
            }
            try await bench.queue.adopt(epoch: Int64(epoch))
        }
        #expect(last.epoch == 3)
        await #expect(throws: JobQueueError.self) { try await bench.queue.adopt(epoch: 1 << 13) }
    }

    @Test func completedJobsLeaveNothingBehind() async throws {
        let bench = try await QueueBench.make()
        let before = try await bench.keys()
        for _ in 0..<3 {
            _ = try await bench.queue.enqueue((0..<500).map { EnqueueRequest(key($0 % 50, "kind-number-\($0)")) })
            while true {
                let jobs = try await bench.leaseAll(100)
                if jobs.isEmpty { break }
                _ = try await bench.queue.settle(worker: bench.worker, jobs.map { Settlement($0, .done) })
            }
        }
        let left = Set(try await bench.keys()).subtracting(before)
        #expect(left.allSatisfy { $0.hasSuffix(":w") || $0.hasSuffix(":wake") }, "left: \(left)")
        let status = try await bench.queue.status()
        #expect(status.queued == 0 && status.running == 0)
    }

    // MARK: - Waiting

    @Test func newWorkWakesOneOfTheWaitingWorkers() async throws {
        try await withPrivateRedis { server in
            let bench = try await QueueBench.make(on: server) { $0.maxWait = .seconds(30) }
            let workers = (0..<3).map { WorkerID("waiting-\($0)") }
            let waits = workers.map { worker in
                Task { await bench.queue.waitForWork(worker: worker, timeout: .seconds(30)) }
            }
            let deadline = ContinuousClock.now + .seconds(20)
            while try await blocked(bench) < 3, ContinuousClock.now < deadline {
                try await Task.sleep(for: .milliseconds(2))  // a look at a condition
            }
            _ = try await bench.queue.enqueue(EnqueueRequest(key(1)))
            while try await blocked(bench) == 3, ContinuousClock.now < deadline {
                try await Task.sleep(for: .milliseconds(2))  // a look at a condition
            }
            #expect(try await blocked(bench) == 2, "one token wakes one worker")
            for wait in waits { wait.cancel() }
            var woken: [WorkerID] = []
            for (worker, wait) in zip(workers, waits) where await wait.value { woken.append(worker) }
            #expect(woken.count == 1)
            #expect(try await bench.queue.lease(worker: try #require(woken.first), limit: 5).jobs.count == 1)
            for worker in workers { try await bench.queue.leave(worker: worker) }
        }
    }

    private func blocked(_ bench: QueueBench) async throws -> Int {
        let info = try await bench.redis.send("INFO", "clients").text ?? ""
        let line = info.split(whereSeparator: \.isNewline).first { $0.hasPrefix("blocked_clients:") }
        return line.flatMap { Int($0.dropFirst("blocked_clients:".count)) } ?? 0
    }

    @Test func aWorkerThatLeavesWorkBehindWakesTheNext() async throws {
        let bench = try await QueueBench.make { $0.shards = 1 }
        let wake = "\(bench.options.namespace){s000}:wake"
        _ = try await bench.queue.enqueue((0..<10).map { EnqueueRequest(key($0)) })
        #expect(try await bench.redis.send("LPOP", wake) != .null)
        #expect(try await bench.leaseAll(4).count == 4)
        #expect(try await bench.redis.send("LLEN", wake).number == 1)
        #expect(try await bench.redis.send("LPOP", wake) != .null)
        #expect(try await bench.leaseAll(100).count == 6)
        #expect(try await bench.redis.send("LLEN", wake).number == 0)
    }
}
