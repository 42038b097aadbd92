import Foundation
import Yams

/// `deploy/` without the Salesforce package, as the tests see it.
enum Deployment {
    static let folder = "deploy"

    /// Every text file that names settings, commands or references; hidden ones left out.
    static let files = SourceTree.files(under: folder).filter { !$0.hasPrefix(SalesforcePackage.folder + "/") }

    /// The settings the program knows, by variable, with the default where there is one.
    static func settings() throws -> Set<String> {
        let text = try SourceTree.text("Sources/ferry/Settings/Setting.swift")
        return Set(text.matches(of: /case \w+ = "(FERRY_\w+)"/).map { String($0.1) })
    }

    struct Missing: Error { let what: String }

    /// Seconds of `45`, `45s`, `60s`, `2m`.
    static func seconds(_ text: String) throws -> Int {
        let units = ["": 1, "s": 1, "m": 60, "min": 60]
        guard let match = text.wholeMatch(of: /(\d+)(\w*)/), let number = Int(match.1),
            let unit = units[String(match.2)]
        else { throw Missing(what: "seconds in \(text)") }
        return number * unit
    }
}

/// A YAML value that can be walked without casts; what is not there is an empty value.
struct YAMLTree {
    let value: Any?

    /// The documents of a file.
    static func documents(_ path: String) throws -> [YAMLTree] {
        try Yams.load_all(yaml: try SourceTree.text(path)).map { YAMLTree(value: $0) }.filter { $0.value != nil }
    }

    subscript(_ key: String) -> YAMLTree { YAMLTree(value: mapping[key]?.value) }

    /// The value at the end of a path of keys.
    subscript(path path: String) -> YAMLTree { path.split(separator: ".").reduce(self) { $0[String($1)] } }

    var exists: Bool { value != nil && !(value is NSNull) }
    var list: [YAMLTree] { (value as? [Any] ?? []).map { YAMLTree(value: $0) } }
    var texts: [String] { list.compactMap(\.text) }
    var mapping: [String: YAMLTree] {
        let pairs = (value as? [AnyHashable: Any] ?? [:]).compactMap { key, value in
            (key as? String).map { ($0, YAMLTree(value: value)) }
        }
        return Dictionary(uniqueKeysWithValues: pairs)
    }

    /// A scalar as the file writes it.
    var text: String? {
        switch value {
        case let text as String: text
        case let flag as Bool: String(flag)
        case let number as Int: String(number)
        case let number as Double: String(number)
        default: nil
        }
    }

    /// Texts by key, for labels and environments.
    var textMapping: [String: String] { mapping.compactMapValues(\.text) }

    /// Every value under a key, at any depth.
    func everything(_ key: String) -> [YAMLTree] {
        let own = mapping
        return (own[key].map { [$0] } ?? []) + own.values.flatMap { $0.everything(key) }
            + list.flatMap { $0.everything(key) }
    }
}
