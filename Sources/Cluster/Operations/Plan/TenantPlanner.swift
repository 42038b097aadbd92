import ActiveCampaign
package import Drivers
package import Foundation
package import JobQueue
package import Store
package import SyncRules

/// Says what the next runs of a tenant would do, by the runs' own planning, and does none of it: neither side is written
/// to, no cursor moves, no row changes.
package struct TenantPlanner: Sendable {
    private let store: Store
    private let clock: WallClock
    private let looks: LookAccount
    private let sessions: SessionCache

    /// Makes a planner.
    /// - Parameter queue: keeps the tenants' budgets and paces.
    package init(
        store: Store, queue: JobQueue, clock: WallClock, http: HTTPClient, keys: KeyRing, providers: ProviderPolicy
    ) {
        self.store = store
        looks = LookAccount(store: store, queue: queue, clock: clock)
        self.clock = clock
        sessions = SessionCache(
            store: store, clock: clock, http: http, keys: keys, providers: providers, pace: SharedPace(queue: queue))
    }

    /// Plans both directions.
    /// - Throws: `StoreError`; troubles of the tenant's own are told by the plan.
    package func plan(_ tenant: Int32) async throws -> TenantPlan {
        try await looks.run(at: tenant) { account in
            var plan = try await look(at: tenant)
            plan.recordCalls = account.total(.salesforce)
            plan.contactCalls = account.total(.activeCampaign)
            return plan
        }
    }

    private func look(at tenant: Int32) async throws -> TenantPlan {
        var plan = TenantPlan()
        let session: TenantSession
        do { session = try await self.session(tenant) } catch let trouble as StreamTrouble {
            plan.reach(PlanReach("both", "contact", trouble))
            return plan
        }
        do { try await planOutbound(session, &plan) } catch let trouble as StreamTrouble {
            plan.reach(PlanReach("outbound", "contact", trouble))
        }
        for object in InboundPull.order {
            do { try await planInbound(object, session, &plan) } catch let trouble as StreamTrouble {
                plan.reach(PlanReach("inbound", object.name, trouble))
            }
        }
        if session.tenant.settings.syncsAccounts {
            do { try await planAccounts(session, &plan) } catch let trouble as StreamTrouble {
                plan.reach(PlanReach("inbound", "account", trouble))
            }
        }
        if session.tenant.settings.syncsOpportunities {
            do { try await planOpportunities(session, &plan) } catch let trouble as StreamTrouble {
                plan.reach(PlanReach("inbound", "opportunity", trouble))
            }
        }
        return plan
    }

    private func session(_ tenant: Int32) async throws -> TenantSession {
        guard let config = try await store.tenantConfig(tenant) else {
            throw StreamTrouble(kind: .needsHuman, code: "no_tenant", message: "There is no tenant of this number.")
        }
        return try await sessions.session(for: try ReadyTenant(config))
    }

    // MARK: - Inbound

    private func planInbound(_ object: ObjectKind, _ session: TenantSession, _ plan: inout TenantPlan) async throws {
        let stream = try session.stream(.inbound, object)
        var cursor = try stream.cursor(default: InboundCursor(start: stream.createdAt))
        var page = InboundPage(rules: session.inbound(object), hasStatus: session.acknowledges)
        var seen = 0
        var isWhole = false
        for _ in 0..<PlanLimits.recordPages where !isWhole {
            guard let answer = try await session.salesforce.pull([object: cursor]).pages[object]?.get() else { break }
            let unknown = session.brokenSelection(of: object)
            guard unknown.isEmpty else { throw StreamTrouble.brokenSelection(object, unknown) }
            try await note(answer.records, object, session, &page, &plan)
            seen += answer.records.count
            isWhole = answer.isLast
            cursor.advance(behind: answer)
        }
        plan.reach(
            PlanReach(
                direction: "inbound", object: object.name, seen: seen, isWhole: isWhole, trouble: nil))
    }

    private func note(
        _ records: [SalesforceRecord], _ object: ObjectKind, _ session: TenantSession, _ page: inout InboundPage,
        _ plan: inout TenantPlan
    ) async throws {
        let excluded = try await session.store.exclusions(tenant: session.number, people: records)
        let (kept, followed) = records.partitioned {
            excluded.records.contains($0.id) || excluded.keepOutPartner(of: $0)
        }
        for record in kept {
            plan.note(
                Decision(.outOfScope, .inbound, object, recordID: record.id, reason: Decision.excluded), as: .skip)
        }
        let moved = try await noteSuccessions(followed, session, &plan)
        let staying = followed.filter { !moved.contains($0.id) }
        let echoes = try await session.echoes(
            of: staying.map(\.id) + staying.compactMap { $0.contactID.map { "new:\($0)" } })
        let verdicts = try await InboundPlanning(session: session).plan(staying, echoes, &page).verdicts
        for verdict in verdicts {
            switch verdict {
            case .dropped(let decisions): decisions.first.map { plan.note($0, as: .skip) }
            case .relinked(_, _, _, let decisions): decisions.first.map { plan.note($0, as: .note) }
            case .write(let write, _, let decisions):
                plan.drop(decisions)
                let sample = PlanSample(contact: write.contactID, record: write.recordID, fields: write.write.fields)
                plan.add(.inbound, object, write.contactID == nil ? .create : .update, sample: sample)
            }
        }
    }

    // MARK: - Outbound

    private func planOutbound(_ session: TenantSession, _ plan: inout TenantPlan) async throws {
        let stream = try session.stream(.outbound, .contact)
        let cursor = try stream.cursor(default: OutboundCursor(start: stream.createdAt))
        var contacts: [SyncRules.ActiveCampaignContact] = []
        var last = cursor.walkedTo
        var isWhole = false
        for _ in 0..<PlanLimits.contactPages where !isWhole {
            let page = try await session.activeCampaign.changedContacts(since: cursor.since, after: last)
            contacts += page.contacts
            last = page.contacts.last?.id ?? last
            isWhole = page.isLast
        }
        let known = Set(contacts.map(\.id))
        let pending = try await session.store.pending(
            tenant: session.number, limit: ClusterLimits.outboundChunk, now: clock.now
        ).map(\.contactID).filter { !known.contains($0) }
        contacts += try await session.activeCampaign.contacts(ids: pending)
        try await note(contacts, session, &plan)
        plan.reach(
            PlanReach(
                direction: "outbound", object: "contact", seen: contacts.count, isWhole: isWhole, trouble: nil))
    }

    private func note(
        _ contacts: [SyncRules.ActiveCampaignContact], _ session: TenantSession, _ plan: inout TenantPlan
    ) async throws {
        let excluded = try await session.store.exclusions(tenant: session.number, contactIDs: contacts.map(\.id))
        let (kept, free) = contacts.partitioned { excluded.contacts.contains($0.id) }
        for contact in kept {
            plan.note(
                Decision(.outOfScope, .outbound, .contact, contactID: contact.id, reason: Decision.excluded), as: .skip)
        }
        let links = try await session.store.links(tenant: session.number, contactIDs: free.map(\.id))
        let planned = try await OutboundPlanning(session: session, now: clock.now).plan(
            free, links: Dictionary(grouping: links, by: \.contactID))
        for (_, verdict) in planned.verdicts {
            switch verdict {
            case .dropped(let decisions): decisions.first.map { plan.note($0, as: .skip) }
            case .relinked(_, let decisions), .deferred(_, _, _, let decisions):
                decisions.first.map { plan.note($0, as: .note) }
            case .write(let write, let decisions):
                plan.drop(decisions)
                let sample = PlanSample(
                    contact: write.contactID, record: write.recordID, fields: write.values.keys.sorted())
                plan.add(.outbound, write.object, write.recordID == nil ? .create : .update, sample: sample)
            }
        }
    }

    // MARK: - Back-fill

    /// Counts the records a back-fill would read, in one or two calls, and says what it would cost.
    /// - Throws: `StoreError`; `TenantRefusal` for the tenant's own trouble.
    package func backfill(
        _ tenant: Int32, _ object: ObjectKind, from: Date, until: Date
    ) async throws -> BackfillForecast {
        do {
            return try await looks.run(at: tenant) { _ in
                try await counted(tenant, object, from: from, until: until)
            }
        } catch let trouble as StreamTrouble {
            throw TenantRefusal(description: trouble.message)
        }
    }

    private func counted(
        _ tenant: Int32, _ object: ObjectKind, from: Date, until: Date
    ) async throws -> BackfillForecast {
        let session = try await session(tenant)
        let filter = try await session.entryFilter(of: object, createdFrom: from, createdUntil: until)
        let unknown = session.brokenSelection(of: object)
        guard unknown.isEmpty else { throw StreamTrouble.brokenSelection(object, unknown) }
        let records = try await session.salesforce.count(object, filter)
        guard object != .opportunity else { return .ofOpportunities(records) }
        let imports = (records + ActiveCampaignLimits.importContacts - 1) / ActiveCampaignLimits.importContacts
        return BackfillForecast(
            records: records,
            recordCalls: 1
                + CallCosts.backfill(.salesforce, records: records, acknowledges: session.acknowledges),
            contactCalls: CallCosts.backfill(.activeCampaign, records: records),
            minutes: Int((Double(imports) / ActiveCampaignLimits.importsPerMinute).rounded(.up)))
    }
}

extension TenantPlan {
    /// Counts the fields that are left out of a write.
    mutating func drop(_ decisions: [Decision]) {
        for decision in decisions where !decision.fields.isEmpty { note(decision, as: .drop) }
    }

    /// Counts a record that is not written, by what was decided of it.
    mutating func note(_ decision: Decision, as action: PlanClass.Action) {
        add(
            decision.direction, decision.object, action, reason: decision.reason ?? decision.code.name,
            words: decision.sentence,
            sample: PlanSample(
                contact: decision.contactID, record: decision.recordID, fields: decision.fields))
    }
}

extension PlanReach {
    fileprivate init(_ direction: String, _ object: String, _ trouble: StreamTrouble) {
        self.init(direction: direction, object: object, seen: 0, isWhole: false, trouble: trouble.message)
    }
}
