import Foundation
import Testing

/// Settings that `deploy/` and the guides name, and the settings of the stores.
@Suite(.timeLimit(.minutes(1)))
struct DeploymentSettingsTests {
    /// Settings that make no sense outside of a test.
    static let notForDeployments: Set<String> = ["FERRY_ENV", "FERRY_CLOCK_OFFSET_FILE"]

    @Test func everyVariableThatIsNamedExists() throws {
        let known = try Deployment.settings()
        #expect(known.count > 10)
        for path in Deployment.files + ["README.md"] {
            let named = Set(try SourceTree.text(path).matches(of: /\bFERRY_[A-Z_]+\b/).map { String($0.0) })
            // `FERRY_NAME=value` stands for any of them.
            #expect(named.subtracting(known).subtracting(["FERRY_NAME", "FERRY_"]) == [], "\(path)")
            if path != "README.md" { #expect(named.isDisjoint(with: Self.notForDeployments), "\(path)") }
        }
    }

    @Test func everyWayOfDeployingHasTheSameGraceAndPlaces() throws {
        let cluster = try KubernetesManifests().settings()
        let worker = try #require(try ComposeTests().roles["worker"])["environment"].textMapping
        let units = try UnitFileTests().example
        for setting in ["FERRY_GRACE_SECONDS", "FERRY_WORKER_CONCURRENCY", "FERRY_INGEST_URL", "FERRY_LOG_LEVEL"] {
            #expect(cluster[setting] != nil && units[setting] != nil && worker[setting] != nil, "\(setting)")
        }
        for setting in ["FERRY_GRACE_SECONDS", "FERRY_WORKER_CONCURRENCY"] {
            #expect(Set([cluster[setting], units[setting], worker[setting]]).count == 1, "\(setting)")
        }
    }

    @Test func theGuideNamesFilesThatExist() throws {
        let text = try SourceTree.text("\(Deployment.folder)/README.md") + SourceTree.text("README.md")
        let named = Set(text.matches(of: /\bdeploy\/[\w.\/@-]*\w/).map { String($0.0) })
        #expect(named.count > 5)
        for path in named where !path.hasPrefix("deploy/secrets") {
            let found = FileManager.default.fileExists(atPath: SourceTree.root.appending(path: path).path)
            #expect(found, "\(path)")
        }
    }

    // MARK: - Stores

    /// The lines of a configuration file with the comment block above each; nil where there is none.
    private func lines(_ name: String) throws -> [(key: String, value: String, comment: String?)] {
        var comment: String?
        var isBlockOver = true
        var found: [(key: String, value: String, comment: String?)] = []
        for line in try SourceTree.lines("\(Deployment.folder)/\(name)") {
            if line.isEmpty {
                comment = nil
            } else if line.hasPrefix("#") {
                comment = isBlockOver ? String(line.dropFirst()) : (comment ?? "") + line.dropFirst()
                isBlockOver = false
            } else {
                isBlockOver = true
                let parts = line.split(separator: " ", maxSplits: 1).map(String.init)
                let value = parts.count == 2 ? parts[1].trimmingPrefix("= ") : ""
                found.append((parts[0], value.trimmingCharacters(in: ["'"]), comment))
            }
        }
        return found
    }

    @Test(arguments: ["redis.conf", "redis-replicated.conf", "postgresql.conf"])
    func everyLineSaysWhy(name: String) throws {
        let lines = try lines(name)
        for line in lines { #expect((line.comment ?? "").hasSuffix("."), "\(name): \(line.key)") }
        let keys = lines.map(\.key)
        #expect(Set(keys).count == keys.count, "\(name) sets something twice")
    }

    @Test func theStoresKeepWhatThePromisesNeed() throws {
        let value = { (name: String, key: String) in try lines(name).first { $0.key == key }?.value }
        #expect(try value("redis.conf", "maxmemory-policy") == "noeviction")
        #expect(try value("redis.conf", "appendonly") == "yes")
        #expect(try value("redis.conf", "timeout") == "0", "workers wait in blocking calls")
        #expect(try Int(value("redis-replicated.conf", "min-replicas-to-write") ?? "") ?? 0 >= 1)
        for safe in ["fsync", "synchronous_commit", "full_page_writes"] {
            #expect(try value("postgresql.conf", safe) == "on")
        }
        #expect(try value("postgresql.conf", "log_parameter_max_length") == "0", "values are personal data")
        #expect(try value("postgresql.conf", "log_parameter_max_length_on_error") == "0")
    }

    @Test func connectionsSufficeForTheProcessesTheCommentPromises() throws {
        let runtime = try SourceTree.text("Sources/ferry/Roles/Runtime.swift")
        let each = try #require(runtime.firstMatch(of: /postgresConnections = (\d+)/).flatMap { Int($0.1) })
        let line = try #require(try lines("postgresql.conf").first { $0.key == "max_connections" })
        let comment = try #require(line.comment)
        #expect(comment.contains("up to \(each),"))
        let processes = try #require(comment.firstMatch(of: /for (\d+) processes/).flatMap { Int($0.1) })
        // Three are kept for superusers.
        #expect(Int(line.value) ?? 0 >= processes * each + 3)
    }
}
