import Foundation
import Store
import SyncRules

/// Settles records whose disappearance was held back (T20), once a person has confirmed it or evidence by id says
/// otherwise: those that are there again go on as if nothing had been, those that are gone have their links marked missing.
struct MissingSettlement {
    let session: TenantSession
    let run: RunContext

    /// Reads held back records by id, deleted ones included.
    /// - Returns: those Salesforce shows, deleted or not; the others are settled here.
    func read(_ ids: [String], _ object: ObjectKind) async throws -> [SalesforceRecord] {
        let shown = try await session.salesforce.recordsIncludingDeleted(object, ids: ids)
        let known = Set(shown.map(\.id))
        let hidden = ids.filter { !known.contains($0) }
        guard !hidden.isEmpty, session.confirmsMissing(at: run.now) else { return shown }
        var commit = session.commit(run)
        for id in hidden { commit.resolveFailure(.inbound, recordID: id) }
        switch object {
        case .contact, .lead: try await buryPeople(hidden, &commit)
        case .account: try await buryAccounts(hidden, &commit)
        case .opportunity: try await buryOpportunities(hidden, &commit)
        }
        try await run.commit(commit, store: session.store)
        return shown
    }

    private func buryPeople(_ ids: [String], _ commit: inout RunCommit) async throws {
        for var link in try await session.store.links(tenant: session.number, recordIDs: ids)
        where link.state == .active {
            link.state = .missing
            commit.links.append(link)
            // A lead of the same person may take its place (R91).
            commit.deferChange(link.contactID, until: run.now, reason: "review")
            commit.record([
                Decision(
                    .tombstoned, .inbound, link.object, contactID: link.contactID, recordID: link.recordID,
                    reason: "R89")
            ])
        }
    }

    private func buryAccounts(_ ids: [String], _ commit: inout RunCommit) async throws {
        for var link in try await session.store.accountLinks(tenant: session.number, recordIDs: ids)
        where link.state == .active {
            link.state = .missing
            commit.accountLinks.append(link)
            commit.record([Decision(.tombstoned, .inbound, .account, recordID: link.recordID, reason: "R89")])
        }
    }

    private func buryOpportunities(_ ids: [String], _ commit: inout RunCommit) async throws {
        for var link in try await session.store.opportunityLinks(tenant: session.number, recordIDs: ids)
        where link.state != .missing {
            link.state = .missing
            commit.opportunities.append(link)
            commit.record([
                Decision(
                    .tombstoned, .inbound, .opportunity, contactID: link.contactID, recordID: link.recordID,
                    reason: "R77.deleted")
            ])
        }
    }
}
