import ArgumentParser
import Drivers
import Foundation
import Store
import SyncRules

/// `ferry records skip`.
struct RecordsSkip: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "skip", abstract: "Keep one record out of the sync, in both directions, until `unskip`.",
        discussion: """
            Either id of a linked pair will do. Nothing is deleted or unlinked; changes on either side are seen and \
            settled as kept out, and found again by `unskip`.
            """)

    @Argument(help: "The tenant's id.")
    var tenant: String

    @Argument(help: "E-mail address, ActiveCampaign contact id, or Salesforce id.")
    var record: String

    @OptionGroup var errand: ErrandOptions
    @OptionGroup var output: OutputOptions

    private struct Report: Encodable {
        let tenant: String
        let skipped: [String]
    }

    func validate() throws {
        guard let reason = errand.reason, reason.contains(where: { !$0.isWhitespace }), reason.count <= 500 else {
            throw ValidationError("--reason: want 1 to 500 characters; people will ask why this record does not sync")
        }
    }

    func run() async throws {
        let name = try RecordQuestion.name(record)
        let by = errand.errand
        let report = try await Control.run("records") { runtime in
            let row = try await Control.tenant(tenant, in: runtime.store)
            let ids = try await SkippedIDs.of(name, tenant: row.number, in: runtime.store)
            for (side, id) in ids.all {
                try await runtime.store.exclude(
                    tenant: row.number, side: side, recordID: id, by: by, now: runtime.clock.now)
            }
            return Report(tenant: tenant, skipped: ids.all.map(\.id))
        }
        try output.print(report) {
            "Kept out of \(tenant): \(report.skipped.joined(separator: ", ")). A run under way may still write it."
        }
    }
}

/// The ids that stand for a record among exclusions.
struct SkippedIDs {
    let contacts: [Int64]
    let records: [String]

    var all: [(side: Side, id: String)] {
        contacts.map { (Side.activeCampaign, String($0)) } + records.map { (Side.salesforce, $0) }
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
