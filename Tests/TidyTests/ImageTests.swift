import Foundation
import Testing

/// `deploy/Dockerfile` and what goes into the image.
@Suite(.timeLimit(.minutes(1)))
struct ImageTests {
    /// One instruction with its continuation lines joined.
    struct Instruction {
        let word: String
        let rest: String
    }

    static let path = "\(Deployment.folder)/Dockerfile"
    let instructions: [Instruction]
    /// The instructions of the last stage, which is the image.
    let image: [Instruction]

    init() throws {
        let text = try SourceTree.text(Self.path).replacing("\\\n", with: " ")
        instructions = text.split(separator: "\n").filter { !$0.hasPrefix("#") }.map { line in
            let parts = line.split(separator: " ", maxSplits: 1).map(String.init)
            return Instruction(word: parts[0], rest: parts.count == 2 ? parts[1] : "")
        }
        let last = instructions.lastIndex { $0.word == "FROM" } ?? 0
        image = Array(instructions[last...])
    }

    private func all(_ word: String, in list: [Instruction]) -> [String] {
        list.filter { $0.word == word }.map(\.rest)
    }

    @Test func instructionsAreKnown() {
        let known: Set<String> = [
            "FROM", "RUN", "WORKDIR", "COPY", "ARG", "LABEL", "USER", "ENV", "STOPSIGNAL", "HEALTHCHECK", "ENTRYPOINT",
            "CMD",
        ]
        #expect(Set(instructions.map(\.word)).subtracting(known) == [])
        #expect(all("FROM", in: instructions).count == 2)
    }

    @Test func theCompilerIsTheOneThePackageWants() throws {
        let tools = try SourceTree.text("Package.swift").firstMatch(of: /swift-tools-version: (\d+\.\d+)/)?.1
        #expect(all("FROM", in: instructions).first == "swift:\(tools ?? "?")-bookworm AS build")
        #expect(all("RUN", in: instructions).contains { $0.contains("--static-swift-stdlib") })
    }

    @Test func copiedFilesExistAndAreNotIgnored() throws {
        let ignore = try SourceTree.lines("\(Self.path).dockerignore").filter { !$0.hasPrefix("#") && !$0.isEmpty }
        #expect(ignore.first == "*", "everything is left out that is not named")
        for rest in all("COPY", in: instructions) where !rest.contains("--from=") {
            let words = rest.split(separator: " ").filter { !$0.hasPrefix("--") }.dropLast()
            for word in words {
                let name = word.hasSuffix("*") ? word.dropLast() : word
                #expect(ignore.contains("!\(name)"), "\(name) is ignored")
                let path = SourceTree.root.appending(path: String(name)).path
                #expect(word.hasSuffix("*") || FileManager.default.fileExists(atPath: path), "\(name)")
            }
        }
        let secrets = "\(Deployment.folder)/secrets"
        #expect(!ignore.contains { $0 == "!\(Deployment.folder)" || $0.hasPrefix("!\(secrets)") })
    }

    @Test func theUserIsANumberAndTheSameEverywhere() throws {
        let user = try #require(all("USER", in: image).last?.split(separator: ":").first.flatMap { Int($0) })
        #expect(user > 0)
        for workload in try KubernetesManifests().workloads {
            #expect(workload.pod?[path: "securityContext.runAsUser"].text == String(user))
            #expect(workload.pod?[path: "securityContext.fsGroup"].text == String(user))
        }
        for role in try ComposeTests().roles.values { #expect(role["user"].text == "\(user):\(user)") }
    }

    @Test func theImageHasEveryLibraryThatTheProgramLinks() throws {
        let installed = all("RUN", in: image).joined(separator: " ").split(separator: " ").map(String.init)
        // The package that holds the library, by what a module map or pkg-config links.
        for library in ["libcurl4", "libpq5", "libhiredis0.14", "libstdc++6", "ca-certificates", "tzdata"] {
            #expect(installed.contains(library), "\(library)")
        }
        let maps = SourceTree.files(under: "Sources", suffix: "module.modulemap")
        #expect(maps.count == 3, "a new C library wants its package in the image")
        let built = all("RUN", in: instructions).first ?? ""
        let prepare = try SourceTree.text("scripts/prepare")
        for package in prepare.matches(of: /\b(lib\w+(?:-\w+)*-dev|zlib1g-dev|pkg-config)\b/).map({ String($0.1) }) {
            #expect(built.contains(package), "\(package)")
        }
    }

    @Test func theImageCanBeWatchedAndStopped() throws {
        #expect(all("STOPSIGNAL", in: image) == ["SIGTERM"])
        #expect(all("ENTRYPOINT", in: image) == ["[\"ferry\"]"], "the program is process 1 and gets the signal itself")
        let check = try #require(all("HEALTHCHECK", in: image).first)
        let probe = try #require(check.firstMatch(of: /CMD \["([^"]+)"/)?.1)
        #expect(all("COPY", in: image).contains { $0.hasSuffix(" /usr/local/bin/\(probe)") })
        let path = SourceTree.root.appending(path: "\(Deployment.folder)/probe").path
        #expect(FileManager.default.isExecutableFile(atPath: path))
        let port = try KubernetesManifests().settings()["FERRY_ADMIN_PORT"] ?? "?"
        #expect(all("ENV", in: image) == ["FERRY_ADMIN_PORT=\(port)"])
        let labels = all("LABEL", in: image).joined(separator: " ")
        for label in ["title", "description", "licenses", "version", "revision"] {
            #expect(labels.contains("org.opencontainers.image.\(label)="), "\(label)")
        }
    }
}
