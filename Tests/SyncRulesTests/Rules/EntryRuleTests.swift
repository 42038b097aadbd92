import Foundation
import SyncRules
import Testing

/// Beyond the native integration, pure: one-way mode, pairs looked at anew, conditions, brakes (T7, T13, T20, T21).
@Suite struct EntryRuleTests {
    typealias Fix = Fixtures

    private func oneWay(_ direction: SyncDirection) -> SyncSettings {
        var settings = SyncSettings()
        settings.direction = direction
        return settings
    }

    @Test func oneWayTowardActiveCampaignTurnsEveryOutboundWriteIntoADecision() throws {
        let rules = Fix.outbound(settings: oneWay(.toActiveCampaign))
        let fresh = Fix.contact(tags: [.addedToContact])
        #expect(rules.intent(for: fresh, links: []) == .drop(.readonlyObserved, reason: "one_way"))
        let edited = Fix.contact(["phone": "2"], tags: [.createdFromContact])
        guard case .observe(let link) = rules.intent(for: edited, links: [Fix.link()]) else {
            Issue.record("not observed")
            return
        }
        #expect(rules.intent(for: edited, links: [link]) == .drop(.unchangedProjection, reason: "R29"), "seen once")
        #expect(Fix.outbound().intent(for: edited, links: [link]) == .drop(.unchangedProjection, reason: "R29"))
        #expect(
            Fix.inbound().intent(for: Fix.record(), link: link, owners: [], echoes: []).reason == "R29",
            "nothing is owed to ActiveCampaign for it")
    }

    @Test func oneWayTowardSalesforceTurnsEveryInboundWriteIntoADecision() throws {
        let rules = Fix.inbound(settings: oneWay(.toSalesforce))
        let entering = rules.intent(for: Fix.record(), link: nil, owners: [], echoes: [])
        #expect(entering == .drop(.readonlyObserved, reason: "one_way"))
        let edited = Fix.record(["Phone": .string("2")])
        guard
            case .acknowledge(let link, .readonlyObserved, "one_way") = rules.intent(
                for: edited, link: Fix.link(), owners: [], echoes: [])
        else {
            Issue.record("not observed")
            return
        }
        #expect(Fix.inbound().intent(for: edited, link: link, owners: [], echoes: []).reason == "R29", "not replayed")
        let gone = Fix.inbound(settings: oneWay(.toSalesforce))
        var deleted = Fix.record()
        deleted.isDeleted = true
        guard case .markMissing = gone.intent(for: deleted, link: Fix.link(), owners: [], echoes: []) else {
            Issue.record("links are kept up")
            return
        }
    }

    @Test func oneWayTowardSalesforceLetsActiveCampaignWinAConflict() throws {
        let rules = Fix.outbound(settings: oneWay(.toSalesforce))
        let projector = rules.contacts
        let contact = projector.project(Fix.contact(["phone": "2"]))
        let write = projector.write(
            contact, changed: ["Phone"], to: .salesforce, target: Fingerprint(), clearsBlanks: true)
        let held = projector.project(Fix.record(["Phone": .string("3")]))
        let state = SalesforceState.read(held, status: .waiting)
        #expect(rules.verdict(of: write, link: Fix.link(), state: state, echoes: []) == .write)
        #expect(Fix.outbound().verdict(of: write, link: Fix.link(), state: state, echoes: []) == .salesforceWins)
    }

    // MARK: - Looking at a pair anew

    /// Every combination of what both sides hold, and what was known of Salesforce: which side is written.
    @Test(arguments: [
        (theirs: "a", ours: "b", knownAsSet: true, toCampaign: true, toSalesforce: false),
        (theirs: "a", ours: "", knownAsSet: false, toCampaign: true, toSalesforce: false),
        (theirs: "a", ours: "a", knownAsSet: false, toCampaign: false, toSalesforce: false),
        (theirs: "", ours: "b", knownAsSet: false, toCampaign: false, toSalesforce: true),
        (theirs: "", ours: "b", knownAsSet: true, toCampaign: true, toSalesforce: false),
        (theirs: "", ours: "", knownAsSet: true, toCampaign: false, toSalesforce: false),
    ])
    func R53_R68_aPairLookedAtAnew(
        theirs: String, ours: String, knownAsSet: Bool, toCampaign: Bool, toSalesforce: Bool
    ) throws {
        let rows = [try Fix.mapping()]
        let record = Fix.record(["Note__c": theirs.isEmpty ? .null : .string(theirs)])
        let contact = Fix.contact(["custom:NOTE": ours], tags: [.createdFromContact])
        let known = Fix.link(rows, record: Fix.record(["Note__c": knownAsSet ? .string("before") : .null]))
        let projector = Fix.projector(rows)
        let (link, speaks) = known.reopened(
            ["Note__c"], record: projector.project(record), contact: projector.project(contact), by: projector)
        #expect(speaks == toSalesforce)
        let inbound = Fix.inbound(rows).intent(for: record, link: link, owners: [], echoes: [])
        #expect((inbound.write?.fields == ["Note__c"]) == toCampaign)
        let outbound = Fix.outbound(rows).intent(for: contact, links: [link])
        if case .update(_, let changed) = outbound {
            #expect(toSalesforce && changed == ["Note__c"])
        } else {
            #expect(!toSalesforce)
        }
    }

    @Test func T7_aNewMappingTrustsNothingThatWasKnownOfTheFieldBefore() throws {
        let rows = [try Fix.mapping()]
        let projector = Fix.projector(rows)
        let known = Fix.link(rows, record: Fix.record(["Note__c": .string("of an earlier mapping")]))
        let record = projector.project(Fix.record(["Note__c": .null]))
        let contact = projector.project(Fix.contact(["custom:NOTE": "ours"]))
        let (_, speaks) = known.reopened(
            ["Note__c"], record: record, contact: contact, by: projector, trustsHistory: false)
        #expect(speaks, "a blank empties nothing that it was never mapped to")
    }

    @Test func T21_pausedFieldsAreNotWrittenAndNotTakenForSeen() throws {
        let rows = [try Fix.mapping()]
        let rules = OutboundRules(
            settings: SyncSettings(), contacts: Fix.projector(rows), leads: Fix.projector(rows, object: .lead),
            paused: [.contact: ["Note__c"]])
        let link = Fix.link()
        let contact = Fix.contact(["phone": "2", "custom:NOTE": "n"], tags: [.createdFromContact])
        #expect(rules.intent(for: contact, links: [link]) == .update(link, changed: ["Phone"]))
        #expect(rules.pausedFields(of: link, contact: contact) == ["Note__c"])
        let settled = link.settled(
            writing: FieldWrite(), of: rules.projection(of: contact, forRecordOf: .contact), email: contact.email)
        #expect(rules.pausedFields(of: settled, contact: contact) == ["Note__c"])
    }

    // MARK: - Conditions

    @Test func T7_conditionsTellWhatChanged() throws {
        func conditions(_ rows: [FieldMapping], _ mode: SelectionMode = .new, _ value: String = "a") -> EntryConditions
        {
            var settings = SyncSettings()
            settings.contactSelection = mode
            return EntryConditions(
                of: .contact, mappings: FieldMapping.effective(rows: rows, for: .contact), settings: settings,
                criteria: SelectionCriteria(anyOf: [[.init("X__c", .equals, [.text(value)])]]))
        }
        let plain = conditions([])
        #expect(conditions([]) == plain)
        #expect(conditions([try Fix.mapping()]).fieldsChanged(since: plain) == ["Note__c"])
        #expect(plain.fieldsChanged(since: conditions([try Fix.mapping()])).isEmpty, "a mapping taken away")
        let moved = conditions([try Fix.mapping("Note__c", "custom:OTHER")])
        #expect(moved.fieldsChanged(since: conditions([try Fix.mapping()])) == ["Note__c"])
        #expect(!conditions([], .new, "b").selectsOtherwise(than: plain), "criteria that are not used")
        #expect(conditions([], .criteria).selectsOtherwise(than: plain))
        #expect(conditions([], .criteria, "b").selectsOtherwise(than: conditions([], .criteria)))
    }

    // MARK: - Brakes

    @Test func T20_theBrakeHoldsManyAndMuchOnly() {
        #expect(!MassDeleteBrake.holds(missing: MassDeleteBrake.records, links: 20), "few, whatever their share")
        #expect(MassDeleteBrake.holds(missing: 21, links: 100))
        #expect(!MassDeleteBrake.holds(missing: 21, links: 210), "ten per cent and no more")
        #expect(MassDeleteBrake.holds(missing: 2_000, links: MassDeleteBrake.enough(for: 2_000) - 1))
        #expect(!MassDeleteBrake.holds(missing: 2_000, links: MassDeleteBrake.enough(for: 2_000)))
    }
}
