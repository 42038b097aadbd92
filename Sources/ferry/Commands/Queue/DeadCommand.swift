import ArgumentParser
import Drivers
import Foundation
import JobQueue
import Store

/// `ferry queue dead`: jobs under which workers died again and again.
struct DeadCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dead", abstract: "List, retry and discard dead letters.",
        discussion: """
            A job whose workers die under it waits longer with each death, and is put aside after eight in a row; \
            schedulers try it again every 15 minutes by themselves.
            """,
        subcommands: [DeadList.self, DeadRetry.self, DeadDiscard.self])
}

/// Which dead letters are meant; without any all.
struct DeadOptions: ParsableArguments {
    @Option(help: "Only this tenant's.")
    var tenant: String?

    @Option(help: "Only this kind of job: outbound, inbound, imports or sweep.")
    var kind: String?

    @Option(help: "Only those buried with this code.")
    var code: String?

    @Option(help: ArgumentHelp("Only those buried longer ago: 30s, 15m, 2h, 7d.", valueName: "age"))
    var olderThan: ShortDuration?

    @Option(help: "Letters at most, 1 to 100000.")
    var max = 10_000

    func validate() throws {
        guard (1...100_000).contains(max) else { throw ValidationError("--max: want 1 to 100000") }
    }

    /// The letters meant, oldest first.
    func letters(_ queue: JobQueue, _ runtime: Runtime) async throws -> [DeadLetter] {
        var filter = DeadFilter(kind: kind, code: code)
        if let tenant { filter.tenant = try await Control.tenant(tenant, in: runtime.store).number }
        filter.buriedBy = olderThan.map { runtime.clock.now.addingTimeInterval(-$0.seconds) }
        let (meant, limit) = (filter, max)
        return try await Control.unlessWiped { () async throws(JobQueueError) in
            try await queue.dead(matching: meant, limit: limit)
        } ?? []
    }

    /// The filters for the audit table.
    var detail: [String: String] {
        var detail: [String: String] = [:]
        detail["tenant"] = tenant
        detail["kind"] = kind
        detail["code"] = code
        detail["older_than_seconds"] = olderThan.map { String($0.seconds) }
        return detail
    }
}

/// One dead letter on a screen.
struct DeadReport: Encodable {
    let tenant: String
    let kind: String
    let code: String
    let attempts: Int
    let buriedAt: Date
    let askedAt: Date

    static func of(_ letters: [DeadLetter], _ store: Store) async throws -> [DeadReport] {
        let names = try await store.tenantNames(Set(letters.map(\.key.tenant)))
        return letters.map {
            DeadReport(
                tenant: names[$0.key.tenant] ?? "#\($0.key.tenant)", kind: $0.key.kind, code: $0.code,
                attempts: $0.attempts, buriedAt: $0.buriedAt, askedAt: $0.enqueuedAt)
        }
    }

    static func table(_ rows: [DeadReport]) -> String {
        guard !rows.isEmpty else { return "No dead letters." }
        var table = TextTable("TENANT", "KIND", "CODE", "TRIES", "BURIED", "ASKED FOR")
        for row in rows {
            table.add(
                row.tenant, row.kind, row.code, String(row.attempts), row.buriedAt.formatted(.iso8601),
                row.askedAt.formatted(.iso8601))
        }
        return table.text
    }
}

/// `ferry queue dead list`.
struct DeadList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List dead letters, oldest first.",
        discussion: "Ends with 1 when there are any.")

    @OptionGroup var letters: DeadOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let rows = try await Control.run("queue") { runtime in
            try await DeadReport.of(try await letters.letters(runtime.queue(), runtime), runtime.store)
        }
        try output.print(rows) { DeadReport.table(rows) }
        if !rows.isEmpty { throw ExitCode.failure }
    }
}

/// `ferry queue dead retry`.
struct DeadRetry: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "retry", abstract: "Queue dead letters again, with all counters at zero.",
        discussion: "Tells how many are meant and wants --yes; --dry-run lists them.")

    @OptionGroup var letters: DeadOptions
    @OptionGroup var bulk: DeadBulk
    @OptionGroup var errand: ErrandOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        try await bulk.run("retry", letters, errand.errand, output) { queue, key in try await queue.retryDead(key) }
    }
}

/// `ferry queue dead discard`.
struct DeadDiscard: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "discard",
        abstract: "Forget dead letters; the scheduler asks for their jobs again when they are due.",
        discussion: "Tells how many are meant and wants --yes; --dry-run lists them.")

    @OptionGroup var letters: DeadOptions
    @OptionGroup var bulk: DeadBulk
    @OptionGroup var errand: ErrandOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        try await bulk.run("discard", letters, errand.errand, output) { queue, key in
            try await queue.discardDead(key)
        }
    }
}

/// A deed on many dead letters: counted first, paced, audited.
struct DeadBulk: ParsableArguments {
    @OptionGroup var consent: ConsentOptions

    @Option(help: ArgumentHelp("Letters a second at most, 0.1 to 10000.", valueName: "per-second"))
    var rate = 100.0

    private struct Report: Encodable {
        let done: Int
        /// Letters that were gone when their turn came.
        let gone: Int
        let letters: [DeadReport]
    }

    func validate() throws {
        guard (0.1...10_000).contains(rate) else { throw ValidationError("--rate: want 0.1 to 10000 a second") }
    }

    func run(
        _ verb: String, _ options: DeadOptions, _ errand: Errand, _ output: OutputOptions,
        _ deed: (JobQueue, JobKey) async throws -> Bool
    ) async throws {
        let report = try await Control.run("queue") { runtime in
            let queue = try runtime.queue()
            let letters = try await options.letters(queue, runtime)
            let rows = try await DeadReport.of(letters, runtime.store)
            guard try consent.allows("\(verb) \(letters.count) dead letters", count: letters.count) else {
                return Report(done: 0, gone: 0, letters: rows)
            }
            try await audit(verb, options, errand, count: letters.count, runtime)
            var done = 0
            for letter in letters {
                if try await deed(queue, letter.key) { done += 1 }
                if letters.count > 1 { try await Task.sleep(for: .seconds(1 / rate)) }
            }
            return Report(done: done, gone: letters.count - done, letters: rows)
        }
        try output.print(report) {
            consent.dryRun
                ? DeadReport.table(report.letters)
                : "\(report.done) dead letters: \(verb) done; \(report.gone) were gone already."
        }
    }

    /// Before the deed, so that one that is broken off is on record too.
    private func audit(
        _ verb: String, _ options: DeadOptions, _ errand: Errand, count: Int, _ runtime: Runtime
    ) async throws {
        var detail = options.detail
        detail["letters"] = String(count)
        try await runtime.store.audit(
            AuditEntry(
                at: runtime.clock.now, actor: errand.actor, verb: "dead \(verb)", subject: "queue",
                reason: errand.reason, detail: detail))
    }
}
