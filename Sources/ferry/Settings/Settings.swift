import Cluster
import Drivers
import Foundation
import Logging

/// What is wrong with a setting, naming it and the remedy; never shows the value of a secret.
struct SettingsError: Error, CustomStringConvertible {
    let description: String
}

/// The process's settings, read and checked once at start.
struct Settings: Sendable {
    /// Where a deployment stands; dev and test relax what production forbids.
    enum Environment: String, CaseIterable {
        case production, dev, test
    }

    private let values: [Setting: String]

    /// Reads the environment and the settings file.
    /// - Throws: `SettingsError` for an unknown or malformed setting.
    init(environment: [String: String] = ProcessInfo.processInfo.environment) throws {
        var given = try Self.known(environment, from: "the environment")
        if let path = given[.settingsFile] {
            given.merge(try Self.file(path)) { environment, _ in environment }
        }
        values = given
        try check()
    }

    private static func known(_ pairs: [String: String], from source: String) throws -> [Setting: String] {
        var known: [Setting: String] = [:]
        for (name, value) in pairs where name.hasPrefix("FERRY_") {
            guard let setting = Setting(rawValue: name) else {
                let nearest = name.nearest(of: Setting.allCases.map(\.rawValue))
                throw SettingsError(
                    description: "unknown setting \(name) in \(source); did you mean \(nearest)? "
                        + "`ferry settings` lists all of them")
            }
            known[setting] = value
        }
        return known
    }

    private static func file(_ path: String) throws -> [Setting: String] {
        guard let text = try? String(contentsOfFile: path, encoding: .utf8) else {
            throw SettingsError(description: "FERRY_SETTINGS_FILE: can't read \(path)")
        }
        var pairs: [String: String] = [:]
        for (number, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            let trimmed = line.trimmingCharacters(in: .whitespaces)
            if trimmed.isEmpty || trimmed.hasPrefix("#") { continue }
            let parts = trimmed.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, parts[0].hasPrefix("FERRY_") else {
                throw SettingsError(description: "\(path), line \(number + 1): want FERRY_NAME=value")
            }
            pairs[String(parts[0])] = String(parts[1])
        }
        return try known(pairs, from: path)
    }

    /// Reads every setting once, so that a bad one stops the start whoever would have used it.
    private func check() throws {
        let environment = try self.environment
        _ = try (ingestPort, adminPort, autoscaleSeconds, workerConcurrency, graceSeconds, logLevel)
        if values[.clockOffsetFile] != nil, environment != .test {
            throw SettingsError(description: "FERRY_CLOCK_OFFSET_FILE is refused unless FERRY_ENV=test")
        }
        if let text = values[.publicKey] {
            do { _ = try PublicSealingKey(text) } catch {
                throw SettingsError(description: "FERRY_PUBLIC_KEY: \(error)")
            }
        }
        if let path = values[.certificateAuthorityFile], !FileManager.default.isReadableFile(atPath: path) {
            throw SettingsError(description: "FERRY_CA_FILE: can't read \(path)")
        }
        if let text = values[.ingestURL], !Self.isWebAddress(text, plainAllowed: environment != .production) {
            throw SettingsError(description: "FERRY_INGEST_URL: want https://host[:port][/path]")
        }
    }

    private static func isWebAddress(_ text: String, plainAllowed: Bool) -> Bool {
        guard let url = URL(string: text), let host = url.host(), !host.isEmpty, url.query() == nil else {
            return false
        }
        return url.scheme == "https" || (plainAllowed && url.scheme == "http")
    }

    // MARK: - Values

    /// A setting's text; the default where none was given.
    subscript(_ setting: Setting) -> String? { values[setting] ?? setting.defaultValue }

    /// A setting a command can't do without.
    func required(_ setting: Setting) throws -> String {
        guard let value = self[setting], !value.isEmpty else {
            throw SettingsError(description: "\(setting.rawValue) is not set: \(setting.help)")
        }
        return value
    }

    var environment: Environment { get throws { try choice(.environment) } }
    var logLevel: Logger.Level { get throws { try choice(.logLevel) } }
    var ingestPort: Int { get throws { try integer(.ingestPort, in: 0...65_535) } }
    /// Nil when the admin door stays shut.
    var adminPort: Int? { get throws { self[.adminPort] == nil ? nil : try integer(.adminPort, in: 0...65_535) } }
    var autoscaleSeconds: Int { get throws { try integer(.autoscaleSeconds, in: 1...3_600) } }
    var workerConcurrency: Int { get throws { try integer(.workerConcurrency, in: 1...1_000) } }
    var graceSeconds: Int { get throws { try integer(.graceSeconds, in: 1...3_600) } }

    /// Host suffixes that provider addresses in rows must end with.
    var hostSuffixes: [String] {
        (self[.hostSuffixes] ?? "").split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces).lowercased() }
    }

    /// The private sealing keys of `FERRY_PRIVATE_KEYS_FILE`.
    var keys: KeyRing {
        get throws {
            let path = try required(.privateKeysFile)
            do { return try KeyRing(file: URL(filePath: path)) } catch let error as SealingError {
                throw SettingsError(description: "FERRY_PRIVATE_KEYS_FILE: \(path) has a line that is \(error)")
            } catch {
                throw SettingsError(description: "FERRY_PRIVATE_KEYS_FILE: can't read \(path)")
            }
        }
    }

    /// The one clock of the process; a test moves it through the offset file while everything runs.
    var clock: WallClock {
        guard let path = values[.clockOffsetFile] else { return .system }
        return WallClock(offset: {
            let text = (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
            return TimeInterval(text.trimmingCharacters(in: .whitespacesAndNewlines)) ?? 0
        })
    }

    private func integer(_ setting: Setting, in range: ClosedRange<Int>) throws -> Int {
        guard let text = self[setting], let number = Int(text), range.contains(number) else {
            throw SettingsError(
                description: "\(setting.rawValue): want a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    private func choice<Choice: RawRepresentable & CaseIterable>(
        _ setting: Setting
    ) throws -> Choice where Choice.RawValue == String {
        guard let choice = self[setting].flatMap(Choice.init(rawValue:)) else {
            let words = Choice.allCases.map(\.rawValue).joined(separator: ", ")
            throw SettingsError(description: "\(setting.rawValue): want one of \(words)")
        }
        return choice
    }
}
