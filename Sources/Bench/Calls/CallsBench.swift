import ArgumentParser
import Cluster
import Foundation
import Simulators
import Store

import enum SyncRules.Side

/// `bench calls`: how many provider calls common work takes, by the providers' own count.
struct CallsBench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "calls",
        abstract: "Measures the provider calls that common work of one tenant takes.",
        discussion: """
            Every scenario has a cluster and a tenant of its own whose first runs are over. ActiveCampaign's limits are \
            on; waiting moves the simulators' clock instead of taking time. Figures are named PROVIDER.SCENARIO and are \
            what the simulated provider has counted, calls for tokens and descriptions included where they count.
            """)

    @Option(help: "Only this scenario; may be given several times.")
    var only: [CallsScenario] = []

    func run() async throws {
        Report.environment()
        for scenario in CallsScenario.allCases where only.isEmpty || only.contains(scenario) {
            Report.progress(scenario.rawValue)
            try await BenchCluster.with(pace: .kept) { cluster in
                let tenant = try await BenchTenant(in: cluster, scenario.options)
                try await measure(scenario, cluster, tenant)
            }
        }
    }

    private func measure(_ scenario: CallsScenario, _ cluster: BenchCluster, _ tenant: BenchTenant) async throws {
        try await scenario.prepare(cluster, tenant)
        let before = tenant.calls
        let began = cluster.clock.offsetSeconds
        try await scenario.perform(cluster, tenant)
        let calls = tenant.calls - before
        let apart = tenant.disagreements()
        guard apart == 0 else { throw ValidationError("\(scenario.rawValue): \(apart) records do not agree") }
        let goals = scenario.goals
        Report.figure("salesforce.\(scenario.rawValue)", Double(calls.salesforce), "calls", goal: goals.salesforce)
        Report.figure(
            "activecampaign.\(scenario.rawValue)", Double(calls.activeCampaign), "calls", goal: goals.activeCampaign)
        try await compareLedger(scenario, cluster, tenant)
        if let records = scenario.imported {
            let minutes = (cluster.clock.offsetSeconds - began) / 60
            Report.figure("\(scenario.rawValue)_contacts_per_min", Double(records) / minutes, "1/min")
        }
    }
    /// Every call the providers have counted since the tenant came stands in the ledger, and no other.
    private func compareLedger(_ scenario: CallsScenario, _ cluster: BenchCluster, _ tenant: BenchTenant) async throws {
        let usage = try await cluster.store.usage(tenant: tenant.number, since: .distantPast)
        func booked(_ side: Side) -> Int {
            Int(
                usage.filter { $0.provider == side && $0.callClass != CallClass.token.rawValue }.map(\.calls).reduce(
                    0, +))
        }
        let ledger = BenchTenant.Calls(salesforce: booked(.salesforce), activeCampaign: booked(.activeCampaign))
        guard ledger == tenant.calls else {
            throw ValidationError("\(scenario.rawValue): the ledger says \(ledger), the providers \(tenant.calls)")
        }
    }
}
