import Foundation
import Store
import SyncRules

/// The part of an inbound pull that is about opportunities, one way (R74–R78): their changes, changes of their contact
/// roles, and those that waited for a contact that is synced by now.
///
/// What changed after the switch was turned on is pushed; what was there before comes by a back-fill.
struct OpportunityPull {
    let session: TenantSession
    let run: RunContext
    private var cursor: OpportunityCursor?
    private var hasRecords = false
    private var hasRoles = false

    init(session: TenantSession, run: RunContext) throws {
        self.session = session
        self.run = run
        guard session.tenant.settings.syncsOpportunities,
            let stream = session.streams(of: .inbound).first(where: { $0.object == .opportunity }),
            stream.isDue(at: run.now)
        else { return }
        cursor = try stream.cursor(default: OpportunityCursor(start: stream.createdAt))
        hasRecords = true
        hasRoles = true
    }

    /// Ends the sweeps where they stand when opportunities or their roles can't be read or written now: people go on (T5).
    mutating func stop(for trouble: StreamTrouble?) {
        if trouble != nil { (hasRecords, hasRoles) = (false, false) }
    }

    private var isOn: Bool { session.tenant.settings.syncsOpportunities }
    /// Where the sweep over opportunities stands; nil when it is whole.
    var records: InboundCursor? { hasRecords ? cursor?.records : nil }
    /// Where the sweep over contact roles stands; nil when it is whole.
    var roles: InboundCursor? { hasRoles ? cursor?.roles : nil }

    // MARK: - The sweeps

    /// Settles a page of changed opportunities, and those whose roles changed.
    mutating func settle(
        _ page: SalesforceGateway.Page?, roles: SalesforceGateway.RolesPage?, _ tally: inout RunTally
    ) async throws {
        guard var next = cursor else { return }
        var found: [SalesforceRecord] = []
        if hasRecords, let page {
            if let moved = try InboundPull.cursor(next.records, behind: page) {
                next.records = moved
                found = page.records
                hasRecords = !page.isLast
            } else {
                next.records = InboundPull.begun(next.records, page)
            }
        }
        var touched: Set<String> = []
        if hasRoles, let roles {
            if let moved = try InboundPull.cursor(next.roles, behind: roles.page) {
                next.roles = moved
                touched = roles.opportunityIDs
                hasRoles = !roles.page.isLast
            } else {
                next.roles = InboundPull.begun(next.roles, roles.page)
            }
        }
        do {
            try await settle(found, also: touched.subtracting(found.map(\.id)).sorted(), cursor: next, &tally)
            cursor = next
        } catch let trouble as StreamTrouble {
            tally.troubles[.opportunity] = trouble
            stop(for: trouble)
        }
    }

    /// Pushes what waited for a contact that is synced by now.
    func followUp(_ tally: inout RunTally) async throws {
        guard isOn else { return }
        let due = try await session.store.dueOpportunities(
            tenant: session.number, limit: ClusterLimits.opportunitiesPerRun)
        try await settle(ids: due, &tally)
        if due.count == ClusterLimits.opportunitiesPerRun { tally.hasMore = true }
    }

    /// Reads opportunities by id and settles them.
    func settle(ids: [String], _ tally: inout RunTally) async throws {
        guard isOn, !ids.isEmpty else { return }
        do { try await settle([], also: ids, cursor: nil, &tally) } catch let trouble as StreamTrouble {
            tally.troubles[.opportunity] = trouble
        }
    }

    /// Settles opportunities that were read outside the stream.
    /// - Parameter sweep: how far a back-fill is behind them.
    func settle(
        _ records: [SalesforceRecord], sweep: SweepProgress? = nil, _ tally: inout RunTally
    ) async throws {
        guard sweep != nil || (isOn && !records.isEmpty) else { return }
        try await settle(isOn ? records : [], also: [], cursor: nil, sweep: sweep, &tally)
    }

    // MARK: - Settling

    private func settle(
        _ page: [SalesforceRecord], also others: [String], cursor: OpportunityCursor?, sweep: SweepProgress? = nil,
        _ tally: inout RunTally
    ) async throws {
        var commit = session.commit(run)
        let before = tally.touched
        let source = sweep != nil ? ChangeSource.backfill : cursor == nil ? .retry : .poll
        if !page.isEmpty || !others.isEmpty {
            let living = page.filter { !$0.isDeleted }.map(\.id)
            let read = try await session.salesforce.opportunities(ids: others, rolesOf: living)
            tally.seen += page.count + read.records.count
            try await settle(page + read.records, roles: read.roles, seen: source, into: &commit, &tally)
        }
        commit.describe([], seen: source)
        if let cursor { try commit.advance(.inbound, .opportunity, cursor: cursor) }
        if var sweep {
            sweep.written = tally.touched - before
            commit.sweep = sweep
        }
        try await run.commit(commit, store: session.store)
    }

