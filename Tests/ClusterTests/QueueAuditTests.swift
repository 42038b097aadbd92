import Cluster
import Drivers
import Foundation
import JobQueue
import Simulators
import Store
import SyncRules
import Testing

/// PostgreSQL says what should be on the queue; whatever the queue lost comes back, and what it has too much goes.
@Suite(.timeLimit(.minutes(3)))
struct QueueAuditTests {
    @Test func aClaimedStreamThatIsOnNoQueueIsAskedForAgain() async throws {
        let cluster = try await TestCluster.start()
        let tenant = try await TestTenant("acme", in: cluster)
        try tenant.createContact("p@a.example")
        #expect(try await cluster.scheduler.runOnce() > 0)
        // What a failover does that loses the last writes: the claims stand, the jobs are gone.
        let number = try #require(try await cluster.store.tenant("acme")).number
        #expect(try await cluster.queue.forget(tenants: [number]) == 2)
        await cluster.scheduler.audit()
        #expect(try await cluster.settle() == 0, "a claim just made is left alone: its job may be on the way")

        cluster.advance(30)
        await cluster.scheduler.audit()
        try await cluster.settle()
        #expect(tenant.account.contactCount == 1)
        await cluster.stop()
    }

    @Test func whatIsQueuedOrRunningIsLeftAlone() async throws {
        let cluster = try await TestCluster.start()
        let tenant = try await TestTenant("acme", in: cluster)
        try tenant.createContact("p@a.example")
        _ = try await cluster.scheduler.runOnce()
        let running = try await cluster.queue.lease(worker: cluster.worker, limit: 1).jobs
        #expect(running.count == 1)
        cluster.advance(10)
        for _ in 1...3 {
            cluster.advance(10)
            await cluster.scheduler.audit()
            #expect(try await cluster.scheduler.runOnce() == 0, "no claim was taken back")
        }
        await cluster.stop()
    }

    @Test func jobsOfATenantThatWasRemovedAreDropped() async throws {
        let cluster = try await TestCluster.start()
        _ = try await TestTenant("acme", in: cluster)
        _ = try await TestTenant("brook", in: cluster)
        _ = try await cluster.scheduler.runOnce()
        #expect(try await cluster.queue.status().queued == 4)
        try await cluster.pool.query("UPDATE ferry.tenants SET state = 'removed' WHERE id = 'acme'")
        await cluster.scheduler.audit()
        #expect(try await cluster.queue.status().queued == 2)
        let left = try await cluster.queue.lease(worker: cluster.worker, limit: 8).jobs
        let brook = try #require(try await cluster.store.tenant("brook")).number
        #expect(left.allSatisfy { $0.key.tenant == brook } && !left.isEmpty)
        await cluster.stop()
    }

    @Test func oneWipedShardIsRebuiltWhileTheOthersKeepWhatTheyHave() async throws {
        let cluster = try await TestCluster.start(ownRedis: true)
        for number in 0..<12 { _ = try await TestTenant("t\(number)", in: cluster) }
        _ = try await cluster.scheduler.runOnce()
        let numbers = try await cluster.store.tenants().map(\.number)
        let lost = try #require(numbers.first.map { cluster.queue.shard(of: $0) })
        try await wipe(lost, of: cluster)

        let wanted = numbers.flatMap { [JobKey(tenant: $0, kind: "outbound"), JobKey(tenant: $0, kind: "inbound")] }
        var places = try await cluster.queue.places(of: wanted)
        for (key, place) in zip(wanted, places) {
            #expect(place == (cluster.queue.shard(of: key.tenant) == lost ? nil : .queued))
        }
        await cluster.scheduler.watchGeneration()
        places = try await cluster.queue.places(of: wanted)
        #expect(places.allSatisfy { $0 == .queued })
        #expect(try await cluster.queue.generation().epochs.compactMap { $0 }.max() == 2)
        #expect(try await cluster.queue.generation().epochs.filter { $0 == 2 }.count == 1, "the others keep theirs")
        await cluster.stop()
    }

