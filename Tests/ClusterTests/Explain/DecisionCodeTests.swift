import Drivers
import Foundation
import Simulators
import Store
import SyncRules
import Testing

/// One real record of every code there is, played against the simulators: what the run stored of it is asked for by the
/// record's name, and told in a sentence. The switches name every code, so that a new one can't be forgotten.
@Suite(.timeLimit(.minutes(5)))
struct DecisionCodeTests {
    /// Whom a story is about, and what its sentence must say.
    private typealias Outcome = (name: RecordName, words: [String])

    @Test(arguments: DecisionCode.allCases)
    func aRealRecordOfEveryDecisionIsExplained(code: DecisionCode) async throws {
        let story = try await Self.begin(code)
        let (name, words) = try await Self.play(code, story)
        let file = try await story.file(name)
        let sentences = file.decisions.filter { $0.decision.code == code }.map(\.decision.sentence)
        #expect(
            sentences.contains { sentence in words.allSatisfy(sentence.contains) },
            "\(code): \(file.decisions.map(\.decision.sentence))")
        #expect(file.decisions.allSatisfy { !$0.decision.sentence.contains("a.example") })
        await story.cluster.stop()
    }

    private static func begin(_ code: DecisionCode) async throws -> DecisionStory {
        try await DecisionStory.begin { options in
            switch code {
            case .readonlyObserved, .driftPaused: options.customFields = code == .driftPaused ? [] : ["Note"]
            case .linked: options.contactSelection = "none"
            case .truncated:
                options.mappings = [("contact", "Short__c", "text", "custom:SHORT", "text")]
            case .invalidBeforeSend:
                options.mappings = [("contact", "Score__c", "number", "custom:SCORE", "text")]
            default: break
            }
        }
    }

    private static func play(_ code: DecisionCode, _ story: DecisionStory) async throws -> Outcome {
        switch code {
        case .seen: try await seen(story)
        case .unchangedProjection: try await unchanged(story)
        case .outOfScope: try await outOfScope(story)
        case .noEmail: try await noEmail(story)
        case .duplicateMatch: try await duplicate(story)
        case .linked: try await linked(story)
        case .echoDropped: try await echo(story)
        case .conflictLost: try await conflict(story)
        case .blankKept: try await blank(story)
        case .truncated: try await truncated(story)
        case .queued: try await queued(story)
        case .mergedIntoLater: try await merged(story)
        case .budgetWait: try await budget(story)
        case .lockedRetry: try await locked(story)
        case .sent: try await sent(story)
        case .accepted: try await accepted(story)
        case .rejected: try await rejected(story)
        case .invalidBeforeSend: try await invalid(story)
        case .relinked: try await relinked(story)
        case .tombstoned: try await tombstoned(story)
        case .withheldMassDelete: try await withheld(story)
        case .loopBrake: try await loop(story)
        case .driftPaused: try await drift(story)
        case .readonlyObserved: try await readonly(story)
        }
    }

    // MARK: - Seen, and nothing to be done

    private static func seen(_ story: DecisionStory) async throws -> Outcome {
        let pair = try await story.pair("ann@a.example")
        try await story.cluster.store.requestResync(
            tenant: try await story.tenant.number(in: story.cluster), records: [(pair.record, .contact)],
            contactIDs: [], direction: nil, by: Errand(actor: "test"), now: story.cluster.wallClock.now)
        try await story.cluster.settle()
        return (.record(pair.record), ["Seen changed in Salesforce", "a person asked"])
    }

    private static func unchanged(_ story: DecisionStory) async throws -> Outcome {
        let pair = try await story.pair("ann@a.example")
        for tag in ["one", "two"] {
            story.cluster.advance(60)
            try story.tenant.account.actAsPerson { try $0.addTag(pair.contact, tag) }
            try await story.run(.outbound)
        }
        let days = try await story.file(.contact(Int64(pair.contact))).decisions
            .filter { $0.decision.code == .unchangedProjection && $0.decision.direction == .outbound }
            .map { Int($0.at.timeIntervalSince1970 / 86_400) }
        #expect(!days.isEmpty && days.count == Set(days).count, "once a day, also where midnight comes between")
        return (.contact(Int64(pair.contact)), ["no mapped field differs", "(R29)"])
    }

    private static func outOfScope(_ story: DecisionStory) async throws -> Outcome {
        try story.tenant.signUp("plain@a.example", automation: nil)
        try await story.cluster.round()
        return (try story.email("plain@a.example"), ["not in scope", "(R14)"])
    }

    private static func noEmail(_ story: DecisionStory) async throws -> Outcome {
        let record = try story.tenant.org.actAsUser { try $0.create("Contact", ["LastName": "Nameless"]) }
        try await story.cluster.round()
        return (.record(record), ["no e-mail address", "(R7)"])
    }

    private static func duplicate(_ story: DecisionStory) async throws -> Outcome {
        let records = try (1...2).map { try story.tenant.createContact("twin@a.example", last: "\($0)") }
        try await story.cluster.round()
        let linked: String = try await story.cluster.value("SELECT sf_id AS value FROM ferry.links")
        return (.record(try #require(records.first { $0 != linked })), ["same e-mail address", "(D3)"])
    }

    private static func echo(_ story: DecisionStory) async throws -> Outcome {
        let pair = try await story.pair("ann@a.example")
        story.cluster.advance(60)
        try story.tenant.update("Contact", pair.record, ["Phone": "5"])
        try await story.losingCommits { try await story.runOnce(.inbound) }
        try #require(story.tenant.account.contact(pair.contact)?.phone == "5")
        try await story.runOnce(.outbound)
        return (.contact(Int64(pair.contact)), ["our own write coming back", "(R58)"])
    }

    // MARK: - Matching and conflicts

    private static func linked(_ story: DecisionStory) async throws -> Outcome {
        let record = try story.tenant.createContact("ann@a.example")
        try story.tenant.signUp("ann@a.example")
        try await story.cluster.round()
        return (.record(record), ["is there already", "(R19)"])
    }

    private static func conflict(_ story: DecisionStory) async throws -> Outcome {
        let pair = try await story.pair("ann@a.example")
        try story.edit(pair.contact, ActiveCampaignEdit(phone: "ours"))
        try story.tenant.update("Contact", pair.record, ["Phone": "theirs"])
        try await story.runOnce(.outbound)
        return (try story.email("ann@a.example"), ["change of Phone was dropped", "(R53)", "place 1"])
    }

    private static func relinked(_ story: DecisionStory) async throws -> Outcome {
        let lead = try story.tenant.createLead("ann@a.example")
        try await story.cluster.rounds(2)
        _ = try story.tenant.org.actAsUser { try $0.convertLead(lead) }
        try await story.cluster.rounds(2)
        return (.record(lead), ["Linked anew", "(R49)"])
    }

    // MARK: - Single fields

    private static func blank(_ story: DecisionStory) async throws -> Outcome {
        let pair = try await story.pair("ann@a.example")
        try story.edit(pair.contact, ActiveCampaignEdit(lastName: ""))
        try await story.run(.outbound)
        return (.record(pair.record), ["did not empty LastName", "(R68)"])
    }

    private static func truncated(_ story: DecisionStory) async throws -> Outcome {
        try await story.cluster.run("UPDATE ferry.field_mappings SET truncate = true")
        story.tenant.account.addField(title: "Short")
        story.tenant.org.addCustomField("Contact", "Short__c", .text(length: 3))
        let pair = try await story.pair("ann@a.example")
        try story.edit(pair.contact, ActiveCampaignEdit(fields: ["SHORT": "far too long"]))
        try await story.run(.outbound)
        try #require(story.tenant.org.record(pair.record)?["Short__c"] == "far")
        return (.record(pair.record), ["Cut to the length", "Short__c", "(D6)"])
    }

    private static func invalid(_ story: DecisionStory) async throws -> Outcome {
        story.tenant.account.addField(title: "Score")
        story.tenant.org.addCustomField("Contact", "Score__c", .number(precision: 5, scale: 0))
        let pair = try await story.pair("ann@a.example")
        try story.edit(pair.contact, ActiveCampaignEdit(phone: "5", fields: ["SCORE": "many"]))
        try await story.run(.outbound)
        try #require(story.tenant.org.record(pair.record)?["Phone"] == "5")
        return (.record(pair.record), ["does not take it as it is: Score__c", "(D6)"])
    }

    private static func readonly(_ story: DecisionStory) async throws -> Outcome {
        try await story.cluster.run("UPDATE ferry.field_mappings SET update_mode = 'fill_blank'")
        let pair = try await story.pair("ann@a.example", ["Note__c": "theirs"])
        try story.edit(pair.contact, ActiveCampaignEdit(fields: ["NOTE": "ours"]))
        try await story.run(.outbound)
        return (.record(pair.record), ["Not written to Salesforce: Note__c", "(R63.blank)"])
    }

    private static func drift(_ story: DecisionStory) async throws -> Outcome {
        story.tenant.addUnmappedField("Note")
        let pair = try await story.pair("ann@a.example", ["Note__c": "theirs"])
        try await story.tenant.map("Note", in: story.cluster)
        try story.edit(pair.contact, ActiveCampaignEdit(fields: ["NOTE": "ours"]))
        try await story.cluster.run("UPDATE ferry.streams SET next_run_at = 'infinity', claim_at = 'infinity'")
        try await story.runOnce(.outbound)
        return (.record(pair.record), ["mapping having changed: Note__c", "(mapping_paused)"])
    }

    // MARK: - Waiting

    private static func queued(_ story: DecisionStory) async throws -> Outcome {
        let record = try await story.openImport()
        try await story.runOnce(.inbound)
        return (.record(record), ["Left waiting", "(import_open)"])
    }

    private static func merged(_ story: DecisionStory) async throws -> Outcome {
        let record = try await story.openImport()
        try story.tenant.update("Contact", record, ["Phone": "5"])
        try await story.runOnce(.inbound)
        return (.record(record), ["together with a later change", "(import_open)"])
    }

    private static func budget(_ story: DecisionStory) async throws -> Outcome {
        try await story.setCalls(12, of: .activeCampaign)
        for number in 1...9 { try story.tenant.createContact("p\(number)@a.example") }
        try await story.cluster.settle()
        let last = try #require(
            story.tenant.org.records("Contact").first { record in
                !story.tenant.account.contacts().contains { $0.email == record["Email"].text }
            })
        return (try story.email(last["Email"].text ?? ""), ["Left waiting for calls of the tenant's allowance"])
    }

    private static func locked(_ story: DecisionStory) async throws -> Outcome {
        story.tenant.org.setLockErrorRate(1)
        try story.tenant.signUp("ann@a.example")
        try await story.run(.outbound)
        return (try story.email("ann@a.example"), ["tried again", "(UNABLE_TO_LOCK_ROW)", "place 1"])
    }

    private static func withheld(_ story: DecisionStory) async throws -> Outcome {
        let records = try (1...40).map { try story.tenant.createContact("p\($0)@a.example") }
        try await story.cluster.rounds(2)
        try story.tenant.org.actAsUser { actions in
            for record in records.prefix(30) { try actions.delete(record) }
        }
        try await story.cluster.rounds(1)
        return (.record(records[0]), ["too many records vanished", "(T20)"])
    }

    private static func loop(_ story: DecisionStory) async throws -> Outcome {
        let pair = try await story.pair("ann@a.example")
        for number in 0...LoopBrake.writes {
            try story.tenant.update("Contact", pair.record, ["Phone": .text("\(number)")])
            try await story.run(.inbound)
            story.cluster.advance(10)
        }
        return (.record(pair.record), ["more often within an hour", "(T13)"])
    }

    // MARK: - Written, or refused

    private static func sent(_ story: DecisionStory) async throws -> Outcome {
        let record = try await story.openImport()
        let batch: String = try await story.cluster.value("SELECT batch_id AS value FROM ferry.imports")
        return (.record(record), ["Sent to ActiveCampaign: Email, LastName", "import \(batch)"])
    }

    private static func accepted(_ story: DecisionStory) async throws -> Outcome {
        try story.tenant.signUp("ann@a.example", last: "Lee")
        try await story.cluster.round()
        return (
            try story.email("ann@a.example"),
            ["Written to Salesforce and accepted: Email, FirstName, LastName", "(R17.created)", "place 1"]
        )
    }

    private static func rejected(_ story: DecisionStory) async throws -> Outcome {
        story.tenant.org.addValidationRule(
            ValidationRule(object: "Contact", message: "No Smiths.") { $0["LastName"] == "Smith" })
        try story.tenant.signUp("smith@a.example", last: "Smith")
        try await story.cluster.round()
        return (
            try story.email("smith@a.example"), ["refused the contact", "(FIELD_CUSTOM_VALIDATION_EXCEPTION)", "call"]
        )
    }

    private static func tombstoned(_ story: DecisionStory) async throws -> Outcome {
        let pair = try await story.pair("ann@a.example")
        try story.tenant.org.actAsUser { try $0.delete(pair.record) }
        try await story.cluster.rounds(1)
        return (.contact(Int64(pair.contact)), ["record is gone", "(R89)"])
    }
}
