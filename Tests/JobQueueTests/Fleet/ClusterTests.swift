import Drivers
import Embedded
import Foundation
import JobQueue
import Testing

/// The queue on a real Redis Cluster.
@Suite(.timeLimit(.minutes(4)), .serialized) struct ClusterTests {
    /// Runs a body with a queue of sixteen shards on a fresh cluster.
    private func onCluster(
        replicasEach: Int = 0, _ body: (EmbeddedRedisCluster, RedisFleet, JobQueue) async throws -> Void
    ) async throws {
        let folder = URL(fileURLWithPath: "/tmp/ferry-cl-\(UInt32.random(in: 0 ... .max))")
        let cluster = try await offPool { try EmbeddedRedisCluster(folder: folder, replicasEach: replicasEach) }
        var options = RedisOptions()
        options.commandTimeout = .seconds(2)
        let fleet = try RedisFleet(url: cluster.url, options: options)
        let queue = JobQueue(fleet: fleet, clock: .system)
        try await queue.adopt(epoch: 1)
        do { try await body(cluster, fleet, queue) } catch {
            Issue.record(error)
        }
        await fleet.close()
        try await offPool { cluster.stop() }
        try? FileManager.default.removeItem(at: folder)
    }

    @Test func slotsAreAsTheSpecificationSays() {
        #expect(HashSlot.of("123456789") == 0x31c3)
        #expect(HashSlot.of("{user1000}.following") == HashSlot.of("{user1000}.followers"))
        #expect(HashSlot.of("foo{}{bar}") == HashSlot.of("foo{}{bar}"))
        #expect(HashSlot.of("foo{{bar}}zap") == HashSlot.of("{bar"))
        #expect(HashSlot.of("t1{s003}:ring:0") == HashSlot.of("s003"))
    }

    @Test func everyJobOfAllTenantsIsRunOnceOverThreeNodes() async throws {
        try await onCluster { cluster, _, queue in
            let keys = (Int32(0)..<3_000).map { key($0) }
            let queued = try await queue.enqueue(keys.map { EnqueueRequest($0) })
            #expect(queued.allSatisfy { $0 == .queued })
            let hosts = try await Set((0..<3).asyncMap { try await Self.keys(of: cluster.masters[$0]) > 0 })
            #expect(hosts == [true], "all nodes have some")
            let worker = WorkerID("one")
            var ran: [JobKey] = []
            while true {
                let jobs = try await queue.lease(worker: worker, limit: 256).jobs
                if jobs.isEmpty { break }
                ran += jobs.map(\.key)
                let results = try await queue.settle(worker: worker, jobs.map { Settlement($0, .done) })
                #expect(results.allSatisfy { $0 == .accepted })
            }
            #expect(ran.count == 3_000)
            #expect(Set(ran) == Set(keys))
            #expect(try await queue.heartbeat(worker: worker).lost.isEmpty)
            #expect(try await queue.generation().isWhole)
            try await queue.leave(worker: worker)
        }
    }

    @Test func aWaitingWorkerIsWokenByAnyShard() async throws {
        try await onCluster { _, _, queue in
            let worker = WorkerID("one")
            for tenant in Int32(0)..<12 {
                async let woken = queue.waitForWork(worker: worker, timeout: .seconds(1))
                _ = try await queue.enqueue(EnqueueRequest(key(tenant)))
                let start = ContinuousClock.now
                _ = await woken
                #expect(.now - start < .milliseconds(900), "woken, not timed out")
                var jobs: [LeasedJob] = []
                for _ in 0..<3 where jobs.isEmpty { jobs = try await queue.lease(worker: worker, limit: 4).jobs }
                #expect(jobs.map(\.key) == [key(tenant)])
                _ = try await queue.settle(worker: worker, jobs.map { Settlement($0, .done) })
            }
            try await queue.leave(worker: worker)
        }
    }

    @Test func aSlotThatMovesIsFollowed() async throws {
        try await onCluster { cluster, fleet, queue in
            let keys = (Int32(0)..<200).map { key($0) }
            _ = try await queue.enqueue(keys.map { EnqueueRequest($0) })
            let slot = HashSlot.of("{s003}")
            let owner = try await fleet.host(of: slot)
            let source = try #require(cluster.masters.first { $0.port == Int(owner.port) })
            let target = try #require(cluster.masters.first { $0.port != Int(owner.port) })
            let (from, to) = (try RedisClient(url: source.redis.url), try RedisClient(url: target.redis.url))
            _ = try await to.send("CLUSTER", "SETSLOT", "\(slot)", "IMPORTING", source.id)
            _ = try await from.send("CLUSTER", "SETSLOT", "\(slot)", "MIGRATING", target.id)
            let moved = try await from.send("CLUSTER", "GETKEYSINSLOT", "\(slot)", "1000").elements ?? []
            for name in moved.compactMap(\.text) {
                _ = try await from.send("MIGRATE", "127.0.0.1", "\(target.port)", name, "0", "2000")
            }
            // Under way: the source asks us to ask the target, once for each command.
            #expect(try await queue.places(of: keys).allSatisfy { $0 == .queued })
            for client in [to, from] { _ = try await client.send("CLUSTER", "SETSLOT", "\(slot)", "NODE", target.id) }
            // Done: the source says MOVED.
            #expect(try await queue.places(of: keys).allSatisfy { $0 == .queued })
            #expect(try await fleet.host(of: slot).port == UInt16(target.port))
            #expect(try await queue.generation().unsettled == [3], "the shard is on another server now")
            try await queue.adopt(epoch: 2, shards: [3])
            var ran = 0
            while true {
                let jobs = try await queue.lease(worker: WorkerID("one"), limit: 256).jobs
                if jobs.isEmpty { break }
                ran += jobs.count
                _ = try await queue.settle(worker: WorkerID("one"), jobs.map { Settlement($0, .done) })
            }
            #expect(ran == 200)
            await from.close()
            await to.close()
        }
    }

    @Test func aMasterThatDiesIsFollowedToItsReplicaAndTheOthersGoOn() async throws {
        try await onCluster(replicasEach: 1) { cluster, fleet, queue in
            let keys = (Int32(0)..<300).map { key($0) }
            _ = try await queue.enqueue(keys.map { EnqueueRequest($0) })
            let victim = cluster.masters[1]
            let lost = try await (0..<16).asyncFilter {
                try await fleet.host(of: HashSlot.of("{s\(String("000\($0)".suffix(3)))}")).port == UInt16(victim.port)
            }
            #expect(!lost.isEmpty)
            try victim.redis.server.signal(SIGKILL)
            let others = keys.filter { !lost.contains(queue.shard(of: $0.tenant)) }
            let during = try await queue.places(of: others)
            #expect(during.allSatisfy { $0 == .queued }, "the other nodes answer meanwhile")
            // A shard out of reach counts as whole, so these are the replica's words; a mark it had not got yet is lost.
            var generation = try await queue.generation()
            let deadline = ContinuousClock.now + .seconds(60)
            while !generation.unsettled.union(generation.lost).isSuperset(of: lost) {
                try #require(ContinuousClock.now < deadline, "the replica was not found: \(generation)")
                generation = try await queue.generation()
            }
            #expect(generation.unsettled.union(generation.lost) == Set(lost))
            try await queue.adopt(epoch: 2, shards: lost)
            // What was not replicated yet is asked for again, as the scheduler does.
            _ = try await queue.enqueue(keys.map { EnqueueRequest($0) })
            var ran: Set<JobKey> = []
            while true {
                let jobs = try await queue.lease(worker: WorkerID("one"), limit: 256).jobs
                if jobs.isEmpty { break }
                ran.formUnion(jobs.map(\.key))
                _ = try await queue.settle(worker: WorkerID("one"), jobs.map { Settlement($0, .done) })
            }
            #expect(ran == Set(keys))
        }
    }

    private static func keys(of node: EmbeddedRedisCluster.Node) async throws -> Int64 {
        let client = try RedisClient(url: node.redis.url)
        let count = try await client.send("DBSIZE").number ?? 0
        await client.close()
        return count
    }
}

extension Sequence {
    fileprivate func asyncMap<Value>(_ body: (Element) async throws -> Value) async throws -> [Value] {
        var values: [Value] = []
        for element in self { values.append(try await body(element)) }
        return values
    }

    fileprivate func asyncFilter(_ isWanted: (Element) async throws -> Bool) async throws -> [Element] {
        var values: [Element] = []
        for element in self where try await isWanted(element) { values.append(element) }
        return values
    }
}
