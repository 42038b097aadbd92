import Foundation
import SyncRules
import TestSupport
import Testing

/// ActiveCampaign → Salesforce: R7–R30, D2, D3, D9.
@Suite struct OutboundRuleTests {
    typealias Fix = Fixtures

    @Test(arguments: [(99, 599.0, false), (100, 1, true), (1, 599, false), (1, 600, true), (0, 10_000, false)])
    func R9_batchLeavesOnTheClockOrFull(pending: Int, after: TimeInterval, departs: Bool) {
        let next = Fix.start.addingTimeInterval(OutboundCadence.interval)
        #expect(
            OutboundCadence.departs(pending: pending, next: next, now: Fix.start.addingTimeInterval(after)) == departs)
    }

    @Test func R10_R13_timerRestartsFromEveryRunWithUpToAMinuteOfJitter() {
        var random = SeededGenerator(seed: 1)
        let delays = (0..<10_000).map { _ in
            OutboundCadence.nextRun(after: Fix.start, using: &random).timeIntervalSince(Fix.start)
        }
        #expect(delays.allSatisfy { (600...660).contains($0) })
        #expect((delays.min() ?? 0) < 601 && (delays.max() ?? 0) > 659, "jitter uses its whole range")
    }

    @Test func R14_plainContactNeverGoesToSalesforce() {
        #expect(Fix.outbound().intent(for: Fix.contact(), links: []) == .drop(.outOfScope, reason: "R14"))
    }

    @Test(arguments: [(SyncTag.addedToContact, ObjectKind.contact), (.addedToLead, .lead)])
    func R15_R16_createActionCreates(tag: SyncTag, object: ObjectKind) {
        #expect(Fix.outbound().intent(for: Fix.contact(tags: [tag]), links: []) == .create(object))
    }

    @Test func R30_contactActionBeatsLeadAction() {
        let contact = Fix.contact(tags: [.addedToLead, .addedToContact])
        #expect(Fix.outbound().intent(for: contact, links: []) == .create(.contact))
    }

    @Test func R7_createActionWithoutEmailIsReported() {
        let contact = Fix.contact(["email": " "], tags: [.addedToContact])
        #expect(Fix.outbound().intent(for: contact, links: []) == .drop(.noEmail, reason: "R7"))
    }

    @Test(arguments: [SyncTag.createdFromContact, .createdFromLead, .convertedToContact])
    func R27_D9_otherTagsAloneCreateNothing(tag: SyncTag) {
        #expect(
            Fix.outbound().intent(for: Fix.contact(tags: [tag]), links: []) == .drop(.outOfScope, reason: "R27"))
    }

    @Test(arguments: SyncTag.allCases, [ObjectKind.contact, .lead])
    func R24_updateNeedsLinkAndTag(tag: SyncTag, object: ObjectKind) {
        let link = Fix.link(object: object)
        let changed = Fix.contact(["phone": "2"], tags: [tag])
        #expect(Fix.outbound().intent(for: changed, links: [link]) == .update(link, changed: ["Phone"]))
        let untagged = Fix.contact(["phone": "2"])
        #expect(Fix.outbound().intent(for: untagged, links: [link]) == .drop(.outOfScope, reason: "R26"))
    }

    @Test(arguments: ["added-to-salesforce-contact", "Added-to-Salesforce-Contact", "ADDED-TO-SALESFORCE-CONTACT"])
    func R25_tagsCompareWithoutCase(name: String) {
        #expect(SyncTag.among([name, "customer"]) == [.addedToContact])
    }

    @Test func R28_onlyMappedFieldsAreStored() throws {
        let rules = Fix.outbound()
        let contact = Fix.contact(["phone": "2", "custom:DESCRIPTION": "x"], tags: [.addedToContact])
        guard case .update(let link, let changed) = rules.intent(for: contact, links: [Fix.link()]) else {
            return #expect(Bool(false), "an update was due")
        }
        let write = rules.contacts.write(
            rules.contacts.project(contact), changed: changed, to: .salesforce, target: link.recordFingerprint,
            clearsBlanks: true)
        #expect(rules.contacts.salesforceValues(of: write) == ["Phone": .string("2")])
    }

    @Test func R29_unmappedChangeHasNoEffect() {
        let contact = Fix.contact(["custom:OTHER": "x"], tags: [.addedToContact])
        #expect(
            Fix.outbound().intent(for: contact, links: [Fix.link()]) == .drop(.unchangedProjection, reason: "R29"))
    }

    @Test func R91_contactIsAuthoritativeOverLead() {
        let links = [Fix.link(object: .lead, id: "00QA"), Fix.link(object: .contact, id: "003A")]
        let contact = Fix.contact(["phone": "2"], tags: [.createdFromLead])
        #expect(Fix.outbound().intent(for: contact, links: links) == .update(links[1], changed: ["Phone"]))
    }

    @Test(arguments: [(LinkState.missing, "R89"), (.closed, "R49")])
    func T15_deletedOrConvertedRecordIsNeverCreatedAgain(state: LinkState, rule: String) {
        let link = Fix.link(object: .lead, state: state)
        let contact = Fix.contact(["phone": "2"], tags: [.addedToLead, .addedToContact])
        #expect(Fix.outbound().intent(for: contact, links: [link]) == .drop(.tombstoned, reason: rule))
    }

    @Test func R20_D2_fallbacksAreWrittenOnCreationAndNeverFlowBack() {
        let rules = Fix.outbound()
        let contact = Fix.contact(["lastName": ""], tags: [.addedToLead])
        let creation = rules.creation(of: .lead, for: contact)
        #expect(creation.fallbacks == ["LastName": .string("ann"), "Company": .string("[not provided]")])
        #expect(creation.write.projection.values["LastName"] == nil)

        let link = rules.link(of: .lead, recordID: "00QA", for: contact, after: creation)
        let held = Fix.record(["LastName": .string("ann")], object: .lead, id: "00QA")
        let inbound = Fix.inbound(object: .lead)
        #expect(inbound.intent(for: held, link: link, owners: [], echoes: []).reason == "R29")
        let edited = Fix.record(["LastName": .string("ann"), "Phone": .string("9")], object: .lead, id: "00QA")
        #expect(inbound.intent(for: edited, link: link, owners: [], echoes: []).write?.fields == ["Phone"])
        #expect(rules.intent(for: contact, links: [link]) == .drop(.unchangedProjection, reason: "R29"))
    }

    // MARK: - R19

    @Test func R19_contactsBeforeLeadsAndTheNewestOfSeveral() throws {
        var old = Fix.record(id: "003A")
        old.modifiedAt = Fix.start
        var new = Fix.record(id: "003B")
        new.modifiedAt = Fix.start.addingTimeInterval(10)
        var lead = Fix.record(object: .lead, id: "00QA")
        lead.modifiedAt = Fix.start.addingTimeInterval(99)
        let match = try #require(OutboundRules.match(candidates: [old, lead, new], taken: []))
        #expect(match.record.id == "003B")
        #expect(match.isAmbiguous)
        let only = try #require(OutboundRules.match(candidates: [old, lead, new], taken: ["003B", "003A"]))
        #expect(only.record.id == "00QA")
        #expect(!only.isAmbiguous)
    }

    @Test func R19_convertedLeadsDeletedRecordsAndOthersRecordsAreNoMatch() {
        var converted = Fix.record(object: .lead, id: "00QA")
        converted.isConverted = true
        var deleted = Fix.record(id: "003A")
        deleted.isDeleted = true
        let others = Fix.record(id: "003B")
        #expect(OutboundRules.match(candidates: [converted, deleted, others], taken: ["003B"]) == nil)
    }

    @Test func R19_foundRecordIsUpdatedAndGivesWhatTheContactLacks() {
        let rules = Fix.outbound()
        let contact = Fix.contact(["phone": "", "firstName": "Anna"], tags: [.addedToContact])
        let match = rules.matching(Fix.record(), for: contact)
        #expect(match.write.fields == ["FirstName"])
        #expect(match.touch.isEmpty)
        let held = Fix.record(["FirstName": .string("Anna")])
        let intent = Fix.inbound().intent(for: held, link: match.link, owners: [], echoes: [])
        #expect(intent.write?.projection.values == ["Phone": .text("1")])
        #expect(rules.intent(for: contact, links: [match.link]) == .drop(.unchangedProjection, reason: "R29"))
    }

    @Test func R19_recordThatHasNothingToBeToldIsTouchedSoThatThePullReadsIt() {
        let match = Fix.outbound().matching(Fix.record(), for: Fix.contact(["phone": ""]))
        #expect(match.write.isEmpty)
        #expect(match.touch == ["Email": .string("ann@x.example")])
        let alike = Fix.outbound().matching(Fix.record(), for: Fix.contact())
        #expect(alike.isEmpty)
    }

    @Test func R53_foundRecordThatWaitsWinsAltogether() {
        let contact = Fix.contact(["phone": "2", "firstName": "Anna"])
        let match = Fix.outbound().matching(Fix.record(status: .waiting), for: contact)
        #expect(match.write.isEmpty)
        #expect(match.touch == ["Email": .string("ann@x.example")])
        let intent = Fix.inbound().intent(for: Fix.record(), link: match.link, owners: [], echoes: [])
        #expect(intent.write?.projection.values == ["Phone": .text("1"), "FirstName": .text("Ann")])
    }

    @Test func T17_creationWhoseAnswerWasLostGoesOnAsIfItHadBeenCommitted() {
        let rules = Fix.outbound()
        let before = Fix.contact(["lastName": ""], tags: [.addedToContact])
        let creation = rules.creation(of: .contact, for: before)
        let echo = rules.fingerprint(of: creation, .contact)
        let held = Fix.record(["LastName": .string("ann")])
        let now = Fix.contact(["lastName": "", "phone": ""], tags: [.addedToContact])
        let match = rules.matching(held, for: now, echoes: [echo])
        #expect(match.write.projection.values == ["Phone": .empty], "the fallback stays, the blank is the contact's")
        var adopted = held
        adopted.contactID = 7
        let intent = Fix.inbound().intent(for: adopted, link: nil, owners: [], echoes: [echo])
        #expect(intent.reason == "T17")
        #expect(InboundRules.contactToReview(before: nil, after: intent) == 7)
    }
}
