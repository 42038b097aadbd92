import Cluster
import Drivers
import Foundation
import Store
import Testing

extension ProcessTests {
    @Suite(.timeLimit(.minutes(2)))
    struct IngestTests {
        @Test func aWebhookIsAnsweredOnceItsContactIsStored() async throws {
            try await Self.withIngest { cluster, tenant, ingest in
                #expect(try await ingest.post("type=update&contact[id]=91", to: ingest.token) == 200)
                let stored: Int64 = try await cluster.value(
                    "SELECT ac_id AS value FROM ferry.pending_changes WHERE tenant_no = \(try await tenant.number)")
                #expect(stored == 91)
            }
        }

        @Test func strangersAndMalformedBodiesAreRefusedAndSeen() async throws {
            try await Self.withIngest { cluster, tenant, ingest in
                let body = "type=update&contact[id]=91"
                #expect(try await ingest.post(body, to: WebhookToken()) == 404)
                #expect(try await ingest.post(body, path: "/hooks/short") == 404)
                #expect(try await ingest.post(body, path: "/elsewhere") == 404)
                #expect(try await ingest.post(#"{"contact":{"id":91}}"#, to: ingest.token) == 400)
                let code: String = try await cluster.value(
                    "SELECT code AS value FROM ferry.record_failures WHERE tenant_no = \(try await tenant.number)")
                #expect(code == WebhookBodyError.notForm.rawValue)
                let stored: Int64 = try await cluster.value("SELECT count(*) AS value FROM ferry.pending_changes")
                #expect(stored == 0)
                #expect(!ingest.process.errors.contains(ingest.token.exposedText))
            }
        }

        @Test func aHundredDistinctContactsDepartAtOnce() async throws {
            try await Self.withIngest { cluster, tenant, ingest in
                try await cluster.pool.query(
                    "UPDATE ferry.streams SET next_run_at = now() + interval '9 minutes', claim_at = next_run_at")
                let due = """
                    SELECT count(*) AS value FROM ferry.streams
                    WHERE tenant_no = \(try await tenant.number) AND direction = 1 AND next_run_at <= now()
                    """
                // The same ones again and again do not fill the ferry.
                for _ in 1...3 {
                    #expect(try await ingest.postAll(1...99).allSatisfy { $0 == 200 })
                }
                var count: Int64 = try await cluster.value(due)
                #expect(count == 0)
                #expect(try await ingest.post("contact[id]=100", to: ingest.token) == 200)
                count = try await cluster.value(due)
                #expect(count == 1)
            }
        }

        // MARK: - Ingest under test

        /// A running `ferry ingest` and how to reach it.
        private struct Ingest {
            let process: FerryProcess
            let url: String
            let token: WebhookToken
            let http: HTTPClient

            /// Posts a webhook and gives the answer's status.
            func post(_ body: String, to token: WebhookToken) async throws -> Int {
                try await post(body, path: "/hooks/\(token.exposedText)")
            }

            func post(_ body: String, path: String) async throws -> Int {
                try await http.send(HTTPRequest(.post, url + path, body: Data(body.utf8))).status
            }

            /// Posts webhooks of many contacts side by side.
            func postAll(_ contacts: ClosedRange<Int>) async throws -> [Int] {
                try await withThrowingTaskGroup(of: Int.self) { group in
                    for contact in contacts {
                        group.addTask { try await post("contact[id]=\(contact)", to: token) }
                    }
                    return try await group.reduce(into: []) { $0.append($1) }
                }
            }
        }

        private static func withIngest(
            _ body: (LiveCluster, LiveTenant, Ingest) async throws -> Void
        ) async throws {
            try await LiveCluster.run { cluster in
                let tenant = try await LiveTenant.onBoard("acme", in: cluster)
                let token = WebhookToken()
                try await cluster.store.registerWebhook(
                    tenant: try await tenant.number, tokenHash: token.hash, webhookID: nil, now: cluster.now)
                let process = try cluster.start("ingest")
                var port: Substring?
                try await eventually("ingest listens") {
                    port = process.errors.firstMatch(of: #/port=(\d+) .*listening/#)?.output.1
                    return port != nil
                }
                let http = try HTTPClient(options: .loopback)
                let ingest = Ingest(
                    process: process, url: "http://127.0.0.1:\(try #require(port))", token: token, http: http)
                do {
                    try await body(cluster, tenant, ingest)
                    await http.shutdown()
                } catch {
                    await http.shutdown()
                    throw error
                }
            }
        }
    }
}
