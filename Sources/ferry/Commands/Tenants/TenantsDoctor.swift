import ArgumentParser
import Cluster
import Drivers
import Foundation
import Store

/// `ferry tenants doctor`.
struct TenantsDoctor: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor", abstract: "Look at a tenant online and write nothing: is all there that its rows name?",
        discussion: """
            Credentials, the integration user's permissions, every mapped field by describe with its type and access, pick \
            lists, the fields of criteria and package, and the calls that are left today. Needs FERRY_PRIVATE_KEYS_FILE, \
            as workers do; costs about three calls to ActiveCampaign and four to Salesforce, which count.

            Ends with 1 when the tenant is not ready.
            """)

    @Argument(help: "The tenant's id.")
    var tenant: String

    @Flag(help: "Only what is not well.")
    var quiet = false

    @OptionGroup var output: OutputOptions

    private struct Report: Encodable {
        let tenant: String
        /// `ready`, `ready with warnings` or `not ready`.
        let verdict: String
        let findings: [DoctorFinding]
    }

    func run() async throws {
        let findings = try await Control.run("tenants") { runtime in
            let row = try await Control.tenant(tenant, in: runtime.store)
            let http = try runtime.providerClient()
            let doctor = TenantDoctor(
                store: runtime.store, queue: try runtime.queue(), clock: runtime.clock, http: http,
                keys: try runtime.settings.keys,
                providers: try runtime.providerPolicy())
            do {
                let findings = try await doctor.examine(row.number)
                await http.shutdown()
                return findings
            } catch {
                await http.shutdown()
                throw error
            }
        }
        let worst = findings.map(\.verdict).max() ?? .failed
        let verdict = [.ok: "ready", .warning: "ready with warnings"][worst] ?? "not ready"
        let shown = quiet ? findings.filter { $0.verdict != .ok } : findings
        try output.print(Report(tenant: tenant, verdict: verdict, findings: shown)) {
            var table = TextTable("", "CHECK", "FOUND")
            for finding in shown { table.add(finding.verdict.rawValue, finding.check, finding.message) }
            return "\(tenant): \(verdict)\n" + table.text
        }
        if worst == .failed { throw ExitCode.failure }
    }
}
