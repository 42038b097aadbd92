import ArgumentParser
import Drivers
import Foundation
import JobQueue
import Store

/// `ferry queue status`.
struct QueueStatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Show the whole cluster on one screen.",
        discussion: """
            Ends with 1 when something wants a look: the switch is not at running, no worker reports while work waits, \
            work is overdue by more than 5 minutes, there are dead letters, or Redis was lost and is not rebuilt yet.
            """)

    /// Seconds that work may be overdue before it is news.
    private static let patience = 300.0

    @OptionGroup var output: OutputOptions

    private struct Report: Encodable {
        var queue: QueueSwitch
        var redisIsWhole: Bool
        var queued = 0
        var running = 0
        var delayed = 0
        var dead = 0
        var readyTenants = 0
        var parkedTenants = 0
        var workers = 0
        var quietWorkers = 0
        var backlog: Backlog
        var pendingChanges: Int
        var failedRecords: Int
        var openImports: Int
        var fencedCommits: Int64
        var remarks: [String] = []
    }

    func run() async throws {
        let report = try await Control.run("queue") { try await look($0) }
        try output.print(report) { Self.text(report) }
        if !report.remarks.isEmpty { throw ExitCode.failure }
    }

    private func look(_ runtime: Runtime) async throws -> Report {
        let now = runtime.clock.now
        let store = runtime.store
        let gauges = try await store.gauges(now: now)
        var report = Report(
            queue: try await store.queueSwitch(), redisIsWhole: false, backlog: try await store.backlog(now: now),
            pendingChanges: gauges.pendingChanges, failedRecords: gauges.failedRecords,
            openImports: gauges.openImports, fencedCommits: gauges.fencedCommits)
        let queue = try runtime.queue()
        if let status = try await Control.unlessWiped({ () async throws(JobQueueError) in try await queue.status() }) {
            report.redisIsWhole = true
            report.queued = status.queued
            report.running = status.running
            report.delayed = status.delayed
            report.dead = status.dead
            report.readyTenants = status.readyTenants.values.reduce(0, +)
            report.parkedTenants = status.parked
        }
        let workers = try await store.workers().filter {
            now.timeIntervalSince($0.seenAt) < StoreLimits.workerSilence
        }
        report.workers = workers.count
        report.quietWorkers = workers.count { $0.state == .quiet }
        report.remarks = Self.remarks(report)
        return report
    }

    private static func remarks(_ report: Report) -> [String] {
        var remarks: [String] = []
        if report.queue.mode != .running {
            let who = [report.queue.actor.map { "by \($0)" }, report.queue.reason].compactMap(\.self)
            remarks.append(
                "The queue is \(report.queue.mode.rawValue) since \(report.queue.since.formatted(.iso8601)) "
                    + who.joined(separator: ": ") + ". `ferry queue resume`")
        }
        if !report.redisIsWhole {
            remarks.append("Redis holds no queue; a running scheduler rebuilds it within seconds.")
        }
        if report.workers == 0, report.backlog.overdue > 0 {
            remarks.append("No worker reports. Start `ferry worker`.")
        }
        if report.workers > 0, report.workers == report.quietWorkers, report.queue.mode != .paused {
            remarks.append("All workers are quiet. `ferry workers resume --all`")
        }
        if report.backlog.oldestSeconds > patience {
            remarks.append(
                "The oldest due stream waits for \(ShortDuration.text(report.backlog.oldestSeconds)). `ferry queue age`"
            )
        }
        if report.dead > 0 { remarks.append("\(report.dead) dead letters. `ferry queue dead list`") }
        return remarks
    }

    private static func text(_ report: Report) -> String {
        let backlog = report.backlog
        let lines = [
            "Queue      \(report.queue.mode.rawValue): \(report.queued) queued, \(report.running) running, "
                + "\(report.delayed) delayed, \(report.dead) dead",
            "Tenants    \(report.readyTenants) ready, \(report.parkedTenants) parked",
            "Workers    \(report.workers) reporting, \(report.quietWorkers) quiet",
            "Streams    \(backlog.streams), \(backlog.overdue) due and not run, oldest "
                + "\(ShortDuration.text(backlog.oldestSeconds)), schedulers late by "
                + "\(ShortDuration.text(backlog.latenessSeconds)); \(backlog.failing) failing, "
                + "\(backlog.needingAttention) need attention",
            "Records    \(report.pendingChanges) changes pending, \(report.openImports) imports open, "
                + "\(report.failedRecords) failed; \(report.fencedCommits) commits fenced off so far",
        ]
        return (lines + report.remarks.map { "!  \($0)" }).joined(separator: "\n")
    }
}
