import Drivers
import Foundation
import JobQueue
import Testing

@Suite(.timeLimit(.minutes(2))) struct JobOutcomeTests {
    @Test func aFailedJobComesBackAfterItsDelayWithItsAttemptCounted() async throws {
        let bench = try await QueueBench.make()
        _ = try await bench.queue.enqueue(EnqueueRequest(key(1)))
        let first = try #require(try await bench.leaseAll().first)
        #expect(try await bench.settle(first, .retry(after: .seconds(30), code: "503")) == .accepted)
        #expect(try await bench.leaseAll().isEmpty)
        // A hint must not defeat the wait of a failing job; a human may.
        #expect(try await bench.queue.enqueue(EnqueueRequest(key(1))) == .coalesced)
        bench.clock.advance(31)
        let second = try #require(try await bench.leaseAll().first)
        #expect(second.attempt == 2)
        #expect(try await bench.settle(second, .retry(after: .seconds(30), code: "503")) == .accepted)
        #expect(try await bench.queue.enqueue(EnqueueRequest(key(1), class: .urgent)) == .pulledForward)
        #expect(try await bench.leaseAll().first?.attempt == 3)
    }

    @Test func aJobHandedBackUnstartedGivesTheCallsBackThatWereReservedForIt() async throws {
        let bench = try await QueueBench.make()
        _ = try await bench.queue.setBudget(tenant: 1, .salesforce, BudgetTerms(dailyCalls: 100))
        _ = try await bench.queue.enqueue(EnqueueRequest(key(1)))
        let unstarted = try #require(try await bench.leaseAll().first)
        #expect(try await bench.queue.budgets(tenant: 1).first?.reserved == 1)
        #expect(try await bench.settle(unstarted, .returned) == .accepted)
        #expect(try await bench.queue.budgets(tenant: 1).first?.reserved == 0)
        #expect(try await bench.queue.budgets(tenant: 1).first?.spent == 0)
        // Of one that was begun and does not say what it called, all of it may be spent.
        let begun = try #require(try await bench.leaseAll().first)
        #expect(try await bench.settle(begun, .retry(after: .zero, code: "503")) == .accepted)
        #expect(try await bench.queue.budgets(tenant: 1).first?.spent == 1)
    }

    @Test func withoutADelayTheRetryWaitsWithinItsBackoff() async throws {
        let bench = try await QueueBench.make {
            $0.retry = Backoff(base: .seconds(8), cap: .seconds(100), floor: .seconds(2))
        }
        _ = try await bench.queue.enqueue(EnqueueRequest(key(1)))
        let job = try #require(try await bench.leaseAll().first)
        _ = try await bench.settle(job, .retry(after: nil, code: "503"))
        #expect(try await bench.leaseAll().isEmpty)
        bench.clock.advance(9)
        #expect(try await bench.leaseAll().count == 1)
    }

    @Test func theLastAttemptIsBuriedAndComesBackOnlyByHand() async throws {
        let bench = try await QueueBench.make { $0.maxAttempts = 2 }
        _ = try await bench.queue.enqueue(EnqueueRequest(key(1)))
        for result in [SettleResult.accepted, .buried] {
            let job = try #require(try await bench.leaseAll().first)
            #expect(try await bench.settle(job, .retry(after: .zero, code: "boom, twice")) == result)
        }
        #expect(try await bench.queue.enqueue(EnqueueRequest(key(1))) == .dead)
        #expect(try await bench.leaseAll().isEmpty)
        let letter = try #require(try await bench.queue.dead().first)
        #expect(letter.key == key(1))
        #expect(letter.code == "boom, twice")
        #expect(letter.attempts == 2)
        #expect(try await bench.queue.why(tenant: 1) == .dead(kinds: ["outbound"]))
        #expect(try await bench.queue.retryDead(key(1)))
        #expect(try await bench.leaseAll().first?.attempt == 1, "all counters start anew")
        #expect(try await bench.queue.retryDead(key(1)) == false)
    }

    @Test func aDiscardedDeadLetterMayBeEnqueuedAgain() async throws {
        let bench = try await QueueBench.make()
        _ = try await bench.queue.enqueue(EnqueueRequest(key(1)))
        let job = try #require(try await bench.leaseAll().first)
        #expect(try await bench.settle(job, .dead(code: "gone")) == .buried)
        #expect(try await bench.queue.status().dead == 1)
        #expect(try await bench.queue.discardDead(key(1)))
        #expect(try await bench.queue.status().dead == 0)
        #expect(try await bench.queue.enqueue(EnqueueRequest(key(1))) == .queued)
    }

    @Test func aReturnedJobIsUnburned() async throws {
        let bench = try await QueueBench.make { $0.maxAttempts = 1 }
        _ = try await bench.queue.enqueue(EnqueueRequest(key(1)))
        for _ in 0..<3 {
            let job = try #require(try await bench.leaseAll().first)
            #expect(job.attempt == 1)
            #expect(try await bench.settle(job, .returned) == .accepted)
        }
    }

    @Test func aJobThatWantsToGoOnRunsAgainAfterItsPause() async throws {
        let bench = try await QueueBench.make()
        _ = try await bench.queue.enqueue(EnqueueRequest(key(1)))
        let job = try #require(try await bench.leaseAll().first)
        #expect(try await bench.settle(job, .again(after: .seconds(20))) == .accepted)
        #expect(try await bench.leaseAll().isEmpty)
        bench.clock.advance(21)
        let next = try #require(try await bench.leaseAll().first)
        #expect(try await bench.settle(next, .again(after: .zero)) == .accepted)
        #expect(try await bench.leaseAll().first?.attempt == 1)
    }

    @Test func aLeaseIsSettledOnce() async throws {
        let bench = try await QueueBench.make()
        _ = try await bench.queue.enqueue(EnqueueRequest(key(1)))
        let job = try #require(try await bench.leaseAll().first)
        let twice = [Settlement(job, .done), Settlement(job, .retry(after: .zero, code: "x"))]
        #expect(try await bench.queue.settle(worker: bench.worker, twice) == [.accepted, .stale])
        #expect(try await bench.settle(job, .done) == .stale)
        #expect(try await bench.queue.status().running == 0)
    }

    @Test func onlyTheOwnerSettles() async throws {
        let bench = try await QueueBench.make()
        _ = try await bench.queue.enqueue(EnqueueRequest(key(1)))
        let job = try #require(try await bench.leaseAll().first)
        let other = try await bench.queue.settle(worker: WorkerID("other"), [Settlement(job, .done)])
        #expect(other == [.stale])
        #expect(try await bench.settle(job, .done) == .accepted)
    }
}
