import Drivers
import Foundation
import JobQueue
import Testing

/// What budgets leave to others: turns of other tenants, and turns to call one account.
@Suite(.timeLimit(.minutes(2))) struct BudgetSharingTests {
    @Test func parkedTenantsCostTheOthersNoTurn() async throws {
        let bench = try await QueueBench.make { $0.shards = 1 }
        for tenant in Int32(1)...200 {
            try await bench.queue.setBudget(
                tenant: tenant, .salesforce, BudgetTerms(dailyCalls: 1), past: PastCalls([bench.clock.now: 1]))
        }
        _ = try await bench.queue.enqueue((1...200).map { EnqueueRequest(key($0)) })
        // All of them are looked at once, and are gone from the ring.
        var looks = 0
        while try await bench.queue.status().readyTenants[.normal] != 0, looks < 50 {
            #expect(try await bench.leaseAll(10).isEmpty)
            looks += 1
        }
        #expect(try await bench.queue.status().parked == 200)
        _ = try await bench.queue.enqueue((1_001...1_050).map { EnqueueRequest(key($0)) })
        var served: [Int32] = []
        for _ in 1...5 { served += try await bench.leaseAll(10).map(\.key.tenant) }
        #expect(served == Array(1_001...1_050), "the others are served in five full calls, in their order")
    }

    /// How many turns jobs of fifty quiet tenants wait, by the worst of a hundred: five arrive a turn, ten are leased.
    private func worstWait(parked: Int, stormy: Int) async throws -> Int {
        let bench = try await QueueBench.make { $0.shards = 1 }
        for tenant in Int32(1_001)..<Int32(1_001 + parked) {
            try await bench.queue.setBudget(
                tenant: tenant, .salesforce, BudgetTerms(dailyCalls: 1), past: PastCalls([bench.clock.now: 1]))
        }
        var arrivals: [JobKey: Int] = [:]
        var waits: [Int] = []
        for turn in 0..<60 {
            var requests = (0..<5).map { EnqueueRequest(key(Int32((5 * turn + $0) % 50 + 1))) }
            for request in requests { arrivals[request.key] = turn }
            // Parked tenants get new work all the time, and the stormy ones are there for the whole of it.
            requests += (0..<parked).map { EnqueueRequest(key(Int32(1_001 + $0), "kind-\(turn % 5)")) }
            if turn == 0 { requests += (0..<stormy).map { EnqueueRequest(key(Int32(2_001 + $0))) } }
            _ = try await bench.queue.enqueue(requests)
            let jobs = try await bench.leaseAll(10)
            for job in jobs where job.key.tenant <= 50 { waits.append(turn - (arrivals[job.key] ?? turn)) }
            _ = try await bench.queue.settle(
                worker: bench.worker,
                jobs.map { job in
                    Settlement(job, job.key.tenant > 2_000 ? .again(after: .milliseconds(100)) : .done)
                })
            bench.clock.advance(1)
        }
        #expect(waits.count >= 290)
        return waits.sorted()[waits.count * 99 / 100]
    }

    @Test func parkedTenantsAndAStormOfRefusalsLeaveTheWaitOfTheOthersUntouched() async throws {
        let alone = try await worstWait(parked: 0, stormy: 0)
        // The first looks at those who have to be parked take turns; by the hundredth part of all waits they are over.
        let crowded = try await worstWait(parked: 30, stormy: 5)
        #expect(alone == crowded)
    }

    @Test func paceIsSharedByAllWhoCallAnAccount() async throws {
        let bench = try await QueueBench.make()
        let name = "acct-\(UInt32.random(in: 0 ... .max))"
        func take(_ calls: Int) async throws -> PaceSlice {
            try await bench.queue.pace(
                account: name, calls: calls, interval: .milliseconds(1_000), burst: 1, longestWait: .seconds(60))
        }
        let first = try await take(8)
        #expect(first == PaceSlice(calls: 8, wait: .zero, interval: .milliseconds(1_000)))
        let second = try await take(4)
        #expect(second.calls == 4)
        #expect(second.wait > .seconds(7) && second.wait < .seconds(9))
        let third = try await take(60)
        #expect(third.wait > .seconds(11) && third.wait < .seconds(13))
        // Further off than the longest wait nothing is taken.
        #expect(try await take(1).calls == 0)
    }

    @Test func refusalPausesEverybodyAndSlowsThemDown() async throws {
        let bench = try await QueueBench.make()
        let name = "acct-\(UInt32.random(in: 0 ... .max))"
        let interval = Duration.milliseconds(100)
        try await bench.queue.pausePace(account: name, interval: interval, burst: 1, for: .seconds(30))
        // The others of the same burst say nothing new.
        try await bench.queue.pausePace(account: name, interval: interval, burst: 1, for: .seconds(5))
        let slice = try await bench.queue.pace(
            account: name, calls: 1, interval: interval, burst: 1, longestWait: .seconds(60))
        #expect(slice.wait > .seconds(25) && slice.wait < .seconds(31))
        #expect(slice.interval == .milliseconds(200))
    }
}
