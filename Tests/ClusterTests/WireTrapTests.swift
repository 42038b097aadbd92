import Cluster
import Drivers
import Foundation
import JobQueue
import Logging
import Simulators
import Store
import SyncRules
import Testing

/// Traps of paging, stamps, clocks and values, against both simulators over real sockets.
@Suite(.timeLimit(.minutes(5)))
struct WireTrapTests {
    // MARK: - Reading Salesforce

    /// SystemModstamp has whole seconds, and a page is cut inside one.
    @Test func T2_moreChangesInOneSecondThanAPageHoldsAllArrive() async throws {
        let story = try await DecisionStory.begin()
        let count = 2_100  // a page holds 2,000
        for number in 1...count { try story.tenant.createContact("p\(number)@a.example") }
        // Maintenance gives them all one stamp; a sweep ends before the second it began in.
        story.tenant.org.runMaintenance(on: "Contact")
        story.cluster.advance(2)
        try await story.cluster.round()
        #expect(story.tenant.account.contactCount == count)
        let links: Int64 = try await story.cluster.value("SELECT count(*) AS value FROM ferry.links")
        #expect(links == Int64(count))
        await story.cluster.stop()
    }

    /// The mark comes from the servers' clocks: a worker ten minutes ahead of them, or behind, reads on where it was.
    @Test(arguments: [600.0, -600.0])
    func T3_aWorkerWhoseClockIsWrongLosesNothing(skew: TimeInterval) async throws {
        let story = try await DecisionStory.begin()
        let (cluster, tenant) = (story.cluster, story.tenant)
        let clock = cluster.clock
        let runner = JobRunner(
            store: cluster.store, queue: cluster.queue, clock: WallClock(offset: { clock.offsetSeconds + skew }),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }, http: try HTTPClient(options: .loopback),
            keys: KeyRing(keys: [cluster.key]),
            providers: ProviderPolicy(hostSuffixes: [], allowsLoopback: true, webhookBase: nil))
        func run() async throws {
            for direction in [SyncRules.Direction.inbound, .outbound] {
                try await tenant.request(direction, in: cluster)
                for _ in 1...3 {
                    _ = try await cluster.scheduler.runOnce()
                    for job in try await cluster.queue.lease(worker: cluster.worker, limit: 8).jobs {
                        let settlement = await runner.run(job, worker: cluster.worker)
                        _ = try await cluster.queue.settle(worker: cluster.worker, [settlement])
                    }
                }
            }
        }
        cluster.advance(3_600)
        try await run()
        for number in 1...3 {
            try tenant.createContact("sf\(number)@a.example")
            try tenant.signUp("ac\(number)@a.example")
            cluster.advance(90)
            try await run()
        }
        // By a clock that is behind nothing is due yet: the next worker takes it.
        cluster.advance(3_600)
        try await cluster.round()
        for number in 1...3 {
            #expect(tenant.account.contact(email: "sf\(number)@a.example") != nil, "\(number)")
            #expect(tenant.record("Contact", "ac\(number)@a.example") != nil, "\(number)")
        }
        await cluster.stop()
    }

    /// Windows are chained: what is stamped with the very second in which one ends is in the next.
    @Test func T4_editsBetweenAndDuringPullsLeaveNoGap() async throws {
        let story = try await DecisionStory.begin()
        for number in 1...6 {
            try story.tenant.createContact("before\(number)@a.example")
            try await story.run(.inbound)
            // The clock stands still: the same second as the pull's.
            try story.tenant.createContact("after\(number)@a.example")
            story.cluster.advance(TimeInterval(number % 3))
            try await story.run(.inbound)
        }
        #expect(story.tenant.account.contactCount == 12)
        await story.cluster.stop()
    }

    // MARK: - Reading ActiveCampaign

    /// The walk goes by id and is cut in the middle; meanwhile contacts it has passed are deleted and others edited.
    @Test func T8_contactsThatComeAndGoBehindTheWalkAreAllRead() async throws {
        let story = try await DecisionStory.begin()
        let (cluster, tenant) = (story.cluster, story.tenant)
        try await cluster.round()
        cluster.advance(60)
        let contacts = try (1...1_050).map { try tenant.signUp("p\($0)@a.example", last: "P\($0)") }
        // A chunk is a thousand: it is stored, and the worker dies in the next one.
        try await story.losingCommits(after: 1_000) { try await story.runOnce(.outbound) }
        let stored: Int64 = try await cluster.value("SELECT count(*) AS value FROM ferry.links")
        try #require(stored == 1_000, "the walk was cut")
        try tenant.account.actAsPerson { person in
            for contact in contacts.prefix(40) { try person.delete(contact) }
            try person.edit(contacts[500], ActiveCampaignEdit(lastName: "Edited"))
        }
        for _ in 1...2 {
            cluster.advance(3_600)
            try await cluster.round()
        }
        #expect(tenant.org.count("Contact") == 1_050, "everybody behind the cut was read, and nobody was deleted")
        #expect(tenant.record("Contact", "p501@a.example")?["LastName"] == "Edited")
        await cluster.stop()
    }

    // MARK: - Values

    @Test(arguments: ["Pacific/Kiritimati", "America/Chicago", "Pacific/Pago_Pago"])
    func T9_aDayIsTheSameOnBothSidesWhateverTheAccountsZone(zone: String) async throws {
        let story = try await DecisionStory.begin {
            $0.mappings = [("contact", "Born__c", "date", "custom:BORN", "date")]
        }
        let (cluster, tenant) = (story.cluster, story.tenant)
        tenant.account.change { $0.timeZone = zone }
        _ = tenant.account.addField(title: "Born", type: .date)
        tenant.org.addCustomField("Contact", "Born__c", .date)
        let pair = try await story.pair("ann@a.example", ["Born__c": .date(19_782)])
        #expect(tenant.account.contact(pair.contact)?.fields["BORN"] == "2024-02-29")
        try story.edit(pair.contact, ActiveCampaignEdit(fields: ["BORN": "2024-12-31"]))
        try await cluster.rounds(2)
        #expect(tenant.org.record(pair.record)?["Born__c"] == .date(20_088))
        #expect(tenant.account.contact(pair.contact)?.fields["BORN"] == "2024-12-31")
        await cluster.stop()
    }

    @Test(arguments: [true, false])
    func T10_aWriteOfOursWhoseOutcomeWasLostDoesNotComeBack(hasPackage: Bool) async throws {
        let story = try await DecisionStory.begin { $0.hasPackage = hasPackage }
        let (cluster, tenant) = (story.cluster, story.tenant)
        let pair = try await story.pair("ann@a.example")
        cluster.advance(60)
        try tenant.update("Contact", pair.record, ["Phone": "5"])
        try await story.losingCommits { try await story.runOnce(.inbound) }
        try #require(tenant.account.contact(pair.contact)?.phone == "5")
        let before = tenant.org.records("Contact")
        try await story.runOnce(.outbound)
        #expect(tenant.org.records("Contact") == before, "what we wrote to ActiveCampaign is no edit of its people")
        try await cluster.rounds(2)
        let settled = tenant.snapshot()
        try await cluster.rounds(2)
        #expect(tenant.snapshot().changes(since: settled).isEmpty)
        await cluster.stop()
    }

    @Test func T26_blanksZerosAndFalseStayWhatTheyAreOnTheWire() async throws {
        let story = try await DecisionStory.begin {
            $0.mappings = [
                ("contact", "Score__c", "number", "custom:SCORE", "text"),
                ("contact", "Vip__c", "checkbox", "custom:VIP", "checkbox"),
            ]
        }
        let (cluster, tenant) = (story.cluster, story.tenant)
        _ = tenant.account.addField(title: "Score")
        _ = tenant.account.addField(title: "Vip", type: .checkbox, options: ["true"])
        tenant.org.addCustomField("Contact", "Score__c", .number(precision: 5, scale: 0))
        tenant.org.addCustomField("Contact", "Vip__c", .checkbox(default: false))
        let pair = try await story.pair("ann@a.example", ["Score__c": .number(0), "Phone": "5"])
        func contact() throws -> Simulators.ActiveCampaignContact { try #require(tenant.account.contact(pair.contact)) }
        #expect(try contact().fields["SCORE"] == "0" && (try contact().fields["VIP"] ?? "").isEmpty)
        try tenant.update("Contact", pair.record, ["Phone": .null, "Score__c": .null, "Vip__c": .bool(true)])
        try await cluster.rounds(2)
        #expect(try contact().phone == "" && (try contact().fields["SCORE"] ?? "").isEmpty)
        #expect(try contact().fields["VIP"] == "||true||")
        try story.edit(pair.contact, ActiveCampaignEdit(firstName: "Ann", fields: ["SCORE": "0", "VIP": ""]))
        try await cluster.rounds(2)
        let record = try #require(tenant.org.record(pair.record))
        #expect(record["Score__c"] == .number(0) && record["Vip__c"] == .bool(false) && record["Phone"].isNull)
        let before = tenant.snapshot()
        try await cluster.rounds(2)
        #expect(tenant.snapshot().changes(since: before).isEmpty)
        await cluster.stop()
    }

    /// Its mark taken away, Salesforce's change waits; ActiveCampaign's goes on meanwhile, and then both are in step.
    @Test func T27_aChangeThatIsWithheldBlocksNeitherWay() async throws {
        let story = try await DecisionStory.begin { $0.contactSelection = "marked" }
        let (cluster, tenant) = (story.cluster, story.tenant)
        tenant.org.addCustomField("Contact", "AC_Sync__c", .checkbox(default: false))
        let pair = try await story.pair("ann@a.example", ["AC_Sync__c": .bool(true)])
        try tenant.update("Contact", pair.record, ["AC_Sync__c": .bool(false), "Phone": "theirs"])
        try await cluster.rounds(2)
        #expect(tenant.account.contact(pair.contact)?.phone == "", "withheld")
        try story.edit(pair.contact, ActiveCampaignEdit(firstName: "Ann"))
        try await cluster.rounds(2)
        #expect(tenant.org.record(pair.record)?["FirstName"] == "Ann", "the other way is not blocked")
        try tenant.update("Contact", pair.record, ["AC_Sync__c": .bool(true)])
        try await cluster.rounds(2)
        #expect(tenant.account.contact(pair.contact)?.phone == "theirs", "and what was withheld follows")
        await cluster.stop()
    }

    @Test func T32_addressesThatDifferInCaseAndBlanksAreOnePerson() async throws {
        let story = try await DecisionStory.begin { $0.contactSelection = "none" }
        let (cluster, tenant) = (story.cluster, story.tenant)
        let record = try tenant.createContact("Ann.LEE@A.example")
        let contact = try tenant.signUp("ann.lee@a.example")
        try await cluster.rounds(2)
        #expect(tenant.org.count("Contact") == 1 && tenant.account.contactCount == 1)
        let links = try await cluster.store.links(
            tenant: try await tenant.number(in: cluster), contactIDs: [Int64(contact)])
        #expect(links.map(\.recordID) == [record])
        let before = tenant.snapshot()
        try await cluster.rounds(2)
        #expect(tenant.snapshot().changes(since: before).isEmpty)
        await cluster.stop()
    }
}
