import Foundation
import Testing

extension ProcessTests {
    /// `ferry budgets`: what it sets holds at once, and what it shows is what the providers counted.
    @Suite(.timeLimit(.minutes(2)))
    struct BudgetCommandTests {
        private struct Purse: Decodable {
            let provider: String
            let dailyCalls: Int
            let spent: Int
            let reserved: Int
            let left: Int
        }

        private struct Shown: Decodable {
            let tenant: String
            let budgets: [Purse]
        }

        private struct Terms: Decodable {
            let dailyCalls: Int?
        }

        private struct Entry: Decodable {
            let provider: String
            let callClass: String
            let calls: Int
        }

        private func decode<Value: Decodable>(_ type: Value.Type, _ process: FerryProcess) throws -> Value {
            try JSONDecoder().decode(type, from: Data(process.output.utf8))
        }

        @Test func budgetIsSetSpentShownAndEnded() async throws {
            try await LiveCluster.run { cluster in
                let tenant = try await LiveTenant.onBoard("acme", in: cluster)
                let none = try await cluster.ferry("budgets", "show", "acme")
                #expect(none.ending == .code(0) && none.output.contains("a scheduler fills"))
                let set = try await cluster.ferry(
                    "budgets", "set", "acme", "--calls", "5000", "--reason", "contract", "--json")
                #expect(try decode(Terms.self, set).dailyCalls == 5_000)

                _ = try cluster.start("scheduler")
                _ = try cluster.start("worker")
                try tenant.enterInSalesforce(1...5)
                let synced = try await cluster.ferry("sync", "now", "acme", "--wait")
                #expect(synced.ending == .code(0), "\(synced.errors)")
                let purse = try #require(
                    try decode(Shown.self, try await cluster.ferry("budgets", "show", "acme", "--json")).budgets.first)
                #expect(purse.provider == "salesforce" && purse.dailyCalls == 5_000)
                #expect(purse.spent > 0 && purse.left == 5_000 - purse.spent - purse.reserved)
                let entries = try decode(
                    [Entry].self, try await cluster.ferry("budgets", "ledger", "acme", "--json"))
                #expect(entries.contains { $0.provider == "activecampaign" && $0.calls > 0 })
                let counted = entries.filter { $0.provider == "salesforce" && $0.callClass != "token" }
                #expect(counted.map(\.calls).reduce(0, +) >= purse.spent)
                let status = try await cluster.ferry("sync", "status", "acme")
                #expect(status.output.contains("of 5000 calls"))
                let forecast = try await cluster.ferry(
                    "budgets", "forecast", "acme", "--interval", "1", "--backfill", "100000")
                #expect(forecast.ending == .code(0) && forecast.output.contains("150 once"), "\(forecast.output)")

                let ended = try await cluster.ferry("budgets", "end", "acme")
                #expect(ended.ending == .code(0) && ended.output.contains("the default holds"))
                let left = try await cluster.ferry("budgets", "show", "acme")
                #expect(left.output.contains("calls in 24 hours by default"), "\(left.output)")
            }
        }

        @Test func wrongTermsAreRefusedWithTheRemedy() async throws {
            try await LiveCluster.run { cluster in
                _ = try await LiveTenant.onBoard("acme", in: cluster)
                for (arguments, word) in [
                    (["--calls", "0"], "--calls"), (["--share", "2"], "--share"), ([], "either --calls or --share"),
                    (["--calls", "5", "--provider", "hubspot"], "hubspot"),
                    (["--calls", "5", "--edition", "gold"], "enterprise"),
                ] {
                    let process = try cluster.start(arguments: ["budgets", "set", "acme"] + arguments)
                    #expect(try await process.end() != .code(0))
                    #expect(process.errors.contains(word), "\(process.errors)")
                }
                let unknown = try await cluster.ferry("budgets", "show", "nobody")
                #expect(unknown.ending != .code(0) && unknown.errors.contains("there is no tenant nobody"))
            }
        }
    }
}
