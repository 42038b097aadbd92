import Foundation
import Store
import SyncRules

/// Reads records anew that a person asked for, on both sides, and lets the ordinary rules decide as if both had changed.
struct ResyncSettlement {
    let session: TenantSession
    let run: RunContext

    /// One object's requests with what both sides hold now.
    struct Page {
        let object: ObjectKind
        let records: [SalesforceRecord]
        let extras: PageExtras
        /// Why each request is looked at, for the records' stories.
        let decisions: [Decision]
    }

    /// Requests that wait, a page an object; their records are read here.
    /// - Parameter busy: records in an open import wait until it is settled.
    func pages(busy: BusyContacts) async throws -> [Page] {
        let requests = try await session.store.resyncs(tenant: session.number, limit: ClusterLimits.resyncsPerRun)
            .filter { busy.records[$0.recordID] == nil }
        var pages: [Page] = []
        for (object, own) in Dictionary(grouping: requests, by: \.object).sorted(by: {
            $0.key.rawValue < $1.key.rawValue
        }) where session.brokenSelection(of: object).isEmpty && InboundPull.order.contains(object) {
            pages.append(try await page(object, own))
        }
        return pages
    }

    private func page(_ object: ObjectKind, _ requests: [ResyncRequest]) async throws -> Page {
        let records = try await session.salesforce.records(object, ids: requests.map(\.recordID))
        let shown = Set(records.map(\.id))
        let links = try await session.store.links(tenant: session.number, recordIDs: requests.map(\.recordID))
        let contacts = try await session.activeCampaign.contacts(ids: links.map(\.contactID))
        var extras = PageExtras()
        extras.source = .command
        extras.rules = session.inbound(object).countingFormulas()
        extras.reopening = Reopening(
            contacts: Dictionary(contacts.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first }),
            sides: Dictionary(
                requests.compactMap { request in
                    request.direction.map { (request.recordID, [$0 == .inbound ? .activeCampaign : .salesforce]) }
                }, uniquingKeysWith: { first, _ in first }))
        extras.resyncs = requests
        let partners = Dictionary(links.map { ($0.recordID, $0.contactID) }, uniquingKeysWith: { first, _ in first })
        let decisions = requests.map { request in
            Decision(
                shown.contains(request.recordID) ? .seen : .tombstoned, .inbound, object,
                contactID: partners[request.recordID], recordID: request.recordID,
                reason: shown.contains(request.recordID) ? "resync" : "resync_hidden")
        }
        return Page(object: object, records: records, extras: extras, decisions: decisions)
    }
}
