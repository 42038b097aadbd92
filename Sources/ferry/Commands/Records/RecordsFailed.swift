import ArgumentParser
import Foundation
import Store
import SyncRules

/// Which failures a command means.
struct FailureOptions: ParsableArguments {
    @Option(help: "Only this error code, as `ferry records failed --by-code` shows it.")
    var code: String?

    @Option(help: "Only this object: contact, lead, account or opportunity.")
    var object: String?

    @Option(help: "Only this direction: outbound (ActiveCampaign → Salesforce) or inbound.")
    var direction: String?

    var filter: FailureFilter {
        get throws {
            var filter = FailureFilter()
            filter.code = code
            filter.object = try ObjectKind.option(object)
            filter.direction = try Direction.option(direction)
            return filter
        }
    }
}

/// One failure on a screen.
struct FailureReport: Encodable {
    let tenant: String
    let direction: String
    let object: String
    let record: String
    let code: String
    let fields: [String]
    let message: String?
    let count: Int
    let firstSeen: Date
    let lastSeen: Date
    let retryAt: Date?

    init(_ row: FailureRow, tenants: [Int32: String]) {
        tenant = tenants[row.tenant] ?? "#\(row.tenant)"
        direction = row.direction.name
        object = row.object.name
        record = row.recordID
        code = row.code
        fields = row.fields
        message = row.message ?? RuleWords.of(row.code)
        count = row.count
        firstSeen = row.firstSeenAt
        lastSeen = row.lastSeenAt
        retryAt = row.retryAt
    }

    static func table(_ rows: [FailureReport]) -> String {
        guard !rows.isEmpty else { return "No record fails." }
        var table = TextTable(
            "TENANT", "DIRECTION", "OBJECT", "RECORD", "CODE", "FIELDS", "TIMES", "LAST", "TRIED AGAIN")
        for row in rows {
            table.add(
                row.tenant, row.direction, row.object, row.record, row.code, row.fields.joined(separator: ","),
                String(row.count), row.lastSeen.formatted(.iso8601),
                row.retryAt?.formatted(.iso8601) ?? "when it changes")
        }
        return table.text
    }
}

/// `ferry records failed`.
struct RecordsFailed: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "failed",
        abstract: "List records that could not be written, of one tenant or all, the latest first.",
        discussion: "With --by-code a line a code, to see what to mend first. Ends with 1 when there are any.")

    @Argument(help: "A tenant's id; without it all tenants.")
    var tenant: String?

    @OptionGroup var failures: FailureOptions

    @Flag(help: "A line a code, with how many records and since when.")
    var byCode = false

    @Option(help: "Records at most, 1 to 10000.")
    var limit = 100

    @OptionGroup var output: OutputOptions

    func validate() throws {
        guard (1...10_000).contains(limit) else { throw ValidationError("--limit: want 1 to 10000") }
        _ = try failures.filter
    }

    func run() async throws {
        let isEmpty = try await Control.run("records") { runtime in
            var number: Int32?
            if let tenant { number = try await Control.tenant(tenant, in: runtime.store).number }
            return try await byCode ? groups(runtime, number) : list(runtime, number)
        }
        if !isEmpty { throw ExitCode.failure }
    }

    private func list(_ runtime: Runtime, _ number: Int32?) async throws -> Bool {
        let rows = try await runtime.store.failures(tenant: number, failures.filter, limit: limit)
        let names = try await runtime.store.tenantNames(Set(rows.map(\.tenant)))
        let reports = rows.map { FailureReport($0, tenants: names) }
        try output.print(reports) { FailureReport.table(reports) }
        return rows.isEmpty
    }

    private func groups(_ runtime: Runtime, _ number: Int32?) async throws -> Bool {
        let groups = try await runtime.store.failureGroups(tenant: number, failures.filter, limit: limit)
        try output.print(groups) {
            guard !groups.isEmpty else { return "No record fails." }
            var table = TextTable("CODE", "RECORDS", "SINCE", "MEANING")
            for group in groups {
                table.add(
                    group.code, String(group.records), group.oldest.formatted(.iso8601),
                    RuleWords.of(group.code) ?? "the provider's error code")
            }
            return table.text
        }
        return groups.isEmpty
    }
}
