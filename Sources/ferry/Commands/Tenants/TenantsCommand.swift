import ArgumentParser
import Foundation
import Store
import Yams

/// `ferry tenants`: who is on board, and on what terms.
struct TenantsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tenants", abstract: "List, show and change tenants.",
        subcommands: [
            List.self, Show.self, TenantsWhy.self, TenantsValidate.self, TenantsDoctor.self, TenantsPlan.self,
            Apply.self, Pause.self,
            Resume.self,
            Remove.self,
        ])

    // MARK: - Looking

    /// `ferry tenants list`.
    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List tenants by id.")

        @Option(help: "Begin behind this id.")
        var after = ""

        @Option(help: "Tenants at most, 1 to 10000.")
        var limit = 1_000

        @OptionGroup var output: OutputOptions

        func run() async throws {
            let rows = try await Control.run("tenants") { try await $0.store.tenants(after: after, limit: limit) }
            try output.print(rows) {
                var table = TextTable("TENANT", "NUMBER", "STATE", "SINCE", "REASON")
                for row in rows {
                    table.add(
                        row.id, String(row.number), row.state.rawValue, row.createdAt.formatted(.iso8601),
                        row.pauseReason ?? "")
                }
                return table.text
            }
        }
    }

    /// `ferry tenants show`.
    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print a tenant's rows as the YAML that `apply` takes; secrets are left out.")

        @Argument(help: "The tenant's id.")
        var tenant: String

        @OptionGroup var output: OutputOptions

        func run() async throws {
            let document = try await Control.run("tenants") { try await $0.store.show(tenant) }
            let yaml = try YAMLEncoder().encode(document)
            try output.print(document) { yaml.trimmingCharacters(in: .newlines) }
        }
    }

    // MARK: - Changing

    /// `ferry tenants apply`.
    struct Apply: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make a tenant's rows equal to a YAML file, in one transaction.",
            discussion: """
                Takes the same facts as the rows, in the columns' own words; `ferry tenants show` prints an example. \
                What is left out takes the column's default, sections that are left out are emptied, and a connection \
                without secret keeps the one it has. Secrets are sealed with `ferry seal` before.
                """)

        @Argument(help: "The file, or - for standard input.")
        var file: String

        @OptionGroup var errand: ErrandOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let document = try TenantFile(path: file).read()
            try await Control.run("tenants") { try await $0.store.apply(document, by: errand.errand) }
            try output.print(Done(tenant: document.id, done: "applied")) { "Applied \(document.id)." }
        }
    }

    /// `ferry tenants pause`.
    struct Pause: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Stop a tenant's runs; cursors, links and pending changes are kept.")

        @Argument(help: "The tenant's id.")
        var tenant: String

        @OptionGroup var errand: ErrandOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            try await Control.run("tenants") { try await $0.store.pause(tenant, by: errand.errand) }
            try output.print(Done(tenant: tenant, done: "paused")) {
                "Paused \(tenant). A run under way ends first; `ferry tenants resume \(tenant)` lets it go on."
            }
        }
    }

    /// `ferry tenants resume`.
    struct Resume: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Let a paused or removed tenant run again from where it stood.")

        @Argument(help: "The tenant's id.")
        var tenant: String

        @OptionGroup var errand: ErrandOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            try await Control.run("tenants") { try await $0.store.resume(tenant, by: errand.errand) }
            try output.print(Done(tenant: tenant, done: "resumed")) { "Resumed \(tenant)." }
        }
    }

    /// `ferry tenants remove`.
    struct Remove: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Stop every request for a tenant at once; data on both sides stays.",
            discussion: "The tenant's rows stay until they are purged; `ferry tenants resume` takes the removal back.")

        @Argument(help: "The tenant's id.")
        var tenant: String

        @Flag(help: "Yes, remove it.")
        var yes = false

        @OptionGroup var errand: ErrandOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            guard yes else { throw ValidationError("removing \(tenant) stops all of its syncs; add --yes") }
            try await Control.run("tenants") { try await $0.store.remove(tenant, by: errand.errand) }
            try output.print(Done(tenant: tenant, done: "removed")) { "Removed \(tenant); its rows are kept." }
        }
    }

    private struct Done: Encodable {
        let tenant: String
        let done: String
    }
}
