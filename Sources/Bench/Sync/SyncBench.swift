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
            way, and a further run of both ways must write nothing; otherwise the command ends with an error.
            """)

    @Option(help: "Salesforce contacts.")
    var contacts = 100_000

    @Option(help: "Salesforce leads.")
    var leads = 20_000

    func validate() throws {
        guard (1...2_000_000).contains(contacts) else { throw ValidationError("--contacts: want 1 to 2000000") }
        guard (1...2_000_000).contains(leads) else { throw ValidationError("--leads: want 1 to 2000000") }
    }

    func run() async throws {
        Report.environment()
        try await BenchCluster.with(pace: .lifted) { cluster in
            let tenant = try await BenchTenant(in: cluster)
            Report.progress("\(contacts) contacts and \(leads) leads are entered in Salesforce")
            tenant.enter(contacts, "Contact")
            tenant.enter(leads, "Lead")
            cluster.clock.advance(by: 60)
            try await measure("inbound", tenant) { try await tenant.run(.inbound) }

            Report.progress("everybody is changed in ActiveCampaign")
            try tenant.renumber()
            cluster.clock.advance(by: 60)
            try await measure("outbound", tenant) { try await tenant.run(.outbound) }
            try await refuseEchoes(cluster, tenant)
        }
    }

    private func measure(_ name: String, _ tenant: BenchTenant, _ body: () async throws -> Void) async throws {
        Report.progress(name)
        let before = tenant.calls
        let start = ContinuousClock.now
        try await body()
        let seconds = start.duration(to: .now) / .seconds(1)
        let calls = tenant.calls - before
        let records = Double(contacts + leads)
        let apart = tenant.disagreements()
        guard apart == 0 else {
            throw ValidationError("\(name): \(apart) records do not agree")
        }
        Report.figure("\(name)_records_per_s", records / seconds, "1/s")
        Report.figure("\(name)_salesforce_calls_per_1000", Double(calls.salesforce) * 1_000 / records, "1")
        Report.figure("\(name)_activecampaign_calls_per_1000", Double(calls.activeCampaign) * 1_000 / records, "1")
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
