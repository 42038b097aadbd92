import ArgumentParser
import Cluster
import Drivers
import Foundation
import Store
import SyncRules

/// `ferry budgets ledger`.
struct BudgetsLedger: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ledger", abstract: "List a tenant's calls by hour, provider and class.")

    @Argument(help: "The tenant's id.")
    var tenant: String

    @Option(help: "Hours back, 1 to 9600.")
    var hours = 24

    @OptionGroup var output: OutputOptions

    private struct Line: Encodable {
        let hour: Date
        let provider: String
        let callClass: String
        let calls: Int64
    }

    func validate() throws {
        guard (1...9_600).contains(hours) else { throw ValidationError("--hours: want 1 to 9600") }
    }

    func run() async throws {
        let lines = try await Control.run("budgets") { runtime in
            let row = try await Control.tenant(tenant, in: runtime.store)
            let since = runtime.clock.now.addingTimeInterval(-3_600 * Double(hours - 1))
            return try await runtime.store.usage(tenant: row.number, since: since).map { usage in
                Line(
                    hour: usage.hour, provider: usage.provider == .salesforce ? "salesforce" : "activecampaign",
                    callClass: CallClass(rawValue: usage.callClass)?.name ?? "other", calls: usage.calls)
            }
        }
        try output.print(lines) {
            var table = TextTable("HOUR", "PROVIDER", "CLASS", "CALLS")
            for line in lines {
                table.add(line.hour.formatted(.iso8601), line.provider, line.callClass, String(line.calls))
            }
            for provider in ["salesforce", "activecampaign"] {
                let sum = lines.filter { $0.provider == provider }.map(\.calls).reduce(0, +)
                if sum > 0 { table.add("total", provider, "", String(sum)) }
            }
            return table.text
        }
    }
}
