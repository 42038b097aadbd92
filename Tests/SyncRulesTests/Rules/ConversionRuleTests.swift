import SyncRules
import Testing

/// A lead becomes a contact: R47–R50, R30, T23.
@Suite struct ConversionRuleTests {
    typealias Fix = Fixtures

    private let rules = Self.rules()

    private static func rules(_ rows: [FieldMapping] = [], settings: SyncSettings = SyncSettings()) -> ConversionRules {
        ConversionRules(
            settings: settings, contacts: Fix.projector(rows), leads: Fix.projector(rows, object: .lead))
    }

    private func converted(to contactID: String? = "003Z") -> SalesforceRecord {
        var lead = Fix.record(object: .lead, id: "00QA")
        lead.isConverted = true
        lead.convertedContactID = contactID
        return lead
    }

    private var lead: Link { Fix.link(object: .lead, id: "00QA") }

    @Test func R47_R48_convertedTagReplacesBothCreatedTags() throws {
        let plan = try #require(rules.plan(for: converted(), lead: lead, person: Fix.contact(), contact: nil))
        #expect(plan.addedTags == [.convertedToContact])
        #expect(plan.removedTags == [.createdFromContact, .createdFromLead])
        var settings = SyncSettings()
        settings.removesLeadTagOnConversion = false
        let kept = try #require(
            Self.rules(settings: settings).plan(for: converted(), lead: lead, person: Fix.contact(), contact: nil))
        #expect(kept.removedTags == [.createdFromContact], "what the seed says, and no more")
    }

    @Test func R49_laterEditsReachTheContactAndNotTheLead() throws {
        let plan = try #require(rules.plan(for: converted(), lead: lead, person: Fix.contact(), contact: nil))
        #expect(plan.lead.state == .closed)
        let contact = try #require(plan.contact)
        #expect(contact.object == .contact && contact.recordID == "003Z" && contact.contactID == 7)
        let edited = Fix.contact(["phone": "2"], tags: plan.addedTags)
        guard case .update(let link, _) = Fix.outbound().intent(for: edited, links: [plan.lead, contact]) else {
            return #expect(Bool(false), "an update was due")
        }
        #expect(link.recordID == "003Z")
    }

    @Test func R49_contactsValuesComeWithTheNextPull() throws {
        let note = try Fix.mapping()
        let plan = try #require(
            Self.rules([note]).plan(
                for: converted(), lead: lead, person: Fix.contact(["custom:NOTE": "old"]), contact: nil))
        let link = try #require(plan.contact)
        let record = Fix.record(["Phone": .string("2"), "Note__c": .string("new")], id: "003Z")
        let intent = Fix.inbound([note]).intent(for: record, link: link, owners: [], echoes: [])
        #expect(intent.write?.fields == ["Note__c", "Phone"], "and nothing both sides agree on")
        // A field that only contacts have was never said by ActiveCampaign, so it does not go to Salesforce.
        let untouched = Fix.contact(["custom:NOTE": "old"], tags: plan.addedTags)
        #expect(
            Fix.outbound([note]).intent(for: untouched, links: [link]) == .drop(.unchangedProjection, reason: "R29"))
    }

    @Test func T23_anEditMadeMeanwhileInActiveCampaignIsAppliedToTheContact() throws {
        let edited = Fix.contact(["phone": "5"])
        let plan = try #require(rules.plan(for: converted(), lead: lead, person: edited, contact: nil))
        let link = try #require(plan.contact)
        guard
            case .update(_, let changed) = Fix.outbound().intent(
                for: Fix.contact(["phone": "5"], tags: plan.addedTags), links: [plan.lead, link])
        else { return #expect(Bool(false), "an update was due") }
        #expect(changed == ["Phone"])
    }

    @Test func R49_whatActiveCampaignHasStillToSayIsNotTakenForSaid() throws {
        var fresh = lead
        fresh.contactFingerprint = Fingerprint(Projection(values: ["LastName": .text("Lee")]))
        let plan = try #require(rules.plan(for: converted(), lead: fresh, person: Fix.contact(), contact: nil))
        let link = try #require(plan.contact)
        guard
            case .update(_, let changed) = Fix.outbound().intent(
                for: Fix.contact(tags: plan.addedTags), links: [plan.lead, link])
        else { return #expect(Bool(false), "an update was due") }
        #expect(changed == ["Email", "FirstName", "Phone"])
    }

    @Test func R49_conversionOfALeadWhosePersonIsGoneMakesNobodyAgain() throws {
        let plan = try #require(rules.plan(for: converted(), lead: lead, person: nil, contact: nil))
        #expect(plan.contact?.state == .contactMissing)
    }

    @Test func R50_contactThatWasLinkedAlreadyStays() throws {
        let contact = Fix.link(id: "003Z")
        let plan = try #require(rules.plan(for: converted(), lead: lead, person: Fix.contact(), contact: contact))
        #expect(plan.contact == nil)
        #expect(plan.lead.state == .closed)
        #expect(plan.addedTags == [.convertedToContact])
        #expect(plan.reason == "R50")
        let other = try #require(
            rules.plan(
                for: converted(), lead: lead, person: Fix.contact(), contact: nil, siblings: [Fix.link(id: "003B")]))
        #expect(other.contact == nil, "one contact record a person")
    }

    @Test func R50_contactOfSomebodyElseIsReportedAndUntouched() throws {
        let contact = Fix.link(id: "003Z", contactID: 99)
        let plan = try #require(rules.plan(for: converted(), lead: lead, person: Fix.contact(), contact: contact))
        #expect(plan.contact == nil && plan.addedTags.isEmpty && plan.removedTags.isEmpty)
        #expect(plan.decision == .duplicateMatch)
    }

    @Test func R49_conversionWithoutContactClosesTheLeadAndSaysSo() throws {
        let plan = try #require(rules.plan(for: converted(to: nil), lead: lead, person: Fix.contact(), contact: nil))
        #expect(plan.lead.state == .closed && plan.contact == nil && plan.addedTags.isEmpty)
        #expect(plan.decision == .tombstoned)
    }

    @Test func R49_conversionIsDoneOnce() {
        #expect(
            rules.plan(for: converted(), lead: Fix.link(object: .lead, state: .closed), person: nil, contact: nil)
                == nil)
        #expect(rules.plan(for: Fix.record(object: .lead), lead: lead, person: nil, contact: nil) == nil)
    }

    @Test func T15_closedLeadIsNotMadeAgainByItsOldTag() {
        let closed = Fix.link(object: .lead, state: .closed)
        let contact = Fix.contact(["phone": "2"], tags: [.addedToLead])
        #expect(Fix.outbound().intent(for: contact, links: [closed]) == .drop(.tombstoned, reason: "R49"))
    }
}
