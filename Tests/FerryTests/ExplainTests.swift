import Cluster
import Drivers
import Foundation
import Simulators
import Store
import SyncRules
import Testing

extension ProcessTests {
    /// What `ferry records` tells and does.
    @Suite(.timeLimit(.minutes(5)))
    struct ExplainTests {
        private struct Story: Decodable {
            let contacts: [Int64]
            let records: [String]
            let events: [Event]
            let next: [String]
            let needsSomebody: Bool

            struct Event: Decodable {
                let kind: String
                let text: String
                let code: String?
                let reason: String?
            }
        }

        private struct Failure: Decodable {
            let tenant: String
            let record: String
            let code: String
        }

        private struct Retried: Decodable {
            let retried: Bool
            let records: [Failure]
        }

        // MARK: - Explaining

        /// One record of every code there is: a new code is asked for here the day it is made.
        @Test func explainAnswersForOneRecordOfEveryDecision() async throws {
            try await LiveCluster.run { cluster in
                let tenant = try await LiveTenant.onBoard("acme", in: cluster)
                var commit = RunCommit(tenant: try await tenant.number, fence: 1, run: 1)
                commit.record(
                    DecisionCode.allCases.map {
                        Decision($0, .outbound, .contact, contactID: 1_000 + Int64($0.rawValue), reason: "R24")
                    })
                _ = try await cluster.store.commit(commit, now: cluster.now)
                for code in DecisionCode.allCases {
                    let process = try await cluster.ferry(
                        "records", "explain", "acme", "\(1_000 + Int64(code.rawValue))", "--json")
                    let story = try Self.decode(Story.self, process)
                    let told = try #require(story.events.first { $0.code == code.name }, "\(code)")
                    #expect(story.events.count { $0.kind == "decision" } == 1 && told.reason == "R24")
                    #expect(told.text.contains("carries a sync tag (R24)") && !story.next.isEmpty)
                }
            }
        }

        @Test func aSyncedPersonsStoryIsToldByEveryNameAndNamesNoAddress() async throws {
            try await LiveCluster.run { cluster in
                let tenant = try await LiveTenant.onBoard("acme", in: cluster)
                _ = try cluster.start("scheduler")
                _ = try cluster.start("worker")
                try tenant.enterInSalesforce(1...1)
                try tenant.signUp(2...2)
                try await cluster.converge(tenant)
                let contact = try #require(tenant.account.contacts().first { $0.email.hasPrefix("signed") })
                let record = try #require(tenant.org.records("Contact").first { $0["Email"].text == contact.email })
                var told: [FerryProcess] = []
                for name in [contact.email.uppercased(), "\(contact.id)", record.id, String(record.id.prefix(15))] {
                    let process = try await cluster.ferry("records", "explain", "acme", name, "--json")
                    let story = try Self.decode(Story.self, process)
                    #expect(story.contacts == [Int64(contact.id)] && story.records == [record.id], "\(name)")
                    #expect(
                        story.events.contains { $0.kind == "link" && $0.text.contains("first from ActiveCampaign") })
                    #expect(story.events.contains { $0.code == "accepted" && $0.reason == "R17.created" })
                    #expect(story.events.contains { $0.kind == "run" && $0.text.contains("to Salesforce") })
                    #expect(story.next.first == "Nothing waits.", "\(story.next)")
                    told.append(process)
                }
                told.append(try await cluster.ferry("records", "explain", "acme", record.id))
                for process in told {
                    #expect(!process.output.lowercased().contains(contact.email) && !process.output.contains("Ada"))
                }
                let stranger = try await cluster.ferry("records", "explain", "acme", "nobody@people.example")
                #expect(stranger.ending == .code(1) && !(stranger.output + stranger.errors).contains("nobody@"))
            }
        }

        @Test(arguments: ["ann @people", "0", "0x3", "-5", "003000000000001AAB"])
        func aNameThatIsNoneIsAUsageErrorWithTheRemedy(name: String) async throws {
            try await LiveCluster.run { cluster in
                _ = try await LiveTenant.onBoard("acme", in: cluster)
                let process = try await cluster.ferry("records", "explain", "acme", "--", name)
                #expect(process.ending == .code(64), "\(process.errors)")
                #expect(process.errors.contains("e-mail address"))
            }
        }

