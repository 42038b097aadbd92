import Foundation
import Testing

extension ProcessTests {
    @Suite(.timeLimit(.minutes(20)))
    struct DevTests {
        private struct Verdict: Decodable {
            let converged: Bool
            let records: Int
            let tenants: Int
            let conflictsDecidedForSalesforce: Int
            let disagreements: [String]
        }

        @Test func devConvergesOnceAndLeavesNothingRunning() async throws {
            let folder = try LiveServers.shared.get().freshFolder()
            let process = try FerryProcess(
                ["dev", "--once", "--json", "--patience", "500"], environment: [:],
                log: folder.appending(path: "dev"))
            defer { process.send(SIGKILL) }
            let own = "/tmp/ferry-dev-\(process.id)"
            try await eventually("the servers are up") { !Self.processes(naming: own).isEmpty }
            let ending = try await process.end(within: .seconds(1_100))

            #expect(ending == .code(0), "\(process.errors.suffix(2_000))")
            let verdict = try JSONDecoder().decode(Verdict.self, from: Data(process.output.utf8))
            #expect(verdict.converged && verdict.disagreements.isEmpty, "\(verdict.disagreements)")
            #expect(verdict.records >= 5_000 && verdict.tenants >= 3)
            #expect(verdict.conflictsDecidedForSalesforce >= 1)
            #expect(!FileManager.default.fileExists(atPath: own))
            try await eventually("its servers are gone", within: .seconds(5)) { Self.processes(naming: own).isEmpty }
        }

        @Test func devStoppedInTheMiddleLeavesNothingRunning() async throws {
            let folder = try LiveServers.shared.get().freshFolder()
            let process = try FerryProcess(["dev"], environment: [:], log: folder.appending(path: "dev"))
            defer { process.send(SIGKILL) }
            let own = "/tmp/ferry-dev-\(process.id)"
            try await eventually("people are at work", within: .seconds(60)) { process.output.contains("Act 1") }
            process.send(SIGTERM)
            _ = try await process.end(within: .seconds(30))
            #expect(!FileManager.default.fileExists(atPath: own))
            try await eventually("its servers are gone", within: .seconds(5)) { Self.processes(naming: own).isEmpty }
        }

        /// Ids of running processes whose command line names a folder.
        private static func processes(naming folder: String) -> [Int] {
            let ids = ((try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []).compactMap { Int($0) }
            return ids.filter { id in
                let line = (try? Data(contentsOf: URL(filePath: "/proc/\(id)/cmdline"))) ?? Data()
                return String(decoding: line, as: UTF8.self).contains(folder)
            }
        }
    }
}
