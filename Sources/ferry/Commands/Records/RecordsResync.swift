import ArgumentParser
import Drivers
import Foundation
import Store
import SyncRules

/// `ferry records resync`.
struct RecordsResync: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "resync", abstract: "Read one record anew on both sides, and bring the two into step.",
        discussion: """
            As if every mapped field had changed on both sides: Salesforce's value wins, and what Salesforce has never said \
            anything of it gets from ActiveCampaign. Nothing is written from here: the next run takes the request, within \
            seconds, by the ordinary rules; `ferry records explain` tells what came of it.

            With --direction inbound only ActiveCampaign is brought up to date, with outbound only Salesforce, to which \
            ActiveCampaign's values then go wherever they differ.
            """)

    @Argument(help: "The tenant's id.")
    var tenant: String

    @Argument(help: "E-mail address, ActiveCampaign contact id, or Salesforce id.")
    var record: String

    @Option(help: "inbound (Salesforce → ActiveCampaign) or outbound; without it both.")
    var direction: String?

    @OptionGroup var errand: ErrandOptions
    @OptionGroup var output: OutputOptions

    private struct Report: Encodable {
        let tenant: String
        let records: [String]
        /// Contacts without a linked record; they are read by the next outbound batch.
        let contacts: [Int64]
    }

    func run() async throws {
        let name = try RecordQuestion.name(record)
        let way = try Direction.option(direction)
        let report = try await Control.run("records") { runtime in
            let row = try await Control.tenant(tenant, in: runtime.store)
            guard row.state == .active else {
                throw ValidationError(
                    "\(tenant) is \(row.state.rawValue); nothing can run. `ferry tenants resume \(tenant)`")
            }
            let file = try await runtime.store.recordFile(tenant: row.number, name)
            let target = try ResyncTarget(name, file)
            try await runtime.store.requestResync(
                tenant: row.number, records: target.records, contactIDs: target.contacts, direction: way,
                by: errand.errand, now: runtime.clock.now)
            return Report(tenant: tenant, records: target.records.map(\.id), contacts: target.contacts)
        }
        try output.print(report) {
            let names = report.records + report.contacts.map { "contact \($0)" }
            return "\(tenant): \(names.joined(separator: ", ")) will be read anew with the next run, within seconds. "
                + "`ferry records explain \(tenant) \(names.count == 1 ? report.records.first ?? "ID" : "ID")` tells more."
        }
    }
}

/// The records a resync is about.
struct ResyncTarget {
    let records: [(id: String, object: ObjectKind)]
    let contacts: [Int64]

    /// Every record linked to what was named; of what is not linked, the id itself.
    /// - Throws: `ValidationError` when an address or id leads to nothing that can be read.
    init(_ name: RecordName, _ file: RecordFile) throws {
        var objects = Dictionary(
            file.links.map { ($0.link.recordID, $0.link.object) }, uniquingKeysWith: { first, _ in first })
        if case .record(let id) = name, objects[id] == nil {
            objects[id] = ObjectKind.allCases.first { $0.idPrefix == id.prefix(3) }
        }
        records = objects.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
        let linked = Set(file.links.map(\.link.contactID))
        contacts =
            if case .contact(let id) = name, !linked.contains(id) { [id] } else { [] }
        guard !records.isEmpty || !contacts.isEmpty else {
            throw ValidationError("nothing in the sync has this address or id; use the id of a contact or a lead")
        }
    }
}

extension ObjectKind {
    /// The first three characters of the object's ids.
    fileprivate var idPrefix: String {
        switch self {
        case .contact: "003"
        case .lead: "00Q"
        case .account: "001"
        case .opportunity: "006"
        }
    }
}
