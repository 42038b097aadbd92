import ArgumentParser
import Drivers
import Foundation
import Store
import SyncRules

/// `ferry records skip`.
struct RecordsSkip: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "skip", abstract: "Keep records out of the sync, in both directions, until `unskip`.",
        discussion: """
            One record by its id, where either id of a linked pair will do, or with filters all those that fail in one way, \
            which wants --yes. Nothing is deleted or unlinked; changes on either side are seen and settled as kept out, and \
            found again by `unskip`.

                ferry records skip acme 003000000000001AAA --reason "their lawyer asked"
                ferry records skip acme --code DUPLICATES_DETECTED --reason "to be merged" --dry-run
            """)

    @Argument(help: "The tenant's id.")
    var tenant: String

    @Argument(help: "E-mail address, ActiveCampaign contact id, or Salesforce id; none with a filter.")
    var record: String?

    @OptionGroup var failures: FailureOptions
    @OptionGroup var consent: ConsentOptions
    @OptionGroup var errand: ErrandOptions
    @OptionGroup var output: OutputOptions

    private struct Report: Encodable {
        let tenant: String
        /// False when nothing was done yet.
        let done: Bool
        let skipped: [String]
    }

    func validate() throws {
        guard let reason = errand.reason, reason.contains(where: { !$0.isWhitespace }), reason.count <= 500 else {
            throw ValidationError("--reason: want 1 to 500 characters; people will ask why this record does not sync")
        }
        guard (record == nil) != (try failures.filter == FailureFilter()) else {
            throw ValidationError("want either one record or a filter such as --code")
        }
    }

    func run() async throws {
        let name = try record.map(RecordQuestion.name)
        let report = try await Control.run("records") { runtime in
            let row = try await Control.tenant(tenant, in: runtime.store)
            let ids =
                if let name { try await SkippedIDs.of(name, tenant: row.number, in: runtime.store).all } else {
                    SkippedIDs.all(
                        of: try await runtime.store.failures(
                            tenant: row.number, failures.filter, limit: StoreLimits.failuresPerRetry))
                }
            let isMeant =
                try name != nil && !consent.dryRun || consent.allows("skip \(ids.count) records", count: ids.count)
            if isMeant, !ids.isEmpty {
                try await runtime.store.exclude(
                    tenant: row.number, ids, by: errand.errand, now: runtime.clock.now)
            }
            return Report(tenant: tenant, done: isMeant, skipped: ids.map(\.id))
        }
        try output.print(report) {
            guard !report.skipped.isEmpty else { return "No failure of \(tenant) is meant by this." }
            let ids = report.skipped.joined(separator: ", ")
            return report.done
                ? "Kept out of \(tenant): \(ids). A run under way may still write it."
                : "Would be kept out of \(tenant): \(ids)."
        }
        if report.skipped.isEmpty { throw ExitCode.failure }
    }
}

/// The ids that stand for a record among exclusions.
struct SkippedIDs {
    let contacts: [Int64]
    let records: [String]

    var all: [(side: Side, id: String)] {
        contacts.map { (Side.activeCampaign, String($0)) } + records.map { (Side.salesforce, $0) }
    }

    /// The records that failures stand for: Salesforce's own, and ActiveCampaign's contacts. A webhook that named no contact
    /// stands for none.
    static func all(of failures: [FailureRow]) -> [(side: Side, id: String)] {
        failures.compactMap { row in
            if row.direction == .inbound || row.object == .account { return (.salesforce, row.recordID) }
            return Int64(row.recordID).map { _ in (.activeCampaign, row.recordID) }
        }
    }

    /// The id itself, or, for an address, the ids of all that is linked to it.
    static func of(_ name: RecordName, tenant: Int32, in store: Store) async throws -> SkippedIDs {
        switch name {
        case .contact(let id): return SkippedIDs(contacts: [id], records: [])
        case .record(let id): return SkippedIDs(contacts: [], records: [id])
        case .email:
            let file = try await store.recordFile(tenant: tenant, name)
            guard !file.contactIDs.isEmpty || !file.recordIDs.isEmpty else {
                throw ValidationError("no linked record has this address; use an id")
            }
            return SkippedIDs(contacts: file.contactIDs, records: file.recordIDs)
        }
    }
}

/// `ferry records unskip`.
struct RecordsUnskip: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "unskip", abstract: "Take a record back into the sync, and read what changed meanwhile.",
        discussion: "Takes back every exclusion of the record and of what it is linked to.")

    @Argument(help: "The tenant's id.")
    var tenant: String

    @Argument(help: "E-mail address, ActiveCampaign contact id, or Salesforce id.")
    var record: String

    @OptionGroup var errand: ErrandOptions
    @OptionGroup var output: OutputOptions

    private struct Report: Encodable {
        let tenant: String
        let unskipped: [String]
    }

    func run() async throws {
        let name = try RecordQuestion.name(record)
        let report = try await Control.run("records") { runtime in
            let row = try await Control.tenant(tenant, in: runtime.store)
            let file = try await runtime.store.recordFile(tenant: row.number, name)
            let ids = try await runtime.store.include(
                tenant: row.number, contactIDs: file.contactIDs, recordIDs: file.recordIDs, by: errand.errand,
                now: runtime.clock.now)
            return Report(tenant: tenant, unskipped: ids)
        }
        try output.print(report) {
            report.unskipped.isEmpty
                ? "This record was not kept out; `ferry records skipped \(tenant)` lists those that are."
                : "Back in the sync of \(tenant): \(report.unskipped.joined(separator: ", "))."
        }
        if report.unskipped.isEmpty { throw ExitCode.failure }
    }
}

/// `ferry records skipped`.
struct RecordsSkipped: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "skipped", abstract: "List the records of a tenant that people keep out of the sync.")

    @Argument(help: "The tenant's id.")
    var tenant: String

    @OptionGroup var output: OutputOptions

    func run() async throws {
        let rows = try await Control.run("records") { runtime in
            let row = try await Control.tenant(tenant, in: runtime.store)
            return try await runtime.store.excludedRecords(tenant: row.number)
        }
        try output.print(rows) {
            var table = TextTable("RECORD", "SINCE", "BY", "REASON")
            for row in rows { table.add(row.recordID, row.excludedAt.formatted(.iso8601), row.actor, row.reason) }
            return table.text
        }
    }
}
