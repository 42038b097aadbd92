import Foundation
import Store
import SyncRules

/// Where a sweep stands: first the links of an object by contact id, then records by id.
struct SweepCursor: Codable, Sendable, Hashable {
    /// The last contact id walked; nil once the links are through.
    var contactID: Int64? = 0
    /// The last record id walked; nil before the first page.
    var recordID: String?
}

/// One slice of a tenant's back-fill, re-evaluation or formula sweep: a few pages, each committed with the sweep's cursor
/// under the lease's token, then other jobs get their turn. Killed at any instant it starts again behind the last page.
///
/// One sweep of a tenant at a time; re-evaluations come first, for they hold mappings up, and formula sweeps last.
///
/// Records are read by query pages, 2,000 a counted call: 50 calls for 100,000. A Bulk 2.0 query job would take about eight
/// (create, five or so looks, two results of 50,000; salesforce-api 11), and fewer than pages from some 16,000 rows on. It
/// is not used: the 42 calls it saves, once, are less than half a thousandth of the smallest paid org's day, and half of
/// what acknowledging the same records takes; and its rows are those of the instant the job ran, which may be an hour old
/// when their turn comes: written then, they would put back what an ordinary pull has written since (T14).
struct SweepRun {
    let session: TenantSession
    let run: RunContext

    /// The sweep whose turn it is.
    static func current(_ sweeps: [SweepRow], at now: Date) -> SweepRow? {
        let order: [SweepKind] = [.reevaluation, .backfill, .formulas]
        func turn(_ sweep: SweepRow) -> Int { order.firstIndex(of: sweep.kind) ?? order.count }
        return sweeps.filter { $0.isDue(at: now) }.min { (turn($0), $0.id) < (turn($1), $1.id) }
    }

    /// Runs the slice to its end.
    func execute() async throws -> RunTally {
        var tally = RunTally()
        let busy = try await ImportSettlement(session: session, run: run).settle(&tally)
        let sweeps = try await session.store.sweeps(tenant: session.number)
        guard let sweep = Self.current(sweeps, at: run.now) else { return tally }
        var ending = SweepProgress(id: sweep.id, at: run.now)
        ending.nextRunAt = run.now
        tally.sweep = ending
        guard busy.records.count <= ClusterLimits.sweepImports, sweep.kind != .reevaluation || busy.records.isEmpty
        else {
            ending.nextRunAt = run.now.addingTimeInterval(ClusterLimits.sweepPause)
            tally.sweep = ending
            return tally
        }
        try await requireSelection(of: sweep)
        if sweep.startedAt == nil, sweep.kind == .backfill { ending.total = try await count(sweep) }
        var claims = busy.claims
        var cursor = try sweep.cursor(default: start(of: sweep))
        for _ in 0..<ClusterLimits.sweepPages {
            let page = try await page(of: sweep, at: &cursor)
            var progress = SweepProgress(id: sweep.id, at: run.now)
            progress.seen = page.looked ?? page.records.count
            try progress.advance(to: cursor)
            try await settle(page, of: sweep, progress, busy: busy, claims: &claims, &tally)
            ending.isDone = page.isLast
            // A page of links may have opened an import, and the next one must not meet its contacts half written.
            if page.isLast || sweep.kind != .backfill { break }
        }
        // What the imports of these pages bring goes with whole calls later.
        try await StatusWriteBack(session: session, run: run).flush(&tally, least: ClusterLimits.recordsPerCall)
        ending.nextRunAt = sweep.kind == .formulas ? run.now.addingTimeInterval(ClusterLimits.formulaPause) : run.now
        tally.sweep = ending
        return tally
    }

    private func start(of sweep: SweepRow) -> SweepCursor {
        switch sweep.kind {
        case .backfill: SweepCursor(contactID: nil)
        case .reevaluation: SweepCursor(contactID: sweep.fields.isEmpty ? nil : 0)
        case .formulas: SweepCursor(contactID: 0)
        }
    }

    /// Settles a page by its object's own pull, with the sweep's place.
    private func settle(
        _ page: Page, of sweep: SweepRow, _ progress: SweepProgress, busy: BusyContacts, claims: inout AddressClaims,
        _ tally: inout RunTally
    ) async throws {
        switch sweep.object {
        case .contact, .lead:
            var extras = page.extras
            extras.sweep = progress
            extras.source = sweep.kind.source
            try await InboundPull(session: session, run: run).settle(
                page.records, sweep.object, cursor: nil, busy: busy, claims: &claims, &tally, extras: extras)
        case .account:
            try await AccountPull(session: session, run: run).settle(
                page.records, sweep: (sweep, progress), &tally)
            if page.isLast, !sweep.fields.isEmpty { try await readAccountsAnew() }
        case .opportunity:
            try await OpportunityPull(session: session, run: run).settle(page.records, sweep: progress, &tally)
        }
    }

    /// Accounts' own values are read by the walk over them when they changed: after a change of mappings it reads all of
    /// them once more, for what only ActiveCampaign has.
    private func readAccountsAnew() async throws {
        guard session.streams(of: .outbound).contains(where: { $0.object == .account }) else { return }
        var commit = session.commit(run)
        try commit.advance(.outbound, .account, cursor: OutboundCursor(start: Date(timeIntervalSince1970: 0)))
        try await run.commit(commit, store: session.store)
    }

