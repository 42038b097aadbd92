import ArgumentParser
import Foundation
import Simulators

import enum SyncRules.Direction

/// `bench sync`: how fast one worker moves records each way when no provider keeps it waiting.
struct SyncBench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sync",
        abstract: "Measures the sync itself: one large tenant each way, and the calls it takes.",
        discussion: """
            One tenant comes to a running cluster with its records in Salesforce; they are pulled, then everybody is \
            changed in ActiveCampaign and sent back. Both simulators, PostgreSQL and Redis run on the same machine and \
            take their share of it; the providers' limits are lifted. Both sides are compared field by field after each \
            way, and a further run of both ways must write nothing; otherwise the command ends with an error. Then \
            accounts with people in them and opportunities on people are switched on: for each of these ActiveCampaign \
            wants a call of its own.
            """)

    @Option(help: "Salesforce contacts.")
    var contacts = 100_000

    @Option(help: "Salesforce leads.")
    var leads = 20_000

    @Option(help: "Salesforce accounts, with four of the contacts in each.")
    var accounts = 5_000

    @Option(help: "Salesforce opportunities, on one contact each.")
    var opportunities = 10_000

    func validate() throws {
        guard (1...2_000_000).contains(contacts) else { throw ValidationError("--contacts: want 1 to 2000000") }
        guard (1...2_000_000).contains(leads) else { throw ValidationError("--leads: want 1 to 2000000") }
        guard (0...contacts / Self.inEach).contains(accounts) else {
            throw ValidationError("--accounts: want 0 to \(contacts / Self.inEach), for four contacts belong to each")
        }
        guard (0...contacts).contains(opportunities) else {
            throw ValidationError("--opportunities: want 0 to \(contacts), for each has a contact of its own")
        }
    }

    /// Contacts that belong to one account.
    private static let inEach = 4

    func run() async throws {
        Report.environment()
        try await BenchCluster.with(pace: .lifted) { cluster in
            let tenant = try await BenchTenant.settled(in: cluster)
            Report.progress("\(contacts) contacts and \(leads) leads are entered in Salesforce")
            tenant.enter(contacts, "Contact", accounts: tenant.enterAccounts(accounts), inEach: Self.inEach)
            tenant.enter(leads, "Lead")
            cluster.clock.advance(by: 60)
            try await measure("inbound", contacts + leads, tenant) { try await tenant.run(.inbound) }

            Report.progress("everybody is changed in ActiveCampaign")
            try tenant.renumber()
            cluster.clock.advance(by: 60)
            try await measure("outbound", contacts + leads, tenant) { try await tenant.run(.outbound) }
            try await refuseEchoes(cluster, tenant)
            try await measureObjects(cluster, tenant)
        }
    }

    private func measureObjects(_ cluster: BenchCluster, _ tenant: BenchTenant) async throws {
        guard accounts + opportunities > 0 else { return }
        try await tenant.followObjects()
        let people = accounts * Self.inEach
        try await measure("accounts", accounts + people, tenant) { try await tenant.run(.inbound) }
        tenant.enterOpportunities(opportunities)
        cluster.clock.advance(by: 60)
        try await measure("opportunities", opportunities, tenant) { try await tenant.run(.inbound) }
        let apart = tenant.objectDisagreements()
        guard apart == (0, 0) else {
            throw ValidationError("\(apart.accounts) accounts and \(apart.opportunities) opportunities do not agree")
        }
        try await refuseEchoes(cluster, tenant)
    }

    private func measure(
        _ name: String, _ records: Int, _ tenant: BenchTenant, _ body: () async throws -> Void
    ) async throws {
        guard records > 0 else { return }
        Report.progress(name)
        let before = tenant.calls
        let start = ContinuousClock.now
        try await body()
        let seconds = start.duration(to: .now) / .seconds(1)
        let calls = tenant.calls - before
        let apart = tenant.disagreements()
        guard apart == 0 else {
            throw ValidationError("\(name): \(apart) records do not agree")
        }
        func perThousand(_ calls: Int) -> Double { Double(calls) * 1_000 / Double(records) }
        Report.figure("\(name)_records_per_s", Double(records) / seconds, "1/s")
        Report.figure("\(name)_salesforce_calls_per_1000", perThousand(calls.salesforce), "1")
        Report.figure("\(name)_activecampaign_calls_per_1000", perThousand(calls.activeCampaign), "1")
    }

    /// After convergence further runs write nothing to either side (invariant 5).
    private func refuseEchoes(_ cluster: BenchCluster, _ tenant: BenchTenant) async throws {
        Report.progress("a further run of both ways")
        cluster.clock.advance(by: 60)
        let before = tenant.account.mark()
        let records = tenant.records()
        try await tenant.run(.inbound)
        try await tenant.run(.outbound)
        let writes = tenant.account.calls(since: before).writes
        guard writes == 0, tenant.records() == records else {
            throw ValidationError("the runs after convergence wrote (\(writes) times to ActiveCampaign)")
        }
    }
}
