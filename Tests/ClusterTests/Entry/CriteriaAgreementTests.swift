import Drivers
import Foundation
import Simulators
import Store
import SyncRules
import TestSupport
import Testing

@testable import Cluster

/// Criteria in memory, which judge a pull's records, and in SOQL, which a walk asks by, say the same (R42).
@Suite(.timeLimit(.minutes(5)))
struct CriteriaAgreementTests {
    private static let fields: [(name: String, type: CustomFieldType)] = [
        ("Text__c", .text(length: 40)), ("Number__c", .number(precision: 8, scale: 2)),
        ("Check__c", .checkbox(default: false)), ("Day__c", .date), ("Instant__c", .dateTime), ("Mail__c", .email),
        ("Pick__c", .picklist(["Ann", "Bo"], restricted: false)), ("Long__c", .longText(length: 500)),
    ]
    private static let texts = ["Ann", "ann", "Anna", "a%b", "a_b", "axb", "it's", "\\", "Zoë", " b"]
    private static let numbers = ["-1", "0", "1", "2.50", "10"]
    private static let days = 20_785...20_788

    private static func held(
        _ type: CustomFieldType, _ random: inout SeededGenerator
    ) -> Simulators.FieldValue {
        if case .checkbox = type { return .bool(Bool.random(using: &random)) }
        if Int.random(in: 0..<4, using: &random) == 0 { return .null }
        switch type {
        case .number: return .number(Double(numbers.randomElement(using: &random) ?? "") ?? 0)
        case .date: return .date(Int.random(in: days, using: &random))
        case .dateTime:
            let midnight = Int.random(in: days, using: &random) * 86_400
            return .dateTime(midnight + Int.random(in: -1...1, using: &random))
        default: return .text(texts.randomElement(using: &random) ?? "")
        }
    }

    /// A value of each kind that rows can hold.
    private static func values(_ random: inout SeededGenerator) -> [SelectionCriteria.Value] {
        let day = Date(timeIntervalSince1970: Double(Int.random(in: days, using: &random)) * 86_400)
        return [
            .text((texts + [""]).randomElement(using: &random) ?? ""),
            .number(numbers.randomElement(using: &random) ?? ""), .bool(Bool.random(using: &random)),
            .date(String(day.formatted(.iso8601).prefix(10))),
        ]
    }

    @Test func R42_memoryAndSOQLAgreeForEveryOperatorAndType() async throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        var random = SeededGenerator(seed: seed)
        let cluster = try await TestCluster.start()
        let tenant = try await TestTenant("acme", in: cluster)
        for (number, field) in Self.fields.enumerated() {
            tenant.org.addCustomField("Contact", field.name, field.type)
            try await cluster.run(
                """
                INSERT INTO ferry.selection_criteria (tenant, object, group_no, field, operator)
                VALUES ('acme', 'contact', \(number + 1), '\(field.name)', 'blank')
                """)
        }
        tenant.org.seed("Contact", count: 60) { number in
            Self.fields.reduce(into: ["LastName": Simulators.FieldValue.text("Person \(number)")]) {
                $0[$1.name] = Self.held($1.type, &random)
            }
        }
        let config = try #require(try await cluster.store.tenantConfig(try await tenant.number(in: cluster)))
        let sessions = SessionCache(
            store: cluster.store, clock: cluster.wallClock, http: try HTTPClient(options: .loopback),
            keys: KeyRing(keys: [cluster.key]),
            providers: ProviderPolicy(hostSuffixes: [], allowsLoopback: true, webhookBase: nil))
        let salesforce = try await sessions.session(for: try ReadyTenant(config)).salesforce
        let filter = CriteriaFilter(description: try await salesforce.description(of: .contact))
        let all = try await salesforce.existing(.contact, EntryFilter(), after: nil).records
        #expect(all.count == 60)
        var asked = 0
        for field in Self.fields {
            for comparison in SelectionCriteria.Operator.allCases {
                for value in Self.values(&random) {
                    let isBlankTest = comparison == .isBlank || comparison == .isNotBlank
                    let row = SelectionCriteria.Row(field.name, comparison, isBlankTest ? [] : [value])
                    guard let criteria = SelectionCriteria(anyOf: [[row]]), let condition = filter.condition(criteria)
                    else { continue }
                    asked += 1
                    let found = try await salesforce.existing(.contact, EntryFilter(selection: condition), after: nil)
                    let judged = all.filter { criteria.matches($0.fields) }
                    #expect(Set(found.records.map(\.id)) == Set(judged.map(\.id)), "seed \(seed): \(row)")
                }
            }
        }
        #expect(asked > 80, "\(asked) rows were asked of Salesforce")
        await cluster.stop()
    }
}
