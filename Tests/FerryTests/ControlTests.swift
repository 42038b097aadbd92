import Cluster
import Foundation
import Simulators
import Testing

extension ProcessTests {
    /// Set-up and control commands: with `--json` each prints one document and does what it says.
    @Suite(.timeLimit(.minutes(2)))
    struct ControlTests {
        private struct Keys: Decodable {
            let publicKey: String
            let keyID: String
            let privateKeysFile: String
        }

        private struct Sealed: Decodable {
            let tenant: String
            let secret: String
        }

        private struct Tenant: Decodable {
            let id: String
            let state: String
            let pauseReason: String?
        }

        private struct Done: Decodable {
            let tenant: String
            let done: String
        }

        private struct Synced: Decodable {
            let tenant: String
            let waited: Bool
            let created: Int
            let errors: [String]
        }

        private struct Stream: Decodable {
            let tenant: String
            let direction: String
            let state: String
        }

        // MARK: - Keys and secrets

        @Test func keysRotateAndOldSecretsStillOpen() async throws {
            try await LiveCluster.run { cluster in
                let file = cluster.folder.appending(path: "rotating")
                var blobs: [String] = []
                for _ in 1...2 {
                    let process = try await cluster.ferry("keys", "generate", "--out", file.path, "--json")
                    let keys = try Self.decode(Keys.self, process)
                    #expect(keys.privateKeysFile == file.path && keys.publicKey.contains("public"))
                    let blob = try await cluster.ferry(
                        "seal", "--tenant", "acme", "--json", environment: ["FERRY_PUBLIC_KEY": keys.publicKey],
                        input: "hunter2\n")
                    let sealed = try Self.decode(Sealed.self, blob)
                    #expect(sealed.tenant == "acme" && sealed.secret.contains(keys.keyID))
                    blobs.append(sealed.secret)
                    Self.expectNoSecret(["hunter2"] + (try Self.lines(file)), in: [process, blob])
                }
                let mode = try FileManager.default.attributesOfItem(atPath: file.path)[.posixPermissions] as? Int
                #expect(mode == 0o600)
                let ring = try KeyRing(file: file)
                #expect(ring.keys.count == 2)
                for blob in blobs {
                    #expect(try ring.open(SealedSecret(text: blob), tenant: "acme") == Data("hunter2".utf8))
                    #expect(throws: SealingError.self) { try ring.open(SealedSecret(text: blob), tenant: "brook") }
                }
            }
        }

        @Test func sealTakesNoSecretFromTheCommandLineAndNoEmptyOne() async throws {
            try await LiveCluster.run { cluster in
                let empty = try await cluster.ferry("seal", "--tenant", "acme", input: "\n")
                #expect(empty.ending != .code(0) && empty.output.isEmpty)
                let given = try await cluster.ferry("seal", "--tenant", "acme", "hunter2", input: "x")
                #expect(given.ending != .code(0) && given.output.isEmpty)
                let long = try await cluster.ferry(
                    "seal", "--tenant", "acme", input: String(repeating: "x", count: 20_000))
                #expect(long.ending != .code(0) && long.errors.contains("16384"))
            }
        }

        // MARK: - Tenants

        @Test func aTenantGoesItsWayByCommandsAlone() async throws {
            try await LiveCluster.run { cluster in
                let tenant = LiveTenant("acme", in: cluster)
                var said: [FerryProcess] = []
                func tell(_ arguments: String..., input: String? = nil) async throws -> FerryProcess {
                    let process = try cluster.start(arguments: arguments + ["--json"], input: input)
                    #expect(try await process.end() == .code(0), "\(arguments): \(process.errors)")
                    said.append(process)
                    return process
                }
                let campaign = try Self.decode(
                    Sealed.self, try await tell("seal", "--tenant", "acme", input: tenant.account.token)
                ).secret
                let salesforce = try Self.decode(
                    Sealed.self, try await tell("seal", "--tenant", "acme", input: try tenant.salesforceSecret)
                ).secret
                let yaml = Self.yaml(cluster.baseURL, campaign, salesforce)
                let applied = try Self.decode(Done.self, try await tell("tenants", "apply", "-", input: yaml))
                #expect(applied.tenant == "acme" && applied.done == "applied")

                // What show prints, apply takes: the secrets stay, nothing changes.
                let shown = try await cluster.ferry("tenants", "show", "acme")
                said.append(shown)
                #expect(shown.output.contains("inbound_interval_hours: 4") && !shown.output.contains("ferry1."))
                _ = try await tell("tenants", "apply", "-", input: shown.output)
                let again = try await cluster.ferry("tenants", "show", "acme")
                #expect(again.output == shown.output)
                _ = try await tell("tenants", "show", "acme")

                _ = try cluster.start("scheduler")
                _ = try cluster.start("worker")
                try tenant.enterInSalesforce(1...12)
                // A pull reads what was there before the second it begins in.
                try cluster.advance(1)
                let synced = try Self.decode(Synced.self, try await tell("sync", "now", "acme", "--wait"))
                #expect(synced.waited && synced.errors.isEmpty && synced.tenant == "acme")
                #expect(synced.created == 12 && tenant.account.contactCount == 12)
                let streams = try Self.decode([Stream].self, try await tell("sync", "status", "acme"))
                #expect(Set(streams.map(\.direction)) == ["outbound", "inbound"])
                #expect(streams.allSatisfy { $0.tenant == "acme" && $0.state == "waiting" })

                _ = try await tell("tenants", "pause", "acme", "--reason", "import running")
                var listed = try Self.decode([Tenant].self, try await tell("tenants", "list"))
                #expect(listed.map(\.state) == ["paused"] && listed.map(\.pauseReason) == ["import running"])
                let refused = try await cluster.ferry("sync", "now", "acme", "--json")
                #expect(refused.ending != .code(0) && refused.errors.contains("paused"))

                _ = try await tell("tenants", "resume", "acme")
                _ = try await tell("tenants", "remove", "acme", "--yes")
                listed = try Self.decode([Tenant].self, try await tell("tenants", "list"))
                #expect(listed.map(\.state) == ["removed"])
                Self.expectNoSecret(
                    [tenant.account.token, tenant.org.clientSecret] + Self.pemLines(tenant.org.privateKeyPEM), in: said)
            }
        }

