import Foundation
import Testing

/// The alert rules in `deploy/` speak of metrics that exist, and of commands that do.
@Suite(.timeLimit(.minutes(1)))
struct AlertRulesTests {
    private static let path = "\(Deployment.folder)/prometheus-rules.yaml"

    private func rules() throws -> [YAMLTree] {
        try YAMLTree.documents(Self.path).flatMap { $0["groups"].list }.flatMap { $0["rules"].list }
    }

    /// Names of the catalogue, those a histogram makes of them, and the registry's own.
    private func known() throws -> Set<String> {
        let text = try SourceTree.text("Sources/Cluster/Operations/MetricCatalog.swift")
        let names = Set(text.matches(of: /"(ferry_[a-z0-9_]+)":/).map { String($0.1) })
        #expect(names.count > 20)
        let histograms = names.filter { $0.hasSuffix("_seconds") }
            .flatMap { name in ["_bucket", "_sum", "_count"].map { name + $0 } }
        return names.union(histograms).union(["ferry_metrics_dropped_total"])
    }

    @Test func everyMetricOfARuleIsInTheCatalogue() throws {
        let known = try known()
        let rules = try rules()
        #expect(rules.count > 10)
        for rule in rules {
            let expression = try #require(rule["expr"].text)
            let named = Set(expression.matches(of: /ferry_[a-z0-9_]+/).map { String($0.0) })
            #expect(!named.isEmpty && named.subtracting(known) == [], "\(rule["alert"].text ?? "")")
        }
    }

    @Test func everyRuleSaysWhatIsWrongAndWhatToDo() throws {
        let rules = try rules()
        #expect(Set(rules.compactMap { $0["alert"].text }).count == rules.count)
        for rule in rules {
            let name = rule["alert"].text ?? ""
            #expect(name.hasPrefix("Ferry"))
            #expect(["page", "ticket"].contains(rule[path: "labels.severity"].text ?? ""), "\(name)")
            #expect(rule[path: "annotations.summary"].text?.isEmpty == false, "\(name)")
            #expect(rule[path: "annotations.remedy"].text?.isEmpty == false, "\(name)")
            let balance = (rule["expr"].text ?? "").reduce(0) { $0 + ($1 == "(" ? 1 : $1 == ")" ? -1 : 0) }
            #expect(balance == 0, "\(name)")
        }
    }

    @Test func whatAGaugeIsComparedByIsASampledState() throws {
        let catalogue = try SourceTree.text("Sources/Cluster/Operations/MetricCatalog.swift")
        for rule in try rules() {
            for match in (rule["expr"].text ?? "").matches(of: /state="([a-z]+)"/) {
                #expect(catalogue.contains("(\"\(match.1)\", queue."), "\(match.1)")
            }
        }
    }
}
