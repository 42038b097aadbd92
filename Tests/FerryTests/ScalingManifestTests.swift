import Drivers
import Embedded
import Foundation
import Testing

extension ProcessTests {
    /// What `deploy/` says, put before those who will read it: the program, the schemas of Kubernetes, systemd, Redis
    /// and PostgreSQL. TidyTests checks what needs none of them.
    @Suite(.timeLimit(.minutes(5)))
    struct ScalingManifestTests {
        private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        private static let deploy = root.appending(path: "deploy")
        /// The oldest version the base promises to run on, and the newest whose schemas are known.
        private static let kubernetesVersions = ["1.27.0", "1.37.0"]

        /// Runs a program to its end.
        private static func run(
            _ program: String, _ arguments: [String], environment: [String: String] = [:]
        ) async throws -> FerryProcess {
            let folder = try LiveServers.shared.get().freshFolder()
            let process = try FerryProcess(
                arguments, environment: environment, log: folder.appending(path: "log"), program: program)
            _ = try await process.end(within: .seconds(60))
            return process
        }

        private static func text(_ path: String) throws -> String {
            try String(contentsOf: deploy.appending(path: path), encoding: .utf8)
        }

        /// Where a program is, if it is installed.
        private static func found(_ name: String) -> String? {
            ["/usr/bin/", "/bin/", "/usr/local/bin/"].map { $0 + name }
                .first { FileManager.default.isExecutableFile(atPath: $0) }
        }

        // MARK: - The program

        @Test func everyArgumentOfTheUnitsIsInTheHelp() async throws {
            let units = try ScalingUnit.names()
            #expect(units.count == 3)
            for name in units {
                let words = try ScalingUnit(name).arguments(credentials: Self.root)
                let role = try #require(words.first)
                let help = try await Self.run(FerryProcess.program, ["help", role])
                #expect(help.ending == .code(0) && help.output.contains("USAGE: ferry \(role)"), "\(name)")
                for word in words where word.hasPrefix("--") { #expect(help.output.contains(word), "\(name): \(word)") }
            }
            for role in ["migrate", "scheduler", "worker", "ingest"] {
                #expect(try await Self.run(FerryProcess.program, ["help", role]).ending == .code(0), "\(role)")
            }
        }

        @Test(arguments: ["compose.yaml", "kubernetes/base/kustomization.yaml", "systemd/ferry.env.example"])
        func theProgramAcceptsTheSettings(file: String) async throws {
            let pairs = try Self.text(file).matches(of: /(?m)^\s*(?:- )?(FERRY_\w+)(?:=|: )"?([^"\n]*)"?$/).map {
                (String($0.1), String($0.2))
            }
            var environment = Dictionary(pairs) { first, _ in first }
            #expect(environment.count >= 5)
            // Files that are there only where it is deployed, and what the operator fills in.
            environment = environment.filter { !$0.key.hasSuffix("_FILE") }
            for (name, value) in environment where value.hasPrefix("${") {
                environment[name] = "https://hooks.example.com"
            }
            let accepted = try await Self.run(FerryProcess.program, ["settings"], environment: environment)
            #expect(accepted.ending == .code(0), "\(accepted.errors)")
            // What Kubernetes would add for a service of that name, were it not told to leave it.
            environment["FERRY_INGEST_PORT"] = "tcp://10.0.0.1:80"
            let refused = try await Self.run(FerryProcess.program, ["settings"], environment: environment)
            #expect(refused.ending != .code(0) && refused.errors.contains("FERRY_INGEST_PORT"))
        }

        @Test func theProbeOfTheImageTellsAliveFromNot() async throws {
            try await LiveCluster.run { cluster in
                let ingest = try cluster.start("ingest")
                var port = ""
                try await eventually("the door opens") {
                    port = ingest.errors.firstMatch(of: #/admin-port=(\d+)/#).map { String($0.output.1) } ?? ""
                    return !port.isEmpty
                }
                let probe = Self.deploy.appending(path: "probe").path
                let door = ["FERRY_ADMIN_PORT": port]
                #expect(try await Self.run(probe, ["/livez"], environment: door).ending == .code(0))
                #expect(try await Self.run(probe, ["/nowhere"], environment: door).ending == .code(1))
                ingest.send(SIGKILL)
                _ = try await ingest.end()
                let dead = try await Self.run(probe, ["/livez"], environment: door)
                #expect(dead.ending == .code(1) && dead.errors.contains("nobody listens"))
                #expect(try await Self.run(probe, ["/livez"]).ending != .code(0))
            }
        }

        // MARK: - Orchestrators

        @Test(arguments: kubernetesVersions)
        func manifestsFitTheSchemasOfKubernetes(version: String) async throws {
            let validate = Self.root.appending(path: ".build/real-clients/kubernetes/bin/kubernetes-validate").path
            try #require(
                FileManager.default.isExecutableFile(atPath: validate), "not installed; run scripts/clients")
            let folder = Self.deploy.appending(path: "kubernetes")
            let names = FileManager.default.enumerator(atPath: folder.path)?.compactMap { $0 as? String } ?? []
            // Kustomizations are no manifests, and patches are parts of some.
            let patches = try Self.text("kubernetes/overlays/example/kustomization.yaml")
                .matches(of: /- path: (\S+)/).map { "overlays/example/\($0.1)" }
            let whole = names.filter {
                $0.hasSuffix(".yaml") && !$0.hasSuffix("kustomization.yaml") && !patches.contains($0)
            }
            #expect(whole.count >= 9 && patches.count == 2)
            let files = whole.sorted().map { folder.appending(path: $0).path }
            let judged = try await Self.run(validate, ["--strict", "-k", version] + files)
            #expect(judged.ending == .code(0), "\(judged.output)\(judged.errors)")
            let passed = (judged.output + judged.errors).matches(of: /passed for resource (\w+)\//).map { $0.1 }
            #expect(
                Set(passed).isSuperset(of: ["deployment", "job", "networkpolicy", "poddisruptionbudget", "ingress"]))
            // The judge is awake.
            let broken = try LiveServers.shared.get().freshFolder().appending(path: "broken.yaml")
            let text = try Self.text("kubernetes/base/worker.yaml").replacing("replicas: 2", with: "replica: 2")
            try Data(text.utf8).write(to: broken)
            #expect(try await Self.run(validate, ["--strict", "-k", version, broken.path]).ending != .code(0))
        }

