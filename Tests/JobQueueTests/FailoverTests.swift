import Drivers
import Foundation
import JobQueue
import Testing

/// A server that became a replica refuses writes until somebody is primary again; nothing is lost, nothing is guessed.
@Suite(.timeLimit(.minutes(2))) struct FailoverTests {
    @Test func aReadOnlyServerRefusesWithAKnownFateAndTheSettlementCountsAfterwards() async throws {
        try await withPrivateRedis { server in
            let bench = try await QueueBench.make(on: server)
            _ = try await bench.queue.enqueue([EnqueueRequest(key(1)), EnqueueRequest(key(2))])
            let jobs = try await bench.leaseAll()
            try #require(jobs.count == 2)
            _ = try await bench.redis.send("REPLICAOF", "127.0.0.1", "1")
            let refused = try await bench.queue.settle(worker: bench.worker, jobs.map { Settlement($0, .done) })
            #expect(refused.count == 2 && refused.allSatisfy(isKnownRefusal), "\(refused)")
            await #expect(throws: JobQueueError.self) { try await bench.queue.enqueue(EnqueueRequest(key(3))) }
            await #expect(throws: JobQueueError.self) { try await bench.leaseAll() }
            _ = try await bench.redis.send("REPLICAOF", "NO", "ONE")
            let accepted = try await bench.queue.settle(worker: bench.worker, jobs.map { Settlement($0, .done) })
            #expect(accepted == [.accepted, .accepted])
            #expect(try await bench.queue.enqueue(EnqueueRequest(key(3))) == .queued)
            #expect(try await bench.leaseAll().map(\.key) == [key(3)])
        }
    }

    /// Refused by the server, so not carried out; or not sent, because the link is being replaced.
    private func isKnownRefusal(_ result: SettleResult) -> Bool {
        guard case .failed(let error) = result, case .redis(let cause) = error.code else { return false }
        return error.isRetryable && cause.retryability == .safe
    }

    @Test func aWorkerWaitingOnAServerThatIsDemotedStartsAnewAndIsWoken() async throws {
        try await withPrivateRedis { server in
            let bench = try await QueueBench.make(on: server) { $0.maxWait = .milliseconds(200) }
            async let early = bench.queue.waitForWork(worker: bench.worker, timeout: .milliseconds(200))
            _ = try await bench.redis.send("REPLICAOF", "127.0.0.1", "1")
            #expect(await early == false)
            _ = try await bench.redis.send("REPLICAOF", "NO", "ONE")
            _ = try await bench.queue.enqueue(EnqueueRequest(key(1)))
            var isWoken = false
            for _ in 0..<20 where !isWoken {
                isWoken = await bench.queue.waitForWork(worker: bench.worker, timeout: .milliseconds(200))
            }
            #expect(isWoken)
            #expect(try await bench.leaseAll().map(\.key) == [key(1)])
            try await bench.queue.leave(worker: bench.worker)
        }
    }
}
