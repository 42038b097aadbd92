import ArgumentParser
import Store

/// `ferry tenants validate`.
struct TenantsValidate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "validate", abstract: "Check a tenant's rows, or a file of them, without touching the network.",
        discussion: """
            Says everything that is wrong at once, naming row and column: types that don't go together, words that don't \
            exist, criteria that select nothing. A file is checked without a database too. Ends with 1 when something \
            can't work; warnings alone end with 0. `ferry tenants doctor` checks online.
            """)

    @Argument(help: "The tenant's id; or give --file.")
    var tenant: String?

    @Option(help: "A file as `ferry tenants apply` takes it, or - for standard input.")
    var file: String?

    @OptionGroup var output: OutputOptions

    private struct Report: Encodable {
        let tenant: String
        let isValid: Bool
        let findings: [Finding]
    }

    func validate() throws {
        guard (tenant == nil) != (file == nil) else { throw ValidationError("give a tenant's id or --file") }
    }

    func run() async throws {
        let document: TenantDocument
        if let file {
            document = try TenantFile(path: file).read()
        } else {
            document = try await Control.run("tenants") { runtime in
                let row = try await Control.tenant(tenant ?? "", in: runtime.store)
                return try await runtime.store.show(row.id)
            }
        }
        let check = DocumentCheck(document, isStored: file == nil)
        let report = Report(tenant: document.id, isValid: !check.hasErrors, findings: check.findings)
        try output.print(report) {
            guard !report.findings.isEmpty else { return "\(document.id): nothing to complain of." }
            var table = TextTable("", "PLACE", "WHAT AND HOW TO MEND IT")
            for finding in report.findings { table.add(finding.weight.rawValue, finding.place, finding.message) }
            return "\(document.id): \(report.isValid ? "can work" : "can't work")\n" + table.text
        }
        if check.hasErrors { throw ExitCode.failure }
    }
}
