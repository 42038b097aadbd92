import Drivers
import Foundation

/// Other job queues on the same work, on this machine, in the same run: no-op jobs out of one Redis without an append-only
/// file, one worker process, as many of its own threads or tasks as its makers advise.
///
/// None of them is fair or fenced. A peer that can't be installed says why, and the others go on.
struct PeerBench {
    /// One other queue.
    enum Peer: String, CaseIterable {
        case sidekiq, celery, rq, dramatiq, taskiq, arq, huey

        /// The worker's command line, in the folder of the peers' programs.
        var worker: [String] {
            switch self {
            case .sidekiq: ["sidekiq", "-r", "./sidekiq_peer.rb", "-c", "10"]
            case .celery:
                [
                    "celery", "-A", "celery_peer", "worker", "--pool", "threads", "-c", "10", "--without-heartbeat",
                    "--without-gossip", "--without-mingle", "-l", "error",
                ]
            case .rq: ["rq", "worker", "-w", "rq.SimpleWorker", "--quiet", "default"]
            case .dramatiq: ["dramatiq", "dramatiq_peer", "-p", "1", "-t", "8"]
            case .taskiq: ["taskiq", "worker", "taskiq_peer:broker", "--workers", "1", "--log-level", "ERROR"]
            case .arq: ["arq", "arq_peer.WorkerSettings"]
            case .huey: ["huey_consumer", "huey_peer.huey", "-w", "8", "-k", "thread", "-n", "-q"]
            }
        }

        /// How many jobs wait.
        var length: RedisCommand {
            switch self {
            case .sidekiq: RedisCommand("LLEN", "queue:default")
            case .celery: RedisCommand("LLEN", "celery")
            case .rq: RedisCommand("LLEN", "rq:queue:default")
            case .dramatiq: RedisCommand("LLEN", "dramatiq:default")
            case .taskiq: RedisCommand("LLEN", "taskiq")
            case .arq: RedisCommand("ZCARD", "arq:queue")
            case .huey: RedisCommand("LLEN", "huey.redis.peer")
            }
        }

        var program: [String] { self == .sidekiq ? ["ruby", "sidekiq_peer.rb"] : ["python", "\(rawValue)_peer.py"] }
    }

    private static let jobs = 20_000
    /// Seconds after which a slow one is stopped; its rate is that of the jobs it has taken.
    private static let length = 20.0
    /// Seconds a worker gets to take its first job.
    private static let patience = 30.0
    private static let folder = "Sources/Bench/Queue/Peers"

    func measure() async {
        for peer in Peer.allCases {
            do { try await measure(peer) } catch { Report.progress("\(peer.rawValue) was not measured: \(error)") }
        }
    }

    private func measure(_ peer: Peer) async throws {
        Report.progress("peer \(peer.rawValue)")
        guard try Self.run(["scripts/peers", peer.rawValue], in: nil, [:]).ended() == 0 else {
            throw BenchFailure("scripts/peers could not install it")
        }
        try await BenchRedis.with(onPort: true) { redis in
            let settings = ["PEER_REDIS_URL": redis.url]
            guard try Self.start(peer, peer.program + ["\(Self.jobs)"], settings).ended() == 0 else {
                throw BenchFailure("its jobs could not be queued")
            }
            let queued = try await redis.client.send(peer.length).number ?? 0
            guard queued == Self.jobs else { throw BenchFailure("\(queued) of \(Self.jobs) jobs were queued") }
            let worker = try Self.start(peer, peer.worker, settings)
            defer { worker.kill() }
            try await watch(peer, redis)
        }
    }

    /// Prints the rate from the first job taken to the last, or to the end of the measurement.
    private func watch(_ peer: Peer, _ redis: BenchRedis) async throws {
        let begun = try await left(peer, redis, until: { $0 < Self.jobs }, within: Self.patience)
        guard begun < Self.jobs else { throw BenchFailure("its worker took no job in \(Self.patience) s") }
        let cpu = try await redis.cpuSeconds()
        let start = ContinuousClock.now
        let end = try await left(peer, redis, until: { $0 == 0 }, within: Self.length)
        let (taken, seconds) = (Double(begun - end), (ContinuousClock.now - start).seconds)
        let spent = try await redis.cpuSeconds() - cpu
        guard taken > 0 else { throw BenchFailure("its worker stopped taking jobs") }
        Report.figure("peer_\(peer.rawValue)_jobs_per_s", taken / seconds, "1/s")
        Report.figure("peer_\(peer.rawValue)_redis_cpu_s_per_100k", spent * 100_000 / taken, "s")
        // First come, first served: who asks behind the twenty thousand waits for all of them.
        if end == 0 { Report.figure("peer_\(peer.rawValue)_wait_behind_20k_s", seconds, "s") }
    }

    private func left(
        _ peer: Peer, _ redis: BenchRedis, until isEnough: (Int) -> Bool, within seconds: Double
    ) async throws -> Int {
        let deadline = ContinuousClock.now + .seconds(seconds)
        while true {
            let length = Int(try await redis.client.send(peer.length).number ?? 0)
            if isEnough(length) || ContinuousClock.now > deadline { return length }
            try await Task.sleep(for: .milliseconds(5))
        }
    }

    // MARK: - Processes

    /// A running program and the group of what it starts.
    private struct Running {
        let process: Process

        func ended() -> Int32 {
            process.waitUntilExit()
            return process.terminationStatus
        }

        func kill() {
            process.terminate()
            let deadline = Date(timeIntervalSinceNow: 5)
            while process.isRunning, Date() < deadline { usleep(20_000) }
            if process.isRunning { Foundation.kill(process.processIdentifier, SIGKILL) }
            process.waitUntilExit()
        }
    }

    private static func start(_ peer: Peer, _ command: [String], _ settings: [String: String]) throws -> Running {
        let here = FileManager.default.currentDirectoryPath
        var settings = settings
        let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
        settings["PATH"] = peer == .sidekiq ? path : "\(here)/.build/peers/\(peer.rawValue)/bin:\(path)"
        settings["PYTHONPATH"] = "\(here)/\(folder)"
        settings["PYTHONDONTWRITEBYTECODE"] = "1"
        settings["RQ_REDIS_URL"] = settings["PEER_REDIS_URL"]
        return try run(["env"] + command, in: "\(here)/\(folder)", settings)
    }

    private static func run(
        _ command: [String], in folder: String?, _ settings: [String: String]
    ) throws -> Running {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = command
        process.environment = ProcessInfo.processInfo.environment.merging(settings) { $1 }
        if let folder { process.currentDirectoryURL = URL(fileURLWithPath: folder) }
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = FileHandle.nullDevice
        // What goes wrong is told on standard error.
        try process.run()
        return Running(process: process)
    }
}
