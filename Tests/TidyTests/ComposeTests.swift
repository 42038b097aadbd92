import Foundation
import Testing

/// `deploy/compose.yaml`, without a container engine.
@Suite(.timeLimit(.minutes(1)))
struct ComposeTests {
    static let path = "\(Deployment.folder)/compose.yaml"
    let file: YAMLTree
    let guide: String
    /// Services that run Ferry.
    let roles: [String: YAMLTree]

    init() throws {
        file = try #require(try YAMLTree.documents(Self.path).first)
        guide = try SourceTree.text("\(Deployment.folder)/README.md")
        roles = file["services"].mapping.filter { $0.value["image"].text?.hasPrefix("ferry:") == true }
    }

    @Test func everyRoleIsThereAndTwoSchedulersAre() {
        #expect(roles.keys.sorted() == ["ingest", "migrate", "scheduler", "worker"])
        for (name, role) in roles { #expect(role["command"].texts == [name]) }
        #expect(roles["scheduler"]?[path: "deploy.replicas"].text == "2")
    }

    @Test func referencesResolve() {
        let services = file["services"].mapping
        for (name, service) in services {
            for network in service["networks"].texts { #expect(file["networks"][network].exists, "\(name)") }
            for secret in service["secrets"].texts { #expect(file["secrets"][secret].exists, "\(name): \(secret)") }
            for (other, how) in service["depends_on"].mapping {
                let isOneShot = how["condition"].text == "service_completed_successfully"
                #expect(services[other].map { isOneShot || $0["healthcheck"]["test"].exists } == true, "\(other)")
                #expect(isOneShot == (other == "migrate"), "\(name) waits for \(other)")
            }
            for mount in service["volumes"].texts {
                let source = mount.split(separator: ":").first.map(String.init) ?? ""
                if source.hasPrefix("./") {
                    let local = SourceTree.root.appending(path: "\(Deployment.folder)/\(source.dropFirst(2))")
                    #expect(FileManager.default.fileExists(atPath: local.path), "\(source)")
                } else {
                    #expect(file["volumes"][source].exists, "\(source)")
                }
            }
        }
        let build = file[path: "services.migrate.build"]
        let recipe = SourceTree.root.appending(path: build["dockerfile"].text ?? "?")
        #expect(build["context"].text == ".." && FileManager.default.fileExists(atPath: recipe.path))
    }

    @Test func secretsAreFilesThatTheGuideMakesAndServicesAreGivenWhatTheyRead() {
        let used = Set(file["services"].mapping.values.flatMap { $0["secrets"].texts })
        #expect(used == Set(file["secrets"].mapping.keys))
        for (name, secret) in file["secrets"].mapping {
            #expect(secret["file"].text == "secrets/\(name)")
            let makers = ["> \(name)", "--out \(name)"]
            #expect(makers.contains { guide.contains($0) }, "the guide does not make \(name)")
        }
        for (name, service) in file["services"].mapping {
            let words = service["environment"].textMapping.values + service["command"].texts
            let read = words.filter { $0.hasPrefix("/run/secrets/") }.map { $0.replacing("/run/secrets/", with: "") }
            #expect(Set(read) == Set(service["secrets"].texts), "\(name)")
        }
        let ignored = try? SourceTree.text("\(Deployment.folder)/.gitignore")
        #expect(ignored?.contains("\n/secrets\n") == true)
    }

    @Test func onlyWorkersHoldThePrivateKeysAndOnlyTheyAndIngestSeeTheOutside() {
        for (name, service) in file["services"].mapping {
            #expect(service["secrets"].texts.contains("private-keys") == (name == "worker"), "\(name)")
            let isOutside = service["networks"].texts.contains("outside")
            #expect(isOutside == ["worker", "ingest"].contains(name), "\(name)")
            // Stores are for the roles alone, and webhooks for the TLS proxy of this machine.
            for port in service["ports"].texts { #expect(name == "ingest" && port.hasPrefix("127.0.0.1:"), "\(name)") }
        }
        #expect(file[path: "networks.stores.internal"].text == "true")
    }

    @Test func rolesHaveNoRightsAndABound() {
        for (name, role) in roles {
            #expect(role["read_only"].text == "true" && role["cap_drop"].texts == ["ALL"], "\(name)")
            #expect(role["security_opt"].texts == ["no-new-privileges:true"], "\(name)")
        }
        for (name, service) in file["services"].mapping {
            let limits = service[path: "deploy.resources.limits"]
            #expect(limits["memory"].exists && limits["cpus"].exists, "\(name)")
            #expect(service["restart"].exists, "\(name)")
        }
    }

    @Test func rolesMayTakeTheirGraceAndTenSecondsMore() throws {
        for (name, role) in roles {
            let grace = try Deployment.seconds(role[path: "environment.FERRY_GRACE_SECONDS"].text ?? "")
            #expect(try Deployment.seconds(role["stop_grace_period"].text ?? "") >= grace + 10, "\(name)")
        }
    }

    @Test func rolesShareTheirSettings() {
        for setting in ["FERRY_WORKER_CONCURRENCY", "FERRY_GRACE_SECONDS", "FERRY_INGEST_URL"] {
            let values = Set(roles.values.map { $0[path: "environment.\(setting)"].text })
            #expect(values.count == 1 && values.first != .some(nil), "\(setting)")
        }
        for (name, role) in roles where name != "migrate" {
            #expect(role["healthcheck"]["test"].texts == ["CMD", "ferry-probe", "/livez"], "\(name)")
        }
        // A command that ends has no door to knock at.
        #expect(roles["migrate"]?[path: "healthcheck.disable"].text == "true")
    }
}
