import Foundation
import Store
import SyncRules

/// Notices at the end of a pull that an object's mappings or selection are others than at the pull before, and begins a
/// re-evaluation (T7, T21). Until that is through, the fields concerned are not written to linked records: the mapping is
/// paused, not the tenant.
///
/// At the end, because only a pull that asked for every field knows which of them the org has. The daily comparison of
/// formulas is begun here too (R59).
struct ConditionsWatch {
    let session: TenantSession
    let run: RunContext

    /// Compares the objects whose streams this run served, and stores what holds now.
    /// - Parameter unread: objects that could not be read in this run.
    func note(besides unread: Set<ObjectKind>) async throws {
        var commit = session.commit(run)
        let objects = session.streams(of: .inbound).filter {
            $0.object != .opportunity && $0.isDue(at: run.now) && !unread.contains($0.object)
        }.map(\.object)
        for object in objects {
            let stream = try session.stream(.inbound, object)
            let now = session.conditions(of: object)
            guard stream.conditions != now else { continue }
            try commit.note(now, of: object)
            if let earlier = stream.conditions, let opening = Self.opening(object, from: earlier, to: now, session) {
                commit.openedSweeps.append(opening)
            }
        }
        commit.openedSweeps += try await formulaSweeps(of: objects)
        guard !commit.streams.isEmpty || !commit.openedSweeps.isEmpty else { return }
        try await run.commit(commit, store: session.store)
    }

    /// Sweeps of formulas that are due: once a day for each object that maps any, where the tenant asks for it.
    private func formulaSweeps(of objects: [ObjectKind]) async throws -> [SweepOpening] {
        let settings = session.tenant.settings
        guard settings.pushesFormulaChanges, settings.direction.writes(to: .activeCampaign) else { return [] }
        let objects = objects.filter { !session.formulas(of: $0).isEmpty }
        guard !objects.isEmpty else { return [] }
        let latest = try await session.store.latestSweeps(tenant: session.number, kind: .formulas)
        return objects.filter { object in
            latest[object].map { run.now.timeIntervalSince($0) >= ClusterLimits.formulaInterval } ?? true
        }.map { SweepOpening(.formulas, $0, actor: "ferry", reason: "formulas are compared once a day") }
    }

    private static func opening(
        _ object: ObjectKind, from earlier: EntryConditions, to now: EntryConditions, _ session: TenantSession
    ) -> SweepOpening? {
        var opening = SweepOpening(.reevaluation, object, actor: "ferry", reason: "mappings or selection changed")
        opening.fields = now.fieldsChanged(since: earlier).sorted()
        opening.selects =
            now.selectsOtherwise(than: earlier) && session.lets(enter: object)
        return opening.fields.isEmpty && !opening.selects ? nil : opening
    }
}
