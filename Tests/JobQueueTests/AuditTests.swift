import Drivers
import Foundation
import JobQueue
import Testing

@Suite(.timeLimit(.minutes(2))) struct AuditTests {
    @Test func everyPlaceOfAJobIsTold() async throws {
        let bench = try await QueueBench.make { $0.maxAttempts = 1 }
        _ = try await bench.queue.enqueue([EnqueueRequest(key(1)), EnqueueRequest(key(2)), EnqueueRequest(key(3))])
        for job in try await bench.leaseAll() where job.key != key(1) {
            let outcome: JobOutcome = job.key == key(2) ? .dead(code: "broken") : .done
            _ = try await bench.settle(job, outcome)
        }
        _ = try await bench.queue.enqueue([
            EnqueueRequest(key(4)), EnqueueRequest(key(5), delay: .seconds(60)), EnqueueRequest(key(6, "inbound")),
        ])
        try await bench.queue.pause(tenant: 6, reason: "test")
        let places = try await bench.queue.places(of: (1...7).map { key($0, $0 == 6 ? "inbound" : "outbound") })
        #expect(places == [.running, .dead, .nowhere, .queued, .delayed, .queued, .nowhere])
        _ = try await bench.queue.enqueue(EnqueueRequest(key(1)))
        #expect(try await bench.queue.places(of: [key(1)]) == [.running], "asked for again while it runs")
    }

    @Test func moreKeysThanOneScriptTakesAreAllFound() async throws {
        let bench = try await QueueBench.make { $0.shards = 2 }
        let keys = (Int32(0)..<3_000).map { key($0) }
        _ = try await bench.queue.enqueue(keys.filter { $0.tenant.isMultiple(of: 3) }.map { EnqueueRequest($0) })
        let places = try await bench.queue.places(of: keys)
        for (key, place) in zip(keys, places) { #expect(place == (key.tenant.isMultiple(of: 3) ? .queued : .nowhere)) }
    }

    @Test func aWalkMeetsEveryTenantAndBeginsAnew() async throws {
        let bench = try await QueueBench.make()
        _ = try await bench.queue.enqueue((0..<2_500).map { EnqueueRequest(key($0)) })
        var walk = TenantWalk()
        for _ in 1...2 {
            var seen: Set<Int32> = []
            while let page = try await bench.queue.nextTenants(&walk) { seen.formUnion(page) }
            #expect(seen == Set(0..<2_500))
        }
        #expect(walk == TenantWalk())
    }

    @Test func aTenantThatIsForgottenLeavesNothingButWhatRuns() async throws {
        let bench = try await QueueBench.make { $0.maxAttempts = 1 }
        // More kinds than a record holds, so that some are elsewhere.
        for tenant in Int32(1)...3 {
            _ = try await bench.queue.enqueue((0..<20).map { EnqueueRequest(key(tenant, "k\($0)")) })
            _ = try await bench.queue.enqueue(EnqueueRequest(key(tenant, "late"), delay: .seconds(60)))
        }
        for job in try await bench.leaseAll() where job.key.tenant != 1 {
            _ = try await bench.settle(job, job.key.tenant == 2 ? .dead(code: "broken") : .done)
        }
        try await bench.queue.pause(tenant: 2, reason: "test")
        try await bench.queue.park(tenant: 3, until: bench.clock.now.addingTimeInterval(60), reason: "budget")
        #expect(try await bench.leaseAll().isEmpty)
        #expect(try await bench.queue.forget(tenants: [1, 2, 3, 4]) == 20 + 21 + 20)

        let status = try await bench.queue.status()
        #expect(status.queued == 0 && status.delayed == 0 && status.dead == 0)
        #expect(status.running == 1 && status.parked == 0 && status.pausedTenants == 0)
        let places = try await bench.queue.places(of: [key(1, "k0"), key(2, "k0"), key(1, "k1"), key(3, "late")])
        #expect(places == [.running, .nowhere, .nowhere, .nowhere])
        bench.clock.advance(120)
        #expect(try await bench.leaseAll().isEmpty)
        // What ran ends, and the tenants may come back as if they were new.
        #expect(try await bench.queue.heartbeat(worker: bench.worker).lost.isEmpty)
        _ = try await bench.queue.leave(worker: bench.worker)
        #expect(try await bench.leaseAll().map(\.key) == [key(1, "k0")])
        _ = try await bench.queue.enqueue([EnqueueRequest(key(2)), EnqueueRequest(key(3))])
        #expect(try await Set(bench.leaseAll().map(\.key)) == [key(2), key(3)])
    }

    @Test func aForgottenTenantLeavesNothingBehindNotEvenItsBudget() async throws {
        let bench = try await QueueBench.make()
        let before = try await bench.keys()
        _ = try await bench.queue.setBudget(tenant: 1, .salesforce, BudgetTerms(dailyCalls: 100))
        _ = try await bench.queue.enqueue([EnqueueRequest(key(1)), EnqueueRequest(key(1, "inbound"))])
        let job = try #require(try await bench.leaseAll().first)
        #expect(try await bench.queue.forget(tenants: [1]) == 1)
        #expect(try await bench.queue.budgets(tenant: 1).isEmpty)
        #expect(try await bench.settle(job, .done) == .accepted)
        _ = try await bench.leaseAll()
        _ = try await bench.queue.leave(worker: bench.worker)
        var walk = TenantWalk()
        while let page = try await bench.queue.nextTenants(&walk) { #expect(page.isEmpty) }
        #expect(try await bench.keys().filter { !$0.hasSuffix(":wake") } == before)
    }

    @Test func deadLettersOfAllShardsComeInOrderAndOnlyThoseMeant() async throws {
        let bench = try await QueueBench.make()
        for round in 0..<30 {
            let batch = (0..<100).map { key(Int32(round * 100 + $0), round.isMultiple(of: 2) ? "outbound" : "inbound") }
            _ = try await bench.queue.enqueue(batch.map { EnqueueRequest($0) })
            let jobs = try await bench.leaseAll()
            _ = try await bench.queue.settle(
                worker: bench.worker, jobs.map { Settlement($0, .dead(code: $0.key.tenant < 50 ? "a" : "b,c")) })
            bench.clock.advance(60)
        }
        let all = try await bench.queue.dead(limit: 10_000)
        #expect(all.count == 3_000)
        #expect(all.map(\.buriedAt) == all.map(\.buriedAt).sorted())
        let first = try await bench.queue.dead(limit: 150)
        #expect(first.map(\.buriedAt) == all.prefix(150).map(\.buriedAt))
        #expect(try await bench.queue.dead(matching: DeadFilter(kind: "inbound"), limit: 10_000).count == 1_500)
        #expect(try await bench.queue.dead(matching: DeadFilter(code: "b,c"), limit: 10_000).count == 2_950)
        #expect(try await bench.queue.dead(matching: DeadFilter(tenant: 7)).map(\.key) == [key(7)])
        let early = DeadFilter(buriedBy: bench.clock.now.addingTimeInterval(-1_795))
        #expect(try await bench.queue.dead(matching: early, limit: 10_000).map(\.key.tenant).max() == 99)
        let some = try await bench.queue.deadLetters(of: [key(7), key(8, "inbound"), key(2_999, "inbound")])
        #expect(Set(some.map(\.key)) == [key(7), key(2_999, "inbound")])
    }

    @Test func aLostShardDoesNotKeepTheOthersFromTakingJobs() async throws {
        let bench = try await QueueBench.make()
        _ = try await bench.redis.send("DEL", "\(bench.options.namespace){s002}:shard")
        let keys = (Int32(0)..<40).map { key($0) }
        let results = try await bench.queue.tryEnqueue(keys.map { EnqueueRequest($0) })
        for (key, result) in zip(keys, results) {
            if bench.queue.shard(of: key.tenant) == 2 {
                #expect(throws: JobQueueError.self) { try result.get() }
            } else {
                #expect(try result.get() == .queued)
            }
        }
        let places = try await bench.queue.places(of: keys)
        for (key, place) in zip(keys, places) {
            #expect(place == (bench.queue.shard(of: key.tenant) == 2 ? nil : .queued))
        }
    }
}
