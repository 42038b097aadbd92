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
        let vanished = verdicts.compactMap(\.vanishedLink).map { ($0.recordID, contactID: Optional($0.contactID)) }
        guard try await holdsBack(vanished, object, .inbound, &commit, &tally) else { return verdicts }
        return verdicts.filter { $0.vanishedLink == nil }
    }

    /// Whether records of a page that seem gone are held back; they wait among the failures of the pull, which finds out
    /// by their ids.
    /// - Parameter vanished: record ids with the contacts they belong to; accounts have none.
    func holdsBack(
        _ vanished: [(recordID: String, contactID: Int64?)], _ object: ObjectKind, _ direction: Direction,
        _ commit: inout RunCommit, _ tally: inout RunTally
    ) async throws -> Bool {
        guard try await holds(vanished.count, object, direction, &tally) else { return false }
        for (recordID, contactID) in vanished {
            commit.fail(
                .inbound, object, recordID: recordID, code: MassDeleteBrake.code, fields: [], fingerprint: nil,
                now: run.now, kind: .human)
            commit.record([
                Decision(
                    .withheldMassDelete, direction, object, contactID: contactID, recordID: recordID,
                    reason: MassDeleteBrake.rule)
            ])
        }
        return true
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
                .deferred(
                    nil, until: until, reason: MassDeleteBrake.code,
                    [
                        Decision(
                            .withheldMassDelete, .outbound, link.object, contactID: link.contactID,
                            recordID: link.recordID, reason: MassDeleteBrake.rule)
                    ])
            )
        }
    }

    /// While the alarm of an earlier run stands nothing is believed until somebody has said so.
    private func holds(
        _ count: Int, _ object: ObjectKind, _ direction: Direction, _ tally: inout RunTally
    ) async throws -> Bool {
        guard count > 0, !session.confirmsMissing(at: run.now) else { return false }
        let missing = tally.missing[object, default: 0] + count
        tally.missing[object] = missing
        let stream = try session.stream(direction, direction == .outbound && object == .lead ? .contact : object)
        var isHeld = stream.errorCode == MassDeleteBrake.code
        if !isHeld, missing > MassDeleteBrake.records {
            let links = try await session.store.activeLinks(
                tenant: session.number, object: object, upTo: MassDeleteBrake.enough(for: missing))
            isHeld = MassDeleteBrake.holds(missing: missing, links: links)
        }
        if isHeld { tally.withheld.insert(object) }
        return isHeld
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
