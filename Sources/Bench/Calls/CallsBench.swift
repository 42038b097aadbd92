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
            on, the tenant has a budget with both providers, and calls keep the cluster's shared pace; waiting moves the \
            simulators' clock instead of taking time. Figures are named PROVIDER.SCENARIO and are what the simulated \
            provider has counted, calls for tokens and descriptions included where they count; ledger and budgets must \
            agree with them to the call. outbound_1000 is outbound_1000_package by its other name.

            backfill_100000_contacts_per_min is bound by ActiveCampaign's importer, 100 imports a minute of 250 contacts, \
            and before that by its calls a second: each import's outcome is asked for, and the ids of its contacts are \
            read a hundred a call.

            Ends with 1 when a goal is missed.
            """)

    @Option(help: "Only this scenario; may be given several times.")
    var only: [CallsScenario] = []

    func run() async throws {
        Report.environment()
        var isMet = true
        for scenario in CallsScenario.allCases where only.isEmpty || only.contains(scenario) {
            Report.progress(scenario.rawValue)
            try await BenchCluster.with(pace: .kept) { cluster in
                let tenant = try await BenchTenant.settled(in: cluster, scenario.options)
                isMet = try await measure(scenario, cluster, tenant) && isMet
            }
        }
        if !isMet { throw ExitCode.failure }
    }

    /// - Returns: whether the goals are met.
    private func measure(
        _ scenario: CallsScenario, _ cluster: BenchCluster, _ tenant: BenchTenant
    ) async throws -> Bool {
        try await scenario.prepare(cluster, tenant)
        let before = tenant.calls
        let began = cluster.clock.offsetSeconds
        try await scenario.perform(cluster, tenant)
        let calls = tenant.calls - before
        let apart = tenant.disagreements()
        guard apart == 0 else { throw ValidationError("\(scenario.rawValue): \(apart) records do not agree") }
        let goals = scenario.goals
        var isMet = true
        for name in scenario.names {
            let salesforce = Report.figure(
                "salesforce.\(name)", Double(calls.salesforce), "calls", goal: Double(goals.salesforce))
            let campaign = Report.figure(
                "activecampaign.\(name)", Double(calls.activeCampaign), "calls",
                goal: goals.activeCampaign.map(Double.init))
            isMet = isMet && salesforce && campaign
        }
        try await compareLedger(scenario, cluster, tenant)
        if let records = scenario.imported {
            let minutes = (cluster.clock.offsetSeconds - began) / 60
            isMet =
                Report.figure(
                    "\(scenario.rawValue)_contacts_per_min", Double(records) / minutes, "1/min",
                    goal: scenario.leastPace, isLeast: true) && isMet
        }
        return isMet
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
        let spent = try await cluster.spent(by: tenant.number)
        guard spent == tenant.calls else {
            throw ValidationError("\(scenario.rawValue): the budgets say \(spent), the providers \(tenant.calls)")
        }
    }
}