        // MARK: - Failures

        @Test func failuresAreListedSummedUpAndTriedAgain() async throws {
            try await LiveCluster.run { cluster in
                let tenant = try await LiveTenant.onBoard("acme", in: cluster)
                var commit = RunCommit(tenant: try await tenant.number, fence: 1, run: 1)
                for contact in 1...3 {
                    commit.fail(
                        .outbound, .contact, recordID: "\(contact)", code: contact == 3 ? "NOT_FOUND" : "TOO_LONG",
                        fields: ["Phone"], fingerprint: [1], now: cluster.now)
                }
                _ = try await cluster.store.commit(commit, now: cluster.now)
                let listed = try await cluster.ferry("records", "failed", "acme", "--code", "TOO_LONG", "--json")
                #expect(listed.ending == .code(1), "failures are bad news")
                #expect(try Self.rows(Failure.self, listed).map(\.record).sorted() == ["1", "2"])
                let text = try await cluster.ferry("records", "failed", "--by-code")
                #expect(text.output.contains("TOO_LONG") && text.output.contains("NOT_FOUND"))
                let none = try await cluster.ferry("records", "failed", "acme", "--direction", "inbound", "--json")
                #expect(none.ending == .code(0))
                #expect(try Self.rows(Failure.self, none).isEmpty)

                let unsure = try await cluster.ferry("records", "retry", "acme")
                #expect(unsure.ending == .code(64) && unsure.errors.contains("all 3 failures"))
                let dry = try await cluster.ferry(
                    "records", "retry", "acme", "--code", "NOT_FOUND", "--dry-run", "--json")
                let meant = try Self.decode(Retried.self, dry)
                #expect(!meant.retried && meant.records.map(\.record) == ["3"])
                let retried = try Self.decode(
                    Retried.self,
                    try await cluster.ferry(
                        "records", "retry", "acme", "1", "3", "--reason", "mended", "--as", "ann", "--json"))
                #expect(retried.retried && retried.records.map(\.record) == ["1", "3"])
                let pending: Int64 = try await cluster.value("SELECT count(*) AS value FROM ferry.pending_changes")
                #expect(pending == 2)
                let audit = try #require(try await cluster.store.audits(of: "records").first)
                #expect(audit.actor == "ann" && audit.reason == "mended" && audit.detail?["records"] == "1,3")
            }
        }

        // MARK: - Skipping

        @Test func aSkippedRecordSaysSoUntilItIsTakenBack() async throws {
            try await LiveCluster.run { cluster in
                _ = try await LiveTenant.onBoard("acme", in: cluster)
                let silent = try await cluster.ferry("records", "skip", "acme", "77")
                #expect(silent.ending == .code(64) && silent.errors.contains("--reason"))
                let skipped = try await cluster.ferry("records", "skip", "acme", "77", "--reason", "a test person")
                #expect(skipped.ending == .code(0), "\(skipped.errors)")
                let story = try Self.decode(
                    Story.self, try await cluster.ferry("records", "explain", "acme", "77", "--json"))
                #expect(story.events.map(\.kind) == ["exclusion"] && story.events[0].text.contains("a test person"))
                #expect(story.next.first?.contains("unskip") == true)
                let listed = try await cluster.ferry("records", "skipped", "acme")
                #expect(listed.output.contains("77") && listed.output.contains("a test person"))
                #expect(try await cluster.ferry("records", "unskip", "acme", "77").ending == .code(0))
                #expect(try await cluster.ferry("records", "unskip", "acme", "77").ending == .code(1))
                #expect(
                    try await cluster.store.audits(of: "records").map(\.verb).sorted() == ["skip", "unskip", "unskip"])
            }
        }

        // MARK: - Steps

        private static func decode<Value: Decodable>(_ type: Value.Type, _ process: FerryProcess) throws -> Value {
            #expect(process.ending == .code(0), "\(process.errors)")
            return try JSONDecoder().decode(type, from: Data(process.output.utf8))
        }

        private static func rows<Value: Decodable>(_ type: Value.Type, _ process: FerryProcess) throws -> [Value] {
            try JSONDecoder().decode([Value].self, from: Data(process.output.utf8))
        }
    }
}
