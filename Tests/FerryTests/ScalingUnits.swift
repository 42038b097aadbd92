import Foundation

/// A unit file of `deploy/systemd`, started as systemd would: its program's arguments, its variables and nothing else,
/// with its credentials in a folder of their own. The instance is the admin port.
struct ScalingUnit {
    private static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "deploy/systemd")

    /// Values of `Key=value` by key, in the order of the file.
    private let values: [String: [String]]
    /// What `%i` stands for.
    let instance: String

    /// Reads a unit file.
    /// - Parameter name: `ferry-worker@9101.service`, or one without an instance.
    init(_ name: String) throws {
        let parts = name.split(separator: "@", maxSplits: 1)
        instance = parts.count == 2 ? String(parts[1].split(separator: ".").first ?? "") : ""
        let file = parts.count == 2 ? "\(parts[0])@.service" : name
        let text = try String(contentsOf: Self.folder.appending(path: file), encoding: .utf8)
        let pairs = text.split(separator: "\n").filter { !$0.hasPrefix("#") }.compactMap { line in
            line.wholeMatch(of: /(\w+)=(.*)/).map { (String($0.1), [String($0.2)]) }
        }
        values = Dictionary(pairs, uniquingKeysWith: +)
    }

    /// Every unit file as it stands.
    static func names() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: folder.path).filter { $0.hasSuffix(".service") }.sorted()
    }

    static func text(_ name: String) throws -> String {
        try String(contentsOf: folder.appending(path: name), encoding: .utf8)
    }

    /// The program's arguments.
    /// - Parameter credentials: the folder `%d` stands for.
    func arguments(credentials: URL) -> [String] {
        (values["ExecStart"]?.first ?? "").split(separator: " ").dropFirst().map { resolved($0, credentials) }
    }

    /// The variables the unit sets.
    func environment(credentials: URL) -> [String: String] {
        let pairs = (values["Environment"] ?? []).flatMap { $0.split(separator: " ") }.compactMap { pair in
            pair.firstIndex(of: "=").map {
                (String(pair[..<$0]), resolved(pair[pair.index(after: $0)...], credentials))
            }
        }
        return Dictionary(pairs) { $1 }
    }

    /// Copies the credentials the unit is handed.
    /// - Parameter sources: what stands for the files under `/etc/ferry`, by their names there.
    func layCredentials(in folder: URL, from sources: [String: URL]) throws {
        try FileManager.default.createDirectory(
            at: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        for credential in values["LoadCredential"] ?? [] {
            let parts = credential.split(separator: ":", maxSplits: 1).map(String.init)
            guard parts.count == 2, let source = sources[parts[1].replacing("/etc/ferry/", with: "")] else {
                throw HarnessError("no source for \(credential)")
            }
            try Data(contentsOf: source).write(to: folder.appending(path: parts[0]))
        }
    }

    private func resolved(_ text: Substring, _ credentials: URL) -> String {
        String(text).replacing("%i", with: instance).replacing("%d", with: credentials.path)
            .replacing("%H", with: ProcessInfo.processInfo.hostName)
    }
}

/// The processes that a machine's units have started on a live cluster.
final class ScalingFleet {
    /// What the units start: the release build, as on a real machine, where `scripts/test` has made one; else the build
    /// under test.
    private static let program = ProcessInfo.processInfo.environment["FERRY_RELEASE_PROGRAM"] ?? FerryProcess.program

    private let cluster: LiveCluster
    private let sources: [String: URL]
    private var started = 0
    /// What runs, by unit name.
    private(set) var running: [String: FerryProcess] = [:]
    /// Everything that was ever started, for its logs.
    private(set) var all: [FerryProcess] = []

    /// Prepares what stands for `/etc/ferry`.
    /// - Parameter grace: seconds, as the settings file gives them.
    init(_ cluster: LiveCluster, grace: Int) throws {
        self.cluster = cluster
        let settings = cluster.folder.appending(path: "ferry.env")
        // What the units set themselves is not for the file.
        let own = ["FERRY_ADMIN_PORT", "FERRY_PRIVATE_KEYS_FILE", "FERRY_INGEST_HOST", "FERRY_INGEST_PORT"]
        var pairs = cluster.environment.filter { !own.contains($0.key) }
        pairs["FERRY_GRACE_SECONDS"] = String(grace)
        let lines = pairs.map { "\($0.key)=\($0.value)\n" }.sorted()
        try Data(lines.joined().utf8).write(to: settings)
        sources = [
            "ferry.env": settings,
            "private-keys": URL(filePath: cluster.environment["FERRY_PRIVATE_KEYS_FILE"] ?? "/dev/null"),
        ]
    }

    /// `systemctl start ferry-ROLE@PORT`, on a port that is free.
    /// - Returns: the unit's name.
    @discardableResult
    func start(_ role: String) throws -> String {
        let name = "ferry-\(role)@\(try Self.freePort()).service"
        let unit = try ScalingUnit(name)
        started += 1
        let credentials = cluster.folder.appending(path: "credentials-\(started)")
        try unit.layCredentials(in: credentials, from: sources)
        let process = try FerryProcess(
            unit.arguments(credentials: credentials), environment: unit.environment(credentials: credentials),
            log: cluster.folder.appending(path: "unit-\(started)-\(role)"), program: Self.program)
        running[name] = process
        all.append(process)
        return name
    }

    /// Units of a role that run, oldest port first.
    func units(of role: String) -> [String] { running.keys.filter { $0.hasPrefix("ferry-\(role)@") }.sorted() }

    /// Ends a unit with a signal; does not wait.
    func send(_ signal: Int32, to unit: String) throws -> FerryProcess {
        guard let process = running.removeValue(forKey: unit) else { throw HarnessError("no unit \(unit)") }
        process.send(signal)
        return process
    }

    /// Kills whatever runs; for the end of a test that failed.
    func killAll() async {
        for process in all { process.send(SIGKILL) }
        for process in all { _ = try? await process.end() }
    }

    /// A port nobody listens on. Another process may take it first; the unit then ends at once, and its log says why.
    private static func freePort() throws -> Int {
        let number = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(number) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(number, $0, length) == 0 && getsockname(number, $0, &length) == 0
            }
        }
        guard isBound else { throw HarnessError("no free port") }
        return Int(UInt16(bigEndian: address.sin_port))
    }
}
