import Store
import SyncRules

/// Notices at the end of a pull that an object's mappings or selection are others than at the pull before, and begins a
/// re-evaluation (T7, T21). Until that is through, the fields concerned are not written to linked records: the mapping is
/// paused, not the tenant.
///
/// At the end, because only a pull that asked for every field knows which of them the org has.
struct ConditionsWatch {
    let session: TenantSession
    let run: RunContext

    /// Compares the objects whose streams this run served, and stores what holds now.
    /// - Parameter unread: objects that could not be read in this run.
    func note(besides unread: Set<ObjectKind>) async throws {
        var commit = session.commit(run)
        for object in InboundPull.order where !unread.contains(object) {
            let stream = try session.stream(.inbound, object)
            guard stream.isDue(at: run.now) else { continue }
            let now = session.conditions(of: object)
            guard stream.conditions != now else { continue }
            try commit.note(now, of: object)
            if let earlier = stream.conditions, let opening = Self.opening(object, from: earlier, to: now, session) {
                commit.openedSweeps.append(opening)
            }
        }
        guard !commit.streams.isEmpty else { return }
        try await run.commit(commit, store: session.store)
    }

    private static func opening(
        _ object: ObjectKind, from earlier: EntryConditions, to now: EntryConditions, _ session: TenantSession
    ) -> SweepOpening? {
        var opening = SweepOpening(.reevaluation, object, actor: "ferry", reason: "mappings or selection changed")
        opening.fields = now.fieldsChanged(since: earlier).sorted()
        opening.selects =
            now.selectsOtherwise(than: earlier) && session.tenant.settings.selection(of: object) != .none
        return opening.fields.isEmpty && !opening.selects ? nil : opening
    }
}
