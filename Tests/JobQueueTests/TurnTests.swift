import Drivers
import Foundation
import JobQueue
import Testing

/// Who is served when, and what a tenant with more jobs than its record holds notices of that: nothing.
@Suite(.timeLimit(.minutes(2))) struct TurnTests {
    @Test func weightsCountForAWorkerThatTakesOneJobAtATime() async throws {
        let bench = try await QueueBench.make {
            $0.shards = 1
            $0.tenantConcurrency = 1_000
            $0.quantum = 1
        }
        try await bench.queue.setLimits(tenant: 1, weight: 3, maxConcurrency: nil)
        for tenant in [Int32(1), 2] {
            _ = try await bench.queue.enqueue((0..<50).map { EnqueueRequest(key(tenant, "k\($0)")) })
        }
        var served: [Int32] = []
        for _ in 0..<40 { served += try await bench.leaseAll(1).map(\.key.tenant) }
        #expect(served.count { $0 == 1 } == 30)
    }

    @Test func anExpensiveJobIsPaidForInLaterTurns() async throws {
        let bench = try await QueueBench.make {
            $0.shards = 1
            $0.tenantConcurrency = 1_000
            $0.quantum = 1
        }
        _ = try await bench.queue.enqueue((0..<50).map { EnqueueRequest(key(1, "k\($0)"), cost: 4) })
        _ = try await bench.queue.enqueue((0..<50).map { EnqueueRequest(key(2, "k\($0)"), cost: 1) })
        let jobs = try await bench.leaseAll(50)
        #expect(jobs.count { $0.key.tenant == 1 } == 10, "four times the cost, a quarter of the jobs")
    }

    @Test func shardsAreServedAlikeWhateverTheyHold() async throws {
        let bench = try await QueueBench.make()
        _ = try await bench.queue.enqueue((0..<400).map { EnqueueRequest(key($0)) })
        var served = [Int](repeating: 0, count: bench.options.shards)
        var last: [LeasedJob] = []
        for _ in 0..<40 {
            let exchange = try await bench.queue.exchange(
                worker: bench.worker, settling: last.map { Settlement($0, .done) }, limit: 1)
            last = exchange.batch.jobs
            for job in last { served[bench.queue.shard(of: job.key.tenant)] += 1 }
        }
        #expect(served == [10, 10, 10, 10])
    }

    @Test func whatAFullLeaseLeavesBehindComesInOrder() async throws {
        let bench = try await QueueBench.make { $0.shards = 1 }
        // A call to the queue is several to Redis once it is large, and those may overtake each other.
        for start in stride(from: Int32(0), to: 600, by: 100) {
            _ = try await bench.queue.enqueue((start..<start + 100).map { EnqueueRequest(key($0)) })
        }
        let jobs = try await bench.leaseAll(300)
        #expect(jobs.map(\.key.tenant) == Array(0..<300))
        #expect(jobs.allSatisfy { $0.attempt == 1 && $0.cost == 1 && $0.jobClass == .normal })
        #expect(try await bench.leaseAll(300).map(\.key.tenant) == Array(300..<600))
    }

    @Test func aBacklogThatFellDueComesInOneCallThoughAScriptTakesAPartOfIt() async throws {
        let bench = try await QueueBench.make { $0.shards = 1 }
        _ = try await bench.queue.enqueue((0..<500).map { EnqueueRequest(key($0), delay: .seconds(5)) })
        bench.clock.advance(6)
        #expect(try await bench.leaseAll(500).count == 500)
    }

    @Test func manyTenantsThatMayNotRunDoNotHideOneThatMay() async throws {
        let bench = try await QueueBench.make { $0.shards = 1 }
        _ = try await bench.queue.enqueue((0..<300).map { EnqueueRequest(key($0)) })
        for tenant in Int32(0)..<299 { try await bench.queue.pause(tenant: tenant, reason: "a test") }
        #expect(try await bench.leaseAll(1).map(\.key) == [key(299)])
    }

    @Test func jobsBeyondTheRecordKeepTheirOrderTheirOutcomesAndTheirCoalescing() async throws {
        let bench = try await QueueBench.make {
            $0.shards = 1
            $0.tenantConcurrency = 100
        }
        let kinds = (0..<40).map { "kind-\($0)" }
        _ = try await bench.queue.enqueue(kinds.map { EnqueueRequest(key(1, $0)) })
        #expect(try await bench.queue.enqueue(kinds.map { EnqueueRequest(key(1, $0)) }).allSatisfy { $0 == .coalesced })
        let jobs = try await bench.leaseAll(100)
        #expect(jobs.map(\.key.kind) == kinds)
        #expect(try await bench.queue.enqueue(EnqueueRequest(key(1, "kind-39"))) == .markedDirty)
        let results = try await bench.queue.settle(
            worker: bench.worker,
            jobs.enumerated().map { Settlement($1, $0 == 38 ? .retry(after: .seconds(5), code: "503") : .done) })
        #expect(results.allSatisfy { $0 == .accepted })
        #expect(try await bench.leaseAll(100).map(\.key.kind) == ["kind-39"])
        bench.clock.advance(6)
        let retried = try await bench.leaseAll(100)
        #expect(retried.map(\.key.kind) == ["kind-38"])
        #expect(retried.first?.attempt == 2)
    }

    @Test func aWakenedWorkerIsAnsweredFromTheShardThatWokeItAndToldToLookAgain() async throws {
        let bench = try await QueueBench.make()
        _ = try await bench.queue.enqueue([EnqueueRequest(key(1)), EnqueueRequest(key(2))])
        #expect(bench.queue.shard(of: 1) != bench.queue.shard(of: 2))
        #expect(await bench.queue.waitForWork(worker: bench.worker, timeout: .seconds(5)))
        let first = try await bench.queue.lease(worker: bench.worker, limit: 10)
        #expect(first.jobs.count == 1 && first.hasMore)
        #expect(try await bench.queue.lease(worker: bench.worker, limit: 10).jobs.count == 1)
        try await bench.queue.leave(worker: bench.worker)
    }
}
