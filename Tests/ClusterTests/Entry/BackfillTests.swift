import Cluster
import Drivers
import Foundation
import Simulators
import Store
import SyncRules
import Testing

/// Existing records enter by a back-fill (T6), through real queue, PostgreSQL and HTTP.
@Suite(.timeLimit(.minutes(5)))
struct BackfillTests {
    @Test func T6_existingRecordsEnterFromAFloorAndFurtherRunsWriteNothing() async throws {
        let cluster = try await TestCluster.start()
        let tenant = try await TestTenant("acme", in: cluster)
        for number in 1...30 { try tenant.createContact("old\(number)@a.example", last: "Old") }
        try tenant.createContact("nobody", last: "NoAddress", ["Email": .null])
        try await tenant.beginNow(in: cluster)
        try await cluster.round()
        #expect(tenant.account.contactCount == 0, "D5: what was there before the start does not enter")

        let planner = try cluster.planner()
        let forecast = try await planner.backfill(
            try await tenant.number(in: cluster), .contact, from: Date(timeIntervalSince1970: 0),
            until: cluster.wallClock.now)
        #expect(forecast.records == 31)
        try await tenant.openBackfill(in: cluster)
        let rows = try await cluster.store.status(tenant: "acme")
        #expect(rows.contains { $0.direction == "back-fill" && $0.state == "running" })
        try await cluster.finishSweeps()
        #expect(tenant.account.contactCount == 30)
        let sweep = try #require(
            try await cluster.store.sweeps(tenant: try await tenant.number(in: cluster), isActive: false).first)
        #expect(sweep.state == .done && sweep.seen == 31 && sweep.total == 31 && sweep.written == 30)
        try await cluster.rounds(1)
        let before = tenant.snapshot()
        try await cluster.rounds(2)
        #expect(tenant.snapshot().changes(since: before).isEmpty)
        await cluster.stop()
    }

    @Test func aBackfillObeysTheCriteriaInSalesforceAlready() async throws {
        let cluster = try await TestCluster.start()
        var options = TestTenant.Options()
        options.contactSelection = "none"
        options.customFields = ["Region"]
        let tenant = try await TestTenant("acme", in: cluster, options)
        for number in 1...12 {
            try tenant.createContact("p\(number)@a.example", ["Region__c": number <= 3 ? "North's" : "South"])
        }
        try await tenant.beginNow(in: cluster)
        try await cluster.pool.transact([
            .init(
                """
                INSERT INTO ferry.selection_criteria (tenant, object, field, operator, operands)
                VALUES ('acme', 'contact', 'Region__c', 'starts', '{north''}')
                """),
            .init("UPDATE ferry.sync_settings SET contact_selection = 'criteria'"),
        ])
        try await cluster.round()
        try await tenant.openBackfill(in: cluster)
        try await cluster.finishSweeps()
        #expect(tenant.account.contactCount == 3)
        let sweep = try #require(
            try await cluster.store.sweeps(
                tenant: try await tenant.number(in: cluster), kind: .backfill, isActive: false
            ).first)
        #expect(sweep.seen == 3, "the others were not even read")
        await cluster.stop()
    }

    @Test func aPausedBackfillKeepsItsPlaceAndOrdinaryPullsGoOn() async throws {
        let cluster = try await TestCluster.start()
        let tenant = try await TestTenant("acme", in: cluster)
        tenant.org.seed("Contact", count: 5_000) { ["Email": .text("s\($0)@a.example"), "LastName": .text("S\($0)")] }
        try await tenant.beginNow(in: cluster)
        try await cluster.round()
        try await tenant.openBackfill(in: cluster)
        try await cluster.runDue()
        let number = try await tenant.number(in: cluster)
        let errand = Errand(actor: "test")
        let paused = try await cluster.store.steerSweeps(
            tenant: number, kind: .backfill, object: nil, to: .paused, by: errand, now: cluster.wallClock.now)
        let seen = try #require(paused.first).seen
        #expect(seen == 4_000, "one slice is two pages")
        try tenant.createContact("new@a.example")
        try await cluster.rounds(2)
        #expect(tenant.account.contact(email: "new@a.example") != nil)
        #expect(try await cluster.store.sweeps(tenant: number).first?.seen == seen)

        _ = try await cluster.store.steerSweeps(
            tenant: number, kind: .backfill, object: nil, to: .running, by: errand, now: cluster.wallClock.now)
        let mark = tenant.org.calls.mark()
        let begun = cluster.wallClock.now
        try await cluster.finishSweeps()
        #expect(tenant.account.contactCount == 5_001)
        let calls = tenant.org.calls.since(mark).values.reduce(0, +)
        let ticks = Int(cluster.wallClock.now.timeIntervalSince(begun) / 600)
        #expect(calls <= 10 + 2 * ticks, "a page and write-backs, \(tenant.org.calls.since(mark)) in \(ticks) ticks")
        await cluster.stop()
    }

    /// Issue 6: 100,000 records for at most 200 calls; what grows with the records is a page and two write-backs for each
    /// 2,000 of them. Waiting for the importer moves the clock, by more on a slow machine, and the tenant's own batches and
    /// pulls go on in that time: two calls for each ten minutes.
    @Test func aBackfillCostsACallAPageAndOneForEachThousandWriteBacks() async throws {
        let cluster = try await TestCluster.start()
        let tenant = try await TestTenant("acme", in: cluster)
        tenant.org.seed("Contact", count: 8_000) { ["Email": .text("s\($0)@a.example"), "LastName": .text("S\($0)")] }
        try await tenant.beginNow(in: cluster)
        try await cluster.round()
        try await tenant.openBackfill(in: cluster)
        let mark = tenant.org.calls.mark()
        let begun = cluster.wallClock.now
        try await cluster.finishSweeps()
        try await cluster.settle()
        #expect(tenant.account.contactCount == 8_000)
        let calls = tenant.org.calls.since(mark)
        let growing = 8_000 / 2_000 + 8_000 / 1_000
        let ticks = Int(cluster.wallClock.now.timeIntervalSince(begun) / 600)
        #expect(calls.values.reduce(0, +) <= growing + 4 + 2 * ticks, "\(calls) in \(ticks) ticks")
        await cluster.stop()
    }

    @Test func aBackfillWhoseSelectionNamesAnUnknownFieldSaysSoAndWaits() async throws {
        let cluster = try await TestCluster.start()
        let tenant = try await TestTenant("acme", in: cluster)
        try await cluster.pool.transact([
            .init(
                """
                INSERT INTO ferry.selection_criteria (tenant, object, field, operator, operands)
                VALUES ('acme', 'contact', 'Regoin__c', 'eq', '{North}')
                """),
            .init("UPDATE ferry.sync_settings SET contact_selection = 'criteria'"),
        ])
        try await tenant.openBackfill(in: cluster)
        try await cluster.settle()
        let sweep = try #require(
            try await cluster.store.sweeps(tenant: try await tenant.number(in: cluster), kind: .backfill).first)
        #expect(sweep.state == .running && sweep.failures == 1 && sweep.lastError?.contains("Regoin__c") == true)
        await cluster.stop()
    }

    @Test func T6_existingOpportunitiesOfSyncedContactsEnterByABackfill() async throws {
        let cluster = try await TestCluster.start()
        let tenant = try await TestTenant("acme", in: cluster)
        let contact = try tenant.createContact("ann@a.example")
        try await cluster.rounds(2)
        try tenant.org.actAsUser { actions in
            for number in 1...3 {
                let deal = try actions.create(
                    "Opportunity",
                    ["Name": .text("Old \(number)"), "StageName": "Prospecting", "CloseDate": .date(20_818)])
                guard number > 1 else { continue }
                _ = try actions.create(
                    "OpportunityContactRole", ["OpportunityId": .text(deal), "ContactId": .text(contact)])
            }
        }
        cluster.advance(86_400)
        try await cluster.run("UPDATE ferry.sync_settings SET sync_opportunities = true")
        try await cluster.run(
            "UPDATE ferry.streams SET created_at = now() + interval '30 hours' WHERE object = 4")
        try await cluster.rounds(2)
        func names() -> [String] {
            tenant.account.objectRecords("salesforce-opportunity").compactMap { $0.fields["name"] }.sorted()
        }
        #expect(names().isEmpty, "what was there before does not come by itself")
        let number = try await tenant.number(in: cluster)
        let until = cluster.wallClock.now
        let forecast = try await cluster.planner().backfill(
            number, .opportunity, from: Date(timeIntervalSince1970: 0), until: until)
        #expect(forecast.records == 3 && forecast.contactCalls == 3)
        var opening = SweepOpening(.backfill, .opportunity, actor: "test")
        opening.createdFrom = Date(timeIntervalSince1970: 0)
        opening.createdUntil = until
        try await cluster.store.openBackfill(tenant: number, opening, now: until)
        try await cluster.finishSweeps()
        #expect(names() == ["Old 2", "Old 3"], "one hangs on nobody")
        let sweep = try #require(
            try await cluster.store.sweeps(tenant: number, kind: .backfill, isActive: false).first)
        #expect(sweep.state == .done && sweep.seen == 3 && sweep.total == 3 && sweep.written == 2)
        await cluster.stop()
    }
}
