import Foundation
import SyncRules
import Testing

/// Accounts, pure (R71–R73).
@Suite struct AccountRuleTests {
    private static let id = "001000000000001AAA"
    private let rules = AccountRules(
        settings: SyncSettings(),
        projector: Projector(
            mappings: FieldMapping.effective(
                rows: [
                    FieldMapping(
                        object: .account, salesforceField: "Site",
                        activeCampaignField: ActiveCampaignField("custom:SITE") ?? .accountName)
                ], for: .account, syncsOptOut: true)))

    private static func record(_ name: String?, site: String? = nil) -> SalesforceRecord {
        SalesforceRecord(
            id: id, object: .account,
            fields: [
                "Name": name.map(SalesforceFieldValue.string) ?? .null,
                "Site": site.map(SalesforceFieldValue.string) ?? .null,
            ], createdAt: .distantPast, modifiedAt: .distantPast)
    }

    private static func account(_ name: String, site: String? = nil) -> ActiveCampaignAccount {
        var fields = ["name": name]
        fields["custom:SITE"] = site
        return ActiveCampaignAccount(id: 7, fields: fields)
    }

    /// A link on which both sides agree.
    private func link(_ name: String, site: String? = nil, as held: String? = nil) throws -> Link {
        let record = Self.record(name, site: site)
        guard case .create(let write) = rules.intent(for: record, link: nil, isWanted: true) else {
            throw CancellationError()
        }
        return rules.link(of: record, account: Self.account(held ?? name, site: site), after: write)
    }

    @Test func R71_anAccountEntersOnlyWithASyncedPerson() {
        #expect(rules.intent(for: Self.record("A"), link: nil, isWanted: false) == .drop(.outOfScope, reason: "R71"))
        guard case .create(let write) = rules.intent(for: Self.record("A"), link: nil, isWanted: true) else {
            Issue.record("not created")
            return
        }
        #expect(write.fields == ["Name"], "blanks have nothing to say to a new account")
    }

    @Test func R71_theMappedFieldsFlowBothWaysAndAnUnmappedOneNever() throws {
        let link = try link("A", site: "Oslo")
        guard
            case .update(let settled, let write) = rules.intent(
                for: Self.record("A", site: "Rome"), link: link, isWanted: true)
        else {
            Issue.record("not updated")
            return
        }
        #expect(write.fields == ["Site"])
        #expect(
            rules.intent(for: Self.record("A", site: "Rome"), link: settled, isWanted: true)
                == .drop(.unchangedProjection, reason: "R29"))
        #expect(rules.changedFields(in: Self.account("B", site: "Oslo"), link: link) == ["Name"])
        #expect(rules.changedFields(in: Self.account("A"), link: link).isEmpty, "a value not read says nothing")
        #expect(rules.changedFields(in: Self.account("A", site: ""), link: link) == ["Site"])
    }

    @Test func R53_ofTwoChangesSalesforcesWins() throws {
        let link = try link("A", site: "Oslo")
        let fields = rules.changedFields(in: Self.account("B", site: "Oslo"), link: link)
        let write = rules.write(fields, of: Self.account("B", site: "Oslo"), link: link)
        #expect(rules.verdict(of: write, link: link, held: Self.record("A", site: "Oslo")) == .write)
        #expect(rules.verdict(of: write, link: link, held: Self.record("A", site: "Rome")) == .salesforceWins)
        #expect(rules.verdict(of: write, link: link, held: Self.record("B", site: "Rome")) == .alreadyThere)
        #expect(rules.verdict(of: write, link: link, held: nil) == .missing)
    }

    @Test func R72_ourMarkOnANameNeverFlowsBack() throws {
        let marked = "A (SF \(Self.id.suffix(6)))"
        let link = try link("A", as: marked)
        #expect(rules.changedFields(in: Self.account(marked), link: link).isEmpty)
        #expect(rules.changedFields(in: Self.account("A"), link: link).isEmpty)
        #expect(rules.changedFields(in: Self.account("A (SF other1)"), link: link) == ["Name"])
    }

    @Test func R72_anAccountWithoutANameDoesNotEnterAndANameIsNeverEmptied() throws {
        #expect(
            rules.intent(for: Self.record(nil), link: nil, isWanted: true)
                == .drop(.invalidBeforeSend, reason: "R72.unnamed"))
        let link = try link("A")
        let write = rules.write(["Name"], of: Self.account(" "), link: link)
        #expect(write.isEmpty && write.kept == ["Name": .blankKept])
    }

    @Test func R85_aPersonsAccountIsNoCompany() {
        var record = Self.record("Ann Lee")
        record.isPersonAccount = true
        #expect(rules.intent(for: record, link: nil, isWanted: true) == .drop(.outOfScope, reason: "R85"))
    }

    @Test func R89_aDeletedAccountIsMissingAndOneDeletedInActiveCampaignIsMadeAgainOnlyWhenItChanges() throws {
        var link = try link("A")
        var gone = Self.record("A")
        gone.isDeleted = true
        guard case .markMissing(let missing) = rules.intent(for: gone, link: link, isWanted: true) else {
            Issue.record("not missing")
            return
        }
        #expect(missing.state == .missing)
        #expect(rules.changedFields(in: Self.account("B"), link: missing).isEmpty, "nothing is written to it")
        link.state = .contactMissing
        #expect(rules.intent(for: Self.record("A"), link: link, isWanted: true) == .drop(.tombstoned, reason: "R89"))
        guard case .create = rules.intent(for: Self.record("B"), link: link, isWanted: true) else {
            Issue.record("not made again")
            return
        }
    }

    @Test(arguments: [true, false])
    func R72_whereAPersonIsPut(clears: Bool) {
        func place(_ account: Int64) -> MembershipRules.Place { .init(associationID: 1, accountID: account) }
        func step(_ wanted: Int64?, held: Int64?, present: Int64?) -> MembershipRules.Step {
            MembershipRules.step(wanted: wanted, held: held, present: present.map(place), clears: clears)
        }
        #expect(step(5, held: nil, present: nil) == .join(accountID: 5))
        #expect(step(5, held: nil, present: 5) == .done(place(5)))
        #expect(step(5, held: 4, present: 4) == .move(from: place(4), accountID: 5))
        #expect(step(5, held: 4, present: 6) == .elsewhere(place(6)), "what we did not do we do not undo")
        #expect(step(5, held: nil, present: 6) == .elsewhere(place(6)))
        #expect(step(nil, held: 4, present: 4) == (clears ? .leave(place(4)) : .done(place(4))))
        #expect(step(nil, held: 4, present: 6) == .done(nil))
        #expect(step(nil, held: nil, present: nil) == .done(nil))
    }
}
