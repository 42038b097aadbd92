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

        /// The commonest question, asked by address: why not, and what has to happen.
        @Test func explainTellsWhyARecordDidNotSync() async throws {
            try await LiveCluster.run { cluster in
                let tenant = try await LiveTenant.onBoard("acme", in: cluster)
                try await cluster.pool.query("UPDATE ferry.sync_settings SET contact_selection = 'none'")
                _ = try cluster.start("scheduler")
                _ = try cluster.start("worker")
                _ = try tenant.account.actAsPerson { try $0.addContact(email: "untagged@people.example") }
                try tenant.enterInSalesforce(1...1)
                func tell(_ name: String) async throws -> Story {
                    let process = try await cluster.ferry("records", "explain", "acme", name, "--json")
                    #expect(!(process.output + process.errors).contains("people.example"))
                    return try JSONDecoder().decode(Story.self, from: Data(process.output.utf8))
                }
                for name in ["untagged@people.example", "entered1@people.example"] {
                    let hash = try #require(EmailAddress(name)).hash
                    let number = try await tenant.number
                    try await eventually("\(name) is seen", every: .milliseconds(200)) {
                        try await tenant.requestRun()
                        return try await !cluster.store.recordFile(tenant: number, .email(hash)).isEmpty
                    }
                }

                let untagged = try await tell("untagged@people.example")
                #expect(untagged.events.contains { $0.reason == "R14" && $0.text.contains("automation actions") })
                #expect(untagged.events.contains { $0.kind == "seen" && $0.text.contains("by the poll") })
                #expect(untagged.next.contains { $0.contains("added-to tags") }, "\(untagged.next)")
                let unselected = try await tell("entered1@people.example")
                #expect(unselected.events.contains { $0.reason == "R36.none" && $0.text.contains("not in scope") })
                #expect(unselected.next.contains { $0.contains("selection takes") }, "\(unselected.next)")
                let stranger = try await tell("nobody@people.example")
                #expect(stranger.events.isEmpty && stranger.next.contains { $0.contains("never seen changed") })
                #expect(stranger.next.contains { $0.contains("contacts none (R36)") })

                let contact = try #require(untagged.contacts.first)
                _ = try await cluster.ferry("records", "skip", "acme", "\(contact)", "--reason", "a test person")
                let excluded = try await tell("untagged@people.example")
                #expect(excluded.next.contains { $0.contains("left out of every run until") })

                _ = try await cluster.ferry("tenants", "pause", "acme", "--reason", "import running")
                let paused = try await tell("untagged@people.example")
                #expect(paused.next.first == "Nothing runs: the tenant is paused. `ferry tenants resume acme`")
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
