import ActiveCampaign
import Cluster
import Drivers
import Foundation
import JobQueue
import Logging
import Simulators
import Store
import SyncRules
import Synchronization
import Testing

/// What a provider that refuses calls is answered with: each refusal has its own wait, from the wire to the stream's row.
@Suite(.timeLimit(.minutes(5)))
struct ProviderWaitTests {
    /// A clock whose sleeps are over at once.
    private static func impatientClock() -> PaceClock {
        let now = Mutex(Duration.zero)
        return PaceClock(now: { now.withLock { $0 } }, sleep: { time in now.withLock { $0 += time } })
    }

    /// Runs the jobs of a direction with a runner that has no queue, and so neither budget nor the cluster's pace.
    /// - Returns: seconds until the contact stream runs again, and its state.
    private func wait(
        _ direction: Direction, _ tenant: TestTenant, in cluster: TestCluster
    ) async throws -> (seconds: TimeInterval, state: String) {
        let runner = JobRunner(
            store: cluster.store, clock: cluster.wallClock,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
            http: try HTTPClient(options: .loopback), keys: KeyRing(keys: [cluster.key]),
            providers: ProviderPolicy(hostSuffixes: [], allowsLoopback: true, webhookBase: nil),
            paceClock: Self.impatientClock())
        try await tenant.request(direction, in: cluster)
        _ = try await cluster.scheduler.runOnce()
        while let job = try await cluster.queue.lease(worker: cluster.worker, limit: 1).jobs.first {
            let isAsked = job.key.kind == JobKind.of(direction).rawValue
            let settlement = isAsked ? await runner.run(job, worker: cluster.worker) : Settlement(job, .done)
            _ = try await cluster.queue.settle(worker: cluster.worker, [settlement])
        }
        let rows = try await cluster.store.streams(tenant: try await tenant.number(in: cluster))
        let row = try #require(rows.first { $0.direction == direction && $0.object == .contact })
        return (row.nextRunAt.timeIntervalSince(try #require(row.lastRunAt)), row.state)
    }

    // MARK: - Salesforce

    @Test func theOrgsDailyLimitParksTheWholeTenantAndOneCallLooksLaterEachTime() async throws {
        let cluster = try await TestCluster.start()
        let tenant = try await TestTenant("acme", in: cluster)
        try await cluster.round()
        let usage = tenant.org.apiUsage
        tenant.org.spendCalls(usage.limit - usage.used)
        try tenant.createContact("sf@a.example")
        try tenant.signUp("ac@a.example")
        try await tenant.openBackfill(in: cluster)
        let number = try await tenant.number(in: cluster)
        var waits: [TimeInterval] = []
        func counted() -> Int { tenant.org.calls.total - tenant.org.calls["token"] }
        for _ in 1...12 where waits.count < 6 {
            let before = counted()
            try await cluster.round()
            guard case .parked(let until, let reason) = try await cluster.queue.why(tenant: number) else {
                Issue.record("not parked")
                return
            }
            #expect(reason.hasPrefix("budget"))
            // The allowance's own ceiling may keep it a moment longer.
            guard counted() > before else {
                cluster.advance(until.timeIntervalSince(cluster.wallClock.now) + 1)
                continue
            }
            #expect(counted() == before + 1, "one call looks, whatever is due: pulls, batches, back-fills")
            waits.append(until.timeIntervalSince(cluster.wallClock.now).rounded())
            let states = try await cluster.store.status(tenant: "acme").map(\.state)
            #expect(states.contains("waiting for budget"), "\(states)")
            cluster.advance(until.timeIntervalSince(cluster.wallClock.now) + 1)
        }
        let expected: [TimeInterval] = [300, 600, 1_200, 2_400, 3_600, 3_600]
        #expect(waits.count == 6 && zip(waits, expected).allSatisfy { abs($0 - $1) < 10 }, "\(waits)")
        cluster.advance(86_400)
        try await cluster.finishSweeps()
        try await cluster.round()
        #expect(tenant.account.contact(email: "sf@a.example") != nil)
        #expect(tenant.record("Contact", "ac@a.example") != nil)
        let states = try await cluster.store.status(tenant: "acme").map(\.state)
        #expect(!states.contains("waiting for budget"), "\(states)")
        await cluster.stop()
    }

    @Test(arguments: [
        (FaultEffect.salesforceConcurrentLimit, 5.0), (.answer(status: 503, body: .html("<html>busy</html>")), 10),
        (.answer(status: 429, body: .empty), 10),
    ])
    func salesforceRefusesAndOnlyThatStreamWaits(effect: FaultEffect, seconds: Double) async throws {
        let cluster = try await TestCluster.start()
        let tenant = try await TestTenant("acme", in: cluster)
        try await cluster.round()
        tenant.org.addFault(effect, callClass: "composite", .times(1))
        let waited = try await wait(.inbound, tenant, in: cluster)
        #expect(waited.state == "retrying")
        #expect(abs(waited.seconds - seconds) < 1, "\(waited.seconds)")
        try tenant.signUp("ac@a.example")
        try await tenant.request(.outbound, in: cluster)
        try await cluster.settle()
        #expect(tenant.record("Contact", "ac@a.example") != nil, "the other direction is not parked")
        await cluster.stop()
    }

    // MARK: - ActiveCampaign

    @Test func retryAfterIsObeyedToTheLetter() async throws {
        let cluster = try await TestCluster.start()
        var options = TestTenant.Options()
        options.campaign = { campaign in
            campaign.rateLimit = 1
            campaign.retryAfterSeconds = 900
        }
        let tenant = try await TestTenant("acme", in: cluster, options)
        let waited = try await wait(.outbound, tenant, in: cluster)
        #expect(waited.state == "retrying")
        #expect(waited.seconds > 899 && waited.seconds < 902, "\(waited.seconds)")
        await cluster.stop()
    }

    @Test(arguments: [429, 503])
    func withoutRetryAfterTheWaitGrowsInTheClientAndThenInTheStream(status: Int) async throws {
        let cluster = try await TestCluster.start()
        let tenant = try await TestTenant("acme", in: cluster)
        cluster.server.faults.add(
            .answer(status: status, body: .empty), on: FaultMatch(account: tenant.account.name), .rate(1))
        let mark = tenant.account.mark()
        let first = try await wait(.outbound, tenant, in: cluster)
        #expect(first.state == "retrying")
        #expect(tenant.account.calls(since: mark).total <= 5, "few tries of one call")
        // Sixteen seconds and up to a quarter more are the client's fifth wait, which the stream takes over.
        #expect(first.seconds > 15 && first.seconds < 21, "\(first.seconds)")
        cluster.advance(first.seconds + 1)
        var last = first.seconds
        for _ in 1...8 {
            last = try await wait(.outbound, tenant, in: cluster).seconds
            cluster.advance(last + 1)
        }
        #expect(last <= 900 && last > 15)
        await cluster.stop()
    }

    @Test func theImportersOwnLimitWaitsAMinute() async throws {
        let cluster = try await TestCluster.start()
        let tenant = try await TestTenant("acme", in: cluster)
        for number in 1...20 { try tenant.createContact("p\(number)@a.example") }
        let refusal =
            #"{"success":0,"message":"Rate limit exceeded.","failureReasons":["Up to 100 imports may be requested per minute."]}"#
        cluster.server.faults.add(
            .answer(status: 400, body: .json(refusal)),
            on: FaultMatch(account: tenant.account.name, callClass: "import.batch"), .times(1))
        let waited = try await wait(.inbound, tenant, in: cluster)
        #expect(waited.state == "retrying")
        #expect(waited.seconds > 59 && waited.seconds < 61, "\(waited.seconds)")
        cluster.advance(61)
        try await cluster.settle()
        #expect(tenant.account.contactCount == 20)
        await cluster.stop()
    }
}