    @Test func aShardOutOfReachDoesNotHoldUpTheStreamsOfOthers() async throws {
        let cluster = try await TestCluster.start(ownRedis: true)
        for number in 0..<12 { _ = try await TestTenant("t\(number)", in: cluster) }
        let numbers = try await cluster.store.tenants().map(\.number)
        let lost = try #require(numbers.first.map { cluster.queue.shard(of: $0) })
        try await wipe(lost, of: cluster)
        let others = numbers.filter { cluster.queue.shard(of: $0) != lost }.count
        #expect(try await cluster.scheduler.runOnce() == 36)
        let leased = try await cluster.queue.lease(worker: cluster.worker, limit: 64).jobs
        #expect(leased.count == others)
        #expect(try await cluster.scheduler.runOnce() == 0, "what was refused waits a moment")
        await cluster.scheduler.watchGeneration()
        cluster.advance(3)
        #expect(try await cluster.scheduler.runOnce() > 0)
        await cluster.stop()
    }

    @Test func aTenantWhoseBudgetCanNotBeSetHoldsNobodyUpAndAWipeBringsAllBudgetsBack() async throws {
        let cluster = try await TestCluster.start(ownRedis: true)
        for number in 0..<12 { _ = try await TestTenant("t\(number)", in: cluster) }
        try await cluster.pool.query(
            """
            INSERT INTO ferry.api_budgets (tenant, provider, daily_calls)
            SELECT id, 'salesforce', 500 FROM ferry.tenants
            """)
        let numbers = try await cluster.store.tenants().map(\.number)
        let lost = try #require(numbers.first.map { cluster.queue.shard(of: $0) })
        try await wipe(lost, of: cluster)
        let kept = numbers.filter { cluster.queue.shard(of: $0) != lost }
        let gone = numbers.filter { cluster.queue.shard(of: $0) == lost }
        #expect(await cluster.scheduler.renewBudgets() == false)
        for number in kept { #expect(try await cluster.queue.budgets(tenant: number).count == 1) }
        #expect(try await cluster.store.budgetChanges(limit: 100).map(\.tenant) == gone.sorted(), "their rows stay")
        #expect(try await cluster.scheduler.runOnce() == 36, "and nobody waits for them")

        await cluster.scheduler.watchGeneration()
        let wanted = gone.map { JobKey(tenant: $0, kind: "outbound") }
        #expect(try await cluster.queue.places(of: wanted).allSatisfy { $0 == .queued })
        #expect(await cluster.scheduler.renewBudgets())
        for number in numbers { #expect(try await cluster.queue.budgets(tenant: number).count == 1) }

        // Only the lost shard's budgets are set anew.
        try await wipe(lost, of: cluster)
        await cluster.scheduler.watchGeneration()
        #expect(try await cluster.store.budgetChanges(limit: 100).map(\.tenant) == gone.sorted())
        await cluster.stop()
    }

    @Test func aRedisThatTakesNoWritesUsesUpNoEpochs() async throws {
        let cluster = try await TestCluster.start(ownRedis: true)
        _ = try await TestTenant("acme", in: cluster)
        _ = try await cluster.scheduler.runOnce()
        _ = try await cluster.redis.send("FLUSHALL")
        _ = try await cluster.redis.send("CONFIG", "SET", "min-replicas-to-write", "1")
        for _ in 1...5 { await cluster.scheduler.watchGeneration() }
        #expect(try await cluster.queue.generation().lost.count == 16)
        _ = try await cluster.redis.send("CONFIG", "SET", "min-replicas-to-write", "0")
        await cluster.scheduler.watchGeneration()
        #expect(try await cluster.queue.generation().epochs.allSatisfy { $0 == 2 })
        #expect(try await cluster.queue.status().queued == 2)
        await cluster.stop()
    }

    /// Deletes all keys of one shard.
    private func wipe(_ shard: Int, of cluster: TestCluster) async throws {
        let pattern = "*{s\(String("000\(shard)".suffix(3)))}*"
        var command = RedisCommand("DEL")
        for key in try await cluster.redis.send("KEYS", pattern).elements ?? [] { command.append(key.text ?? "") }
        _ = try await cluster.redis.send(command)
    }
}
