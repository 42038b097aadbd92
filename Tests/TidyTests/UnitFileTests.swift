import Foundation
import Testing

/// `deploy/systemd`. systemd's own opinion is asked in FerryTests, where it is installed.
@Suite(.timeLimit(.minutes(1)))
struct UnitFileTests {
    let units: [UnitFile]
    /// `FERRY_NAME=value` of the example.
    let example: [String: String]

    init() throws {
        units = try UnitFile.all()
        let lines = try SourceTree.lines("\(UnitFile.folder)/ferry.env.example")
        let pairs = lines.filter { !$0.isEmpty && !$0.hasPrefix("#") }.map { line in
            let parts = line.split(separator: "=", maxSplits: 1).map(String.init)
            return (parts[0], parts.count == 2 ? parts[1] : "")
        }
        example = Dictionary(pairs) { $1 }
    }

    private func role(_ unit: UnitFile) -> String {
        unit["ExecStart"].first?.split(separator: " ").dropFirst().first.map(String.init) ?? "?"
    }

    @Test func thereIsAUnitForEachRole() {
        #expect(units.map(role).sorted() == ["ingest", "scheduler", "worker"])
        for unit in units {
            #expect(unit.path.contains("ferry-\(role(unit))"))
            #expect(unit["ExecStart"].count == 1 && unit["ExecStart"][0].hasPrefix("/usr/local/bin/ferry "))
            #expect(unit["Type"] == ["exec"] && unit.values["Install.WantedBy"] == ["multi-user.target"])
            // A unit that can be started several times tells its instances' ports apart.
            let port = unit.environment["FERRY_ADMIN_PORT"]
            #expect(unit.path.contains("@") ? port == "%i" : port.flatMap(Int.init) != nil, "\(unit.path)")
        }
    }

    @Test func unitsMayTakeTheirGraceAndTenSecondsMore() throws {
        let grace = try Deployment.seconds(example["FERRY_GRACE_SECONDS"] ?? "")
        for unit in units {
            #expect(try Deployment.seconds(unit["TimeoutStopSec"].first ?? "") >= grace + 10, "\(unit.path)")
            #expect(unit["KillSignal"] == ["SIGTERM"] && unit["Restart"] == ["always"], "\(unit.path)")
            #expect(unit.values["Unit.StartLimitIntervalSec"] == ["0"], "\(unit.path) would be given up")
        }
    }

    @Test func unitsHaveNoRights() {
        let wanted = [
            "DynamicUser": "yes", "NoNewPrivileges": "yes", "CapabilityBoundingSet": "", "ProtectSystem": "strict",
            "ProtectHome": "yes", "PrivateTmp": "yes", "PrivateDevices": "yes", "ProtectKernelTunables": "yes",
            "ProtectKernelModules": "yes", "ProtectControlGroups": "yes", "MemoryDenyWriteExecute": "yes",
            "RestrictNamespaces": "yes", "LockPersonality": "yes", "SystemCallArchitectures": "native",
        ]
        for unit in units {
            for (key, value) in wanted { #expect(unit[key] == [value], "\(unit.path): \(key)") }
            #expect(unit["SystemCallFilter"].first == "@system-service", "\(unit.path)")
            #expect(!unit["MemoryMax"].isEmpty && !unit["TasksMax"].isEmpty, "\(unit.path)")
        }
        let hardening = units.map { unit in
            unit.values.filter { key, _ in
                !["Unit.", "Install.", "Service.Env", "Service.Exec", "Service.Load", "Service.Memory", "Service.OOM"]
                    .contains { key.hasPrefix($0) }
            }
        }
        #expect(Set(hardening).count == 1, "the units have drifted apart")
    }

    @Test func onlyWorkersAreHandedThePrivateKeys() {
        for unit in units {
            let isWorker = role(unit) == "worker"
            #expect(unit.credentials == (isWorker ? ["settings", "private-keys"] : ["settings"]), "\(unit.path)")
            let files = unit.environment.filter { $0.key.hasSuffix("_FILE") }
            #expect(Set(files.values) == Set(unit.credentials.map { "%d/\($0)" }), "\(unit.path)")
            #expect((files["FERRY_PRIVATE_KEYS_FILE"] != nil) == isWorker, "\(unit.path)")
        }
        #expect(example["FERRY_PRIVATE_KEYS_FILE"] == nil, "the example is for all roles")
        #expect(example["FERRY_POSTGRES_URL"] != nil && example["FERRY_REDIS_URL"] != nil)
    }

    @Test func anUnknownKeyIsAnError() {
        #expect(throws: UnitFile.Malformed.self) { try UnitFile("README.md") }
        #expect(UnitFile.known["Service"]?.contains("ProtectSytem") == false)
    }
}
