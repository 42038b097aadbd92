import Drivers
import Embedded
import Foundation
import JobQueue
import Testing

/// A master that sentinels replace, with its last writes lost.
@Suite(.timeLimit(.minutes(4)), .serialized) struct SentinelTests {
    @Test(arguments: [SIGKILL, SIGSTOP])
    func aFailoverThatLosesTheLastWritesIsNoticedAndTokensGrow(signal: Int32) async throws {
        let folder = URL(fileURLWithPath: "/tmp/ferry-se-\(UInt32.random(in: 0 ... .max))")
        let servers = try await offPool { try EmbeddedSentinels(folder: folder) }
        defer {
            try? servers.master.server.signal(SIGCONT)
            servers.stop()
            try? FileManager.default.removeItem(at: folder)
        }
        var options = RedisOptions()
        options.commandTimeout = .seconds(2)
        let fleet = try RedisFleet(url: servers.url, options: options)
        let queue = JobQueue(fleet: fleet, clock: .system)
        try await queue.adopt(epoch: 1)
        let (early, late) = ((Int32(0)..<50).map { key($0) }, (Int32(50)..<100).map { key($0) })
        _ = try await queue.enqueue(early.map { EnqueueRequest($0) })
        let replica = try RedisClient(url: servers.replica.url)
        try await Self.eventually("the replica has the first jobs") {
            let master = try await fleet.seed.send("INFO", "replication").text ?? ""
            let offset = master.firstMatch(of: /master_repl_offset:(\d+)/)?.1
            let behind = try await replica.send("INFO", "replication").text ?? ""
            return offset != nil && behind.firstMatch(of: /slave_repl_offset:(\d+)/)?.1 == offset
        }
        // From here on nothing reaches the replica: these are the last writes that a failover loses. Its link is cut as
        // well, since a process that stands still goes on receiving.
        try servers.replica.server.signal(SIGSTOP)
        _ = try await fleet.seed.send("CLIENT", "KILL", "TYPE", "replica")
        _ = try await queue.enqueue(late.map { EnqueueRequest($0) })
        let worker = WorkerID("one")
        let old = try await queue.lease(worker: worker, limit: 20).jobs
        #expect(old.count == 20)
        try servers.master.server.signal(signal)
        try servers.replica.server.signal(SIGCONT)

        try await Self.eventually("the new master answers and says that it is another one") {
            (try? await queue.generation().unsettled.count) == 16
        }
        // What the scheduler does then: a higher epoch, and all that is due once more.
        try await queue.adopt(epoch: 2)
        _ = try await queue.enqueue((early + late).map { EnqueueRequest($0) })
        let heir = WorkerID("two")
        var ran: [JobKey: FencingToken] = [:]
        while true {
            let jobs = try await queue.lease(worker: heir, limit: 64).jobs
            if jobs.isEmpty { break }
            for job in jobs { ran[job.key] = job.token }
            _ = try await queue.settle(worker: heir, jobs.map { Settlement($0, .done) })
        }
        #expect(Set(ran.keys) == Set(early + late), "nothing is lost")
        for job in old {
            let again = try #require(ran[job.key])
            #expect(again > job.token, "the lease that was lost can't commit after the new one")
        }
        let stale = try await queue.settle(worker: worker, old.map { Settlement($0, .done) })
        #expect(stale.allSatisfy { $0 == .stale })
        await replica.close()
        await fleet.close()
    }

    @Test func aWaitingWorkerFindsTheNewMaster() async throws {
        let folder = URL(fileURLWithPath: "/tmp/ferry-se-\(UInt32.random(in: 0 ... .max))")
        let servers = try await offPool { try EmbeddedSentinels(folder: folder, sentinels: 1) }
        defer {
            servers.stop()
            try? FileManager.default.removeItem(at: folder)
        }
        let queue = JobQueue(fleet: try RedisFleet(url: servers.url), clock: .system)
        try await queue.adopt(epoch: 1)
        let worker = WorkerID("one")
        async let waited = queue.waitForWork(worker: worker, timeout: .seconds(1))
        try servers.master.server.signal(SIGKILL)
        _ = await waited
        try await Self.eventually("the new master is found") { (try? await queue.generation()) != nil }
        try await queue.adopt(epoch: 2)
        _ = try await queue.enqueue(EnqueueRequest(key(1)))
        try await Self.eventually("it wakes the worker") {
            await queue.waitForWork(worker: worker, timeout: .seconds(1))
        }
        #expect(try await queue.lease(worker: worker, limit: 4).jobs.map(\.key) == [key(1)])
        try await queue.leave(worker: worker)
    }

    private static func eventually(_ what: Comment, _ isSo: () async throws -> Bool) async throws {
        let deadline = ContinuousClock.now + .seconds(60)
        while try await !isSo() {
            try #require(ContinuousClock.now < deadline, what)
            try await Task.sleep(for: .milliseconds(50))  // a look at a condition
        }
    }
}
