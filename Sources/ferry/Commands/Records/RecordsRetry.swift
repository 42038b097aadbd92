import ArgumentParser
import Drivers
import Foundation
import Store

/// `ferry records retry`.
struct RecordsRetry: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "retry", abstract: "Try a tenant's failed records again now, whether they changed or not.",
        discussion: """
            By ids, by code, or with other filters; without any of them all of the tenant's failures, which wants --yes. \
            Makes the streams due, so that the runs start within seconds; `ferry sync now TENANT --wait` waits for them. \
            At most 10000 records a call.
            """)

    @Argument(help: "The tenant's id.")
    var tenant: String

    @Argument(help: "ActiveCampaign contact ids or Salesforce ids.")
    var ids: [String] = []

    @OptionGroup var failures: FailureOptions
    @OptionGroup var consent: ConsentOptions
    @OptionGroup var errand: ErrandOptions
    @OptionGroup var output: OutputOptions

    private struct Report: Encodable {
        let retried: Bool
        let records: [FailureReport]
    }

    func run() async throws {
        var filter = try failures.filter
        filter.recordIDs = try ids.map(RecordQuestion.failureID)
        let report = try await Control.run("records") { runtime in
            let row = try await Control.tenant(tenant, in: runtime.store)
            let names = [row.number: row.id]
            if consent.dryRun || filter == FailureFilter() {
                let meant = try await runtime.store.failures(
                    tenant: row.number, filter, limit: StoreLimits.failuresPerRetry)
                guard try consent.allows("retry all \(meant.count) failures of \(tenant)", count: meant.count) else {
                    return Report(retried: false, records: meant.map { FailureReport($0, tenants: names) })
                }
            }
            guard row.state == .active else {
                throw ValidationError(
                    "\(tenant) is \(row.state.rawValue); nothing can run. `ferry tenants resume \(tenant)`")
            }
            let retried = try await runtime.store.retryFailures(
                tenant: row.number, filter, by: errand.errand, now: runtime.clock.now)
            return Report(retried: true, records: retried.map { FailureReport($0, tenants: names) })
        }
        try output.print(report) {
            guard !report.records.isEmpty else { return "No failure of \(tenant) is meant by this." }
            let deed = report.retried ? "Tried again now" : "Would be tried again"
            return "\(deed): \(report.records.count) records.\n" + FailureReport.table(report.records)
        }
        if report.records.isEmpty { throw ExitCode.failure }
    }
}