        @Test(.enabled(if: found("kubectl") != nil), arguments: ["base", "overlays/example"])
        func kustomizePutsThemTogether(folder: String) async throws {
            let path = Self.deploy.appending(path: "kubernetes/\(folder)").path
            let built = try await Self.run(try #require(Self.found("kubectl")), ["kustomize", path])
            #expect(built.ending == .code(0), "\(built.errors)")
            #expect(built.output.contains("kind: ScaledObject") == (folder != "base"))
            // The settings' map has its content in its name, and the pods ask for that name.
            let names = Set(built.output.matches(of: /name: (ferry-settings\S*)/).map { String($0.1) })
            #expect(names.count == 1 && names.first != "ferry-settings", "\(names)")
        }

        @Test(.enabled(if: found("systemd-analyze") != nil))
        func systemdFindsNothingWrongWithTheUnits() async throws {
            let folder = try LiveServers.shared.get().freshFolder()
            let paths = try ScalingUnit.names().map { name in
                let file = folder.appending(path: name.replacing("@.", with: "@9101."))
                let text = try ScalingUnit.text(name).replacing("/usr/local/bin/ferry", with: FerryProcess.program)
                try Data(text.utf8).write(to: file)
                return file.path
            }
            let analyze = try #require(Self.found("systemd-analyze"))
            let judged = try await Self.run(analyze, ["verify", "--man=no"] + paths)
            #expect(judged.ending == .code(0), "\(judged.errors)")
            #expect(!judged.errors.contains(folder.path), "\(judged.errors)")
            for path in paths {
                // 2.0 of 10: what is left is the network, which the roles are for.
                let exposure = try await Self.run(analyze, ["security", "--offline=true", "--threshold=20", path])
                #expect(exposure.ending == .code(0), "\(exposure.output.suffix(500))")
            }
        }

        // MARK: - Stores

        @Test func redisTakesItsSettings() async throws {
            let folder = try LiveServers.shared.get().freshFolder()
            let single = Self.deploy.appending(path: "redis.conf").path
            let replicated = Self.deploy.appending(path: "redis-replicated.conf").path
            let server = try EmbeddedRedis(folder: folder.appending(path: "r"), arguments: ["--include", single])
            defer { server.stop() }
            let client = try RedisClient(url: server.url)
            for (key, value) in [("maxmemory-policy", "noeviction"), ("appendonly", "yes"), ("timeout", "0")] {
                let answer = try await client.send("CONFIG", "GET", key)
                #expect(answer.elements?.last?.text == value, "\(key)")
            }
            _ = try await client.send("SET", "a", "1")
            await client.close()

            let lonely = try EmbeddedRedis(
                folder: folder.appending(path: "l"), arguments: ["--include", single, "--include", replicated])
            defer { lonely.stop() }
            let other = try RedisClient(url: lonely.url)
            // A primary without replicas takes no writes.
            await #expect(throws: RedisError.self) { _ = try await other.send("SET", "a", "1") }
            await other.close()
        }

        @Test func postgresTakesItsSettings() async throws {
            let folder = try LiveServers.shared.get().freshFolder()
            // A copy: the server's user may not read this folder.
            let file = folder.appending(path: "postgresql.conf")
            try Data(try Self.text("postgresql.conf").utf8).write(to: file)
            _ = chmod(file.path, 0o644)
            let server = try EmbeddedPostgres(
                folder: folder.appending(path: "p"), arguments: ["-c", "config_file=\(file.path)"])
            defer { server.stop() }
            let pool = PostgresPool(try PostgresConfiguration(url: server.url(database: "postgres")))
            let lines = try Self.text("postgresql.conf").matches(of: /(?m)^\w+\s=/).count
            let read: Int64 = try await pool.query("SELECT count(*) AS value FROM pg_file_settings").only().get("value")
            // Those two the embedded server is told on its command line, which goes before the file.
            let refused: String = try await pool.query(
                "SELECT coalesce(string_agg(name || ': ' || error, ', '), '') AS value FROM pg_file_settings "
                    + "WHERE error IS NOT NULL AND name NOT IN ('listen_addresses', 'max_connections')"
            ).only().get("value")
            #expect(lines >= 25 && read == Int64(lines))
            #expect(refused == "")
            // A word of the file that is the server's own default would pass unread.
            let synced: String = try await pool.query("SELECT current_setting('autovacuum_naptime') AS value").only()
                .get("value")
            #expect(synced == "15s")
            await pool.close()
        }
    }
}
