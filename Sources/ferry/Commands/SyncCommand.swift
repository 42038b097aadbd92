import ArgumentParser
import Cluster
import Drivers
import Foundation
import JobQueue
import Store
import SyncRules

/// `ferry sync`: run now, and how it stands.
struct SyncCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sync", abstract: "Run a tenant now, and see how every stream stands.",
        subcommands: [Now.self, Status.self, SyncBackfill.self, SyncConfirmMissing.self])

    /// `ferry sync now`.
    struct Now: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make a tenant's streams due at once.",
            discussion: """
                With --wait returns when the runs and the imports they started are settled, and says what was written; \
                ends with 1 when a run failed or the time is over. Such a run may spend the last tenth of the tenant's \
                calls, so who asked is kept in the audit table, and it may be asked \(StoreLimits.runRequests) times within \
                \(Int(StoreLimits.runRequestWindow)) s.
                """)

        @Argument(help: "The tenant's id.")
        var tenant: String

        @Flag(help: "Only ActiveCampaign → Salesforce.")
        var outbound = false

        @Flag(help: "Only Salesforce → ActiveCampaign.")
        var inbound = false

        @Flag(help: "Wait for the end.")
        var wait = false

        @Option(help: "Seconds to wait at most.")
        var timeout = 600

        @OptionGroup var errand: ErrandOptions
        @OptionGroup var output: OutputOptions

        /// Time between two looks.
        private static let look: Duration = .milliseconds(250)

        private struct Report: Encodable {
            let tenant: String
            let streams: Int
            var waited = false
            var created = 0
            var updated = 0
            var imported = 0
            var conflicts = 0
            var failed = 0
            var errors: [String] = []
        }

        func validate() throws {
            if outbound && inbound { throw ValidationError("give --outbound or --inbound; without either both run") }
            guard (1...86_400).contains(timeout) else { throw ValidationError("--timeout: want 1 to 86400 seconds") }
        }

        func run() async throws {
            let report = try await Control.run("sync") { runtime in
                let row = try await Control.tenant(tenant, in: runtime.store)
                let queue = try await runtime.store.queueSwitch()
                guard !wait || queue.mode == .running else {
                    throw ValidationError(
                        "the whole queue is \(queue.mode.rawValue); `ferry queue resume` first, or ask without --wait")
                }
                let direction: Direction? = outbound ? .outbound : inbound ? .inbound : nil
                let asked = runtime.clock.now
                guard row.state == .active else {
                    throw ValidationError("\(tenant) is \(row.state.rawValue); nothing can run")
                }
                if let again = try await runtime.store.nextRunRequest(tenant: row.number, now: asked) {
                    throw ValidationError(
                        "\(tenant) was asked to run \(StoreLimits.runRequests) times within "
                            + "\(Int(StoreLimits.runRequestWindow)) s, which spends its last calls; ask again at "
                            + again.formatted(.iso8601))
                }
                let requests = try await runtime.store.requestRun(
                    tenant: row.number, direction: direction, by: errand.errand, now: asked)
                guard !requests.isEmpty else {
                    throw ValidationError("\(tenant) has no sync_settings; nothing can run")
                }
                try await hurry(runtime, row, requests)
                let report = Report(tenant: tenant, streams: requests.count)
                return wait ? try await settle(report, requests, runtime, row, since: asked) : report
            }
            try output.print(report) { Self.text(report) }
            if !report.errors.isEmpty { throw ExitCode.failure }
        }

        /// What a person asks for goes before other work.
        private func hurry(_ runtime: Runtime, _ row: TenantSummary, _ requests: [StreamRequest]) async throws {
            guard try await runtime.store.queueSwitch().mode == .running else { return }
            let queue = try runtime.queue()
            let jobs = Set(requests.map { JobKind.of($0.direction) }).map {
                EnqueueRequest(JobKey(tenant: row.number, kind: $0.rawValue), class: .urgent)
            }
            _ = try await Control.unlessWiped { () async throws(JobQueueError) in try await queue.enqueue(jobs) }
        }

        /// Waits until a run that began after the request has ended on every stream, and no import is open.
        private func settle(
            _ report: Report, _ requests: [StreamRequest], _ runtime: Runtime, _ row: TenantSummary, since asked: Date
        ) async throws -> Report {
            let deadline = ContinuousClock.now + .seconds(timeout)
            var report = report
            report.waited = true
            while true {
                let streams = try await runtime.store.streams(tenant: row.number).filter { stream in
                    stream.isEnabled
                        && requests.contains { $0.direction == stream.direction && $0.object == stream.object }
                }
                let hasRun = streams.allSatisfy { stream in
                    requests.allSatisfy {
                        $0.direction != stream.direction || $0.object != stream.object || $0.number <= stream.served
                    }
                }
                let imports = try await runtime.store.openImports(tenant: row.number)
                if hasRun, imports.isEmpty {
                    report.errors = streams.filter { $0.errorCode != nil && $0.failures > 0 }.map {
                        "\($0.direction.name) \($0.object.name): \($0.lastError ?? $0.errorCode ?? "failed")"
                    }
                    break
                }
                guard ContinuousClock.now < deadline else {
                    report.errors = ["not settled after \(timeout) s; see `ferry sync status \(tenant)`"]
                    break
                }
                try await Task.sleep(for: Self.look)
            }
            for run in try await runtime.store.runs(tenant: row.number, since: asked) {
                report.created += Int(run.created)
                report.updated += Int(run.updated)
                report.conflicts += Int(run.conflicts)
                report.failed += Int(run.failed)
            }
            return report
        }

        private static func text(_ report: Report) -> String {
            guard report.waited else { return "\(report.tenant): \(report.streams) streams are due now." }
            let lines = [
                "\(report.tenant): \(report.created) created, \(report.updated) updated, "
                    + "\(report.conflicts) conflicts decided for Salesforce, \(report.failed) failed."
            ]
            return (lines + report.errors.map { "  \($0)" }).joined(separator: "\n")
        }
    }

    /// `ferry sync status`.
    struct Status: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show every stream, or one tenant's: state, last and next run, pending changes, last error.",
            discussion: "CALLS is what a tenant's calls of 24 hours come to; `ferry budgets show` tells more.")

        /// A stream, and its tenant's budgets in words.
        private struct Line: Encodable {
            let stream: SyncStatusRow
            let budget: String?

            private enum CodingKeys: String, CodingKey { case budget }

            func encode(to encoder: any Encoder) throws {
                try stream.encode(to: encoder)
                var container = encoder.container(keyedBy: CodingKeys.self)
                try container.encodeIfPresent(budget, forKey: .budget)
            }
        }

        @Argument(help: "A tenant's id; without it all tenants, a page at a time.")
        var tenant: String?

        @Option(help: "Begin behind this tenant.")
        var after = ""

        @Option(help: "Streams at most, 1 to 10000.")
        var limit = 1_000

        @OptionGroup var output: OutputOptions

        func run() async throws {
            let (rows, budgets, budget) = try await Control.run("sync") { runtime in
                let rows = try await runtime.store.status(tenant: tenant, after: after, limit: limit)
                if let tenant {
                    let row = try await Control.tenant(tenant, in: runtime.store)
                    let budget = try await Self.budget(runtime, row)
                    return (rows, try await BudgetsCommand.lines(runtime, [row]), budget)
                }
                let own = try await runtime.store.tenants(after: after, limit: limit)
                return (rows, try await BudgetsCommand.lines(runtime, own), nil)
            }
            try output.print(rows.map { Line(stream: $0, budget: budget ?? budgets[$0.tenant]) }) {
                var table = TextTable(
                    "TENANT", "DIRECTION", "OBJECT", "STATE", "LAST RUN", "NEXT RUN", "PENDING", "CALLS", "LAST ERROR")
                for row in rows {
                    table.add(
                        row.tenant, row.direction, row.object, row.state, row.lastRun?.formatted(.iso8601) ?? "never",
                        row.nextRun?.formatted(.iso8601) ?? "-", String(row.pendingCount), budgets[row.tenant] ?? "-",
                        row.lastError ?? "")
                }
                return table.text + (budget.map { "\n\($0)" } ?? "")
            }
        }

        private static func budget(_ runtime: Runtime, _ row: TenantSummary) async throws -> String? {
            let purses = try await BudgetsCommand.purses(runtime, row.number)
            guard !purses.isEmpty else { return nil }
            return purses.map { purse in
                let resumes = purse.resumes[.normal].map { ", resumes \($0.formatted(.iso8601))" } ?? ""
                return "\(purse.provider.title): \(purse.spent + purse.reserved) of \(purse.terms.dailyCalls) calls "
                    + "(\(purse.percentUsed) %), \(purse.step.sentence)\(resumes)"
            }.joined(separator: "\n")
        }
    }
}
