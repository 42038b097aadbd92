import Drivers
import Foundation
import Simulators
import Store
import SyncRules
import Testing

/// How a record was seen and by what it may cross, of every way there is.
@Suite(.timeLimit(.minutes(5)))
struct SightingTests {
    @Test(arguments: EntryGround.allCases)
    func everyGroundOfEntryIsTold(ground: EntryGround) async throws {
        let story = try await DecisionStory.begin()
        let name = try await Self.play(ground, story)
        let decisions = try await story.file(name).decisions.map(\.decision)
        #expect(decisions.contains { $0.ground == ground && $0.code == .accepted }, "\(decisions)")
        #expect(decisions.contains { $0.ground == ground && $0.groundSentence?.hasPrefix("Selected: ") == true })
        await story.cluster.stop()
    }

    private static func play(_ ground: EntryGround, _ story: DecisionStory) async throws -> RecordName {
        let tenant = story.tenant
        switch ground {
        case .created: return .record(try await story.pair("ann@a.example").record)
        case .followed:
            let pair = try await story.pair("ann@a.example")
            try tenant.update("Contact", pair.record, ["Phone": "5"])
            try await story.run(.inbound)
            return .record(pair.record)
        case .createAction:
            try tenant.signUp("ann@a.example")
            try await story.cluster.round()
            return try story.email("ann@a.example")
        case .syncTag:
            let pair = try await story.pair("ann@a.example")
            try story.edit(pair.contact, ActiveCampaignEdit(phone: "5"))
            try await story.run(.outbound)
            return .record(pair.record)
        case .updated, .backfill:
            let record = try tenant.createContact("old@a.example")
            try await tenant.beginNow(in: story.cluster)
            if ground == .updated {
                try await story.cluster.run("UPDATE ferry.sync_settings SET include_updated_existing = true")
                try tenant.update("Contact", record, ["Phone": "5"])
                try await story.cluster.rounds(1)
            } else {
                try await tenant.openBackfill(in: story.cluster)
                try await story.cluster.finishSweeps()
            }
            return .record(record)
        case .marked:
            tenant.org.addCustomField("Contact", "AC_Sync__c", .checkbox(default: false))
            try await story.cluster.run("UPDATE ferry.sync_settings SET contact_selection = 'marked'")
            return .record(try await story.pair("ann@a.example", ["AC_Sync__c": .bool(true)]).record)
        case .criteria:
            try await story.cluster.pool.transact([
                .init("UPDATE ferry.sync_settings SET contact_selection = 'criteria'"),
                .init(
                    """
                    INSERT INTO ferry.selection_criteria (tenant, object, field, operator, operands)
                    VALUES ('acme', 'contact', 'LastName', 'eq', '{Person}')
                    """),
            ])
            return .record(try await story.pair("ann@a.example").record)
        case .inhabited:
            try await story.cluster.run("UPDATE ferry.sync_settings SET sync_accounts = true")
            let account = try tenant.org.actAsUser { try $0.create("Account", ["Name": "Acme"]) }
            _ = try await story.pair("ann@a.example", ["AccountId": .text(account)])
            return .record(account)
        }
    }

    @Test(arguments: ChangeSource.allCases)
    func everyWayOfSeeingIsTold(source: ChangeSource) async throws {
        let story = try await DecisionStory.begin { options in
            options.customFields = source == .reevaluation ? [] : ["Note"]
            guard source == .formulas else { return }
            options.settings["push_formula_changes"] = "true"
            options.mappings = [("contact", "Score__c", "formula", "custom:SCORE", "text")]
        }
        let name = try await Self.play(source, story)
        let decisions = try await story.file(name).decisions.map(\.decision)
        #expect(decisions.contains { $0.source == source && $0.sightingSentence != nil }, "\(decisions)")
        #expect(Set(ChangeSource.allCases.compactMap { Self.sentence($0) }).count == ChangeSource.allCases.count)
        await story.cluster.stop()
    }

    private static func sentence(_ source: ChangeSource) -> String? {
        var decision = Decision(.accepted, .inbound, .contact)
        decision.source = source
        return decision.sightingSentence
    }

