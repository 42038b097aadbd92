import ArgumentParser
import Foundation
import Store
import Yams

/// A tenant's rows as a YAML file. Strict: sections that are left out are emptied, so a misspelled key would empty one.
struct TenantFile {
    /// Longest file, in bytes; thousands of rows have less.
    private static let longest = 4_194_304

    /// The file, or - for standard input.
    let path: String

    /// Reads and checks the file.
    /// - Throws: `ValidationError` that names the file and the key at fault.
    func read() throws -> TenantDocument {
        let text = try text()
        do {
            guard let root = try Yams.compose(yaml: text) else { throw ValidationError("\(path): the file is empty") }
            try check(root)
            return try YAMLDecoder().decode(TenantDocument.self, from: text)
        } catch let error as DecodingError {
            throw ValidationError("\(path): \(Self.sentence(error))")
        } catch let error as YamlError {
            throw ValidationError("\(path): \(Self.sentence(error))")
        }
    }

    private func text() throws -> String {
        let data: Data?
        if path == "-" {
            data = try FileHandle.standardInput.read(upToCount: Self.longest + 1)
        } else {
            guard let file = FileHandle(forReadingAtPath: path) else { throw ValidationError("can't read \(path)") }
            data = try file.read(upToCount: Self.longest + 1)
        }
        guard let data, data.count <= Self.longest else {
            throw ValidationError("\(path): want 1 to \(Self.longest) bytes of YAML")
        }
        guard let text = String(validating: data, as: UTF8.self) else {
            throw ValidationError("\(path): want text in UTF-8")
        }
        return text
    }

    // MARK: - Keys

    private func check(_ root: Node) throws {
        try check(root, keys: TenantDocument.keys, at: nil)
        for (name, keys) in TenantDocument.sectionKeys {
            guard let section = root[name] else { continue }
            if let rows = section.sequence {
                for (index, row) in rows.enumerated() { try check(row, keys: keys, at: "\(name).[\(index)]") }
            } else {
                try check(section, keys: keys, at: name)
            }
        }
    }

    private func check(_ node: Node, keys: [String], at place: String?) throws {
        var seen: Set<String> = []
        for key in node.mapping?.keys.compactMap(\.string) ?? [] {
            let name = (place.map { $0 + "." } ?? "") + key
            guard keys.contains(key) else {
                throw ValidationError("\(path): there is no key \(name); did you mean \(key.nearest(of: keys))?")
            }
            guard seen.insert(key).inserted else { throw ValidationError("\(path): \(name) is given twice") }
        }
    }

    // MARK: - Sentences

    private static func sentence(_ error: DecodingError) -> String {
        switch error {
        case .keyNotFound(let key, let context): "\(place(context)) lacks \(key.stringValue)"
        case .typeMismatch(_, let context), .valueNotFound(_, let context): "\(place(context)) is of another type"
        case .dataCorrupted(let context): "\(place(context)) can't be read: \(context.debugDescription)"
        @unknown default: "can't be read"
        }
    }

    /// Where the file stops being YAML, without showing what stands there: it may be a secret.
    private static func sentence(_ error: YamlError) -> String {
        switch error {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
            .composer(_, let problem, let mark, _):
            "line \(mark.line), column \(mark.column): \(problem)"
        default: "is not YAML"
        }
    }

    private static func place(_ context: DecodingError.Context) -> String {
        let path = context.codingPath.map { $0.intValue.map { "[\($0)]" } ?? $0.stringValue }
        return path.isEmpty ? "the document" : path.joined(separator: ".")
    }
}
