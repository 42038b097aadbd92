import Foundation
import SyncRules
import Testing

/// Opportunities, pure (R74–R78).
@Suite struct OpportunityRuleTests {
    private static let id = "006000000000001AAA"

    private static func record(_ more: [String: SalesforceFieldValue] = [:]) -> SalesforceRecord {
        let fields: [String: SalesforceFieldValue] = [
            "Name": .string("Big"), "Amount": .number("1234.50"), "StageName": .string("Won"),
            "CloseDate": .string("2026-12-31"), "Description": .string("not synced"),
        ]
        return SalesforceRecord(
            id: id, object: .opportunity, fields: fields.merging(more) { _, new in new }, createdAt: .distantPast,
            modifiedAt: .distantPast)
    }

    private static func role(_ id: String, _ contact: String, isPrimary: Bool = false) -> OpportunityRole {
        OpportunityRole(id: id, opportunityID: Self.id, contactID: contact, isPrimary: isPrimary)
    }

    private static func intent(
        _ record: SalesforceRecord, roles: [OpportunityRole], link: OpportunityLink? = nil, contactID: Int64? = 7
    ) -> OpportunityIntent {
        OpportunityRules.intent(
            for: record, roles: roles, link: link, contactID: contactID, target: .customObject)
    }

    @Test func R76_thePrimaryRoleElseTheFirstElseNone() {
        let roles = [Self.role("2", "b"), Self.role("1", "a"), Self.role("3", "c", isPrimary: true)]
        #expect(OpportunityRules.contact(among: roles) == "c")
        #expect(OpportunityRules.contact(among: Array(roles.prefix(2))) == "a")
        #expect(OpportunityRules.contact(among: []) == nil)
        #expect(Self.intent(Self.record(), roles: []) == .drop(.outOfScope, reason: "R76"))
    }

    @Test func R75_R78_fourFieldsAndTheCurrencyWhereThereIsOne() {
        let values = OpportunityRules.values(of: Self.record())
        #expect(
            values
                == OpportunityValues(
                    name: "Big", amount: "1234.5", stage: "Won", closeDate: "2026-12-31", currency: nil))
        #expect(OpportunityRules.values(of: Self.record(["CurrencyIsoCode": .string("eur")])).currency == "EUR")
        #expect(OpportunityRules.values(of: Self.record(["Amount": .null])).amount == nil)
    }

    @Test func R78_centsOnlyForDealsAndExact() {
        #expect(OpportunityRules.cents("1234.5") == 123_450)
        #expect(OpportunityRules.cents("0.1") == 10 && OpportunityRules.cents("0.005") == 1)
        #expect(OpportunityRules.cents("-5") == 0 && OpportunityRules.cents(nil) == 0)
        #expect(OpportunityRules.cents("90071992547409.93") == 9_007_199_254_740_993, "no binary rounding")
    }

    @Test func R77_itWaitsForItsContactAndIsPushedOnceUntilItChanges() throws {
        let roles = [Self.role("1", "003a")]
        guard case .wait(let waiting) = Self.intent(Self.record(), roles: roles, contactID: nil) else {
            Issue.record("does not wait")
            return
        }
        #expect(waiting.state == .waiting && waiting.contactRecordID == "003a")
        guard case .push(let values, 7, "003a", _) = Self.intent(Self.record(), roles: roles, link: waiting) else {
            Issue.record("not pushed")
            return
        }
        var link = waiting
        link.state = .pushed
        link.target = .customObject
        link.contactID = 7
        link.fingerprint = OpportunityRules.fingerprint(of: values)
        #expect(
            Self.intent(Self.record(["Description": .string("new")]), roles: roles, link: link)
                == .drop(.unchangedProjection, reason: "R29"))
        for (change, contact) in [(["Amount": SalesforceFieldValue.null], Int64(7)), ([:], 8)] {
            guard case .push = Self.intent(Self.record(change), roles: roles, link: link, contactID: contact) else {
                Issue.record("a change is not pushed")
                return
            }
        }
    }

    @Test func R77_aDeletedOneIsMarkedOnceAndNothingElse() {
        var gone = Self.record()
        gone.isDeleted = true
        let link = OpportunityLink(recordID: Self.id, state: .pushed, targetID: "x")
        guard case .markMissing(let missing) = Self.intent(gone, roles: [], link: link) else {
            Issue.record("not marked")
            return
        }
        #expect(missing.state == .missing && missing.targetID == "x")
        #expect(Self.intent(gone, roles: [], link: missing) == .drop(.tombstoned, reason: "R77.deleted"))
        #expect(Self.intent(gone, roles: [], link: nil) == .drop(.tombstoned, reason: "R77.deleted"))
    }

    @Test func theCursorReadsLikeAnyOtherAndKeepsTheRolesPlace() throws {
        var cursor = OpportunityCursor(start: Date(timeIntervalSince1970: 1_000))
        cursor.roles.begin(serverNow: Date(timeIntervalSince1970: 5_000))
        let data = try JSONEncoder().encode(cursor)
        #expect(try JSONDecoder().decode(OpportunityCursor.self, from: data) == cursor)
        #expect(try JSONDecoder().decode(InboundCursor.self, from: data) == cursor.records)
        let plain = try JSONEncoder().encode(cursor.records)
        #expect(try JSONDecoder().decode(OpportunityCursor.self, from: plain).roles == cursor.records)
    }
}