        @Test func removingWantsAYes() async throws {
            try await LiveCluster.run { cluster in
                _ = try await LiveTenant.onBoard("acme", in: cluster)
                let process = try await cluster.ferry("tenants", "remove", "acme")
                #expect(process.ending != .code(0) && process.errors.contains("--yes"))
                let state: String = try await cluster.value("SELECT state AS value FROM ferry.tenants")
                #expect(state == "active")
            }
        }

        @Test(arguments: [
            ("tenants", "show"), ("tenants", "pause"), ("tenants", "resume"), ("sync", "now"), ("sync", "status"),
        ])
        func anUnknownTenantIsNamed(command: String, subcommand: String) async throws {
            try await LiveCluster.run { cluster in
                let process = try await cluster.ferry(command, subcommand, "nobody", "--json")
                #expect(process.ending != .code(0) && process.output.isEmpty)
                #expect(process.errors.contains("there is no tenant") && process.errors.contains("nobody"))
            }
        }

        /// A document's fault, and what the message must say.
        @Test(arguments: [
            ("settings: {inbound_interval_hours: 5}", "the pull interval is 1, 2, 3, 4, 6, 8, 12 or 24 hours"),
            ("settings: {inbound_interval_hours: four}", "settings.inbound_interval_hours"),
            ("settings: {inbound_intervall_hours: 4}", "inbound_interval_hours"),
            ("mapping: []", "mappings"),
            ("connections: [{provider: salesforce}]", "base_url"),
            (
                "mappings: [{object: contact, sf_field: Birthdate, ac_field: 'custom:B', sf_type: date, ac_typ: date}]",
                "ac_type"
            ),
            ("settings: [", "line 3"),
            (
                "budgets: [{provider: salesforce, daily_calls: 5, daily_share: 0.5}]",
                "a budget is daily_calls or daily_share, not both"
            ),
        ])
        func aBadDocumentNamesItsKeyAndChangesNothing(line: String, sentence: String) async throws {
            try await LiveCluster.run { cluster in
                let process = try await cluster.ferry("tenants", "apply", "-", "--json", input: "id: acme\n\(line)\n")
                #expect(process.ending != .code(0) && process.output.isEmpty)
                #expect(process.errors.contains(sentence), "\(process.errors)")
                let count: Int64 = try await cluster.value("SELECT count(*) AS value FROM ferry.tenants")
                #expect(count == 0)
            }
        }

        @Test func aMissingFileIsNamed() async throws {
            try await LiveCluster.run { cluster in
                let process = try await cluster.ferry("tenants", "apply", "/nowhere/acme.yaml")
                #expect(process.ending != .code(0) && process.errors.contains("/nowhere/acme.yaml"))
                #expect(!process.errors.contains("NSCocoaErrorDomain"), "\(process.errors)")
            }
        }

        // MARK: - Steps

        private static func yaml(_ address: String, _ campaign: String, _ salesforce: String) -> String {
            """
            id: acme
            connections:
              - provider: activecampaign
                base_url: \(address)
                secret: \(campaign)
              - provider: salesforce
                base_url: \(address)
                secret: \(salesforce)
                package_installed: true
            settings:
              inbound_interval_hours: 4
              contact_selection: new
              lead_selection: none
            """
        }

        /// Standard output as the one document it must be.
        private static func decode<Value: Decodable>(_ type: Value.Type, _ process: FerryProcess) throws -> Value {
            #expect(process.ending == .code(0), "\(process.errors)")
            let decoder = JSONDecoder()
            return try decoder.decode(type, from: Data(process.output.utf8))
        }

        private static func expectNoSecret(_ secrets: [String], in processes: [FerryProcess]) {
            for secret in secrets {
                for process in processes { #expect(!(process.output + process.errors).contains(secret)) }
            }
        }

        private static func lines(_ file: URL) throws -> [String] {
            try String(contentsOf: file, encoding: .utf8).split(separator: "\n").map(String.init)
        }

        private static func pemLines(_ pem: String) -> [String] {
            pem.split(separator: "\n").map(String.init).filter { !$0.hasPrefix("-----") }
        }
    }
}
