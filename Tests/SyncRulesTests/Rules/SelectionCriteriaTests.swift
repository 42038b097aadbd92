import SyncRules
import Testing

/// Selection by criteria: R42, R40.
@Suite struct SelectionCriteriaTests {
    typealias Row = SelectionCriteria.Row

    private let record: [String: SalesforceFieldValue] = [
        "Name": .string("Ann Lee"), "Score__c": .number("10"), "VIP__c": .bool(true), "Born__c": .string("1990-05-01"),
        "Empty__c": .null,
    ]

    static let rows: [(Row, Bool)] = [
        (Row("Name", .equals, [.text("ann lee")]), true), (Row("Name", .equals, [.text("Ann")]), false),
        (Row("Name", .notEquals, [.text("Bob")]), true), (Row("Name", .notEquals, [.text("ANN LEE")]), false),
        (Row("Name", .contains, [.text("N L")]), true), (Row("Name", .contains, [.text("%")]), false),
        (Row("Name", .startsWith, [.text("ann")]), true), (Row("Name", .startsWith, [.text("Lee")]), false),
        (Row("Name", .isOneOf, [.text("x"), .text("Ann Lee")]), true), (Row("Name", .isOneOf, [.text("x")]), false),
        (Row("Score__c", .equals, [.number("10.0")]), true), (Row("Score__c", .equals, [.text("10")]), false),
        (Row("Score__c", .greaterThan, [.number("9")]), true), (Row("Score__c", .greaterThan, [.number("10")]), false),
        (Row("Score__c", .lessThan, [.number("11")]), true), (Row("Score__c", .lessThan, [.number("9")]), false),
        (Row("VIP__c", .equals, [.bool(true)]), true), (Row("VIP__c", .equals, [.bool(false)]), false),
        (Row("VIP__c", .notEquals, [.bool(false)]), true),
        (Row("Born__c", .lessThan, [.date("1990-05-02")]), true),
        (Row("Born__c", .lessThan, [.date("1990-05-01")]), false),
        (Row("Empty__c", .isBlank), true), (Row("Name", .isBlank), false), (Row("Missing__c", .isBlank), true),
        (Row("Name", .isNotBlank), true), (Row("Empty__c", .isNotBlank), false),
        (Row("Empty__c", .equals, [.text("")]), true), (Row("Empty__c", .notEquals, [.text("x")]), true),
        (Row("Empty__c", .notEquals, [.text("")]), false), (Row("Name", .notEquals, [.text("")]), true),
        (Row("Score__c", .notEquals, [.text("10")]), false), (Row("Score__c", .notEquals, [.text("x")]), false),
        (Row("Score__c", .notEquals, [.number("9")]), true), (Row("Name", .notEquals, [.number("1")]), false),
        (Row("VIP__c", .notEquals, [.bool(true)]), false), (Row("VIP__c", .notEquals, [.text("x")]), false),
        (Row("Empty__c", .lessThan, [.number("1")]), false), (Row("Empty__c", .contains, [.text("")]), false),
    ]

    @Test(arguments: rows)
    func R42_operatorComparesAsSalesforceDoes(row: Row, matches: Bool) throws {
        let criteria = try #require(SelectionCriteria(anyOf: [[row]]))
        #expect(criteria.matches(record) == matches, "\(row)")
    }

    @Test func R42_everyRowOfOneGroup() throws {
        let yes = Row("VIP__c", .equals, [.bool(true)])
        let no = Row("Name", .isBlank)
        #expect(try #require(SelectionCriteria(anyOf: [[yes, no], [yes]])).matches(record))
        #expect(!(try #require(SelectionCriteria(anyOf: [[yes, no], [no]])).matches(record)))
        #expect(try #require(SelectionCriteria(anyOf: [[yes, no]])).fields == ["Name", "VIP__c"])
    }

    @Test func R42_malformedRowsAreRefused() {
        #expect(SelectionCriteria(anyOf: []) == nil)
        #expect(SelectionCriteria(anyOf: [[]]) == nil)
        #expect(SelectionCriteria(anyOf: [[Row("A", .equals)]]) == nil)
        #expect(SelectionCriteria(anyOf: [[Row("A", .isBlank, [.text("x")])]]) == nil)
        #expect(SelectionCriteria(anyOf: [[Row("A", .contains, [.number("1")])]]) == nil)
        let many = [Row](repeating: Row("A", .isBlank), count: SyncRulesLimits.criteriaRows + 1)
        #expect(SelectionCriteria(anyOf: [many]) == nil)
    }

    @Test func R40_R42_criteriaDecideEntryAndEveryUpdate() throws {
        var settings = SyncSettings()
        settings.contactSelection = .criteria
        let criteria = try #require(SelectionCriteria(anyOf: [[Row("VIP__c", .equals, [.bool(true)])]]))
        let rules = Fixtures.inbound(settings: settings, criteria: criteria)
        let chosen = Fixtures.record(["VIP__c": .bool(true), "Phone": .string("2")])
        let other = Fixtures.record(["VIP__c": .bool(false), "Phone": .string("2")])
        #expect(rules.intent(for: chosen, link: nil, owners: [], echoes: []).write != nil)
        #expect(rules.intent(for: other, link: nil, owners: [], echoes: []) == .drop(.outOfScope, reason: "R42"))
        #expect(rules.intent(for: chosen, link: Fixtures.link(), owners: [], echoes: []).write?.fields == ["Phone"])
        let held = rules.intent(for: other, link: Fixtures.link(), owners: [], echoes: [])
        #expect(held.reason == "R40" && held.write == nil)
        let none = Fixtures.inbound(settings: settings)
        #expect(none.intent(for: chosen, link: nil, owners: [], echoes: []).reason == "R42", "no rows take nobody")
    }
}
