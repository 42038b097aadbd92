import SyncRules
import Testing

/// A record that takes another contact's address, and goes on with that contact (R8, R63).
@Suite struct AddressMoveRuleTests {
    typealias Fix = Fixtures

    /// The link as the next pull leaves it, what the pull writes, and what the batch after it does.
    private static func follow(
        _ mode: UpdateMode, holder: String, record note: SalesforceFieldValue
    ) throws -> (write: FieldWrite, changed: [String]) {
        let rows = [try Fix.mapping(mode: mode)]
        let (inbound, outbound) = (Fix.inbound(rows), Fix.outbound(rows))
        let record = Fix.record(["Note__c": note])
        func contact(_ text: String) -> ActiveCampaignContact {
            Fix.contact(["custom:NOTE": text], tags: [.createdFromContact], id: 8)
        }
        let before = inbound.projector.project(contact(holder))
        var link = Fix.link(rows, record: record)
            .moved(to: 8, holding: before, by: inbound.projector)
        #expect(link.contactID == 8)
        if mode.weighsBothSides {
            link = link.weighed(
                inbound.projector.project(record), against: before, by: inbound.projector, contactEchoes: [])
        }
        let intent = inbound.intent(for: record, link: link, owners: [], echoes: [])
        let (stored, write) = (try #require(intent.link), intent.write ?? FieldWrite())
        let after = contact(inbound.projector.activeCampaignValues(of: write)["custom:NOTE"] ?? holder)
        guard case .update(_, let changed) = outbound.intent(for: after, links: [stored]) else { return (write, []) }
        #expect(InboundRules.contactToReview(before: link, after: intent) == 8, "the batch is told of the contact")
        return (write, changed)
    }

    @Test(arguments: [UpdateMode.always, .fillBlank, .newestField, .activeCampaignWins, .salesforceUnlessBlank])
    func R8_whereTheRecordIsBlankTheContactsValueGoesToSalesforce(mode: UpdateMode) throws {
        let (write, changed) = try Self.follow(mode, holder: "here", record: .null)
        #expect(write.fields.isEmpty && changed == ["Note__c"])
    }

    @Test(arguments: [UpdateMode.always, .toActiveCampaign, .newestField, .salesforceUnlessBlank])
    func R8_whatTheRecordHoldsGoesToTheContact(mode: UpdateMode) throws {
        let (write, changed) = try Self.follow(mode, holder: "here", record: .string("there"))
        #expect(write.fields == ["Note__c"] && changed.isEmpty)
    }

    @Test(arguments: [UpdateMode.toSalesforce, .activeCampaignWins])
    func R8_whereActiveCampaignHasTheWordItsValueGoesToSalesforce(mode: UpdateMode) throws {
        let (write, changed) = try Self.follow(mode, holder: "here", record: .string("there"))
        #expect(write.fields.isEmpty && changed == ["Note__c"])
    }

    @Test func R8_aFieldThatFillsBlanksFillsTheContactsOnly() throws {
        let kept = try Self.follow(.fillBlank, holder: "here", record: .string("there"))
        #expect(kept.write.fields.isEmpty && kept.changed.isEmpty)
        let filled = try Self.follow(.fillBlank, holder: "", record: .string("there"))
        #expect(filled.write.fields == ["Note__c"] && filled.changed.isEmpty)
    }
}
