import ArgumentParser
import Foundation

/// Options every command has.
struct OutputOptions: ParsableArguments {
    @Flag(help: "Print JSON, one document, instead of text.")
    var json = false

    /// Prints a value as JSON with stable keys, or as the text made from it.
    func print(_ value: some Encodable, text: () -> String) throws {
        guard json else { return Self.write(text()) }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        encoder.dateEncodingStrategy = .iso8601
        Self.write(String(decoding: try encoder.encode(value), as: UTF8.self))
    }

    /// Writes a line to standard output at once, also into a pipe.
    private static func write(_ text: String) {
        FileHandle.standardOutput.write(Data((text + "\n").utf8))
    }
}

/// A plain text table: columns as wide as their widest cell, two blanks between them.
struct TextTable {
    private var rows: [[String]]

    /// Starts a table with its heading.
    init(_ heading: String...) { rows = [heading] }

    /// Adds a row; every row has as many cells as the heading.
    mutating func add(_ cells: String...) { rows.append(cells) }

    /// The table's lines, without trailing blanks.
    var text: String {
        let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        let lines = rows.map { row in
            zip(row, widths).map { $0.padding(toLength: max($1, $0.count), withPad: " ", startingAt: 0) }
                .joined(separator: "  ")
        }
        return lines.map { String($0.reversed().drop { $0 == " " }.reversed()) }.joined(separator: "\n")
    }
}

/// Writes a line to standard error, where progress and remarks go, so that standard output stays parseable.
func note(_ text: String) {
    FileHandle.standardError.write(Data((text + "\n").utf8))
}
