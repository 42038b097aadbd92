import Foundation
import Store
import SyncRules

/// Accounts, opportunities, and what conversions and merges would do, in a tenant's plan.
extension TenantPlanner {
    // MARK: - Conversions and merges

    /// Counts linked records of a page that go on as another one (R47–R50, R90).
    /// - Returns: their ids; no other rule says anything of them.
    func noteSuccessions(
        _ records: [SalesforceRecord], _ session: TenantSession, _ plan: inout TenantPlan
    ) async throws -> Set<String> {
        let moved = records.filter { $0.isConverted || ($0.isDeleted && $0.masterRecordID != nil) }
        let links = try await session.store.links(tenant: session.number, recordIDs: moved.map(\.id))
        let live = Dictionary(
            links.filter { $0.state != .closed && $0.state != .merged }.map { ($0.recordID, $0) },
            uniquingKeysWith: { first, _ in first })
        for record in moved {
            guard let link = live[record.id] else { continue }
            plan.note(
                Decision(
                    .relinked, .inbound, record.object, contactID: link.contactID, recordID: record.id,
                    reason: record.isConverted ? "R49" : "R90"),
                as: .relink)
        }
        return Set(live.keys)
    }

    // MARK: - Accounts

    /// Changes of linked accounts, and accounts that synced people belong to (R71, R72).
    func planAccounts(_ session: TenantSession, _ plan: inout TenantPlan) async throws {
        let stream = try session.stream(.inbound, .account)
        var cursor = try stream.cursor(default: InboundCursor(start: stream.createdAt))
        var seen = 0
        var isWhole = false
        for _ in 0..<PlanLimits.recordPages where !isWhole {
            guard let page = try await session.salesforce.pull([.account: cursor]).pages[.account]?.get() else { break }
            try await noteAccounts(page.records, session, &plan)
            seen += page.records.count
            isWhole = page.isLast
            cursor.advance(behind: page)
        }
        let wanted = try await session.store.wantedAccounts(
            tenant: session.number, limit: ClusterLimits.accountsPerRun)
        if !wanted.isEmpty {
            try await noteAccounts(try await session.salesforce.records(.account, ids: wanted), session, &plan)
        }
        plan.reach(
            PlanReach(
                direction: "inbound", object: "account", seen: seen + wanted.count, isWhole: isWhole, trouble: nil))
    }

    private func noteAccounts(
        _ records: [SalesforceRecord], _ session: TenantSession, _ plan: inout TenantPlan
    ) async throws {
        let ids = records.map(\.id)
        let excluded = try await session.store.exclusions(tenant: session.number, recordIDs: ids)
        let links = Dictionary(
            try await session.store.accountLinks(tenant: session.number, recordIDs: ids).map { ($0.recordID, $0) },
            uniquingKeysWith: { first, _ in first })
        let inhabited = try await session.store.inhabitedAccounts(tenant: session.number, among: ids)
        let echoes = try await session.echoes(of: ids)
        for record in records {
            func decision(_ code: DecisionCode, _ reason: String) -> Decision {
                Decision(code, .inbound, .account, recordID: record.id, reason: reason)
            }
            guard !excluded.records.contains(record.id) else {
                plan.note(decision(.outOfScope, Decision.excluded), as: .skip)
                continue
            }
            let intent = session.accountRules.intent(
                for: record, link: links[record.id], isWanted: inhabited.contains(record.id),
                echoes: echoes.records[record.id] ?? [], accountEchoes: echoes.contacts[record.id] ?? [])
            switch intent {
            case .drop(let code, let reason): plan.note(decision(code, reason), as: .skip)
            case .acknowledge(_, let code, let reason): plan.note(decision(code, reason), as: .note)
            case .markMissing: plan.note(decision(.tombstoned, "R89"), as: .note)
            case .create(let write), .update(_, let write):
                let action: PlanClass.Action = if case .create = intent { .create } else { .update }
                plan.add(
                    .inbound, .account, action,
                    sample: PlanSample(contact: nil, record: record.id, fields: write.fields))
                plan.drop(session.accountRules.projector.decisions(of: write, .inbound, .account, recordID: record.id))
            }
        }
    }

