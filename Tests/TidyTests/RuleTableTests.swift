import Foundation
import Testing

/// `Rules.md` says of every rule, decision and trap which tests prove it; this keeps the page and the tests together.
@Suite(.timeLimit(.minutes(1)))
struct RuleTableTests {
    private static let page = "Sources/SyncRules/SyncRules.docc/Rules.md"
    /// How many there are of each kind.
    private static let kinds = ["R": 92, "D": 9, "T": 34]

    /// A row of the page.
    private struct Row {
        let id: String
        /// What stands in the last cell.
        let proof: String

        var isOutOfScope: Bool { proof.hasPrefix("Out of scope: ") }
        var tests: [String] { proof.matches(of: /`([A-Za-z0-9_]+)`/).map { String($0.1) } }
    }

    private static func rows() throws -> [Row] {
        try SourceTree.lines(page).compactMap { line in
            guard let match = line.wholeMatch(of: /\| ([RDT][0-9]+) \| [^|]+ \| ([^|]+) \|/) else { return nil }
            return Row(id: String(match.1), proof: String(match.2))
        }
    }

    /// Traps that only the wire can prove wrong: paging, stamps, clocks, answers, and what the providers make of a value.
    private static let wireTraps: Set<String> = [
        "T2", "T3", "T4", "T5", "T7", "T8", "T9", "T10", "T13", "T15", "T16", "T17", "T20", "T21", "T23", "T25", "T26",
        "T27", "T28", "T29", "T30", "T31", "T32", "T33", "T34",
    ]
    /// Where tests run against both simulators.
    private static let wireRooms = ["Tests/ClusterTests/", "Tests/FerryTests/"]

    /// All tests by name; a name may be declared several times.
    private static func tests() throws -> [String: [TestDeclaration]] {
        Dictionary(grouping: try TestDeclaration.all(), by: \.name)
    }

    @Test func everyRuleDecisionAndTrapHasOneRow() throws {
        let wanted = Self.kinds.flatMap { kind, count in (1...count).map { "\(kind)\($0)" } }
        #expect(try Self.rows().map(\.id).sorted() == wanted.sorted())
    }

    @Test func everyRowNamesTestsThatExistOrSaysWhyItIsOutOfScope() throws {
        let tests = try Self.tests()
        for row in try Self.rows() {
            if row.isOutOfScope {
                #expect(row.proof.count > 60, "\(row.id) gives no reason")
            } else {
                #expect(!row.tests.isEmpty, "\(row.id) has no test")
            }
            for name in row.tests {
                let declared = tests[name] ?? []
                #expect(declared.count == 1, "\(row.id) names \(name), which is \(declared.count) tests")
                #expect(declared.allSatisfy { !$0.isDisabled }, "\(row.id) names \(name), which is disabled")
            }
        }
    }

    @Test func trapsOfTheWireAreProvedOnTheWire() throws {
        let tests = try Self.tests()
        for row in try Self.rows() where Self.wireTraps.contains(row.id) {
            let paths = row.tests.flatMap { tests[$0] ?? [] }.map(\.path)
            #expect(
                paths.contains { path in Self.wireRooms.contains { path.hasPrefix($0) } },
                "\(row.id) has no test against the simulators")
        }
    }

    @Test func onlyWhatCarriesTheAttributeIsATest() {
        let source = """
            func helper() {}
            // @Test func commented() {}
            @Test(arguments: [1, 2])
            func spread(number: Int) {}
            @Test func plain() {}
            @Test(.disabled("broken")) func off() {}
            """
        let found = TestDeclaration.declarations(in: source.components(separatedBy: "\n"), "T.swift")
        #expect(found.map(\.name) == ["spread", "plain", "off"])
        #expect(found.map(\.isDisabled) == [false, false, true])
    }

    @Test func everyTestNamedAfterARuleStandsInItsRow() throws {
        let rows = Dictionary(uniqueKeysWithValues: try Self.rows().map { ($0.id, Set($0.tests)) })
        for name in try Self.tests().keys {
            guard let ids = name.prefixMatch(of: /(?:[RDT][0-9]+_)+/) else { continue }
            for id in ids.0.split(separator: "_") {
                #expect(rows[String(id)]?.contains(name) == true, "\(name) is missing in the row of \(id)")
            }
        }
    }
}
