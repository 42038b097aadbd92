import ArgumentParser
import Drivers
import Foundation
import Store

/// `ferry queue age`.
struct QueueAge: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "age", abstract: "Show how long due streams wait, and which have waited longest.",
        discussion: """
            Told from PostgreSQL, so it holds whatever state Redis is in. A stream counts from its due instant until its \
            run has ended. With --over ends with 1 when the oldest waits longer than that.
            """)

    @Option(help: "Only this tenant.")
    var tenant: String?

    @Option(help: "Streams to list, 0 to 10000.")
    var limit = 10

    @Option(help: ArgumentHelp("Ends with 1 when the oldest waits longer: 30s, 15m, 2h.", valueName: "age"))
    var over: ShortDuration?

    @OptionGroup var output: OutputOptions

    private struct Report: Encodable {
        let backlog: Backlog
        let oldest: [WaitingStream]
    }

    func validate() throws {
        guard (0...10_000).contains(limit) else { throw ValidationError("--limit: want 0 to 10000") }
    }

    func run() async throws {
        let (report, now) = try await Control.run("queue") { runtime in
            var number: Int32?
            if let tenant { number = try await Control.tenant(tenant, in: runtime.store).number }
            let now = runtime.clock.now
            let report = Report(
                backlog: try await runtime.store.backlog(tenant: number, now: now),
                oldest: try await runtime.store.waiting(tenant: number, limit: limit, now: now))
            return (report, now)
        }
        try output.print(report) { Self.text(report, now) }
        if let over, report.backlog.oldestSeconds > over.seconds { throw ExitCode.failure }
    }

    private static func text(_ report: Report, _ now: Date) -> String {
        let backlog = report.backlog
        let summary =
            "\(backlog.overdue) of \(backlog.streams) streams are due: oldest \(ShortDuration.text(backlog.oldestSeconds)), "
            + "median \(ShortDuration.text(backlog.medianSeconds)), 99 % below \(ShortDuration.text(backlog.p99Seconds))."
        guard !report.oldest.isEmpty else { return summary }
        var table = TextTable("WAITS", "TENANT", "DIRECTION", "OBJECT", "STATE", "FAILURES")
        for stream in report.oldest {
            table.add(
                ShortDuration.text(now.timeIntervalSince(stream.dueAt)), stream.tenant, stream.direction, stream.object,
                stream.state, String(stream.failures))
        }
        return summary + "\n" + table.text
    }
}
