import Foundation
import Store
import SyncRules

/// A page of linked pairs that is looked at anew: what their contacts hold was read as well (T7).
struct Reopening {
    /// The pairs' contacts by id; a pair whose contact is missing here is left as it is.
    let contacts: [Int64: ActiveCampaignContact]
    /// Salesforce names of the fields; nil for all that are mapped.
    var fields: [String]?
    /// Whether what the links know of the fields is of their present mappings.
    var trustsHistory = true
    /// The sides to be brought up to date, by record id; both where none are named.
    var sides: [String: Set<Side>] = [:]
}

/// What a page comes to before anything is written.
struct InboundPlan {
    var verdicts: [InboundVerdict] = []
    /// Links that were opened for the rules and are to be stored whatever becomes of their records.
    var reopened: [Link] = []
    /// Contacts that have something to tell Salesforce.
    var speakers: [Int64] = []
}

/// Decides what becomes of records that were read: the one planning of pulls, back-fills, re-evaluations and
/// `ferry tenants plan`. Reads rows, and contacts where a rule needs to know what they hold; writes nothing.
struct InboundPlanning {
    let session: TenantSession

    /// Plans a page.
    func plan(
        _ records: [SalesforceRecord], _ echoes: OutstandingEchoes, _ page: inout InboundPage,
        reopening: Reopening? = nil
    ) async throws -> InboundPlan {
        guard !records.isEmpty else { return InboundPlan() }
        let links = try await session.store.links(tenant: session.number, recordIDs: records.map(\.id))
        var linksByRecord = Dictionary(links.map { ($0.recordID, $0) }, uniquingKeysWith: { first, _ in first })
        let byEmail = try await session.store.links(
            tenant: session.number, emailHashes: records.compactMap { $0.email?.hash })
        let byContact = try await session.store.links(
            tenant: session.number, contactIDs: links.map(\.contactID) + records.compactMap(\.contactID))
        var plan = InboundPlan()
        if let reopening {
            Self.reopen(records, &linksByRecord, reopening, page.rules.projector, &plan)
        }
        let related = RelatedLinks(byEmail + byContact)
        let entries = page.entries(records, links: linksByRecord, related: related, echoes: echoes)
        let existing = try await existing(entries, page.rules.projector)
        let changedAt = try await weigh(records, &linksByRecord, echoes, page.rules.projector)
        plan.verdicts = page.verdicts(
            records, links: linksByRecord, related: related, echoes: echoes, existing: existing,
            contactsChangedAt: changedAt)
        return plan
    }

    /// Reads the contacts, a hundred a call, of records with a changed field in which ActiveCampaign's change may count
    /// (R63). What is left is the moment between this look and the write.
    /// - Returns: when they changed, by record id.
    private func weigh(
        _ records: [SalesforceRecord], _ links: inout [String: Link], _ echoes: OutstandingEchoes,
        _ projector: Projector
    ) async throws -> [String: Date] {
        guard projector.mappings.contains(where: \.weighsBothSides) else { return [:] }
        let weighed = records.compactMap { record -> (Link, Projection)? in
            let projection = projector.project(record)
            guard let link = links[record.id], link.state == .active, link.mustBeWeighed(projection, by: projector)
            else { return nil }
            return (link, projection)
        }
        let contacts = Dictionary(
            try await session.activeCampaign.contacts(ids: weighed.map(\.0.contactID)).map { ($0.id, $0) },
            uniquingKeysWith: { first, _ in first })
        var changedAt: [String: Date] = [:]
        for (link, projection) in weighed {
            guard let contact = contacts[link.contactID] else { continue }
            changedAt[link.recordID] = contact.changedAt
            links[link.recordID] = link.weighed(
                projection, against: projector.project(contact), by: projector,
                contactEchoes: echoes.contacts[link.recordID] ?? [])
        }
        return changedAt
    }

    private static func reopen(
        _ records: [SalesforceRecord], _ links: inout [String: Link], _ reopening: Reopening, _ projector: Projector,
        _ plan: inout InboundPlan
    ) {
        let fields = reopening.fields ?? projector.salesforceFields
        for record in records {
            guard let link = links[record.id], link.state == .active, let contact = reopening.contacts[link.contactID]
            else { continue }
            let (opened, speaks) = link.reopened(
                fields, record: projector.project(record), contact: projector.project(contact), by: projector,
                updating: reopening.sides[record.id] ?? [.activeCampaign, .salesforce],
                trustsHistory: reopening.trustsHistory)
            if speaks { plan.speakers.append(link.contactID) }
            guard opened != link else { continue }
            links[record.id] = opened
            plan.reopened.append(opened)
        }
    }

    /// What the contacts hold that records are about to enter (R63): those known by id a hundred a call, the others one by
    /// one, for ActiveCampaign finds one address at a time.
    private func existing(_ entries: [InboundPage.Entry], _ projector: Projector) async throws -> [String: Fingerprint]
    {
        guard !entries.isEmpty else { return [:] }
        let read = try await session.activeCampaign.contacts(ids: entries.compactMap(\.contactID))
        let byID = Dictionary(read.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
        var existing: [String: Fingerprint] = [:]
        for entry in entries {
            let contact =
                if let contactID = entry.contactID {
                    byID[contactID]
                } else {
                    try await session.activeCampaign.contact(of: entry.email)
                }
            existing[entry.recordID] = contact.map { Fingerprint(projector.project($0)) } ?? Fingerprint()
        }
        return existing
    }
}
