import Foundation

/// The project's files, as the tidy tests see them.
struct SourceTree {
    /// The folder that holds Package.swift.
    static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    /// Relative paths of all files below a folder, build products and hidden folders left out.
    static func files(under folder: String, suffix: String = "") -> [String] {
        let base = root.appending(path: folder)
        let names = FileManager.default.enumerator(atPath: base.path)?.compactMap { $0 as? String } ?? []
        return names.filter { name in
            var isDirectory: ObjCBool = false
            _ = FileManager.default.fileExists(atPath: base.appending(path: name).path, isDirectory: &isDirectory)
            return !isDirectory.boolValue && name.hasSuffix(suffix) && !name.hasPrefix(".") && !name.contains("/.")
        }.map { "\(folder)/\($0)" }.sorted()
    }

    static func text(_ path: String) throws -> String {
        try String(contentsOf: root.appending(path: path), encoding: .utf8)
    }

    static func lines(_ path: String) throws -> [Substring] {
        try text(path).split(separator: "\n", omittingEmptySubsequences: false)
    }
}