    private func settle(
        _ records: [SalesforceRecord], roles: [String: [OpportunityRole]], seen source: ChangeSource,
        into commit: inout RunCommit, _ tally: inout RunTally
    ) async throws {
        let people = records.compactMap { roles[$0.id].flatMap(OpportunityRules.contact) }
        let excluded = try await session.store.exclusions(
            tenant: session.number, recordIDs: records.map(\.id) + people)
        let (kept, followed) = records.partitioned { excluded.records.contains($0.id) }
        commit.record(
            kept.map { Decision(.outOfScope, .inbound, .opportunity, recordID: $0.id, reason: Decision.excluded) })
        for record in kept { commit.resolveFailure(.inbound, recordID: record.id) }
        let known = Dictionary(
            try await session.store.opportunityLinks(tenant: session.number, recordIDs: followed.map(\.id)).map {
                ($0.recordID, $0)
            }, uniquingKeysWith: { first, _ in first })
        // To whom is kept out nothing is pushed: the opportunity waits as if he were not synced (R77).
        let contacts = Dictionary(
            try await session.store.links(
                tenant: session.number, recordIDs: people.filter { !excluded.records.contains($0) }
            )
            .filter { $0.state == .active && $0.object == .contact }.map { ($0.recordID, $0.contactID) },
            uniquingKeysWith: { first, _ in first })
        var writer = OpportunityWriter(session: session, run: run)
        let intents = followed.map { record in
            let own = roles[record.id] ?? []
            return OpportunityRules.intent(
                for: record, roles: own, link: known[record.id],
                contactID: OpportunityRules.contact(among: own).flatMap { contacts[$0] },
                target: session.tenant.settings.opportunityTarget)
        }
        let vanished = intents.compactMap(\.missingLink).map { ($0.recordID, contactID: $0.contactID) }
        let isHeldBack = try await MassDeleteCheck(session: session, run: run).holdsBack(
            vanished, .opportunity, .inbound, &commit, &tally)
        do {
            for (number, (record, intent)) in zip(followed, intents).enumerated() {
                if isHeldBack, intent.missingLink != nil { continue }
                try await take(intent, record, &writer, into: &commit, &tally)
                guard (number + 1).isMultiple(of: ClusterLimits.objectsPerCommit) else { continue }
                commit.describe([], seen: source)
                try await run.commit(commit, store: session.store)
                commit = session.commit(run)
            }
        } catch let trouble as StreamTrouble {
            commit.describe([], seen: source)
            try await run.commit(commit, store: session.store)
            throw trouble
        }
    }

    private func take(
        _ intent: OpportunityIntent, _ record: SalesforceRecord, _ writer: inout OpportunityWriter,
        into commit: inout RunCommit, _ tally: inout RunTally
    ) async throws {
        func note(_ code: DecisionCode, _ reason: String, contactID: Int64? = nil) {
            commit.record([
                Decision(code, .inbound, .opportunity, contactID: contactID, recordID: record.id, reason: reason)
            ])
        }
        switch intent {
        case .drop(let code, let reason):
            note(code, reason)
            guard code == .invalidBeforeSend else { return commit.resolveFailure(.inbound, recordID: record.id) }
            commit.fail(
                .inbound, .opportunity, recordID: record.id, code: "unnamed_opportunity", fields: ["Name"],
                fingerprint: nil, now: run.now)
        case .wait(let link):
            commit.opportunities.append(link)
            commit.resolveFailure(.inbound, recordID: record.id)
            note(.queued, "R77")
        case .markMissing(let link):
            commit.opportunities.append(link)
            commit.resolveFailure(.inbound, recordID: record.id)
            note(.tombstoned, "R77.deleted", contactID: link.contactID)
        case .push(let values, let contactID, let contactRecordID, let link):
            var pushed = link ?? OpportunityLink(recordID: record.id)
            pushed.contactID = contactID
            pushed.contactRecordID = contactRecordID
            try await writer.push(values, pushed, into: &commit, &tally)
        }
    }
}

extension OpportunityIntent {
    /// The link that is taken for missing; nil when none is.
    fileprivate var missingLink: OpportunityLink? { if case .markMissing(let link) = self { link } else { nil } }
}
