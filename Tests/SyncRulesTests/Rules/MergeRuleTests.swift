import SyncRules
import Testing

/// Merged Salesforce records: R90, D1, T24.
@Suite struct MergeRuleTests {
    typealias Fix = Fixtures

    private var loser: SalesforceRecord {
        var record = Fix.record(id: "003L")
        record.isDeleted = true
        record.masterRecordID = "003W"
        return record
    }

    @Test func R90_theLosersContactGoesOnWithTheWinner() throws {
        let plan = try #require(
            MergeRules.plan(for: loser, loser: Fix.link(id: "003L"), winnerID: "003W", winner: nil))
        #expect(plan.isRelinked && plan.link.recordID == "003W" && plan.link.contactID == 7)
        let winner = Fix.record(["Phone": .string("2")], id: "003W")
        let intent = Fix.inbound().intent(for: winner, link: plan.link, owners: [], echoes: [])
        #expect(intent.write?.fields == ["Phone"], "the winner's own value is a change in Salesforce")
    }

    @Test func D1_aWinnerWithAContactOfItsOwnKeepsIt() throws {
        let winner = Fix.link(id: "003W", contactID: 8)
        let plan = try #require(
            MergeRules.plan(for: loser, loser: Fix.link(id: "003L"), winnerID: "003W", winner: winner))
        #expect(plan.link.state == .merged && plan.link.recordID == "003L" && !plan.isRelinked)
        let edited = Fix.contact(["phone": "9"], tags: [.createdFromContact])
        #expect(Fix.outbound().intent(for: edited, links: [plan.link]) == .drop(.tombstoned, reason: "D1"))
        #expect(Fix.inbound().intent(for: loser, link: plan.link, owners: [], echoes: []).reason == "D1")
    }

    @Test(arguments: [LinkState.missing, .contactMissing])
    func R90_aWinnerOutOfStepIsNoHindrance(state: LinkState) throws {
        let winner = Fix.link(id: "003W", contactID: 8, state: state)
        let plan = MergeRules.plan(for: loser, loser: Fix.link(id: "003L"), winnerID: "003W", winner: winner)
        #expect(plan?.isRelinked == true)
    }

    @Test func R90_aMergeSettlesALinkOnce() {
        for state in [LinkState.merged, .closed] {
            let link = Fix.link(id: "003L", state: state)
            #expect(MergeRules.plan(for: loser, loser: link, winnerID: "003W", winner: nil) == nil)
        }
        var deleted = loser
        deleted.masterRecordID = nil
        #expect(MergeRules.plan(for: deleted, loser: Fix.link(id: "003L"), winnerID: "003W", winner: nil) == nil)
    }

    @Test func R89_aLoserThatIsUndeletedComesBackIntoStep() {
        let link = Fix.link(id: "003L", state: .merged)
        let record = Fix.record(["Phone": .string("3")], id: "003L")
        let intent = Fix.inbound().intent(for: record, link: link, owners: [], echoes: [])
        guard case .update(let settled, let write) = intent else { return #expect(Bool(false), "an update was due") }
        #expect(settled.state == .active && write.fields == ["Phone"])
    }
}