    // MARK: - Opportunities

    /// Changes of opportunities and of their contact roles (R74–R77).
    func planOpportunities(_ session: TenantSession, _ plan: inout TenantPlan) async throws {
        let stream = try session.stream(.inbound, .opportunity)
        var cursor = try stream.cursor(default: OpportunityCursor(start: stream.createdAt))
        var seen = 0
        var isWhole = false
        for _ in 0..<PlanLimits.recordPages where !isWhole {
            let (pages, roles) = try await session.salesforce.pull(
                [.opportunity: cursor.records], roles: cursor.roles)
            guard let page = try pages[.opportunity]?.get(), let roles else { break }
            let others = roles.opportunityIDs.subtracting(page.records.map(\.id))
            let read = try await session.salesforce.opportunities(
                ids: others.sorted(), rolesOf: page.records.filter { !$0.isDeleted }.map(\.id))
            try await noteOpportunities(page.records + read.records, roles: read.roles, session, &plan)
            seen += page.records.count + read.records.count
            isWhole = page.isLast && roles.page.isLast
            cursor.records.advance(behind: page)
            cursor.roles.advance(behind: roles.page)
        }
        plan.reach(
            PlanReach(direction: "inbound", object: "opportunity", seen: seen, isWhole: isWhole, trouble: nil))
    }

    private func noteOpportunities(
        _ records: [SalesforceRecord], roles: [String: [OpportunityRole]], _ session: TenantSession,
        _ plan: inout TenantPlan
    ) async throws {
        let ids = records.map(\.id)
        let people = records.compactMap { roles[$0.id].flatMap(OpportunityRules.contact) }
        let excluded = try await session.store.exclusions(tenant: session.number, recordIDs: ids + people)
        let known = Dictionary(
            try await session.store.opportunityLinks(tenant: session.number, recordIDs: ids).map { ($0.recordID, $0) },
            uniquingKeysWith: { first, _ in first })
        let contacts = Dictionary(
            try await session.store.links(
                tenant: session.number, recordIDs: people.filter { !excluded.records.contains($0) }
            )
            .filter { $0.state == .active && $0.object == .contact }.map { ($0.recordID, $0.contactID) },
            uniquingKeysWith: { first, _ in first })
        for record in records {
            func decision(_ code: DecisionCode, _ reason: String) -> Decision {
                Decision(code, .inbound, .opportunity, recordID: record.id, reason: reason)
            }
            guard !excluded.records.contains(record.id) else {
                plan.note(decision(.outOfScope, Decision.excluded), as: .skip)
                continue
            }
            let own = roles[record.id] ?? []
            let intent = OpportunityRules.intent(
                for: record, roles: own, link: known[record.id],
                contactID: OpportunityRules.contact(among: own).flatMap { contacts[$0] },
                target: session.tenant.settings.opportunityTarget)
            switch intent {
            case .drop(let code, let reason): plan.note(decision(code, reason), as: .skip)
            case .wait: plan.note(decision(.queued, "R77"), as: .skip)
            case .markMissing: plan.note(decision(.tombstoned, "R77.deleted"), as: .note)
            case .push(_, let contactID, _, let link):
                plan.add(
                    .inbound, .opportunity, link?.targetID == nil ? .create : .update,
                    sample: PlanSample(contact: contactID, record: record.id, fields: OpportunityRules.fields))
            }
        }
    }
}

extension InboundCursor {
    /// Moves behind a page that is only looked at.
    mutating func advance(behind page: SalesforceGateway.Page) {
        begin(serverNow: page.serverNow)
        if let last = page.records.last { advance(past: .init(stamp: last.modifiedAt, id: last.id)) }
    }
}
