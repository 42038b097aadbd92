import SyncRules
import Testing

/// E-mail opt-out: R79–R84, T28.
@Suite struct OptOutRuleTests {
    typealias Fix = Fixtures

    private static let fields = [ObjectKind.contact, .lead].map {
        Projector(mappings: FieldMapping.effective(rows: [], for: $0, syncsOptOut: true))
    }
    private let outbound = OutboundRules(settings: SyncSettings(), contacts: fields[0], leads: fields[1])
    private let inbound = InboundRules(
        settings: SyncSettings(),
        selection: SelectionRules(settings: SyncSettings(), start: Fixtures.start, criteria: [:]), projector: fields[0])

    private func contact(optedOut: Bool?) -> ActiveCampaignContact {
        Fix.contact(optedOut.map { ["optOut": $0 ? "||true||" : ""] } ?? [:], tags: [.createdFromContact])
    }

    private func record(optedOut: Bool) -> SalesforceRecord {
        Fix.record(["HasOptedOutOfEmail": .bool(optedOut)])
    }

    private func link(contact: ActiveCampaignContact, record: SalesforceRecord) -> Link {
        var link = Fix.link(contact: contact, record: record)
        link.contactFingerprint?.record(Self.fields[0].project(contact))
        link.recordFingerprint?.record(Self.fields[0].project(record))
        return link
    }

    private func changed(_ before: Bool?, to after: Bool?, inSalesforce: Bool) -> [String] {
        let link = link(contact: contact(optedOut: before), record: record(optedOut: inSalesforce))
        guard case .update(_, let changed) = outbound.intent(for: contact(optedOut: after), links: [link]) else {
            return []
        }
        return changed
    }

    @Test func R79_fromNoListToOneUnchecks() {
        #expect(OptOutRules.isOptedOut([.active], isHardBounced: false) == false)
        #expect(changed(true, to: false, inSalesforce: true) == ["HasOptedOutOfEmail"])
        #expect(changed(nil, to: false, inSalesforce: true) == ["HasOptedOutOfEmail"], "from none at all")
        #expect(changed(nil, to: false, inSalesforce: false).isEmpty)
    }

    @Test func R80_onlyLeavingTheLastListChecks() {
        #expect(OptOutRules.isOptedOut([.active, .ended], isHardBounced: false) == false)
        #expect(OptOutRules.isOptedOut([.ended, .ended], isHardBounced: false) == true)
        #expect(changed(false, to: false, inSalesforce: false).isEmpty)
        #expect(changed(false, to: true, inSalesforce: false) == ["HasOptedOutOfEmail"])
    }

    @Test func R80_unsubscribeThatLosesAConflictOutlivesThePull() throws {
        let edited = Fix.record(["HasOptedOutOfEmail": .bool(false), "FirstName": .string("Eve")])
        let gone = contact(optedOut: true)
        let agreed = link(contact: contact(optedOut: false), record: record(optedOut: false))
        let lost = agreed.settled(losing: ["HasOptedOutOfEmail"], of: Self.fields[0].project(gone))
        let again = outbound.intent(for: gone, links: [lost])
        #expect(again == .drop(.unchangedProjection, reason: "R29"), "it waits for the pull")
        let pull = inbound.intent(for: edited, link: lost, owners: [], echoes: [])
        let pulled = try #require(pull.link)
        #expect(pull.write?.fields == ["FirstName"], "nobody is subscribed again")
        #expect(InboundRules.contactToReview(before: lost, after: pull) == gone.id)
        let after = Fix.contact(["optOut": "||true||", "firstName": "Eve"], tags: [.createdFromContact])
        guard case .update(let link, let changed) = outbound.intent(for: after, links: [pulled]) else {
            return #expect(Bool(false), "the opt-out is lost")
        }
        #expect(changed == ["HasOptedOutOfEmail"])
        let projection = Self.fields[0].project(after)
        let write = Self.fields[0].write(
            projection, changed: changed, to: .salesforce, target: link.recordFingerprint, clearsBlanks: true)
        let settled = link.settled(writing: write, of: projection, email: gone.email)
        #expect(outbound.intent(for: after, links: [settled]) == .drop(.unchangedProjection, reason: "R29"))
    }

    @Test func R81_aHardBounceChecks() {
        #expect(OptOutRules.isOptedOut([.active], isHardBounced: true) == true)
    }

    @Test func R82_furtherListsChangeNothing() {
        #expect(OptOutRules.isOptedOut([.active, .active], isHardBounced: false) == false)
        #expect(OptOutRules.isOptedOut([.unconfirmed], isHardBounced: false) == nil)
    }

    @Test func R83_checkingUnsubscribesAndUncheckingSubscribesNobody() {
        let link = link(contact: contact(optedOut: false), record: record(optedOut: false))
        let checked = inbound.intent(for: record(optedOut: true), link: link, owners: [], echoes: [])
        #expect(checked.write?.fields == ["HasOptedOutOfEmail"])
        let out = self.link(contact: contact(optedOut: true), record: record(optedOut: true))
        let unchecked = inbound.intent(for: record(optedOut: false), link: out, owners: [], echoes: [])
        #expect(unchecked.write == nil || unchecked.write?.isEmpty == true)
    }

    @Test func R84_noFieldMappingIsNeededAndTheSwitchTurnsItOff() {
        #expect(Self.fields[1].mapping(of: "HasOptedOutOfEmail")?.activeCampaignField == .optOut)
        let off = FieldMapping.effective(rows: [], for: .contact, syncsOptOut: false)
        #expect(!off.contains { $0.salesforceField == "HasOptedOutOfEmail" })
        #expect(ActiveCampaignField("optOut") == nil, "rows can't name it")
    }

    @Test func R84_anyOfTheFiveTagsLetsAnOptOutThroughAndNoTagNone() {
        let five: [SyncTag] = [
            .addedToContact, .createdFromContact, .convertedToContact, .addedToLead, .createdFromLead,
        ]
        for tag in five.map({ Set([$0]) }) + [[]] {
            let link = link(contact: contact(optedOut: false), record: record(optedOut: false))
            let out = Fix.contact(["optOut": "||true||"], tags: tag)
            let intent = outbound.intent(for: out, links: [link])
            if tag.isEmpty {
                #expect(intent == .drop(.outOfScope, reason: "R26"))
            } else {
                #expect(intent == .update(link, changed: ["HasOptedOutOfEmail"]), "\(tag)")
            }
        }
    }

    @Test func T28_aContactThatWasNeverOnAListSaysNothing() {
        #expect(OptOutRules.isOptedOut([], isHardBounced: false) == nil)
        #expect(changed(nil, to: nil, inSalesforce: true).isEmpty)
        // Omission does not reset: the contact lost its memberships, the checkbox stays.
        #expect(changed(true, to: nil, inSalesforce: true).isEmpty)
    }
}
