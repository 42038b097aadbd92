import ArgumentParser
import Cluster
import Foundation
import JobQueue
import Store
import SyncRules

/// `ferry budgets set`.
struct BudgetsSet: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "set", abstract: "Set what a tenant may call in 24 hours; what waits goes on at once if it may.",
        discussion: """
            The same as writing the row of api_budgets. Until an org has told its limit, a share is of the limit of \
            --edition with so many --licences, or of 15000 when neither is given. Without --calls and --share the default \
            of half of the org's calls stays, with another --ceiling or --edition.
            """)

    @Argument(help: "The tenant's id.")
    var tenant: String

    @OptionGroup var provider: ProviderOption

    @Option(help: "Calls in 24 hours.")
    var calls: Int?

    @Option(help: "Instead of --calls: share of the account's own limit, above 0 and at most 1.")
    var share: Double?

    @Option(help: "Share of the account's limit, used by everybody, at which Ferry makes way; default 0.9.")
    var ceiling: Double?

    @Option(help: "developer, professional, enterprise, unlimited, performance or full_sandbox.")
    var edition: String?

    @Option(help: "Full Salesforce licences of the org.")
    var licences: Int?

    @OptionGroup var errand: ErrandOptions
    @OptionGroup var output: OutputOptions

    private struct Report: Encodable {
        let tenant: String
        let provider: String
        let dailyCalls: Int?
        let orgCeiling: Int?
    }

    func validate() throws {
        _ = try provider.value()
        guard calls == nil || share == nil else { throw ValidationError("give either --calls or --share, not both") }
        guard calls != nil || share != nil || ceiling != nil || edition != nil else {
            throw ValidationError("give either --calls or --share, or a --ceiling or --edition for the default share")
        }
        if let calls, !(1...Int(Int32.max)).contains(calls) { throw ValidationError("--calls: want 1 or more") }
        for (name, value) in [("--share", share), ("--ceiling", ceiling)] {
            if let value, !(value > 0 && value <= 1) { throw ValidationError("\(name): want above 0 and at most 1") }
        }
        if let edition, OrgEdition(rawValue: edition) == nil {
            let known = OrgEdition.allCases.map(\.rawValue).joined(separator: ", ")
            throw ValidationError("--edition: want one of \(known), not \"\(edition)\"")
        }
        if let licences, licences < 0 { throw ValidationError("--licences: want 0 or more") }
    }

    func run() async throws {
        let report = try await Control.run("budgets") { runtime in
            let row = try await Control.tenant(tenant, in: runtime.store)
            let provider = try provider.value()
            var document = BudgetDocument(provider: provider.rawValue, dailyCalls: calls)
            document.dailyShare = share
            document.orgCeilingShare = ceiling
            document.edition = edition
            document.licences = licences
            try await runtime.store.setBudget(tenant: tenant, document, by: errand.errand)
            // Schedulers do it too; here it is done when the command returns.
            let keeper = BudgetKeeper(store: runtime.store, queue: try runtime.queue(), clock: runtime.clock)
            do { try await keeper.set(row.number) } catch let error as JobQueueError where error.code == .generationLost
            {
                note("Redis lost the queue; a running scheduler sets the budget when it rebuilds it.")
            }
            let limits = try await runtime.store.providerLimits(tenant: row.number)
            let terms = try await runtime.store.tenantConfig(row.number)?.budgets
                .first { $0.provider == provider }
                .map { BudgetTerms($0, limit: limits[provider == .salesforce ? .salesforce : .activeCampaign]) }
            return Report(
                tenant: tenant, provider: provider.rawValue, dailyCalls: terms?.dailyCalls,
                orgCeiling: terms?.orgCeiling)
        }
        try output.print(report) {
            guard let calls = report.dailyCalls else { return "\(tenant): stored." }
            return "\(tenant): \(calls) calls to \(report.provider) in any 24 hours."
        }
    }
}

/// `ferry budgets end`.
struct BudgetsEnd: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "end", abstract: "End a tenant's own budget: the default holds again.")

    @Argument(help: "The tenant's id.")
    var tenant: String

    @OptionGroup var provider: ProviderOption
    @OptionGroup var errand: ErrandOptions
    @OptionGroup var output: OutputOptions

    private struct Report: Encodable {
        let tenant: String
        let provider: String
        let ended: Bool
    }

    func validate() throws { _ = try provider.value() }

    func run() async throws {
        let report = try await Control.run("budgets") { runtime in
            let row = try await Control.tenant(tenant, in: runtime.store)
            let provider = try provider.value()
            let ended = try await runtime.store.removeBudget(tenant: tenant, provider: provider, by: errand.errand)
            let keeper = BudgetKeeper(store: runtime.store, queue: try runtime.queue(), clock: runtime.clock)
            do { try await keeper.set(row.number) } catch let error as JobQueueError where error.code == .generationLost
            {
                note("Redis lost the queue; a running scheduler sets the budget when it rebuilds it.")
            }
            return Report(tenant: tenant, provider: provider.rawValue, ended: ended)
        }
        try output.print(report) {
            report.ended
                ? "\(report.tenant): the default holds for calls to \(report.provider) again."
                : "\(report.tenant) had no budget of its own with \(report.provider)."
        }
    }
}
