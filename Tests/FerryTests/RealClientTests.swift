import Foundation
import Testing

/// One scenario of `RealClients`: a function of a Python file, run by the environment its client is installed in.
struct RealClientScenario: Sendable, CustomTestStringConvertible {
    let file: String
    let function: String
    /// Name of the environment `scripts/clients` makes, and of the list of requirements it makes it from.
    let environment: String

    var testDescription: String { "\(file.replacing("_client.py", with: "")) \(function.replacing("_", with: " "))" }

    static let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "RealClients")

    /// Every public function without parameters of the client files; what begins with `by_` and the like has some.
    static let all: [RealClientScenario] = {
        let environments = [
            "simple_salesforce_client.py": "clients", "activecampaign_client.py": "clients",
            "tap_salesforce_client.py": "tap-salesforce", "tap_activecampaign_client.py": "tap-activecampaign",
        ]
        return environments.sorted { $0.key < $1.key }.flatMap { file, environment in
            let text = (try? String(contentsOf: folder.appending(path: file), encoding: .utf8)) ?? ""
            return text.split(separator: "\n").compactMap { line -> RealClientScenario? in
                guard line.hasPrefix("def "), line.hasSuffix("():") else { return nil }
                return RealClientScenario(
                    file: file, function: String(line.dropFirst(4).dropLast(3)), environment: environment)
            }
        }
    }()
}

extension ProcessTests {
    /// Clients that nobody here wrote, unmodified and over TLS, against `ferry simulate --tls`; each scenario says
    /// through the control interface what the other side must look like in the end.
    @Suite(.timeLimit(.minutes(10)))
    struct RealClientTests {
        /// The one simulator of all scenarios; each makes its own account or org.
        private static let simulator = Task { try await start() }

        /// Logs and the simulator's certificate; gone when this process ends.
        private static let logs: URL = {
            let folder = FileManager.default.temporaryDirectory.appending(path: "ferry-rc-\(getpid())")
            try? FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            atexit { try? FileManager.default.removeItem(at: RealClientTests.logs) }
            return folder
        }()

        @Test(arguments: RealClientScenario.all)
        func aClientNobodyHereWroteFindsTheProviderItKnows(scenario: RealClientScenario) async throws {
            let python = RealClientScenario.folder.deletingLastPathComponent().deletingLastPathComponent()
                .deletingLastPathComponent().appending(path: ".build/real-clients/\(scenario.environment)/bin/python")
            try #require(
                FileManager.default.isExecutableFile(atPath: python.path),
                "\(scenario.environment) is not installed; run scripts/clients")
            let simulator = try await Self.simulator.value
            let process = try FerryProcess(
                [RealClientScenario.folder.appending(path: scenario.file).path, scenario.function],
                environment: ["FERRY_SIMULATOR": simulator.output, "PYTHONDONTWRITEBYTECODE": "1"],
                log: Self.logs.appending(path: scenario.function), program: python.path)
            let ending = try await process.end(within: .seconds(180))
            #expect(ending == .code(0), "\(process.errors.suffix(4_000))")
        }

        @Test func everyClientHasItsScenarios() {
            let counts = Dictionary(grouping: RealClientScenario.all, by: \.file).mapValues(\.count)
            #expect(counts.count == 4)
            #expect(counts["simple_salesforce_client.py", default: 0] >= 10)
            #expect(counts["activecampaign_client.py", default: 0] >= 6)
        }

        /// The simulator ends with this process, which holds its leash.
        private static func start() async throws -> FerryProcess {
            let process = try FerryProcess(
                ["simulate", "--tls", "--json", "--ca-file", logs.appending(path: "ca.pem").path], environment: [:],
                log: logs.appending(path: "simulate"))
            try await eventually("the simulator serves", within: .seconds(60)) {
                process.ending != nil || process.output.hasSuffix("}\n")
            }
            try #require(process.ending == nil, "\(process.errors)")
            return process
        }
    }
}
