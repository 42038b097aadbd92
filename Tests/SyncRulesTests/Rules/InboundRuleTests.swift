import Foundation
import SyncRules
import Testing

/// Salesforce → ActiveCampaign: R7, R17, R29, R36–R43, R89, R91, D3–D5, T25, T27.
@Suite struct InboundRuleTests {
    typealias Fix = Fixtures

    private func settings(_ mode: SelectionMode, existing: Bool = false) -> SyncSettings {
        var settings = SyncSettings()
        settings.contactSelection = mode
        settings.leadSelection = mode
        settings.includeUpdatedExisting = existing
        return settings
    }

    private func entry(_ record: SalesforceRecord, _ settings: SyncSettings = SyncSettings(), owners: [Link] = [])
        -> InboundIntent
    {
        Fix.inbound(settings: settings, object: record.object).intent(
            for: record, link: nil, owners: owners, echoes: [])
    }

    @Test func R43_firstPushCreatesWithEveryFieldThatIsSet() throws {
        let intent = entry(Fix.record(["Phone": .null]))
        let email = try #require(EmailAddress("ann@x.example"))
        guard case .create(email, let write) = intent else { return #expect(Bool(false), "\(intent)") }
        #expect(write.fields == ["Email", "FirstName", "LastName"], "a blank says nothing to a contact that may exist")
        #expect(SyncTag.createdFrom(.contact) == .createdFromContact)
        #expect(SyncTag.createdFrom(.lead) == .createdFromLead)
        #expect(SyncTag.createdFrom(.account) == nil)
    }

    @Test func R43_linkOfARecordThatEnteredKnowsBothSides() throws {
        let rules = Fix.inbound()
        let write = try #require(entry(Fix.record()).write)
        let link = rules.link(of: Fix.record(), contactID: 7, after: write)
        #expect(link.origin == .inbound)
        #expect(rules.intent(for: Fix.record(), link: link, owners: [], echoes: []).reason == "R29")
        let same = Fix.contact(tags: [.createdFromContact])
        #expect(Fix.outbound().intent(for: same, links: [link]) == .drop(.unchangedProjection, reason: "R29"))
    }

    @Test func R36_modeNoneTakesNobodyNew() {
        #expect(entry(Fix.record(), settings(.none)) == .drop(.outOfScope, reason: "R36.none"))
    }

    @Test func R37_D5_modeNewTakesWhatWasCreatedFromTheStartOn() {
        let old = Fix.record(createdAt: Fix.start.addingTimeInterval(-1))
        #expect(entry(old, settings(.new)) == .drop(.outOfScope, reason: "R37"), "an edit does not enrol it")
        #expect(entry(Fix.record(createdAt: Fix.start), settings(.new)).write != nil)
    }

    @Test func R38_variantEnrolsAnOldRecordWhenItIsUpdated() {
        var old = Fix.record(createdAt: Fix.start.addingTimeInterval(-1_000))
        #expect(entry(old, settings(.new, existing: true)) == .drop(.outOfScope, reason: "R37"))
        old.modifiedAt = Fix.start
        #expect(entry(old, settings(.new, existing: true)).write != nil)
    }

    @Test func R41_modeMarkedTakesTheMarked() {
        var record = Fix.record(createdAt: Fix.start.addingTimeInterval(-1_000))
        #expect(entry(record, settings(.marked)) == .drop(.outOfScope, reason: "R41"))
        record.isMarked = true
        #expect(entry(record, settings(.marked)).write != nil)
    }

    @Test(arguments: [SelectionMode.none, .new])
    func R40_T25_linkedRecordIsFollowedWhateverTheModeOfEntry(mode: SelectionMode) {
        let record = Fix.record(["Phone": .string("2")], createdAt: Fix.start.addingTimeInterval(-1_000))
        let intent = Fix.inbound(settings: settings(mode)).intent(for: record, link: Fix.link(), owners: [], echoes: [])
        #expect(intent.write?.fields == ["Phone"])
    }

    @Test func R41_takenMarkHoldsChangesBackAndGivingItAgainReleasesThem() {
        let rules = Fix.inbound(settings: settings(.marked))
        let edited = Fix.record(["Phone": .string("2")])
        let withheld = rules.intent(for: edited, link: Fix.link(), owners: [], echoes: [])
        #expect(withheld.code == .outOfScope)
        #expect(withheld.reason == "R41")
        let link = withheld.link
        #expect(rules.intent(for: edited, link: link, owners: [], echoes: []) == .drop(.outOfScope, reason: "R41"))
        var marked = edited
        marked.isMarked = true
        #expect(rules.intent(for: marked, link: link, owners: [], echoes: []).write?.fields == ["Phone"])
    }

    @Test func T27_withheldChangeDoesNotBlockTheOtherDirection() throws {
        let edited = Fix.record(["Phone": .string("2")])
        let intent = Fix.inbound(settings: settings(.marked)).intent(
            for: edited, link: Fix.link(), owners: [], echoes: [])
        let link = try #require(intent.link)
        let rules = Fix.outbound()
        let contact = Fix.contact(["firstName": "Anna"], tags: [.createdFromContact])
        let write = rules.contacts.write(
            rules.contacts.project(contact), changed: ["FirstName"], to: .salesforce, target: link.recordFingerprint,
            clearsBlanks: true)
        let state = SalesforceState.read(rules.contacts.project(edited), status: .synced)
        #expect(rules.verdict(of: write, link: link, state: state, echoes: []) == .write)
    }

    @Test func R17_whatActiveCampaignCreatedGoesBothWaysWithoutAMark() {
        let link = Fix.link(origin: .outbound)
        let intent = Fix.inbound(settings: settings(.marked)).intent(
            for: Fix.record(["Phone": .string("2")]), link: link, owners: [], echoes: [])
        #expect(intent.write?.fields == ["Phone"])
    }

    @Test func R7_recordWithoutEmailIsReportedAndEntersWhenItHasOne() {
        #expect(entry(Fix.record(["Email": .null])) == .drop(.noEmail, reason: "R7"))
        #expect(entry(Fix.record(["Email": .string("no address")])) == .drop(.noEmail, reason: "R7"))
        #expect(entry(Fix.record()).write != nil)
    }

    @Test func D4_blankedEmailChangesNothingAndWhatItHeldBackFollows() {
        let blank = Fix.record(["Email": .null, "Phone": .string("2")])
        let intent = Fix.inbound().intent(for: blank, link: Fix.link(), owners: [], echoes: [])
        #expect(intent.code == .noEmail)
        #expect(intent.reason == "D4")
        let back = Fix.record(["Phone": .string("2")])
        let next = Fix.inbound().intent(for: back, link: intent.link, owners: [], echoes: [])
        #expect(next.write?.fields == ["Phone"])
    }

    @Test func D3_secondRecordOfOneAddressIsReported() {
        let owner = Fix.link(id: "003B")
        #expect(entry(Fix.record(), owners: [owner]) == .drop(.duplicateMatch, reason: "D3"))
        var carrying = Fix.record()
        carrying.contactID = 7
        #expect(entry(carrying, owners: [owner]) == .drop(.duplicateMatch, reason: "D3"), "a clone carries the id too")
    }

    @Test func R91_leadOfALinkedContactIsIgnored() {
        let owner = Fix.link(id: "003B")
        let lead = Fix.record(["Phone": .string("2")], object: .lead, id: "00QA")
        #expect(entry(lead, owners: [owner]) == .drop(.duplicateMatch, reason: "R91"))
        let linked = Fix.link(object: .lead, id: "00QA")
        let intent = Fix.inbound(object: .lead).intent(for: lead, link: linked, owners: [owner], echoes: [])
        #expect(intent.code == .duplicateMatch)
        #expect(intent.reason == "R91")
        #expect(intent.write == nil)
    }

    @Test func R91_contactOfALinkedLeadEnters() {
        let owner = Fix.link(object: .lead, id: "00QA")
        #expect(entry(Fix.record(), owners: [owner]).write != nil)
    }

    @Test func T17_recordWithOurIdAndNoLinkIsAdopted() {
        var record = Fix.record()
        record.contactID = 7
        guard case .adopt(7, let write) = entry(record, settings(.none)) else { return #expect(Bool(false)) }
        #expect(write.fields == ["Email", "FirstName", "LastName", "Phone"])
    }

    // MARK: - Deletion

    @Test func R89_T15_deletionMarksOnceAndUndeleteBringsBack() {
        let rules = Fix.inbound()
        var deleted = Fix.record()
        deleted.isDeleted = true
        #expect(rules.intent(for: deleted, link: Fix.link(), owners: [], echoes: []) == .markMissing(Fix.link()))
        #expect(InboundRules.contactToReview(before: Fix.link(), after: .markMissing(Fix.link())) == 7)
        let missing = Fix.link(state: .missing)
        #expect(rules.intent(for: deleted, link: missing, owners: [], echoes: []) == .drop(.tombstoned, reason: "R89"))
        let undeleted = rules.intent(for: Fix.record(), link: missing, owners: [], echoes: [])
        #expect(undeleted.link?.state == .active)
        #expect(InboundRules.contactToReview(before: missing, after: undeleted) == 7)
        #expect(InboundRules.contactToReview(before: Fix.link(), after: undeleted) == nil)
    }

    @Test func D3_undeletedRecordWhoseContactWentOnStaysMissing() {
        let missing = Fix.link(state: .missing)
        let intent = Fix.inbound().intent(for: Fix.record(), link: missing, owners: [Fix.link(id: "003B")], echoes: [])
        #expect(intent == .drop(.duplicateMatch, reason: "D3"))
    }

    @Test func R89_deletedContactIsMadeAgainOnlyWhenTheRecordChanges() {
        let rules = Fix.inbound()
        let link = Fix.link(state: .contactMissing)
        #expect(
            rules.intent(for: Fix.record(), link: link, owners: [], echoes: []) == .drop(.tombstoned, reason: "R89"))
        let edited = Fix.record(["Phone": .string("2")])
        #expect(rules.intent(for: edited, link: link, owners: [], echoes: []).write?.fields.count == 4)
        let none = Fix.inbound(settings: settings(.none))
        #expect(none.intent(for: edited, link: link, owners: [], echoes: []) == .drop(.outOfScope, reason: "R36.none"))
    }

    @Test func R49_convertedLeadsAndClosedLinksAreDone() {
        var lead = Fix.record(object: .lead, id: "00QA")
        let rules = Fix.inbound(object: .lead)
        #expect(
            rules.intent(for: lead, link: Fix.link(object: .lead, id: "00QA", state: .closed), owners: [], echoes: [])
                == .drop(.outOfScope, reason: "R49"))
        lead.isConverted = true
        #expect(rules.intent(for: lead, link: nil, owners: [], echoes: []) == .drop(.outOfScope, reason: "R49"))
    }
}
