import Foundation
import Testing

extension ProcessTests {
    /// What every command has in common, and what stops a start.
    @Suite(.timeLimit(.minutes(2)))
    struct CommandTests {
        /// A command as `--experimental-dump-help` describes it.
        private struct Command: Decodable {
            let commandName: String
            let abstract: String?
            let subcommands: [Command]?
            let arguments: [Argument]?

            struct Argument: Decodable {
                let kind: String
                let valueName: String?
                let abstract: String?
                let shouldDisplay: Bool
            }
        }

        private struct Tree: Decodable {
            let command: Command
        }

        @Test func everyCommandExplainsItself() async throws {
            let dump = try await Self.run("--experimental-dump-help")
            let tree = try JSONDecoder().decode(Tree.self, from: Data(dump.output.utf8))
            var open = (tree.command.subcommands ?? []).map { (path: [$0.commandName], command: $0) }
            var seen: [String] = []
            while let (path, command) = open.popLast() {
                let name = path.joined(separator: " ")
                if command.commandName == "help" { continue }
                seen.append(name)
                #expect((command.abstract ?? "").count > name.count, "ferry \(name)")
                for argument in command.arguments ?? [] where argument.shouldDisplay {
                    #expect(argument.abstract?.isEmpty == false, "ferry \(name) \(argument.valueName ?? "?")")
                }
                let help = try await Self.run(path + ["--help"])
                #expect(help.ending == .code(0) && help.errors.isEmpty, "ferry \(name)")
                #expect(help.output.contains("USAGE: ferry \(name)"), "ferry \(name)")
                #expect(help.output.count > 100 + name.count, "ferry \(name)")
                open += (command.subcommands ?? []).map { (path + [$0.commandName], $0) }
            }
            let promised = [
                "scheduler", "worker", "ingest", "dev", "migrate", "keys generate", "seal", "settings", "simulate",
                "tenants list", "tenants show", "tenants apply", "tenants pause", "tenants resume", "tenants remove",
                "sync now", "sync status",
                "records explain", "records failed", "records retry", "records skip", "records unskip", "queue status",
                "queue age", "queue pause", "queue resume", "queue drain", "queue dead list", "queue dead retry",
                "queue dead discard", "workers list", "workers quiet", "workers stop", "tenants why",
                "tenants validate",
            ]
            #expect(Set(promised).isSubset(of: seen), "\(seen)")
        }

        @Test(arguments: ["scheduler", "worker", "ingest", "migrate", "tenants list", "settings"])
        func anUnknownSettingStopsTheStartAndNamesTheNearest(command: String) async throws {
            let process = try await Self.run(
                command.split(separator: " ").map(String.init),
                environment: ["FERRY_POSTGRESS_URL": "postgresql://nobody:hunter2@/nothing"])
            #expect(process.ending != .code(0))
            #expect(process.errors.contains("FERRY_POSTGRESS_URL") && process.errors.contains("FERRY_POSTGRES_URL?"))
            #expect(!(process.errors + process.output).contains("hunter2"))
        }

        @Test func aSettingThatBreaksOffIsTakenForTheOneThatBeginsSo() async throws {
            let process = try await Self.run(["settings"], environment: ["FERRY_REDIS": "redis://127.0.0.1"])
            #expect(process.errors.contains("did you mean FERRY_REDIS_URL?"), "\(process.errors)")
        }

        @Test(arguments: [
            ("FERRY_ENV", "prod"), ("FERRY_WORKER_CONCURRENCY", "0"), ("FERRY_GRACE_SECONDS", "soon"),
            ("FERRY_INGEST_PORT", "65536"), ("FERRY_LOG_LEVEL", "loud"), ("FERRY_PUBLIC_KEY", "hunter2"),
            ("FERRY_POSTGRES_URL", "mysql://root:hunter2@db/ferry"), ("FERRY_REDIS_URL", "memcached://:hunter2@cache"),
            ("FERRY_SETTINGS_FILE", "/nowhere/ferry.env"), ("FERRY_INGEST_URL", "ftp://hooks.example.com"),
            ("FERRY_PRIVATE_KEYS_FILE", "/nowhere/keys"), ("FERRY_CA_FILE", "/nowhere/ca.pem"),
        ])
        func aBadSettingStopsTheStartAndIsNamed(name: String, value: String) async throws {
            let good = [
                "FERRY_POSTGRES_URL": "postgresql://ferry@/none?host=/nowhere", "FERRY_REDIS_URL": "unix:///nowhere/r",
                "FERRY_PRIVATE_KEYS_FILE": try Self.keysFile(),
            ]
            let process = try await Self.run(["worker"], environment: good.merging([name: value]) { $1 })
            #expect(process.ending != .code(0))
            #expect(process.errors.contains(name), "\(process.errors)")
            #expect(!(process.errors + process.output).contains("hunter2"))
        }

