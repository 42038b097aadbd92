import ArgumentParser
import Drivers
import Foundation
import JobQueue
import Store

/// `ferry workers`: who runs jobs.
struct WorkersCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "workers", abstract: "List workers, and ask them to be quiet or to stop.",
        subcommands: [WorkersList.self, WorkersQuiet.self, WorkersStop.self, WorkersResume.self])
}

/// `ferry workers list`.
struct WorkersList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List worker processes: state, jobs held, last sign of life.",
        discussion: """
            From the workers' own reports and the queue's leases. A worker that is silent for a minute is shown as lost; \
            its jobs go on elsewhere after 15 s. Ends with 1 when none is alive.
            """)

    @OptionGroup var output: OutputOptions

    private struct Row: Encodable {
        let name: String
        let host: String?
        let processID: Int32?
        let state: String
        let wish: WorkerWish?
        let jobs: Int
        let places: Int?
        let startedAt: Date?
        let seenSecondsAgo: Double?
    }

    func run() async throws {
        let rows = try await Control.run("workers") { runtime in
            let queue = try runtime.queue()
            let leases =
                try await Control.unlessWiped { () async throws(JobQueueError) in try await queue.workers() } ?? []
            return Self.rows(try await runtime.store.workers(), leases, now: runtime.clock.now)
        }
        try output.print(rows) { Self.text(rows) }
        if !rows.contains(where: { $0.state != "lost" }) { throw ExitCode.failure }
    }

    private static func rows(_ reported: [WorkerRow], _ leases: [WorkerStatus], now: Date) -> [Row] {
        let held = Dictionary(leases.map { ($0.worker.plainName, $0.leases) }, uniquingKeysWith: +)
        let known = reported.map { row in
            let silence = max(0, now.timeIntervalSince(row.seenAt))
            return Row(
                name: row.name, host: row.host, processID: row.processID,
                state: silence > StoreLimits.workerSilence ? "lost" : row.state.rawValue, wish: row.wish,
                jobs: held[row.name] ?? 0, places: row.concurrency, startedAt: row.startedAt,
                seenSecondsAgo: silence.rounded())
        }
        // Those that hold leases and have never reached PostgreSQL.
        let strangers = Dictionary(grouping: leases, by: \.worker.plainName).filter { name, _ in
            !reported.contains { $0.name == name }
        }
        return known
            + strangers.sorted { $0.key < $1.key }.map { name, starts in
                Row(
                    name: name, host: nil, processID: nil,
                    state: starts.contains { $0.deadline > .zero } ? "running" : "lost", wish: nil,
                    jobs: held[name] ?? 0, places: nil, startedAt: nil, seenSecondsAgo: nil)
            }
    }

    private static func text(_ rows: [Row]) -> String {
        guard !rows.isEmpty else { return "No worker. Start `ferry worker`." }
        var table = TextTable("WORKER", "STATE", "ASKED", "JOBS", "PLACES", "SEEN", "STARTED", "PROCESS")
        for row in rows {
            table.add(
                row.name, row.state, row.wish?.rawValue ?? "-", String(row.jobs), row.places.map(String.init) ?? "?",
                row.seenSecondsAgo.map { "\(ShortDuration.text($0)) ago" } ?? "?",
                row.startedAt?.formatted(.iso8601) ?? "?",
                row.host.map { "\($0):\(row.processID.map(String.init) ?? "?")" } ?? "?")
        }
        return table.text
    }
}

/// Which workers are meant.
struct WorkerOptions: ParsableArguments {
    @Argument(help: "Workers' names, as `ferry workers list` shows them.")
    var names: [String] = []

    @Flag(help: "All workers.")
    var all = false

    @OptionGroup var consent: ConsentOptions

    private struct Report: Encodable {
        let asked: [String]
        let unknown: [String]
        let dryRun: Bool
    }

    func validate() throws {
        guard all != !names.isEmpty else { throw ValidationError("name workers, or give --all") }
    }

    /// Asks the workers meant.
    func ask(_ wish: WorkerWish?, _ deed: String, _ errand: Errand, _ output: OutputOptions) async throws {
        let report = try await Control.run("workers") { runtime in
            let known = try await runtime.store.workers().map(\.name)
            let meant = all ? known : names.filter(known.contains)
            let unknown = names.filter { !known.contains($0) }
            // Going on takes nothing away from anybody, and one worker is no flock.
            let isBulk = wish != nil && meant.count > 1
            guard try consent.allows("\(deed) \(meant.count) workers", count: isBulk ? meant.count : 0) else {
                return Report(asked: meant, unknown: unknown, dryRun: true)
            }
            let asked = try await runtime.store.ask(workers: meant, wish, by: errand)
            return Report(asked: asked, unknown: unknown, dryRun: false)
        }
        try output.print(report) {
            let names = report.asked.isEmpty ? "none" : report.asked.joined(separator: ", ")
            let lines = ["\(report.dryRun ? "Would be asked" : "Asked") to \(deed): \(names)."]
            return (lines + report.unknown.map { "There is no worker \($0)." }).joined(separator: "\n")
        }
        if !report.unknown.isEmpty { throw ExitCode.failure }
    }
}

/// `ferry workers quiet`.
struct WorkersQuiet: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "quiet", abstract: "Ask workers to lease nothing more and stay alive.",
        discussion: """
            They follow within seconds: jobs under way finish within FERRY_GRACE_SECONDS or are handed back unburned. \
            Holds until `ferry workers resume` or until the process starts anew.
            """)

    @OptionGroup var workers: WorkerOptions
    @OptionGroup var errand: ErrandOptions
    @OptionGroup var output: OutputOptions

    func run() async throws { try await workers.ask(.quiet, "be quiet", errand.errand, output) }
}

/// `ferry workers stop`.
struct WorkersStop: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stop", abstract: "Ask workers to end in peace, as SIGTERM would.",
        discussion: "The process ends with 0; what supervises it may start a new one.")

    @OptionGroup var workers: WorkerOptions
    @OptionGroup var errand: ErrandOptions
    @OptionGroup var output: OutputOptions

    func run() async throws { try await workers.ask(.stop, "stop", errand.errand, output) }
}

/// `ferry workers resume`.
struct WorkersResume: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "resume", abstract: "Let quiet workers lease again.",
        discussion: "A worker that is already on its way to stop is not called back.")

    @OptionGroup var workers: WorkerOptions
    @OptionGroup var errand: ErrandOptions
    @OptionGroup var output: OutputOptions

    func run() async throws { try await workers.ask(nil, "go on", errand.errand, output) }
}
