import ArgumentParser
import Drivers
import Foundation
import JobQueue
import Synchronization

/// What a worker process tells when it has ended.
struct WorkerReport: Codable {
    var accepted = 0
    var refused = 0
    var residentMiB = 0.0
}

/// A worker in a process of its own: this program again, as `queue-worker`.
final class WorkerProcess {
    private let process = Process()
    private let input = Pipe()
    private let output = Pipe()

    init(redis url: String, mode: QueueWorker.Mode, tenantConcurrency: Int = 1) throws {
        process.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        process.arguments = [
            "queue-worker", "--redis", url, "--mode", mode.rawValue, "--tenant-concurrency", "\(tenantConcurrency)",
        ]
        process.standardInput = input
        process.standardOutput = output
        try process.run()
    }

    /// Returns when the worker is connected and waits for `go`.
    func awaitReady() throws {
        guard output.fileHandleForReading.availableData == Data("ready\n".utf8) else {
            throw BenchFailure("a worker process did not start")
        }
    }

    func go() { try? input.fileHandleForWriting.close() }

    /// Waits for the worker's end.
    func report() throws -> WorkerReport {
        let data = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return try JSONDecoder().decode(WorkerReport.self, from: data)
    }

    func kill() { Foundation.kill(process.processIdentifier, SIGKILL) }
}

/// The other side of `WorkerProcess`.
struct QueueWorker: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "queue-worker", abstract: "A worker process of `bench queue`.", shouldDisplay: false)

    enum Mode: String, ExpressibleByArgument {
        /// Runs all there is and leaves.
        case drain
        /// Leases something, holds it and beats until it is killed.
        case hold
    }

    @Option(help: "Address of Redis.") var redis: String
    @Option(help: "What to do.") var mode: Mode
    @Option(help: "Jobs of one tenant at once.") var tenantConcurrency = 1
    @Option(help: "Jobs asked for at once.") var batch = 1_024
    @Option(help: "Calls under way at once.") var lanes = 3

    func run() async throws {
        var options = JobQueueOptions()
        options.tenantConcurrency = tenantConcurrency
        let queue = JobQueue(redis: try RedisClient(url: redis), clock: .system, options: options)
        let worker = WorkerID("bench-\(ProcessInfo.processInfo.processIdentifier)")
        _ = try await queue.heartbeat(worker: worker)
        print("ready")
        fflush(nil)
        switch mode {
        case .drain: try await drain(queue, worker)
        case .hold: try await hold(queue, worker)
        }
    }

    private func drain(_ queue: JobQueue, _ worker: WorkerID) async throws {
        _ = FileHandle.standardInput.readDataToEndOfFile()
        let reports = try await withThrowingTaskGroup(of: WorkerReport.self) { group in
            for _ in 0..<lanes { group.addTask { try await lane(queue, worker) } }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        var report = WorkerReport(residentMiB: Self.peakResident())
        for lane in reports {
            report.accepted += lane.accepted
            report.refused += lane.refused
        }
        FileHandle.standardOutput.write(try JSONEncoder().encode(report))
    }

    /// Settles what it has and leases the next, until nothing is queued or running any more.
    private func lane(_ queue: JobQueue, _ worker: WorkerID) async throws -> WorkerReport {
        var report = WorkerReport()
        var settlements: [Settlement] = []
        while true {
            let exchange = try await queue.exchange(worker: worker, settling: settlements, limit: batch)
            for result in exchange.results {
                if result == .accepted { report.accepted += 1 } else { report.refused += 1 }
            }
            settlements = exchange.batch.jobs.map { job in
                Settlement(job, .done, made: job.allowance.map(Self.made))
            }
            guard settlements.isEmpty else { continue }
            let status = try await queue.status()
            if status.queued == 0, status.running == 0 { return report }
        }
    }

    /// One call of each, and the org's figure where a run would tell it.
    private static func made(within allowance: CallAllowance) -> CallsMade {
        let used = 1_000
        return CallsMade(
            activeCampaign: 1, salesforce: 1, figure: allowance.wantsFigure(of: used) ? OrgFigure(used: used) : nil)
    }

    private func hold(_ queue: JobQueue, _ worker: WorkerID) async throws {
        let held = try await queue.lease(worker: worker, limit: batch)
        print(held.jobs.count)
        fflush(nil)
        while true {
            try await Task.sleep(for: .seconds(4))
            _ = try await queue.heartbeat(worker: worker)
        }
    }

    private static func peakResident() -> Double {
        let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
        let line = status.split(whereSeparator: \.isNewline).first { $0.hasPrefix("VmHWM:") }
        return (line?.split(separator: " ").dropFirst().first.flatMap { Double($0) } ?? 0) / 1_024
    }
}