        @Test(arguments: ["FERRY_POSTGRES_URL", "FERRY_REDIS_URL", "FERRY_PRIVATE_KEYS_FILE"])
        func aMissingSettingIsNamed(name: String) async throws {
            var environment = [
                "FERRY_POSTGRES_URL": "postgresql://ferry@/none?host=/nowhere", "FERRY_REDIS_URL": "unix:///nowhere/r",
                "FERRY_PRIVATE_KEYS_FILE": try Self.keysFile(),
            ]
            environment[name] = nil
            let process = try await Self.run(["worker"], environment: environment)
            #expect(process.ending != .code(0))
            #expect(process.errors.contains("\(name) is not set"), "\(process.errors)")
        }

        @Test(arguments: [nil, "production", "dev"])
        func theClockIsMovedInTestsOnly(environment: String?) async throws {
            var variables = ["FERRY_CLOCK_OFFSET_FILE": "/dev/null"]
            variables["FERRY_ENV"] = environment
            let process = try await Self.run(["settings"], environment: variables)
            #expect(process.ending != .code(0))
            #expect(process.errors.contains("FERRY_CLOCK_OFFSET_FILE") && process.errors.contains("FERRY_ENV=test"))
            variables["FERRY_ENV"] = "test"
            #expect(try await Self.run(["settings"], environment: variables).ending == .code(0))
        }

        @Test func settingsComeFromAFileAndTheEnvironmentWins() async throws {
            let folder = try LiveServers.shared.get().freshFolder()
            let file = folder.appending(path: "ferry.env")
            try Data("# ours\n\nFERRY_LOG_LEVEL=debug\nFERRY_ENV=nonsense\n".utf8).write(to: file)
            var environment = ["FERRY_SETTINGS_FILE": file.path]
            var process = try await Self.run(["settings"], environment: environment)
            #expect(process.ending != .code(0) && process.errors.contains("FERRY_ENV"))
            environment["FERRY_ENV"] = "dev"
            process = try await Self.run(["settings", "--json"], environment: environment)
            #expect(process.ending == .code(0))
            let rows = try #require(
                try JSONSerialization.jsonObject(with: Data(process.output.utf8)) as? [[String: Any]])
            let set = rows.filter { $0["isSet"] as? Bool == true }.compactMap { $0["name"] as? String }
            #expect(Set(set) == ["FERRY_SETTINGS_FILE", "FERRY_LOG_LEVEL", "FERRY_ENV"])

            try Data("FERRY_LOG_LEVLE=debug\n".utf8).write(to: file)
            process = try await Self.run(["settings"], environment: environment)
            #expect(process.ending != .code(0))
            #expect(process.errors.contains("FERRY_LOG_LEVLE") && process.errors.contains(file.path))
            #expect(process.errors.contains("FERRY_LOG_LEVEL?"))
        }

        // MARK: - Running

        private static func run(_ arguments: String...) async throws -> FerryProcess { try await run(arguments) }

        private static func run(
            _ arguments: [String], environment: [String: String] = [:]
        ) async throws -> FerryProcess {
            let folder = try LiveServers.shared.get().freshFolder()
            let process = try FerryProcess(arguments, environment: environment, log: folder.appending(path: "ferry"))
            defer { process.send(SIGKILL) }
            _ = try await process.end(within: .seconds(20))
            return process
        }

        private static func keysFile() throws -> String {
            let file = try LiveServers.shared.get().freshFolder().appending(path: "keys")
            try Data("ferry-private-1.\(String(repeating: "A", count: 43))\n".utf8).write(to: file)
            return file.path
        }
    }
}
