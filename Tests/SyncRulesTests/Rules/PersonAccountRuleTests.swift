import Foundation
import SyncRules
import Testing

/// Person accounts and the options of creation, pure (R21, R22, R38, R51, R70, R85, R86).
@Suite struct PersonAccountRuleTests {
    private static func person(createdAt: Date = Fixtures.start) -> SalesforceRecord {
        var record = Fixtures.record(createdAt: createdAt)
        record.isPersonAccount = true
        return record
    }

    private static func settings(_ change: (inout SyncSettings) -> Void) -> SyncSettings {
        var settings = SyncSettings()
        change(&settings)
        return settings
    }

    private static func refusal(_ record: SalesforceRecord, _ change: (inout SyncSettings) -> Void) -> String? {
        SelectionRules(settings: settings(change), start: Fixtures.start).refusalOfEntry(record)
    }

    @Test func R86_personsHaveASelectionOfTheirOwn() {
        #expect(Self.refusal(Self.person()) { $0.contactSelection = .new } == "R86", "not used unless said so")
        #expect(Self.refusal(Self.person()) { $0.personAccountSelection = .new } == nil)
        #expect(Self.refusal(Self.person()) { $0.personAccountSelection = .marked } == "R41")
        #expect(Self.refusal(Fixtures.record()) { $0.personAccountSelection = .none } == nil, "R85: a contact is one")
        var marked = Self.person()
        marked.isMarked = true
        #expect(Self.refusal(marked) { $0.personAccountSelection = .marked } == nil)
    }

    @Test func R38_anUpdateEnrolsAnOldPersonUnlessItIsSwitchedOff() {
        // Changed a minute after it was made, which is after the start.
        let old = Self.person(createdAt: Fixtures.start.addingTimeInterval(-30))
        #expect(Self.refusal(old) { $0.personAccountSelection = .new } == nil)
        #expect(
            Self.refusal(old) {
                $0.personAccountSelection = .new
                $0.includeUpdatedPersonAccounts = false
            } == "R37")
        #expect(Self.refusal(Fixtures.record(createdAt: old.createdAt)) { _ in } == "R37", "contacts are not persons")
    }

    @Test func R51_thePersonsTags() {
        #expect(SyncTag.createdFrom(Self.person()) == .createdFromPersonAccount)
        #expect(SyncTag.createdFrom(Fixtures.record()) == .createdFromContact)
        #expect(SyncTag.among(["Created-From-Salesforce-Person-Account"]) == [.createdFromPersonAccount])
        #expect(SyncTag.allCases.filter(\.createsRecord).count == 3)
        // R24: any of them lets updates pass.
        let changed = Fixtures.contact(["phone": "2"], tags: [.createdFromPersonAccount])
        guard case .update = Fixtures.outbound().intent(for: changed, links: [Fixtures.link()]) else {
            Issue.record("not updated")
            return
        }
    }

    @Test func R51_aConvertedLeadThatBecameAPersonIsTaggedAsOne() throws {
        var lead = Fixtures.record(object: .lead, id: "00QA")
        lead.isConverted = true
        lead.convertedContactID = "003B"
        lead.isConvertedToPerson = true
        let rules = ConversionRules(
            settings: SyncSettings(), contacts: Fixtures.projector(), leads: Fixtures.projector(object: .lead))
        let plan = try #require(
            rules.plan(
                for: lead, lead: Fixtures.link(object: .lead, id: "00QA"), person: Fixtures.contact(), contact: nil))
        #expect(plan.addedTags == [.convertedToPersonAccount] && plan.contact?.recordID == "003B")
    }

    @Test func R70_aLeadWithoutACompanySyncsOnlyWhenAllowed() {
        let lead = Fixtures.record(["Company": .null], object: .lead)
        #expect(Self.refusal(lead) { _ in } == "R70")
        #expect(Self.refusal(lead) { $0.allowsLeadsWithoutCompany = true } == nil)
        #expect(Self.refusal(Fixtures.record(object: .lead)) { _ in } == nil, "not asked for: no such org")
        // And outbound: no fallback where a lead may go without.
        var rules = Fixtures.outbound(settings: Self.settings { $0.allowsLeadsWithoutCompany = true })
        let contact = Fixtures.contact()
        #expect(rules.creation(of: .lead, for: contact).fallbacks["Company"] == .string("[not provided]"))
        rules.hasPersonAccounts = true
        #expect(rules.creation(of: .lead, for: contact).fallbacks["Company"] == nil)
    }

    @Test func R20_theCompanyOfALeadIsItsAccountsNameBeforeTheFallback() {
        let rules = Fixtures.outbound()
        let named = rules.creation(of: .lead, for: Fixtures.contact(), accountName: " Acme ")
        #expect(named.fallbacks["Company"] == .string("Acme"))
        #expect(rules.creation(of: .contact, for: Fixtures.contact(), accountName: "Acme").fallbacks["Company"] == nil)
    }

    @Test func R21_R22_ownerAndRecordTypeGoWithCreationsOnly() {
        let settings = Self.settings {
            $0.ownerID = "005A"
            $0.leadRecordTypeID = "012L"
            $0.contactRecordTypeID = "012C"
            $0.personAccountRecordTypeID = "012P"
        }
        var rules = Fixtures.outbound(settings: settings)
        rules.hasPersonAccounts = true
        func types(_ object: ObjectKind, _ tag: SyncTag) -> [SalesforceFieldValue?] {
            let made = rules.creation(of: object, for: Fixtures.contact(tags: [tag]))
            return [made.fallbacks["OwnerId"], made.fallbacks["RecordTypeId"]]
        }
        #expect(types(.lead, .addedToLead) == [.string("005A"), .string("012L")])
        #expect(types(.contact, .addedToContact) == [.string("005A"), .string("012C")])
        #expect(types(.contact, .addedToPersonAccount) == [.string("005A"), .string("012P")])
    }

    @Test func R51_aPersonIsCreatedOnlyWhereThereArePersons() {
        let contact = Fixtures.contact(tags: [.addedToPersonAccount])
        var rules = Fixtures.outbound()
        #expect(rules.intent(for: contact, links: []) == .drop(.outOfScope, reason: "R51"))
        rules.hasPersonAccounts = true
        #expect(rules.intent(for: contact, links: []) == .create(.contact))
        #expect(rules.creation(of: .contact, for: contact).isPerson)
        let both = Fixtures.contact(tags: [.addedToPersonAccount, .addedToContact])
        #expect(!rules.creation(of: .contact, for: both).isPerson, "R85: one or the other")
    }

    @Test func R73_aCreatedContactBelongsToTheAccountThatWasFound() {
        let made = Fixtures.outbound().creation(of: .contact, for: Fixtures.contact(), accountRecordID: "001A")
        #expect(made.fallbacks["AccountId"] == .string("001A"))
        #expect(
            Fixtures.outbound().creation(of: .lead, for: Fixtures.contact(), accountRecordID: "001A").fallbacks[
                "AccountId"] == nil)
    }

    @Test(arguments: [
        ("Email", "PersonEmail"), ("LastName", "LastName"), ("Tier__c", "Tier__pc"), ("Phone", "Phone"),
        ("HasOptedOutOfEmail", "PersonHasOptedOutOfEmail"), ("AC_Write_Id__c", "AC_Write_Id__pc"),
    ])
    func R85_whatAFieldIsCalledOnTheAccount(contact: String, account: String) {
        #expect(PersonAccountFields.name(of: contact) == account)
        #expect(PersonAccountFields.contactField(of: account) == contact)
    }
}