    /// A walk by a selection that can't be judged would let nobody in, and call that done.
    private func requireSelection(of sweep: SweepRow) async throws {
        guard sweep.object != .opportunity, sweep.kind == .backfill || sweep.selects else { return }
        let mode = session.tenant.settings.selection(of: sweep.object)
        if mode == .criteria || mode == .marked { _ = try await session.salesforce.description(of: sweep.object) }
        let unknown = session.brokenSelection(of: sweep.object)
        guard unknown.isEmpty else { throw StreamTrouble.brokenSelection(sweep.object, unknown) }
    }

    // MARK: - Pages

    private struct Page {
        var records: [SalesforceRecord] = []
        var extras = PageExtras()
        /// Links that were looked at, where those are not the page's records.
        var looked: Int?
        /// Whether the sweep is through with this page.
        var isLast = false
    }

    /// Reads the next page and moves the cursor behind it.
    private func page(of sweep: SweepRow, at cursor: inout SweepCursor) async throws -> Page {
        if let contactID = cursor.contactID {
            return sweep.kind == .formulas
                ? try await formulaPage(of: sweep, after: contactID, &cursor)
                : try await linkedPage(of: sweep, after: contactID, &cursor)
        }
        let (records, last, isLast) = try await session.salesforce.existing(
            sweep.object, try await filter(of: sweep), after: cursor.recordID)
        guard isLast || last != cursor.recordID else {
            throw StreamTrouble(
                kind: .bug, code: "sweep_stuck", message: "Salesforce gives the same page of records again and again.")
        }
        if let last { cursor.recordID = last }
        var page = Page(records: records, isLast: isLast)
        if sweep.object != .opportunity { page.extras.rules = rules(of: sweep) }
        return page
    }

    /// Of linked records those whose formulas were recalculated: the formulas are read of all, the rest of these alone.
    private func formulaPage(
        of sweep: SweepRow, after contactID: Int64, _ cursor: inout SweepCursor
    ) async throws -> Page {
        let formulas = session.formulas(of: sweep.object)
        guard session.tenant.settings.pushesFormulaChanges, !formulas.isEmpty else { return Page(isLast: true) }
        let links = try await session.store.linkPage(
            tenant: session.number, object: sweep.object, after: contactID, limit: ClusterLimits.formulaPage)
        cursor.contactID = links.last?.contactID ?? contactID
        var page = Page(looked: links.count, isLast: links.count < ClusterLimits.formulaPage)
        let projector = session.projector(of: sweep.object)
        let held = try await RunAccount.$purpose.withValue(.formulaSweep) {
            try await session.salesforce.values(of: formulas, sweep.object, ids: links.map(\.recordID))
        }
        let changed = links.filter { link in
            guard let record = held[link.recordID] else { return false }
            return !(link.recordFingerprint ?? Fingerprint()).changedFields(in: projector.project(record)).isEmpty
        }
        page.records = try await session.salesforce.records(sweep.object, ids: changed.map(\.recordID))
        return page
    }

    /// Pairs both of whose sides are read, to give each what was newly mapped (T7).
    private func linkedPage(
        of sweep: SweepRow, after contactID: Int64, _ cursor: inout SweepCursor
    ) async throws -> Page {
        let links = try await session.store.linkPage(
            tenant: session.number, object: sweep.object, after: contactID, limit: ClusterLimits.reevaluationPage)
        let isThrough = links.count < ClusterLimits.reevaluationPage
        cursor.contactID = isThrough ? nil : links.last?.contactID
        var page = Page(isLast: isThrough && !sweep.selects)
        guard !links.isEmpty else { return page }
        page.records = try await session.salesforce.records(sweep.object, ids: links.map(\.recordID))
        guard sweep.object != .account else { return page }
        let contacts = try await session.activeCampaign.contacts(ids: links.map(\.contactID))
        page.extras.rules = session.inbound(sweep.object).countingFormulas()
        page.extras.reopening = Reopening(
            contacts: Dictionary(contacts.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first }),
            fields: sweep.fields, trustsHistory: false)
        return page
    }

    // MARK: - Whose turn it is to enter

    /// A back-fill takes records whatever their age (D5 governs the ordinary pulls); everything else holds.
    private func rules(of sweep: SweepRow) -> InboundRules {
        let rules = session.inbound(sweep.object)
        guard sweep.kind == .backfill else { return rules }
        return InboundRules(
            settings: rules.settings,
            selection: SelectionRules(
                settings: rules.settings, start: .distantPast, criteria: rules.selection.criteria),
            projector: rules.projector)
    }

    private func filter(of sweep: SweepRow) async throws -> EntryFilter {
        try await session.entryFilter(
            of: sweep.object, createdFrom: sweep.createdFrom, createdUntil: sweep.createdUntil,
            // As if the selection had been this one from the start: what no pull has ever read is a back-fill's (T6).
            modifiedFrom: sweep.kind == .reevaluation ? session.start : nil)
    }

    private func count(_ sweep: SweepRow) async throws -> Int {
        try await session.salesforce.count(sweep.object, try await filter(of: sweep))
    }
}

extension StreamTrouble {
    /// The selection of an object names fields the org does not have or hides from our user.
    static func brokenSelection(_ object: ObjectKind, _ fields: [String]) -> StreamTrouble {
        let names = fields.map { "\(object.salesforceName).\($0)" }.joined(separator: ", ")
        return StreamTrouble(
            kind: .needsHuman, code: "selection",
            message:
                "The selection of \(object.name)s needs \(names), which Salesforce does not have or hides from our "
                + "user: no \(object.name) enters or is updated until selection_criteria, marker_field or the field is "
                + "mended. Other objects go on.")
    }
}
