import Foundation
import Testing

/// One line of a reference page that says "unverified", and what the simulator makes of it.
struct UnverifiedFact: CustomTestStringConvertible, Sendable {
    /// Section of the page.
    let section: String
    /// What nobody confirmed.
    let topic: String
    /// Options that decide it.
    let switches: [String]
    /// Why there is no option, where there is none.
    let reason: String?

    init(_ section: String, _ topic: String, _ switches: String...) {
        self.section = section
        self.topic = topic
        self.switches = switches
        reason = nil
    }

    init(_ section: String, _ topic: String, noSwitch reason: String) {
        self.section = section
        self.topic = topic
        switches = []
        self.reason = reason
    }

    var testDescription: String { "\(section) \(topic)" }
}

/// The project's own sources, as text.
enum ProjectSources {
    private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()

    /// The text of every Swift file below a folder of the project, but for files of these names.
    static func text(below folder: String, except names: Set<String>) throws -> String {
        let base = root.appending(path: folder)
        let files = try #require(FileManager.default.enumerator(at: base, includingPropertiesForKeys: nil))
        var text = ""
        for case let file as URL in files where file.pathExtension == "swift" {
            guard !names.contains(file.lastPathComponent) else { continue }
            text += try String(contentsOf: file, encoding: .utf8)
        }
        return text
    }
}
