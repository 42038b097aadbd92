import Drivers
import Foundation
import JobQueue
import Testing

@Suite(.timeLimit(.minutes(2))) struct WorkerLifeTests {
    @Test func aDeadWorkersLeasesComeBackAfterItsDeadlineAndItsLateSettlementIsStale() async throws {
        let bench = try await QueueBench.make()
        _ = try await bench.queue.enqueue((0..<20).map { EnqueueRequest(key($0)) })
        let lost = try await bench.leaseAll()
        #expect(lost.count == 20)
        #expect(try await bench.queue.sweep() == 0)
        #expect(try await bench.watch(16) == 20)
        let rescuer = WorkerID("worker-2")
        let rescued = try await bench.queue.lease(worker: rescuer, limit: 100).jobs
        #expect(Set(rescued.map(\.key)) == Set(lost.map(\.key)))
        #expect(rescued.allSatisfy { $0.attempt == 2 })
        let late = try await bench.queue.settle(worker: bench.worker, lost.map { Settlement($0, .done) })
        #expect(late.allSatisfy { $0 == .stale })
        #expect(try await bench.queue.status().running == 20)
    }

    @Test func aHeartbeatKeepsLeases() async throws {
        let bench = try await QueueBench.make()
        _ = try await bench.queue.enqueue(EnqueueRequest(key(1)))
        let job = try #require(try await bench.leaseAll().first)
        for _ in 0..<5 {
            bench.clock.advance(10)
            #expect(try await bench.queue.heartbeat(worker: bench.worker).lost.isEmpty)
            #expect(try await bench.queue.sweep() == 0)
        }
        #expect(try await bench.settle(job, .done) == .accepted)
    }

    @Test func aHeartbeatTellsWhatWasLost() async throws {
        let bench = try await QueueBench.make()
        _ = try await bench.queue.enqueue(EnqueueRequest(key(1)))
        let job = try #require(try await bench.leaseAll().first)
        bench.clock.advance(16)
        #expect(try await bench.twin().sweep() == 1)
        #expect(try await bench.queue.heartbeat(worker: bench.worker).lost == [job.name])
    }

    @Test func aLeaseWhoseGrantWasLostGoesBackThoughItsWorkerLives() async throws {
        let bench = try await QueueBench.make()
        _ = try await bench.queue.enqueue([EnqueueRequest(key(1)), EnqueueRequest(key(2))])
        // The twin leases in the worker's name: this process never hears of the grant.
        #expect(try await bench.twin().lease(worker: bench.worker, limit: 10).jobs.count == 2)
        let known = try await bench.queue.enqueue(EnqueueRequest(key(3)))
        #expect(known == .queued)
        let mine = try await bench.leaseAll()
        for tenant in Int32(10)..<30 { _ = try await bench.queue.enqueue(EnqueueRequest(key(tenant))) }
        let others = try await bench.leaseAll()
        #expect(
            try await bench.queue.heartbeat(worker: bench.worker).orphansReturned == 0, "it may still be on its way")
        bench.clock.advance(14)
        _ = try await bench.queue.heartbeat(worker: bench.worker)
        bench.clock.advance(2)
        #expect(try await bench.queue.heartbeat(worker: bench.worker).orphansReturned == 2)
        #expect(try await Set(bench.leaseAll().map(\.key)) == [key(1), key(2)])
        for job in mine + others { #expect(try await bench.settle(job, .done) == .accepted) }
    }

    @Test func aWorkerStartedAgainUnderItsNameKeepsNothingOfItsPredecessorAlive() async throws {
        let bench = try await QueueBench.make()
        let (dead, heir) = (WorkerID(startOf: "host-1"), WorkerID(startOf: "host-1"))
        #expect(dead != heir && dead.plainName == "host-1" && heir.plainName == "host-1")
        _ = try await bench.queue.setBudget(tenant: 1, .salesforce, BudgetTerms(dailyCalls: 100))
        _ = try await bench.queue.enqueue(EnqueueRequest(key(1)))
        #expect(try await bench.queue.lease(worker: dead, limit: 1).jobs.count == 1)
        let process = try bench.twin()
        var swept = 0
        for _ in 0..<7 {
            try await process.heartbeat(worker: heir)
            swept += try await bench.watch(2)
        }
        #expect(swept == 1)
        #expect(try await process.lease(worker: heir, limit: 1).jobs.count == 1)
        #expect(try await bench.queue.budgets(tenant: 1).first?.spent == 1, "the dead one may have called")
    }

    @Test func aNameThatIsTooLongIsCut() {
        let id = WorkerID(startOf: String(repeating: "ä", count: 60))
        #expect(id.name.utf8.count <= 64 && id.plainName == String(repeating: "ä", count: 27))
        #expect(WorkerID(startOf: "").plainName.isEmpty)
    }

    // MARK: - Deaths

    @Test func aJobThatKillsItsWorkersWaitsLongerWithEachDeathAndIsBuriedAtTheEighth() async throws {
        let bench = try await QueueBench.make()
        _ = try await bench.queue.enqueue(EnqueueRequest(key(1)))
        for (death, pause) in zip(1..., [0, 5, 15, 45, 135, 405, 900]) {
            let job = try #require(try await bench.leaseAll().first, "death \(death)")
            #expect(job.attempt == death)
            #expect(try await bench.watch(14) == 1)
            guard pause > 0 else { continue }
            // Two seconds of it may be over since the sweep.
            bench.clock.advance(TimeInterval(pause) - 3)
            #expect(try await bench.leaseAll().isEmpty, "death \(death)")
            bench.clock.advance(4)
        }
        #expect(try await bench.queue.dead().isEmpty)
        #expect(try await bench.leaseAll().count == 1)
        #expect(try await bench.watch(14) == 1)
        #expect(try await bench.queue.dead().map(\.code) == ["worker_lost"])
        #expect(try await bench.queue.dead().map(\.attempts) == [8])
    }

    @Test func aSilenceThatNobodyWatchedIsNobodysDeath() async throws {
        let bench = try await QueueBench.make()
        _ = try await bench.queue.enqueue([EnqueueRequest(key(1)), EnqueueRequest(key(2))])
        for _ in 0..<20 {
            // Two workers at once: the second is swept by a call of its own.
            for worker in ["one", "two"] {
                let jobs = try await bench.queue.lease(worker: WorkerID(worker), limit: 1).jobs
                #expect(jobs.map(\.attempt) == [1])
            }
            _ = try await bench.queue.sweep()
            // The server was away, or the clock of all jumped.
            bench.clock.advance(20)
            #expect(try await bench.queue.sweep() == 2)
        }
        #expect(try await bench.queue.dead().isEmpty)
    }

    @Test func aClockThatIsSetBackKeepsNoDeadWorkersLeases() async throws {
        let bench = try await QueueBench.make()
        _ = try await bench.queue.enqueue(EnqueueRequest(key(1)))
        #expect(try await bench.watch(4) == 0)
        bench.clock.advance(10_800)
        #expect(try await bench.leaseAll().count == 1)
        #expect(try await bench.queue.sweep() == 0)
        bench.clock.advance(-7_200)
        #expect(try await bench.watch(16) == 1)
    }

    @Test func aDeathIsNoAttempt() async throws {
        let bench = try await QueueBench.make { $0.maxAttempts = 2 }
        _ = try await bench.queue.enqueue(EnqueueRequest(key(1)))
        for _ in 1...2 {
            #expect(try await bench.leaseAll().count == 1)
            #expect(try await bench.watch(20) == 1)
        }
        let job = try #require(try await bench.leaseAll().first)
        #expect(try await bench.settle(job, .retry(after: .zero, code: "503")) == .accepted)
        let last = try #require(try await bench.leaseAll().first)
        #expect(try await bench.settle(last, .retry(after: .zero, code: "503")) == .buried)
    }

    @Test func aJobAskedForWhileItsWorkerDiedRunsOnceMore() async throws {
        let bench = try await QueueBench.make()
        _ = try await bench.queue.enqueue(EnqueueRequest(key(1), class: .bulk))
        _ = try await bench.leaseAll()
        #expect(try await bench.queue.enqueue(EnqueueRequest(key(1), class: .urgent)) == .markedDirty)
        bench.clock.advance(16)
        #expect(try await bench.queue.sweep() == 1)
        let job = try #require(try await bench.leaseAll().first)
        #expect(job.jobClass == .urgent)
        _ = try await bench.settle(job, .done)
        #expect(try await bench.leaseAll().isEmpty)
    }

    @Test func aWorkerThatLeavesHandsItsJobsBackUnburned() async throws {
        let bench = try await QueueBench.make()
        _ = try await bench.queue.enqueue((0..<30).map { EnqueueRequest(key($0)) })
        _ = try await bench.leaseAll()
        #expect(try await bench.queue.workers().map(\.leases) == [30])
        #expect(try await bench.queue.leave(worker: bench.worker) == 30)
        #expect(try await bench.queue.workers().isEmpty)
        let again = try await bench.leaseAll()
        #expect(again.count == 30)
        #expect(again.allSatisfy { $0.attempt == 1 })
    }

    @Test func aWipeIsNoticedAndARebuiltQueueGoesOnWithGreaterTokens() async throws {
        try await withPrivateRedis { server in
            let bench = try await QueueBench.make(on: server)
            _ = try await bench.queue.enqueue(EnqueueRequest(key(1)))
            let old = try #require(try await bench.leaseAll().first)
            _ = try await bench.redis.send("FLUSHALL")
            _ = try await bench.redis.send("SCRIPT", "FLUSH")
            await expectLost { _ = try await bench.leaseAll() }
            await expectLost { try await bench.queue.heartbeat(worker: bench.worker) }
            await expectLost { _ = try await bench.settle(old, .done) }
            await expectLost { _ = try await bench.queue.enqueue(EnqueueRequest(key(1))) }
            await expectLost { _ = try await bench.queue.sweep() }
            #expect(try await bench.queue.generation().lost == [0, 1, 2, 3])
            try await bench.queue.adopt(epoch: 2)
            #expect(try await bench.queue.generation().isWhole)
            _ = try await bench.queue.enqueue(EnqueueRequest(key(1)))
            let new = try #require(try await bench.leaseAll().first)
            #expect(new.token > old.token)
            #expect(try await bench.settle(old, .done) == .stale)
            #expect(try await bench.settle(new, .done) == .accepted)
        }
    }

    @Test func aSettlementOfALostShardIsDroppedAndThatOfAFailingOneIsKept() async throws {
        let bench = try await QueueBench.make()
        _ = try await bench.queue.enqueue((0..<20).map { EnqueueRequest(key($0)) })
        let jobs = try await bench.leaseAll()
        let lost = try #require(jobs.first)
        let lostShard = bench.queue.shard(of: lost.key.tenant)
        let failing = try #require(jobs.first { bench.queue.shard(of: $0.key.tenant) != lostShard })
        let failingShard = bench.queue.shard(of: failing.key.tenant)
        _ = try await bench.redis.send("DEL", "\(bench.options.namespace){s00\(lostShard)}:shard")
        let records = "\(bench.options.namespace){s00\(failingShard)}:t"
        _ = try await bench.redis.send("RENAME", records, records + "-aside")
        _ = try await bench.redis.send("SET", records, "no hash")
        let settlements = [Settlement(lost, .done), Settlement(failing, .done)]
        let results = try await bench.queue.settle(worker: bench.worker, settlements)
        guard case .failed(let first) = results[0], case .failed(let second) = results[1] else {
            Issue.record("settled: \(results)")
            return
        }
        #expect(first.code == .generationLost && second.code != .generationLost)
        _ = try await bench.redis.send("RENAME", records + "-aside", records)
        #expect(try await bench.settle(failing, .done) == .accepted)
    }

    @Test func anotherRunOfTheServerIsNoticed() async throws {
        let bench = try await QueueBench.make()
        _ = try await bench.redis.send("HSET", "\(bench.options.namespace){s002}:shard", "run", "another")
        let generation = try await bench.queue.generation()
        #expect(generation.unsettled == [2])
        #expect(generation.lost.isEmpty)
        try await bench.queue.adopt(epoch: 5, shards: [2])
        #expect(try await bench.queue.generation().isWhole)
        #expect(try await bench.queue.generation().epochs == [1, 1, 5, 1])
    }

    @Test func aFlushedScriptCacheIsRefilled() async throws {
        let bench = try await QueueBench.make()
        _ = try await bench.queue.enqueue(EnqueueRequest(key(1)))
        _ = try await bench.redis.send("SCRIPT", "FLUSH")
        _ = try await bench.queue.enqueue((0..<50).map { EnqueueRequest(key($0)) })
        #expect(try await bench.leaseAll().count == 50)
    }

    private func expectLost(_ body: () async throws -> Void) async {
        do {
            try await body()
            Issue.record("the wipe was not noticed")
        } catch {
            #expect((error as? JobQueueError)?.code == .generationLost)
        }
    }
}
