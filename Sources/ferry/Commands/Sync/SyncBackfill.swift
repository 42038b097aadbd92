import ArgumentParser
import Cluster
import Drivers
import Foundation
import Store
import SyncRules

/// `ferry sync backfill`: existing Salesforce records enter.
struct SyncBackfill: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backfill",
        abstract: "Let existing Salesforce records enter ActiveCampaign, from a floor you name.",
        discussion: """
            The pulls bring what is created or changed from the tenant's start on; what was there before comes by a \
            back-fill. It obeys the object's selection, except that age does not keep a record out, and every other rule. \
            Opportunities hang on synced contacts, so back-fill these first; accounts need none, for an account enters \
            with the first synced person who belongs to it. \
            It runs in slices beside the ordinary runs, can be paused, resumed and cancelled, and goes on where it stood.

                ferry sync backfill acme --object contact --from 2024-01-01 --dry-run
                ferry sync backfill acme --object contact --from 2024-01-01
                ferry sync backfill list acme
            """,
        subcommands: [Start.self, List.self, Pause.self, Resume.self, Cancel.self], defaultSubcommand: Start.self)

    // MARK: - Starting

    /// `ferry sync backfill TENANT`.
    struct Start: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Begin a back-fill, or with --dry-run only count and forecast.",
            discussion: """
                --dry-run asks Salesforce for a count, one or two calls, and needs FERRY_PRIVATE_KEYS_FILE as workers do.
                """)

        @Argument(help: "The tenant's id.")
        var tenant: String

        @Option(help: "contact, lead or opportunity.")
        var object: String

        @Option(help: "Records created on this day or later, as 2024-01-31 in UTC or an ISO 8601 instant.")
        var from: String

        @Option(help: "Records created before this day or instant; default now.")
        var to: String?

        @Flag(help: "Only count, and say what it would cost.")
        var dryRun = false

        @OptionGroup var errand: ErrandOptions
        @OptionGroup var output: OutputOptions

        private struct Report: Encodable {
            let tenant: String
            let object: String
            let from: Date
            let until: Date
            let started: Bool
            var forecast: BackfillForecast?
        }

        func run() async throws {
            let kind = try BackfillOptions.object(object)
            let floor = try BackfillOptions.instant(from, "--from")
            let report = try await Control.run("sync") { runtime in
                let row = try await Control.tenant(tenant, in: runtime.store)
                let until = try to.map { try BackfillOptions.instant($0, "--to") } ?? runtime.clock.now
                guard floor < until else { throw ValidationError("--from: want an instant before --to, or before now") }
                try await requireSelection(kind, row, in: runtime.store)
                if dryRun {
                    let forecast = try await BackfillOptions.forecast(runtime, row, kind, floor, until)
                    return Report(
                        tenant: tenant, object: kind.name, from: floor, until: until, started: false,
                        forecast: forecast)
                }
                var opening = SweepOpening(.backfill, kind, actor: errand.errand.actor, reason: errand.reason)
                opening.createdFrom = floor
                opening.createdUntil = until
                try await open(opening, row, in: runtime)
                return Report(tenant: tenant, object: kind.name, from: floor, until: until, started: true)
            }
            try output.print(report) { Self.text(report) }
        }

        private func requireSelection(_ kind: ObjectKind, _ row: TenantSummary, in store: Store) async throws {
            guard let settings = try await store.tenantConfig(row.number)?.settings else {
                throw ValidationError("\(tenant) has no row in sync_settings; nothing runs")
            }
            guard kind != .opportunity || settings.syncsOpportunities else {
                throw ValidationError("sync_opportunities of \(tenant) is off: no opportunity may enter")
            }
            let mayEnter =
                kind == .opportunity || settings.selection(of: kind) != .none
                || (kind == .contact && settings.personAccountSelection != .none)
            guard mayEnter else {
                throw ValidationError(
                    "\(kind.name)_selection of \(tenant) is none: no \(kind.name) may enter. Set it to new, marked or "
                        + "criteria first")
            }
            guard settings.direction.writes(to: .activeCampaign) else {
                throw ValidationError("sync_direction of \(tenant) is ac_to_sf: nothing is written to ActiveCampaign")
            }
        }

        private func open(_ opening: SweepOpening, _ row: TenantSummary, in runtime: Runtime) async throws {
            let active = try await runtime.store.sweeps(tenant: row.number, kind: .backfill)
            guard !active.contains(where: { $0.object == opening.object }) else {
                throw ValidationError(
                    "a back-fill of \(opening.object.name)s is under way; `ferry sync backfill list \(tenant)`, or "
                        + "cancel it first")
            }
            try await runtime.store.openBackfill(tenant: row.number, opening, now: runtime.clock.now)
        }

        private static func text(_ report: Report) -> String {
            let what =
                "\(report.object)s created from \(report.from.formatted(.iso8601)) until "
                + report.until.formatted(.iso8601)
            guard let forecast = report.forecast else {
                return "\(report.tenant): back-fill of \(what) begins within seconds. `ferry sync backfill list "
                    + "\(report.tenant)` shows how far it is."
            }
            return "\(report.tenant): \(forecast.records) \(what). \(forecast.sentence) Nothing was started."
        }
    }

    // MARK: - Looking

    /// `ferry sync backfill list`.
    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show a tenant's back-fills, re-evaluations and formula sweeps: how far, and what is left.")

        @Argument(help: "The tenant's id.")
        var tenant: String

        @Flag(help: "Those that ended, too.")
        var all = false

        @OptionGroup var output: OutputOptions

        func run() async throws {
            let (rows, now) = try await Control.run("sync") { runtime in
                let row = try await Control.tenant(tenant, in: runtime.store)
                return (try await runtime.store.sweeps(tenant: row.number, isActive: !all), runtime.clock.now)
            }
            let reports = rows.map { SweepReport($0, now: now) }
            try output.print(reports) {
                reports.isEmpty
                    ? "No back-fill, re-evaluation or formula sweep of \(tenant) is going on."
                    : SweepReport.table(reports)
            }
        }
    }

    // MARK: - Steering

    /// What pause, resume and cancel share.
    struct SteeringOptions: ParsableArguments {
        @Argument(help: "The tenant's id.")
        var tenant: String

        @Option(help: "contact, lead or opportunity; without it all.")
        var object: String?

        @OptionGroup var errand: ErrandOptions
        @OptionGroup var output: OutputOptions

        func steer(to state: SweepState, _ deed: String) async throws {
            let kind = try object.map(BackfillOptions.object)
            let (rows, now) = try await Control.run("sync") { runtime in
                let row = try await Control.tenant(tenant, in: runtime.store)
                let rows = try await runtime.store.steerSweeps(
                    tenant: row.number, kind: .backfill, object: kind, to: state, by: errand.errand,
                    now: runtime.clock.now)
                return (rows, runtime.clock.now)
            }
            let reports = rows.map { SweepReport($0, now: now) }
            try output.print(reports) {
                reports.isEmpty
                    ? "No back-fill of \(tenant) could be \(deed)." : "\(deed):\n" + SweepReport.table(reports)
            }
            if reports.isEmpty { throw ExitCode.failure }
        }
    }

    /// `ferry sync backfill pause`.
    struct Pause: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Pause back-fills; they keep where they stand, and the ordinary runs go on.")

        @OptionGroup var steering: SteeringOptions

        func run() async throws { try await steering.steer(to: .paused, "paused") }
    }

    /// `ferry sync backfill resume`.
    struct Resume: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Let paused back-fills go on where they stood.")

        @OptionGroup var steering: SteeringOptions

        func run() async throws { try await steering.steer(to: .running, "resumed") }
    }

    /// `ferry sync backfill cancel`.
    struct Cancel: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "End back-fills for good; what has entered stays in the sync.")

        @OptionGroup var steering: SteeringOptions

        func run() async throws { try await steering.steer(to: .cancelled, "cancelled") }
    }
}
