import ArgumentParser
import Cluster
import Foundation
import JobQueue
import Store
import SyncRules

/// `ferry budgets`: what a tenant's calls may come to, what they came to, and what comes.
struct BudgetsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "budgets", abstract: "Show, set and forecast what a tenant's calls to its providers may come to.",
        discussion: """
            A budget is a row of api_budgets: a number of calls in any 24 hours, or a share of the account's own limit. \
            From 60 % on back-fills wait, from 75 % automatic retries too and pulls are stretched, from 90 % only new \
            records and what people change is synced, at 100 % everything waits for the instant that calls come back. \
            Nothing is lost meanwhile. Without a row a tenant has half of its Salesforce org's calls and makes way when all \
            together used 90 %; ActiveCampaign, which has no daily limit, is called at its pace.
            """,
        subcommands: [BudgetsShow.self, BudgetsSet.self, BudgetsEnd.self, BudgetsForecast.self, BudgetsLedger.self])

    /// Everything there is to say of one provider's budget.
    struct Purse: Encodable {
        let provider: String
        /// `row` of api_budgets, or `default`.
        let origin: String
        let step: String
        let dailyCalls: Int
        let spent: Int
        let reserved: Int
        let left: Int
        let percentUsed: Int
        /// Part of `spent` that dead workers may have made.
        let unknown: Int
        let orgCeiling: Int?
        let orgLimit: Int?
        let orgUse: Int?
        let orgUseAt: Date?
        let othersUse: Int?
        /// When each class of work resumes that waits now.
        let resumes: [String: Date]

        init(_ report: BudgetReport, limit: ProviderLimit?, hasRow: Bool) {
            provider = report.provider.name
            origin = hasRow ? "row" : "default"
            step = report.step.rawValue
            dailyCalls = report.terms.dailyCalls
            spent = report.spent
            reserved = report.reserved
            left = report.left
            percentUsed = report.percentUsed
            unknown = report.unknown
            orgCeiling = report.terms.orgCeiling
            orgLimit = limit?.dailyLimit
            orgUse = report.orgUse
            orgUseAt = report.orgUseAt
            othersUse = report.othersUse
            resumes = Dictionary(uniqueKeysWithValues: report.resumes.map { ("\($0.key)", $0.value) })
        }
    }

    /// A tenant's purses as Redis keeps them; none when it was wiped and is not filled again. One that its first run would
    /// open is opened now.
    static func purses(_ runtime: Runtime, _ tenant: Int32) async throws -> [BudgetReport] {
        let queue = try runtime.queue()
        func read() async throws -> [BudgetReport]? {
            try await Control.unlessWiped { () async throws(JobQueueError) in try await queue.budgets(tenant: tenant) }
        }
        guard let known = try await read() else { return [] }
        guard !known.contains(where: { $0.provider == .salesforce }) else { return known }
        try await BudgetKeeper(store: runtime.store, queue: queue, clock: runtime.clock).set(tenant)
        return try await read() ?? []
    }

    /// The purses of many tenants that have run, in a line each; tenants that were never run have none.
    static func lines(_ runtime: Runtime, _ tenants: [TenantSummary]) async throws -> [String: String] {
        let queue = try runtime.queue()
        let purses =
            try await Control.unlessWiped { () async throws(JobQueueError) in
                try await queue.budgets(tenants: tenants.map(\.number))
            } ?? [:]
        let lines = tenants.compactMap { tenant in
            purses[tenant.number].map { (tenant.id, $0.map(\.line).joined(separator: ", ")) }
        }
        return Dictionary(lines, uniquingKeysWith: { first, _ in first })
    }
}

extension BudgetReport {
    /// `Salesforce 23 %`, with the step it is at.
    var line: String { "\(provider.title) \(percentUsed) %\(step == .full ? "" : " \(step.rawValue)")" }
}

/// Which provider a budget is with.
struct ProviderOption: ParsableArguments {
    @Option(help: "salesforce or activecampaign.")
    var provider = Provider.salesforce.rawValue

    func value() throws -> Provider {
        guard let value = Provider(rawValue: provider) else {
            throw ValidationError("--provider: want salesforce or activecampaign, not \"\(provider)\"")
        }
        return value
    }
}
