import ArgumentParser
import Cluster
import Drivers
import Foundation
import Store

/// `ferry sync confirm-missing`.
struct SyncConfirmMissing: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "confirm-missing",
        abstract: "Say that the many records that vanished at once are really gone.",
        discussion: """
            When more linked records vanish from Salesforce in one run than people delete, none of their links is marked \
            missing, and the stream says so: a lost permission looks the same. After this word they are, for a day, \
            whatever their number; those held back are looked at again within seconds. Nothing is deleted in \
            ActiveCampaign by it, as by nothing else.
            """)

    @Argument(help: "The tenant's id.")
    var tenant: String

    @Flag(help: "Yes, they are gone.")
    var yes = false

    @OptionGroup var errand: ErrandOptions
    @OptionGroup var output: OutputOptions

    private struct Report: Encodable {
        let tenant: String
        let withheld: Int
        let until: Date
    }

    func run() async throws {
        let report = try await Control.run("sync") { runtime in
            let row = try await Control.tenant(tenant, in: runtime.store)
            let count = try await runtime.store.withheldMissing(tenant: row.number)
            guard yes else {
                throw ValidationError(
                    "\(count) records of \(tenant) are held back; add --yes to say that they were deleted on purpose. "
                        + "`ferry records failed \(tenant) --code withheld_mass_delete` lists them")
            }
            let now = runtime.clock.now
            let until = now.addingTimeInterval(ClusterLimits.missingConfirmation)
            let withheld = try await runtime.store.confirmMissing(
                tenant: row.number, until: until, by: errand.errand, now: now)
            return Report(tenant: tenant, withheld: withheld, until: until)
        }
        try output.print(report) {
            "\(tenant): \(report.withheld) records held back are taken for gone with the next run; so are others until "
                + "\(report.until.formatted(.iso8601))."
        }
    }
}
