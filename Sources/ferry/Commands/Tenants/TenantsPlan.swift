import ArgumentParser
import Cluster
import Drivers
import Foundation
import Store

/// `ferry tenants plan`.
struct TenantsPlan: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plan", abstract: "Say what the next runs would create, update and skip, and why; write nothing.",
        discussion: """
            Reads both sides from where the tenant's cursors stand and decides by the runs' own rules. No side is written \
            to, no cursor moves. Ten sample records a class, by ids and field names, without values. Needs \
            FERRY_PRIVATE_KEYS_FILE, as workers do. Says before how many calls it may cost, and after how many it did.
            """)

    @Argument(help: "The tenant's id.")
    var tenant: String

    @OptionGroup var output: OutputOptions

    private struct Report: Encodable {
        let tenant: String
        let plan: TenantPlan
    }

    func run() async throws {
        let plan = try await Control.run("tenants") { runtime in
            let row = try await Control.tenant(tenant, in: runtime.store)
            note(
                "At most \(PlanLimits.recordCalls) calls to Salesforce and about \(PlanLimits.contactCalls) to "
                    + "ActiveCampaign; those to Salesforce count against its daily limit.")
            let http = try runtime.providerClient()
            let planner = TenantPlanner(
                store: runtime.store, queue: try runtime.queue(), clock: runtime.clock, http: http,
                keys: try runtime.settings.keys,
                providers: try runtime.providerPolicy())
            do {
                let plan = try await planner.plan(row.number)
                await http.shutdown()
                return plan
            } catch {
                await http.shutdown()
                throw error
            }
        }
        try output.print(Report(tenant: tenant, plan: plan)) { Self.text(tenant, plan) }
        if plan.reaches.contains(where: { $0.trouble != nil }) { throw ExitCode.failure }
    }

    private static func text(_ tenant: String, _ plan: TenantPlan) -> String {
        var lines = ["\(tenant): \(plan.recordCalls) calls to Salesforce, \(plan.contactCalls) to ActiveCampaign"]
        for reach in plan.reaches {
            let end = reach.trouble ?? (reach.isWhole ? "all of it" : "the runs would go on from there")
            lines.append("\(reach.direction) \(reach.object): \(reach.seen) records read, \(end)")
        }
        for kind in plan.classes {
            let why = kind.words.map { " – \($0)" } ?? ""
            lines.append("\(kind.direction) \(kind.object): \(kind.action.rawValue) \(kind.count)\(why)")
            lines += kind.samples.map { sample in
                let ids = [sample.contact.map { "contact \($0)" }, sample.record].compactMap(\.self)
                let fields = sample.fields.isEmpty ? "" : ": " + sample.fields.joined(separator: ", ")
                return "  " + ids.joined(separator: " ↔ ") + fields
            }
        }
        return lines.joined(separator: "\n")
    }
}
