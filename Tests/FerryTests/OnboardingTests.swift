import Drivers
import Foundation
import Simulators
import Testing

extension ProcessTests {
    @Suite(.timeLimit(.minutes(2)))
    struct OnboardingTests {
        /// From COMMIT to the first records.
        private static let patience: Duration = .seconds(10)

        @Test func readmeSQLBringsATenantOnBoardWhileEverythingRuns() async throws {
            try await LiveCluster.run { cluster in
                _ = try cluster.start("scheduler")
                _ = try cluster.start("worker")
                // Somebody is on board already and being served.
                let other = try await LiveTenant.onBoard("brook", in: cluster)
                try other.enterInSalesforce(1...5)
                try await cluster.converge(other)

                let tenant = LiveTenant("acme", in: cluster)
                tenant.account.addField(title: "Birthday", type: .date)
                let rows = try Self.rows(for: tenant, at: cluster.baseURL)
                try await cluster.pool.withTransaction { transaction in
                    try await transaction.script(rows)
                    // Entered before COMMIT: mode "new" takes what is created from the rows' own instant on.
                    try tenant.enterInSalesforce(1...20)
                }
                try await eventually("the first records are in ActiveCampaign", within: Self.patience) {
                    tenant.account.contactCount > 0
                }
                try await cluster.converge(tenant)

                let status = try await cluster.ferry("sync", "status", "acme", "--json")
                let streams = try JSONDecoder().decode([Stream].self, from: Data(status.output.utf8))
                #expect(!streams.isEmpty && streams.allSatisfy { $0.tenant == "acme" && $0.lastError == nil })
            }
        }

        private struct Stream: Decodable {
            let tenant: String
            let lastError: String?
        }

        /// The README's block between BEGIN and COMMIT, with this tenant's addresses and secrets for its placeholders.
        private static func rows(for tenant: LiveTenant, at address: String) throws -> String {
            let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
                .deletingLastPathComponent()
            let readme = try String(contentsOf: root.appending(path: "README.md"), encoding: .utf8)
            let begin = try #require(readme.range(of: "BEGIN;\n"))
            let commit = try #require(readme.range(of: "COMMIT;", range: begin.upperBound..<readme.endIndex))
            var rows = String(readme[begin.upperBound..<commit.lowerBound])
            let replacements = [
                ("https://acme.api-us1.com", address), ("https://acme.my.salesforce.com", address),
                ("ferry1.…", try tenant.sealed(tenant.account.token)),
                ("ferry1.…", try tenant.sealed(tenant.salesforceSecret)),
            ]
            for (placeholder, value) in replacements {
                rows.replaceSubrange(
                    try #require(rows.range(of: placeholder), "README lacks \(placeholder)"), with: value)
            }
            return rows
        }
    }
}
