import Foundation

/// A systemd unit file, read strictly: a section or key that systemd 252 does not know is an error here, where systemd
/// itself would only warn and go on without it.
struct UnitFile {
    static let folder = "\(Deployment.folder)/systemd"

    struct Malformed: Error {
        let path: String
        let line: Int
        let reason: String
    }

    /// Keys the units may use, by section.
    static let known: [String: Set<String>] = [
        "Unit": ["Description", "Documentation", "Wants", "After", "StartLimitIntervalSec"],
        "Install": ["WantedBy"],
        "Service": [
            "Type", "ExecStart", "LoadCredential", "Environment", "KillSignal", "KillMode", "TimeoutStopSec", "Restart",
            "RestartSec", "LimitNOFILE", "TasksMax", "MemoryMax", "OOMScoreAdjust", "DynamicUser", "NoNewPrivileges",
            "CapabilityBoundingSet", "AmbientCapabilities", "ProtectSystem", "ProtectHome", "PrivateTmp",
            "PrivateDevices", "PrivateUsers", "ProtectClock", "ProtectControlGroups", "ProtectHostname",
            "ProtectKernelLogs", "ProtectKernelModules", "ProtectKernelTunables", "ProtectProc",
            "RestrictAddressFamilies", "RestrictNamespaces", "RestrictRealtime", "RestrictSUIDSGID", "RemoveIPC",
            "LockPersonality", "MemoryDenyWriteExecute", "SystemCallArchitectures", "SystemCallFilter",
            "SystemCallErrorNumber", "KeyringMode", "UMask", "DevicePolicy",
        ],
    ]

    let path: String
    /// Values by `Section.Key`, in the order of the file.
    let values: [String: [String]]

    init(_ path: String) throws {
        self.path = path
        var section = ""
        var values: [String: [String]] = [:]
        for (index, line) in try SourceTree.lines(path).enumerated() {
            let malformed = { (reason: String) in Malformed(path: path, line: index + 1, reason: reason) }
            if line.isEmpty || line.hasPrefix("#") { continue }
            if let match = line.wholeMatch(of: /\[(\w+)\]/) {
                section = String(match.1)
                guard Self.known[section] != nil else { throw malformed("unknown section") }
                continue
            }
            guard let match = line.wholeMatch(of: /(\w+)=(.*)/) else { throw malformed("want Key=value") }
            guard Self.known[section]?.contains(String(match.1)) == true else {
                throw malformed("unknown key \(match.1) in [\(section)]")
            }
            values["\(section).\(match.1)", default: []].append(String(match.2))
        }
        self.values = values
    }

    /// Values of a key of `[Service]`.
    subscript(_ key: String) -> [String] { values["Service.\(key)"] ?? [] }

    /// The variables the unit sets.
    var environment: [String: String] {
        let pairs = self["Environment"].flatMap { $0.split(separator: " ") }.compactMap { pair in
            let parts = pair.split(separator: "=", maxSplits: 1).map(String.init)
            return parts.count == 2 ? (parts[0], parts[1]) : nil
        }
        return Dictionary(pairs) { $1 }
    }

    /// Names of the credentials the unit is handed.
    var credentials: [String] { self["LoadCredential"].compactMap { $0.split(separator: ":").first.map(String.init) } }

    static func all() throws -> [UnitFile] {
        try SourceTree.files(under: folder, suffix: ".service").map(UnitFile.init)
    }
}
