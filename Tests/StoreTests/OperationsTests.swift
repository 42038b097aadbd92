import Drivers
import Foundation
import Store
import SyncRules
import Testing

@Suite(.timeLimit(.minutes(2))) struct OperationsTests {
    private let ann = Errand(actor: "ann@host", reason: "upgrade")

    @Test func theSwitchIsSetOnceForAllAndRemembersWho() async throws {
        let (store, pool) = try await StoreTestDatabase.make()
        #expect(try await store.queueSwitch().mode == .running)
        for (mode, verb) in [(QueueMode.draining, "drain"), (.paused, "pause"), (.running, "resume")] {
            try await store.setQueueMode(mode, by: ann)
            let now = try await store.queueSwitch()
            #expect(now.mode == mode && now.actor == "ann@host" && now.reason == "upgrade")
            let audit = try #require(try await store.audits(of: "queue").first)
            #expect(audit.verb == verb && audit.actor == "ann@host" && audit.reason == "upgrade")
        }
        await pool.close()
    }

    @Test func aWorkerLearnsItsWishWithItsReportAndForgetsItWhenItStartsAnew() async throws {
        let (store, pool) = try await StoreTestDatabase.make()
        try await store.enroll(worker: "w1", host: "h", processID: 7, concurrency: 64)
        #expect(try await store.report(worker: "w1", state: .running) == WorkerOrders(mode: .running, wish: nil))
        #expect(try await store.ask(workers: ["w1", "nobody"], .quiet, by: ann) == ["w1"])
        try await store.setQueueMode(.paused, by: ann)
        #expect(try await store.report(worker: "w1", state: .quiet) == WorkerOrders(mode: .paused, wish: .quiet))
        #expect(try await store.workers().map(\.state) == [.quiet])
        #expect(try await store.audits(of: "workers").map(\.verb) == ["quiet"])
        try await store.enroll(worker: "w1", host: "h", processID: 8, concurrency: 64)
        #expect(try await store.report(worker: "w1", state: .running).wish == nil)
        // One that was never enrolled, as when PostgreSQL came back empty, is told the switch all the same.
        #expect(
            try await store.report(worker: "w2", state: .running)
                == WorkerOrders(mode: .paused, wish: nil, isEnrolled: false))
        try await store.dismiss(worker: "w1")
        #expect(try await store.workers().isEmpty)
        await pool.close()
    }

    @Test func theBacklogIsAsOldAsItsOldestStream() async throws {
        let (store, pool) = try await StoreTestDatabase.make()
        let now = Date(timeIntervalSince1970: 1_800_000_000)
        for (id, age) in [("acme", 600.0), ("brook", 30), ("creek", -60)] {
            let number = try await StoreTestDatabase.onboard(id, store, pool)
            try await pool.query(
                "UPDATE ferry.streams SET next_run_at = $2, claim_at = $2 WHERE tenant_no = $1",
                [.int4(number), .timestamptz(now.addingTimeInterval(-age))])
        }
        try await pool.query("UPDATE ferry.streams SET claim_at = $1 WHERE tenant = 'acme'", [.timestamptz(now + 60)])
        let backlog = try await store.backlog(now: now)
        #expect(backlog.streams == 9 && backlog.overdue == 6 && backlog.oldestSeconds == 600)
        #expect(backlog.medianSeconds == 30 && backlog.p99Seconds == 600)
        #expect(backlog.latenessSeconds == 30, "acme's are claimed: late is what nobody has claimed")
        #expect(try await store.waiting(limit: 4, now: now).map(\.tenant) == ["acme", "acme", "acme", "brook"])
        let brook = try #require(try await store.tenant("brook"))
        #expect(try await store.backlog(tenant: brook.number, now: now).oldestSeconds == 30)

        try await store.recordChanges([SeenChange(tenant: brook.number, contactID: 5)], now: now)
        var run = RunRecord(run: 1, direction: .inbound, startedAt: now - 10, finishedAt: now - 6, outcome: "done")
        try await store.recordRun(tenant: brook.number, run)
        run = RunRecord(run: 2, direction: .inbound, startedAt: now - 5_000, finishedAt: now, outcome: "done")
        try await store.recordRun(tenant: brook.number, run)
        try await pool.query(
            "INSERT INTO ferry.workers SELECT n, 'h', 1, 64, 'running', NULL, $1, $1 FROM (VALUES ('a'), ('b')) AS v (n)",
            [.timestamptz(now - 5)])
        let gauges = try await store.gauges(now: now)
        #expect(gauges.pendingChanges == 1 && gauges.oldestOverdueSeconds == 600 && gauges.latenessSeconds == 30)
        #expect(gauges.meanRunSeconds == 4, "runs of an hour ago say little about now")
        #expect(gauges.workers == 2 && gauges.places == 128)
        await pool.close()
    }
}
