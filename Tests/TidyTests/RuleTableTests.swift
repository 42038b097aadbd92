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

    /// Names of all tests; helpers among them do no harm, for nobody would name one as a proof by accident.
    private static func tests() throws -> Set<String> {
        try SourceTree.files(under: "Tests", suffix: ".swift").reduce(into: []) { names, path in
            names.formUnion(try SourceTree.text(path).matches(of: /func ([A-Za-z0-9_]+)\(/).map { String($0.1) })
        }
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
            for name in row.tests { #expect(tests.contains(name), "\(row.id) names \(name), which is no test") }
        }
    }

    @Test func everyTestNamedAfterARuleStandsInItsRow() throws {
        let rows = Dictionary(uniqueKeysWithValues: try Self.rows().map { ($0.id, Set($0.tests)) })
        for name in try Self.tests() {
            guard let ids = name.prefixMatch(of: /(?:[RDT][0-9]+_)+/) else { continue }
            for id in ids.0.split(separator: "_") {
                #expect(rows[String(id)]?.contains(name) == true, "\(name) is missing in the row of \(id)")
            }
        }
    }
}
