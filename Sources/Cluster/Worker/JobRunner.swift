package import ActiveCampaign
package import Drivers
import Foundation
package import JobQueue
package import Logging
package import Store
import SyncRules

/// Runs one leased job: loads the tenant, runs the batch, pull or settlement, and stores how it ended.
///
/// Waits and retries stand in PostgreSQL (`streams.next_run_at`), never in Redis alone; the queue is told that the job is
/// done, and the scheduler asks for it again when it is due.
package struct JobRunner: Sendable {
    private let store: Store
    private let clock: WallClock
    private let logger: Logger
    private let sessions: SessionCache
    private let lessons: LimitLessons
    private let queue: JobQueue?
    private let keeper: BudgetKeeper?
    private let ledger: UsageLedger

    /// Makes a runner.
    /// - Parameters:
    ///   - queue: keeps budgets and paces; without one calls are only counted.
    ///   - http: the process's HTTP client.
    ///   - keys: opens tenants' secrets.
    ///   - providers: which addresses may be called.
    ///   - paceClock: by which calls to ActiveCampaign keep their pace, and wait before they are repeated.
    package init(
        store: Store, queue: JobQueue? = nil, clock: WallClock, logger: Logger, http: HTTPClient, keys: KeyRing,
        providers: ProviderPolicy, paceClock: PaceClock = .system
    ) {
        let paceClock = paceClock.leavingPlaces
        self.queue = queue
        keeper = queue.map { BudgetKeeper(store: store, queue: $0, clock: clock) }
        ledger = UsageLedger(store: store)
        lessons = LimitLessons(store: store, clock: clock)
        self.store = store
        self.clock = clock
        self.logger = logger
        sessions = SessionCache(
            store: store, clock: clock, http: http, keys: keys, providers: providers, paceClock: paceClock,
            pace: queue.map { SharedPace(queue: $0, clock: paceClock) })
    }

    /// Runs a job to its end.
    /// - Parameter worker: whose lease it is.
    /// - Returns: what the queue is told.
    package func run(_ job: LeasedJob, worker: WorkerID) async -> Settlement {
        let (ledger, tenant) = (ledger, job.key.tenant)
        let account = RunAccount(job: job, clock: clock, extend: extend(job, worker)) { usage in
            try await ledger.add(usage, of: tenant)
        }
        let outcome = await RunAccount.$current.withValue(account) { await run(job, worker, account) }
        // A task of its own: a run that was stopped has called all the same.
        await Task { await keep(account, of: job.key.tenant) }.value
        return Settlement(job, outcome, made: account.settled())
    }

    private func extend(_ job: LeasedJob, _ worker: WorkerID) -> RunAccount.Extend? {
        guard let queue else { return nil }
        return { wish in
            let isSalesforce = wish.provider == .salesforce
            let results = try await queue.extend(
                worker: worker,
                [
                    CallExtension(
                        job, made: wish.made, activeCampaign: isSalesforce ? 0 : wish.calls,
                        salesforce: isSalesforce ? wish.calls : 0)
                ])
            return results.first ?? .leaseLost
        }
    }

    /// Stores what the run's own commits did not take: calls are spent whatever becomes of the run.
    private func keep(_ account: RunAccount, of tenant: Int32) async {
        do {
            try await ledger.add(account.takeUsage(), of: tenant)
            if let figure = account.lastFigure,
                try await lessons.learn(tenant, used: figure.used, limit: figure.limit)
            {
                MetricCatalog.count("ferry_unplanned_use_total")
                logger.warning(
                    "others call a tenant's org far more than usual; another integration, or a stolen token?",
                    metadata: ["tenant": "\(tenant)", "used": "\(figure.used)", "limit": "\(figure.limit)"])
            }
        } catch {
            logger.warning("calls not stored", metadata: ["tenant": "\(tenant)", "error": "\(error)"])
        }
    }

    private func run(_ job: LeasedJob, _ worker: WorkerID, _ account: RunAccount) async -> JobOutcome {
        var logger = logger
        logger[metadataKey: "tenant"] = "\(job.key.tenant)"
        logger[metadataKey: "job"] = "\(job.key.kind)"
        guard let kind = JobKind(rawValue: job.key.kind) else {
            logger.error("unknown kind of job; left for a newer worker")
            return .retry(after: nil, code: "unknown_kind")
        }
        let run = RunContext(
            token: job.token, worker: worker, runID: job.token.rawValue, clock: clock, logger: logger, account: account)
        do {
            return try await attempt(job, kind, run)
        } catch is LostLease {
            logger.notice("lease lost to a newer one; nothing stored", metadata: ["token": "\(job.token)"])
            return .done
        } catch is CancellationError {
            return .returned
        } catch {
            if Task.isCancelled { return .returned }
            // The stream is still due in PostgreSQL, and asked for again once its claim has run out. The queue's own
            // retries would end in a dead letter when PostgreSQL is away for long.
            logger.warning("run not stored", metadata: ["error": "\(error)"])
            return .done
        }
    }

    private func attempt(_ job: LeasedJob, _ kind: JobKind, _ run: RunContext) async throws -> JobOutcome {
        guard let config = try await store.tenantConfig(job.key.tenant), config.state == .active else { return .done }
        // Before anything is read: an older run of this tenant that still goes on can't commit from here on, so what is
        // read now stays true until this run commits (invariant 3).
        try await run.commit(RunCommit(tenant: config.number, fence: run.fence, run: run.runID), store: store)
        try await learnOfBudgets(config, run)
        let started = clock.now
        do {
            try await ClaimKeeper(store: store, tenant: config.number, kind: kind, clock: clock).whileHeld {
                let session = try await sessions.session(for: try ReadyTenant(config))
                guard session.isAsked(for: kind, at: started) else { return }
                let tally = try await execute(kind, session, run)
                try await RunEnding(session: session, run: run, kind: kind, started: started).succeed(tally)
            }
        } catch let trouble as StreamTrouble {
            if Task.isCancelled { return .returned }
            run.logger.notice("run stopped", metadata: ["code": "\(trouble.code)", "why": "\(trouble.message)"])
            sessions.forget(config.number, after: trouble)
            let until = try await RunEnding.fail(
                trouble, config: config, kind: kind, run: run, started: started, store: store)
            if let until { await park(config.number, until: until, run) }
        }
        return .done
    }

    /// The org takes no more calls of anybody: none of the tenant's jobs runs until one of them looks again. A park that is
    /// lost costs a call.
    private func park(_ tenant: Int32, until: Date, _ run: RunContext) async {
        do { try await queue?.park(tenant: tenant, until: until, reason: StreamTrouble.dailyLimitReason) } catch {
            run.logger.warning("not parked", metadata: ["error": "\(error)"])
        }
    }

    /// A budget that the lease did not know of: it is the tenant's first run, its row is new, or Redis has lost it. No call
    /// goes before it is set.
    private func learnOfBudgets(_ config: TenantConfig, _ run: RunContext) async throws {
        let missing = Set(config.budgets.map { CallProvider($0.provider) }).union([.salesforce])
            .filter { !run.account.isBudgeted($0) }
        guard let keeper, !missing.isEmpty else { return }
        try await keeper.set(config.number)
        for provider in missing { run.account.require(provider) }
    }

    private func execute(_ kind: JobKind, _ session: TenantSession, _ run: RunContext) async throws -> RunTally {
        switch kind {
        case .outbound:
            guard session.tenant.settings.outboundEnabled else { return RunTally() }
            try await WebhookRegistration(session: session, run: run).ensure()
            var tally = try await OutboundBatch(session: session, run: run).execute()
            // Accounts that can't be read or written keep no contact waiting (T5).
            do { try await AccountBatch(session: session, run: run).execute(&tally) } catch let trouble as StreamTrouble
            {
                guard !trouble.isDailyLimit else { throw trouble }
                tally.troubles[.account] = trouble
            }
            return tally
        case .inbound:
            return try await InboundPull(session: session, run: run).execute()
        case .sweep:
            return try await SweepRun(session: session, run: run).execute()
        case .imports:
            var tally = RunTally()
            let busy = try await ImportSettlement(session: session, run: run).settle(&tally)
            // Whom an import has brought is put into its account, and gets its opportunities.
            try await AccountPull(session: session, run: run).followUp(&tally)
            try await OpportunityPull(session: session, run: run).followUp(&tally)
            // While others are still open their write-backs are to come, and a call takes a thousand.
            let least = busy.openedAt == nil ? 1 : ClusterLimits.recordsPerCall
            try await StatusWriteBack(session: session, run: run).flush(&tally, least: least)
            if busy.openedAt == nil { try await callForRetries(session, run) }
            return tally
        }
    }

    /// Records that waited for an import, or were lost with it, do not wait for the next pull on the clock.
    private func callForRetries(_ session: TenantSession, _ run: RunContext) async throws {
        guard run.may(.retry) else { return }
        let due = try await session.store.failuresDue(
            tenant: session.number, direction: .inbound, now: run.now, limit: 1)
        guard !due.isEmpty else { return }
        try await session.store.requestRun(tenant: session.number, direction: .inbound, now: run.now)
    }
}
