import ArgumentParser
import Cluster
import Drivers
import Foundation
import JobQueue
import Store
import SyncRules

/// `ferry budgets show`.
struct BudgetsShow: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Show what a tenant may call, what is used, by whom, and what waits until when.",
        discussion: "Ends with 1 when some of the tenant's work waits for calls.")

    @Argument(help: "The tenant's id.")
    var tenant: String

    @OptionGroup var output: OutputOptions

    private struct Report: Encodable {
        let tenant: String
        let budgets: [BudgetsCommand.Purse]
        /// Use that Ferry did not plan, of the last week.
        let events: [BudgetEvent]
    }

    func run() async throws {
        let (report, purses) = try await Control.run("budgets") { runtime in
            let row = try await Control.tenant(tenant, in: runtime.store)
            let limits = try await runtime.store.providerLimits(tenant: row.number)
            let rows = Set(try await runtime.store.tenantConfig(row.number)?.budgets.map(\.provider.rawValue) ?? [])
            let purses = try await BudgetsCommand.purses(runtime, row.number)
            let week = runtime.clock.now.addingTimeInterval(-604_800)
            let report = Report(
                tenant: tenant,
                budgets: purses.map { purse in
                    BudgetsCommand.Purse(
                        purse, limit: limits[purse.provider == .salesforce ? .salesforce : .activeCampaign],
                        hasRow: rows.contains(purse.provider.name))
                }, events: try await runtime.store.budgetEvents(tenant: row.number, since: week))
            return (report, purses)
        }
        try output.print(report) { Self.text(report, purses) }
        if purses.contains(where: { !$0.resumes.isEmpty }) { throw ExitCode.failure }
    }

    private static func text(_ report: Report, _ purses: [BudgetReport]) -> String {
        guard !purses.isEmpty else {
            return "Redis holds no budgets; a scheduler fills \(report.tenant)'s from what PostgreSQL knows."
        }
        var lines = zip(purses, report.budgets).flatMap { purse, told in
            Self.lines(purse, isDefault: told.origin == "default")
        }
        for event in report.events {
            lines.append(
                "\(event.at.formatted(.iso8601)): \(event.provider) was called \(event.others) times by others, "
                    + "\(event.usualOthers) are usual. Another integration, or a stolen token?")
        }
        return lines.joined(separator: "\n")
    }

    private static func lines(_ purse: BudgetReport, isDefault: Bool) -> [String] {
        var lines = [
            "\(purse.provider.title): \(purse.spent) of \(purse.terms.dailyCalls) calls in 24 hours\(isDefault ? " by default" : "") "
                + "(\(purse.percentUsed) %), \(purse.reserved) reserved, \(purse.left) left; \(purse.step.sentence)."
        ]
        if purse.unknown > 0 {
            lines.append("  \(purse.unknown) of them may have been made by workers that died.")
        }
        if let limit = purse.provenLimit {
            lines.append("  Restored after a loss of Redis: up to \(limit) until an answer of the org proves more.")
        }
        if let use = purse.orgUse, let at = purse.orgUseAt {
            lines.append(
                "  The whole org: \(use) calls at \(at.formatted(.iso8601)), \(purse.othersUse ?? 0) by others; "
                    + "Ferry makes way at \(purse.terms.orgCeiling.map(String.init) ?? "no") calls.")
        }
        for (jobClass, instant) in purse.resumes.sorted(by: { $0.key < $1.key }) {
            lines.append("  \("\(jobClass)".capitalized) work resumes at \(instant.formatted(.iso8601)).")
        }
        return lines
    }
}