    private static func play(_ source: ChangeSource, _ story: DecisionStory) async throws -> RecordName {
        let (cluster, tenant) = (story.cluster, story.tenant)
        switch source {
        case .webhook:
            let contact = Int64(try tenant.signUp("ann@a.example"))
            try await cluster.store.recordChanges(
                [SeenChange(tenant: try await tenant.number(in: cluster), contactID: contact)],
                now: cluster.wallClock.now)
            try await story.run(.outbound)
            return .contact(contact)
        case .poll: return .record(try await story.pair("ann@a.example").record)
        case .command:
            let pair = try await story.pair("ann@a.example")
            try await cluster.store.requestResync(
                tenant: try await tenant.number(in: cluster), records: [(pair.record, .contact)], contactIDs: [],
                direction: nil, by: Errand(actor: "test"), now: cluster.wallClock.now)
            try await cluster.settle()
            return .record(pair.record)
        case .retry:
            tenant.org.setLockErrorRate(1)
            let contact = Int64(try tenant.signUp("ann@a.example"))
            try await story.run(.outbound)
            tenant.org.setLockErrorRate(0)
            cluster.advance(3_600)
            try await story.run(.outbound)
            return .contact(contact)
        case .backfill:
            let record = try tenant.createContact("old@a.example")
            try await tenant.beginNow(in: cluster)
            try await tenant.openBackfill(in: cluster)
            try await cluster.finishSweeps()
            return .record(record)
        case .reevaluation:
            tenant.addUnmappedField("Note")
            let pair = try await story.pair("ann@a.example", ["Note__c": "theirs"])
            try await tenant.map("Note", in: cluster)
            try await cluster.rounds(1)
            try await cluster.finishSweeps()
            return .record(pair.record)
        case .formulas:
            tenant.account.addField(title: "Score", perstag: "SCORE")
            tenant.org.addFormulaField("Contact", "Score__c")
            let pair = try await story.pair("ann@a.example")
            try await cluster.finishSweeps()
            // Old enough that no deep sweep of a pull reads it again.
            cluster.advance(8 * 3_600)
            try await cluster.round()
            tenant.org.recalculate(pair.record, "Score__c", to: "7")
            cluster.advance(86_400)
            try await cluster.round()
            try await cluster.finishSweeps()
            return .record(pair.record)
        }
    }

    /// R43: contact/sync answers alike, an import not at all; a contact that was there is told from one that was made.
    @Test(arguments: [1, 30])
    func aContactThatWasThereIsToldFromOneThatWasMade(newcomers: Int) async throws {
        let story = try await DecisionStory.begin()
        try story.tenant.signUp("met@a.example", automation: nil)
        story.cluster.advance(600)
        let met = try story.tenant.createContact("met@a.example")
        let made = try (1...newcomers).map { try story.tenant.createContact("p\($0)@a.example") }
        try await story.cluster.round()
        func isMet(_ record: String) async throws -> Bool {
            try await story.file(.record(record)).decisions.contains { $0.decision.reason == "R43.met" }
        }
        #expect(try await isMet(met))
        #expect(try await !isMet(made[0]))
        await story.cluster.stop()
    }

    /// The address itself is stored nowhere, and its hash tells nothing without the tenant's pepper.
    @Test func anAddressIsFoundByItsHashUnderTheTenantsPepperOnly() async throws {
        let story = try await DecisionStory.begin()
        try story.tenant.signUp("plain@a.example", automation: nil)
        try await story.cluster.round()
        let key: [UInt8] = try await story.cluster.value(
            "SELECT email_key AS value FROM ferry.record_decisions WHERE email_key IS NOT NULL")
        let hash = try #require(EmailAddress("plain@a.example")).hash
        #expect(key.count == 8 && key != Array(hash.prefix(8)))
        #expect(try await story.file(.email(hash)).contactIDs.count == 1)
        try await story.cluster.run("UPDATE ferry.tenants SET email_pepper = 'another'")
        #expect(try await story.file(.email(hash)).isEmpty)
        await story.cluster.stop()
    }
}
