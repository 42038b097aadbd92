import Drivers
import Foundation
import JobQueue
import Testing

@Suite(.timeLimit(.minutes(2))) struct TenantControlTests {
    @Test func aPausedTenantKeepsItsJobsAndRunsNone() async throws {
        let bench = try await QueueBench.make()
        _ = try await bench.queue.enqueue([EnqueueRequest(key(1)), EnqueueRequest(key(2))])
        try await bench.queue.pause(tenant: 1, reason: "by hand")
        #expect(try await bench.leaseAll().map(\.key) == [key(2)])
        #expect(try await bench.queue.enqueue(EnqueueRequest(key(1, "inbound"))) == .queued)
        #expect(try await bench.queue.why(tenant: 1) == .paused(reason: "by hand"))
        #expect(try await bench.queue.pausedTenants() == [1])
        #expect(try await bench.queue.resume(tenant: 1))
        #expect(try await bench.queue.resume(tenant: 1) == false)
        let first = try #require(try await bench.leaseAll().first)
        _ = try await bench.settle(first, .done)
        let second = try #require(try await bench.leaseAll().first)
        #expect(Set([first.key, second.key]) == [key(1), key(1, "inbound")])
    }

    @Test func aParkedTenantRunsAgainAtItsInstant() async throws {
        let bench = try await QueueBench.make()
        let until = bench.clock.now + 100
        try await bench.queue.park(tenant: 1, until: until, reason: "budget")
        _ = try await bench.queue.enqueue([EnqueueRequest(key(1)), EnqueueRequest(key(2))])
        #expect(try await bench.leaseAll().map(\.key) == [key(2)])
        #expect(try await bench.queue.why(tenant: 1) == .parked(until: until, reason: "budget"))
        let status = try await bench.queue.status()
        #expect(status.parked == 1 && status.readyTenants[.normal] == 0)
        bench.clock.advance(101)
        #expect(try await bench.leaseAll().map(\.key) == [key(1)])
    }

    @Test func parkingOneClassLetsTheOthersRun() async throws {
        let bench = try await QueueBench.make { $0.tenantConcurrency = 5 }
        _ = try await bench.queue.enqueue([
            EnqueueRequest(key(1, "a"), class: .urgent), EnqueueRequest(key(1, "b"), class: .bulk),
        ])
        try await bench.queue.park(tenant: 1, classes: [.bulk], until: bench.clock.now + 100, reason: "budget")
        #expect(try await bench.leaseAll().map(\.key.kind) == ["a"])
        try await bench.queue.unpark(tenant: 1, classes: [.bulk])
        #expect(try await bench.leaseAll().map(\.key.kind) == ["b"])
    }

    @Test func aParkedTenantCostsNothingInALease() async throws {
        try await withPrivateRedis { server in
            let bench = try await QueueBench.make(on: server) { $0.shards = 1 }
            for tenant in Int32(0)..<200 {
                try await bench.queue.park(tenant: tenant, until: bench.clock.now + 1_000, reason: "429")
            }
            _ = try await bench.queue.enqueue((0..<200).map { EnqueueRequest(key($0)) })
            #expect(try await bench.leaseAll().isEmpty)
            let before = try await calls(bench)
            for _ in 0..<10 { #expect(try await bench.leaseAll().isEmpty) }
            let perLease = (try await calls(bench) - before) / 10
            #expect(perLease < 15, "an idle lease makes \(perLease) calls, however many are parked")
        }
    }

    @Test func aParkedTenantTakesLittleMemory() async throws {
        try await withPrivateRedis { server in
            let bench = try await QueueBench.make(on: server) { $0.shards = 1 }
            let count: Int32 = 8_000
            let before = try await memory(bench)
            _ = try await bench.queue.enqueue((0..<count).map { EnqueueRequest(key(100_000 + $0)) })
            for tenant in 0..<count {
                try await bench.queue.park(tenant: 100_000 + tenant, until: bench.clock.now + 1_000, reason: "429")
            }
            while try await bench.queue.status().parked < Int(count) {
                #expect(try await bench.leaseAll(100).isEmpty)
            }
            // The hash tables of Redis grow by doubling: the figure depends on where the count stands between two.
            let each = Double(try await memory(bench) - before) / Double(count)
            #expect(each < 300, "\(each) bytes a parked tenant")
        }
    }

    @Test func whyNamesTheOneThing() async throws {
        let bench = try await QueueBench.make()
        #expect(try await bench.queue.why(tenant: 1) == .idle)
        _ = try await bench.queue.enqueue(EnqueueRequest(key(1), delay: .seconds(50)))
        guard case .delayed(let due) = try await bench.queue.why(tenant: 1) else {
            Issue.record("a delayed job is the reason")
            return
        }
        #expect(due.timeIntervalSince(bench.clock.now + 50).magnitude < 2)
        _ = try await bench.queue.enqueue(EnqueueRequest(key(1)))
        #expect(try await bench.queue.why(tenant: 1) == .ready)
        _ = try await bench.leaseAll()
        #expect(try await bench.queue.why(tenant: 1) == .running(kinds: ["outbound"]))
    }

    @Test func limitsOutOfBoundsAreRefused() async throws {
        let bench = try await QueueBench.make()
        await #expect(throws: JobQueueError.self) {
            try await bench.queue.setLimits(tenant: 1, weight: 0, maxConcurrency: nil)
        }
        await #expect(throws: JobQueueError.self) {
            try await bench.queue.enqueue(EnqueueRequest(key(1), cost: 0))
        }
        await #expect(throws: JobQueueError.self) {
            try await bench.queue.park(tenant: 1, until: .distantFuture, reason: "")
        }
        #expect(!JobKey.accepts(kind: "a,b"))
        #expect(!JobKey.accepts(kind: ""))
        #expect(!JobKey.accepts(kind: String(repeating: "a", count: 25)))
    }

    private func calls(_ bench: QueueBench) async throws -> Int {
        let info = try await bench.redis.send("INFO", "commandstats").text ?? ""
        return info.split(whereSeparator: \.isNewline).reduce(0) { sum, line in
            let count = line.split(separator: "calls=").dropFirst().first?.split(separator: ",").first
            return line.hasPrefix("cmdstat_") ? sum + (count.flatMap { Int($0) } ?? 0) : sum
        }
    }

    private func memory(_ bench: QueueBench) async throws -> Int {
        let info = try await bench.redis.send("INFO", "memory").text ?? ""
        let line = info.split(whereSeparator: \.isNewline).first { $0.hasPrefix("used_memory_dataset:") }
        return line.flatMap { Int($0.dropFirst("used_memory_dataset:".count)) } ?? 0
    }
}
