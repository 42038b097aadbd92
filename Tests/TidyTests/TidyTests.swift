import Foundation
import Testing

/// Habits that a reader relies on, kept by a test instead of by memory.
@Suite(.timeLimit(.minutes(1)))
struct TidyTests {
    /// A file this long is asking to be split into nouns.
    static let longestFile = 450

    @Test func topLevelHoldsTheContractAndNothingElse() throws {
        let allowed: Set<String> = [
            "Package.swift", "Package.resolved", "Sources", "Tests", "deploy", "scripts", "README.md", "LICENSE",
        ]
        let found = try FileManager.default.contentsOfDirectory(atPath: SourceTree.root.path)
            .filter { !$0.hasPrefix(".") }
        #expect(Set(found).subtracting(allowed) == [])
    }

    @Test func filesAreShort() throws {
        for path in SourceTree.files(under: "Sources", suffix: ".swift")
            + SourceTree.files(under: "Tests", suffix: ".swift")
        {
            let count = try SourceTree.lines(path).count
            #expect(count <= Self.longestFile, "\(path) has \(count) lines")
        }
    }

    @Test func filesAreNouns() {
        let banned = ["Utils", "Helpers", "Managers", "Misc", "Common"]
        for path in SourceTree.files(under: "Sources") {
            #expect(!banned.contains { path.contains($0) }, "\(path) is not named after what it holds")
        }
    }

    /// Arrows of the house (architecture, section 4); Embedded is the room of the private servers of dev and tests.
    @Test func roomsImportOnlyWhatTheyMay() throws {
        let rooms = [
            "Drivers", "JobQueue", "ActiveCampaign", "Salesforce", "SyncRules", "Store", "Cluster", "Embedded",
            "Simulators", "ferry",
        ]
        let arrows: [String: Set<String>] = [
            "Drivers": [], "JobQueue": ["Drivers"], "ActiveCampaign": ["Drivers"], "Salesforce": ["Drivers"],
            "SyncRules": [], "Store": ["Drivers", "SyncRules"], "Embedded": [], "Simulators": [],
            "Cluster": ["Drivers", "JobQueue", "Store", "ActiveCampaign", "Salesforce", "SyncRules"],
            "ferry": Set(rooms),
        ]
        for room in rooms {
            for path in SourceTree.files(under: "Sources/\(room)", suffix: ".swift") {
                for line in try SourceTree.lines(path) where line.contains("import ") && !line.hasPrefix("//") {
                    guard let name = line.split(separator: " ").last.map(String.init), rooms.contains(name) else {
                        continue
                    }
                    #expect(arrows[room]?.contains(name) == true, "\(path) imports \(name)")
                }
            }
        }
    }

    @Test func rulesDoNoInputOutput() throws {
        for path in SourceTree.files(under: "Sources/SyncRules", suffix: ".swift") {
            let text = try SourceTree.text(path)
            for banned in ["await ", "Date()", "Date.now", "FileManager", "ProcessInfo"] {
                #expect(!text.contains(banned), "\(path) contains \(banned)")
            }
        }
    }

    @Test func unsafeConcurrencyStaysInTheDrivers() throws {
        for path in SourceTree.files(under: "Sources", suffix: ".swift") where !path.hasPrefix("Sources/Drivers/") {
            let text = try SourceTree.text(path)
            for banned in ["@unchecked Sendable", "nonisolated(unsafe)", "Unmanaged"] {
                #expect(!text.contains(banned), "\(path) contains \(banned)")
            }
        }
    }

    @Test func testsDoNotSleep() throws {
        // Waiting for a condition with a deadline may pause between two looks, and a slow server is slow; both say so.
        let excuses = ["// a look at a condition", "// the pace of a slow server"]
        for path in SourceTree.files(under: "Tests", suffix: ".swift") where !path.hasSuffix("TidyTests.swift") {
            let lines = try SourceTree.lines(path).filter { line in
                line.contains("sleep(") && !excuses.contains { line.contains($0) }
            }
            #expect(lines.isEmpty, "\(path) sleeps: \(lines)")
        }
    }

    @Test func scriptsAreExecutable() {
        for path in SourceTree.files(under: "scripts") + [".ci/run"] {
            #expect(FileManager.default.isExecutableFile(atPath: SourceTree.root.appending(path: path).path), "\(path)")
        }
    }
}
