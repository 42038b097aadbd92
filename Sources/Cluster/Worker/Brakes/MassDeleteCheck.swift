import Foundation
import Store
import SyncRules

/// Holds links back from being taken for missing when too many vanish at once (T20).
struct MassDeleteCheck {
    let session: TenantSession
    let run: RunContext

    /// A pull's verdicts without those that are held back; these wait among the failures for a person's word.
    func free(
        _ verdicts: [InboundVerdict], _ object: ObjectKind, _ commit: inout RunCommit, _ tally: inout RunTally
    ) async throws -> [InboundVerdict] {
        let vanished = verdicts.compactMap(\.vanishedLink)
        guard try await holds(vanished.count, object, .inbound, &tally) else { return verdicts }
        for link in vanished { withhold(link, &commit) }
        return verdicts.filter { $0.vanishedLink == nil }
    }

    /// Keeps a record that seems gone among the failures.
    func withhold(_ link: Link, _ commit: inout RunCommit) {
        commit.fail(
            .inbound, link.object, recordID: link.recordID, code: MassDeleteBrake.code, fields: [], fingerprint: nil,
            now: run.now, kind: .human)
        commit.record([decision(.inbound, link)])
    }

    /// A batch's verdicts; contacts whose records seem gone stay pending and are looked at again.
    func free(
        _ verdicts: [(contactID: Int64, verdict: OutboundVerdict)], _ tally: inout RunTally
    ) async throws -> [(contactID: Int64, verdict: OutboundVerdict)] {
        let counts = Dictionary(grouping: verdicts.compactMap(\.verdict.vanishedLink), by: \.object)
        var held: Set<ObjectKind> = []
        for (object, links) in counts where try await holds(links.count, object, .outbound, &tally) {
            held.insert(object)
        }
        guard !held.isEmpty else { return verdicts }
        let until = run.now.addingTimeInterval(ClusterLimits.humanRecordRetry)
        return verdicts.map { contactID, verdict in
            guard let link = verdict.vanishedLink, held.contains(link.object) else { return (contactID, verdict) }
            return (
                contactID,
                .deferred(nil, until: until, reason: MassDeleteBrake.code, [decision(.outbound, link)])
            )
        }
    }

    /// While the alarm of an earlier run stands nothing is believed until somebody has said so.
    private func holds(
        _ count: Int, _ object: ObjectKind, _ direction: Direction, _ tally: inout RunTally
    ) async throws -> Bool {
        guard count > 0, !session.confirmsMissing(at: run.now) else { return false }
        tally.missing += count
        let stream = try session.stream(direction, direction == .outbound ? .contact : object)
        var isHeld = stream.errorCode == MassDeleteBrake.code
        if !isHeld, tally.missing > MassDeleteBrake.records {
            let links = try await session.store.activeLinks(
                tenant: session.number, object: object, upTo: MassDeleteBrake.enough(for: tally.missing))
            isHeld = MassDeleteBrake.holds(missing: tally.missing, links: links)
        }
        if isHeld { tally.withheld.insert(object) }
        return isHeld
    }

    private func decision(_ direction: Direction, _ link: Link) -> Decision {
        Decision(
            .withheldMassDelete, direction, link.object, contactID: link.contactID, recordID: link.recordID,
            reason: MassDeleteBrake.rule)
    }
}

extension InboundVerdict {
    /// The link this verdict takes for missing; nil when it does not.
    var vanishedLink: Link? {
        if case .relinked(let link, _, _, _) = self, link.state == .missing { link } else { nil }
    }
}

extension OutboundVerdict {
    /// The link this verdict takes for missing; nil when it does not.
    var vanishedLink: Link? {
        if case .deferred(let link?, _, _, _) = self, link.state == .missing { link } else { nil }
    }
}
