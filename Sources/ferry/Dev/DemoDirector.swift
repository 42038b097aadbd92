import Drivers
import Foundation
import JobQueue
import Simulators
import Store
import SyncRules

/// Runs the demo: people work on both sides, the cluster keeps up, and a verdict says whether both sides agree.
struct DemoDirector {
    let world: DemoWorld
    let rows: DemoRows
    let store: Store
    let queue: JobQueue
    let clock: WallClock
    /// Time until the director gives up waiting for agreement.
    let patience: Duration
    /// Where progress is shown: standard output, unless that is kept for a document.
    let isProgressOnStandardError: Bool

    /// What the demo ends with.
    struct Verdict: Sendable, Encodable {
        var converged: Bool
        var records: Int
        var tenants: Int
        var conflictsProvoked: Int
        var conflictsDecidedForSalesforce: Int
        /// The first few disagreements, when there are any.
        var disagreements: [String]
    }

    /// Time between two looks.
    private static let look: Duration = .milliseconds(500)
    /// Looks without progress after which runs are asked for again.
    private static let looksUntilNudge = 6

    /// Plays all acts.
    func play() async throws -> Verdict {
        var screen = DevScreen(isOnStandardError: isProgressOnStandardError)
        note("Bringing \(world.tenants.count) tenants on board with INSERTs …")
        for tenant in world.tenants { try await rows.insert(tenant) }

        for tenant in world.tenants {
            try tenant.enterPeopleInSalesforce()
            try tenant.signUpPeopleInActiveCampaign()
        }
        let people = world.tenants.map(\.expected).reduce(0, +)
        note("\(people) people entered in Salesforce or sent there by ActiveCampaign's automations.")
        _ = try await settle("Act 1: everybody for the first time", &screen)

        for tenant in world.tenants { try tenant.editInActiveCampaign(round: 1) }
        _ = try await settle("Act 2: people edited in ActiveCampaign", &screen)

        var provoked = 0
        for tenant in world.tenants { provoked += try tenant.provokeConflicts() }
        // The batch goes first and meets records that wait for the next pull: Salesforce must win.
        for tenant in world.tenants { try await request(tenant, .outbound) }
        try await untilIdle(.outbound)
        let disagreements = try await settle("Act 3: \(provoked) people edited on both sides", &screen)

        let conflicts = try await lines().map(\.conflicts).reduce(0, +)
        return Verdict(
            converged: disagreements.isEmpty && conflicts > 0, records: people, tenants: world.tenants.count,
            conflictsProvoked: provoked, conflictsDecidedForSalesforce: conflicts,
            disagreements: Array(disagreements.prefix(10)))
    }

    private func request(_ tenant: DemoTenant, _ direction: Direction) async throws {
        guard let row = try await store.tenant(tenant.id) else { return }
        try await store.requestRun(tenant: row.number, direction: direction, now: clock.now)
    }

    // MARK: - Waiting

    /// Asks for runs, shows progress, and returns when both sides agree or patience is over.
    /// - Returns: what they disagree on.
    private func settle(_ phase: String, _ screen: inout DevScreen) async throws -> [String] {
        let deadline = ContinuousClock.now + patience
        var looksWithoutProgress = Self.looksUntilNudge
        var best = Int.max
        while true {
            if looksWithoutProgress >= Self.looksUntilNudge {
                looksWithoutProgress = 0
                for tenant in world.tenants {
                    try await request(tenant, .inbound)
                    try await request(tenant, .outbound)
                }
            }
            let open = world.tenants.map { $0.disagreements() }
            let count = open.map(\.count).reduce(0, +)
            screen.draw(try await lines(open.map(\.count)), phase: phase)
            if count == 0, try await isQuiet() { break }
            guard ContinuousClock.now < deadline else { break }
            looksWithoutProgress = count < best ? 0 : looksWithoutProgress + 1
            best = min(best, count)
            try await Task.sleep(for: Self.look)
        }
        screen.settle()
        return world.tenants.flatMap { tenant in tenant.disagreements().map { "\(tenant.id): \($0)" } }
    }

    /// Whether nothing is pending, importing or to be written back.
    private func isQuiet() async throws -> Bool {
        for tenant in world.tenants {
            let totals = try await store.totals(tenant: tenant.id)
            guard totals.pending == 0, totals.openImports == 0, totals.writebacks == 0 else { return false }
        }
        return true
    }

    private func untilIdle(_ direction: Direction) async throws {
        let asked = clock.now
        let deadline = ContinuousClock.now + patience
        while ContinuousClock.now < deadline {
            let rows = try await store.status()
            let open = rows.filter { $0.direction == direction.name && ($0.lastRun ?? .distantPast) < asked }
            if open.isEmpty { return }
            try await Task.sleep(for: Self.look)
        }
    }

    // MARK: - Lines

    private func lines(_ open: [Int]? = nil) async throws -> [DevScreen.Line] {
        var lines: [DevScreen.Line] = []
        for (index, tenant) in world.tenants.enumerated() {
            let totals = try await store.totals(tenant: tenant.id)
            let purses = try await purses(of: tenant)
            let disagreements = open?[index] ?? 0
            lines.append(
                DevScreen.Line(
                    tenant: tenant.id, pending: totals.pending + totals.importing, toSalesforce: totals.toSalesforce,
                    toActiveCampaign: totals.toActiveCampaign, conflicts: totals.conflicts, failed: totals.failures,
                    salesforce: purses[.salesforce] ?? "-", activeCampaign: purses[.activeCampaign] ?? "-",
                    agreed: max(0, tenant.expected - disagreements), expected: tenant.expected))
        }
        return lines
    }

    /// What the tenant's calls come to, as the budgets themselves have it.
    private func purses(of tenant: DemoTenant) async throws -> [CallProvider: String] {
        guard let row = try await store.tenant(tenant.id) else { return [:] }
        let reports =
            try await Control.unlessWiped { () async throws(JobQueueError) in
                try await queue.budgets(tenant: row.number)
            } ?? []
        return Dictionary(
            reports.map {
                ($0.provider, "\($0.spent + $0.reserved)/\($0.terms.dailyCalls) \($0.step.rawValue)")
            }, uniquingKeysWith: { first, _ in first })
    }
}
