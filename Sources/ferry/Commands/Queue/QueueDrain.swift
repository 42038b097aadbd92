import ArgumentParser
import Drivers
import Foundation
import JobQueue
import Store

/// `ferry queue drain`.
struct QueueDrain: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "drain", abstract: "Place nothing more and let workers run what is queued.",
        discussion: """
            For a clean stop, as before an upgrade that changes the schema. The queue stays draining until `ferry queue \
            resume`. With --until-empty waits, tells the progress on standard error, and ends with 0 when nothing runs and \
            nothing could run; what is parked, paused or delayed stays where it is and is counted. Ends with 1 when the \
            time is over.
            """)

    @Flag(help: "Wait until nothing runs and nothing could run.")
    var untilEmpty = false

    @Option(help: "Seconds to wait at most.")
    var timeout = 3_600

    @OptionGroup var errand: ErrandOptions
    @OptionGroup var output: OutputOptions

    private struct Report: Encodable {
        var queue = "draining"
        var isEmpty: Bool?
        var left = 0
        var running = 0
        /// Jobs that may not run now: parked, paused or delayed.
        var held = 0
    }

    func validate() throws {
        guard (1...86_400).contains(timeout) else { throw ValidationError("--timeout: want 1 to 86400 seconds") }
    }

    func run() async throws {
        let report = try await Control.run("queue") { runtime in
            try await runtime.store.setQueueMode(.draining, by: errand.errand)
            return untilEmpty ? try await wait(runtime) : Report()
        }
        try output.print(report) { Self.text(report) }
        if report.isEmpty == false { throw ExitCode.failure }
    }

    private func wait(_ runtime: Runtime) async throws -> Report {
        let queue = try runtime.queue()
        let deadline = ContinuousClock.now + .seconds(timeout)
        // A scheduler that was just placing looks at the switch only every few seconds.
        let earliest = ContinuousClock.now + .seconds(DrainProgress.settling)
        var progress = DrainProgress()
        while true {
            let status = try await Control.unlessWiped { () async throws(JobQueueError) in try await queue.status() }
            var report = Report(isEmpty: true)
            // A wiped Redis holds nothing, and with its schedulers at rest it stays so.
            if let status {
                report.left = status.readyTenants.values.reduce(0, +)
                report.running = status.running
                report.held = max(0, status.queued - report.left) + status.delayed
                report.isEmpty = report.left == 0 && report.running == 0
            }
            if report.isEmpty == true, ContinuousClock.now >= earliest { return report }
            note(
                progress.line(left: report.left + report.running + report.held, runnable: report.left + report.running))
            guard ContinuousClock.now < deadline else { return report }
            try await Task.sleep(for: .seconds(1))
        }
    }

    private static func text(_ report: Report) -> String {
        switch report.isEmpty {
        case nil: "Draining: nothing more is placed. `ferry queue status` shows what is left, `resume` ends it."
        case true?:
            "Empty: nothing runs and nothing could."
                + (report.held > 0 ? " \(report.held) jobs are parked, paused or delayed and stay." : "")
        case false?: "Not empty in time: \(report.left) tenants could run, \(report.running) jobs are running."
        }
    }
}

/// How fast a queue empties, told from what is left now and a while ago.
struct DrainProgress {
    /// Seconds until every scheduler has seen the switch.
    static let settling = 4

    private var first: (left: Int, at: ContinuousClock.Instant)?

    /// One line: what is left, how fast it goes, and for how long at that pace.
    mutating func line(left: Int, runnable: Int, at now: ContinuousClock.Instant = .now) -> String {
        guard let first else {
            first = (left, now)
            return "\(left) jobs left"
        }
        let gone = Double(first.left - left)
        let elapsed = Double((now - first.at).components.seconds)
        guard gone > 0, elapsed > 0 else { return "\(left) jobs left, \(runnable) running or ready" }
        let pace = gone / elapsed
        let rest = ShortDuration.text(Double(runnable) / pace)
        return "\(left) jobs left, \((pace * 10).rounded() / 10)/s, about \(rest) to go"
    }
}
