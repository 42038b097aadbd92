import Foundation
import Store
import SyncRules

/// Puts synced people into the accounts their records belong to, takes them out again, and leaves alone whom somebody
/// put elsewhere (R72).
///
/// Repeating a step changes nothing: what is there already is found there.
struct AccountPlaces {
    let session: TenantSession
    let run: RunContext

    /// Settles the people whose place is due.
    func settle(_ tally: inout RunTally) async throws {
        let due = try await session.store.dueMembers(tenant: session.number, limit: ClusterLimits.placesPerRun)
        for start in stride(from: 0, to: due.count, by: ClusterLimits.placesPerCommit) {
            let part = Array(due[start..<min(start + ClusterLimits.placesPerCommit, due.count)])
            var commit = session.commit(run)
            do { try await settle(part, into: &commit, &tally) } catch let trouble as StreamTrouble {
                try await run.commit(commit, store: session.store)
                throw trouble
            }
            try await run.commit(commit, store: session.store)
        }
        if due.count == ClusterLimits.placesPerRun { tally.hasMore = true }
    }

    private func settle(
        _ members: [DueMember], into commit: inout RunCommit, _ tally: inout RunTally
    ) async throws {
        let places = try await session.activeCampaign.places(of: members.map(\.contactID))
        for member in members {
            guard let present = places[member.contactID] else {
                // The contact is gone; its own link says so soon, and a new one is put into its place again.
                commit.settledMembers.append(SettledMember(of: member, place: nil))
                continue
            }
            let step = MembershipRules.step(
                wanted: member.accountID, held: member.heldAccountID, present: present,
                clears: session.tenant.settings.clearsBlanks)
            try await take(step, member, into: &commit, &tally)
        }
    }

    private func take(
        _ step: MembershipRules.Step, _ member: DueMember, into commit: inout RunCommit, _ tally: inout RunTally
    ) async throws {
        switch step {
        case .done(let place):
            commit.settledMembers.append(SettledMember(of: member, place: place))
        case .join(let accountID):
            try await join(accountID, member, into: &commit, &tally)
        case .move(let place, let accountID):
            try await session.activeCampaign.leave(place)
            try await join(accountID, member, into: &commit, &tally)
        case .leave(let place):
            try await session.activeCampaign.leave(place)
            commit.settledMembers.append(SettledMember(of: member, place: nil))
            commit.decisions.append(decision(.accepted, member, reason: "R72.left"))
            tally.updated += 1
        case .elsewhere:
            report(member, into: &commit, &tally)
        }
    }

    private func join(
        _ accountID: Int64, _ member: DueMember, into commit: inout RunCommit, _ tally: inout RunTally
    ) async throws {
        guard let place = try await session.activeCampaign.place(member.contactID, inAccount: accountID) else {
            try await bury(accountID, member, into: &commit)
            return
        }
        guard place.accountID == accountID else { return report(member, into: &commit, &tally) }
        commit.settledMembers.append(SettledMember(of: member, place: place))
        commit.decisions.append(decision(.accepted, member, reason: "R72.joined"))
        tally.updated += 1
    }

    /// Contact or account is gone: the account's link says so when it is the account (R89).
    private func bury(_ accountID: Int64, _ member: DueMember, into commit: inout RunCommit) async throws {
        commit.settledMembers.append(SettledMember(of: member, place: nil))
        guard try await session.activeCampaign.accountNames([accountID]).isEmpty else { return }
        for var link in try await session.store.accountLinks(tenant: session.number, accountIDs: [accountID]) {
            link.state = .contactMissing
            commit.accountLinks.append(link)
            commit.decisions.append(
                Decision(.tombstoned, .inbound, .account, recordID: link.recordID, reason: "R89"))
        }
    }

    private func report(_ member: DueMember, into commit: inout RunCommit, _ tally: inout RunTally) {
        tally.failed += 1
        commit.settledMembers.append(SettledMember(of: member, place: nil, isElsewhere: true))
        commit.decisions.append(decision(.duplicateMatch, member, reason: "R72.elsewhere"))
    }

    private func decision(_ code: DecisionCode, _ member: DueMember, reason: String) -> Decision {
        Decision(
            code, .inbound, .account, contactID: member.contactID, recordID: member.recordID, reason: reason)
    }
}
