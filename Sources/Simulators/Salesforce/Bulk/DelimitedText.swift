import Foundation

/// How the rows of a bulk job are cut: `columnDelimiter` and `lineEnding` of the job.
struct DelimitedFormat: Equatable {
    /// Names of the delimiters, as jobs give them.
    static let delimiters: [String: UInt8] = [
        "BACKQUOTE": UInt8(ascii: "`"), "CARET": UInt8(ascii: "^"), "COMMA": UInt8(ascii: ","),
        "PIPE": UInt8(ascii: "|"), "SEMICOLON": UInt8(ascii: ";"), "TAB": UInt8(ascii: "\t"),
    ]

    let delimiterName: String
    let lineEndingName: String

    /// The format of these names; `nil` when either is none the API knows.
    init?(delimiter: String, lineEnding: String) {
        guard Self.delimiters[delimiter] != nil, ["LF", "CRLF"].contains(lineEnding) else { return nil }
        delimiterName = delimiter
        lineEndingName = lineEnding
    }

    /// Byte between two fields.
    var delimiter: UInt8 { Self.delimiters[delimiterName] ?? UInt8(ascii: ",") }
    /// Text between two rows.
    var lineEnding: String { lineEndingName == "CRLF" ? "\r\n" : "\n" }
}

/// Why uploaded rows cannot be read: the `errorMessage` of a failed job.
struct DelimitedTextError: Error {
    let message: String
}

/// Reads the rows of an upload one by one, quotes and line breaks inside quotes included (RFC 4180).
struct DelimitedReader {
    private static let quote = UInt8(ascii: "\"")
    private static let lineFeed = UInt8(ascii: "\n")
    private static let carriageReturn = UInt8(ascii: "\r")

    private let bytes: Data
    private let format: DelimitedFormat
    /// Offset of the next row.
    private(set) var position: Int

    init(_ bytes: Data, format: DelimitedFormat, at position: Int? = nil) {
        self.bytes = bytes
        self.format = format
        let mark: [UInt8] = [0xEF, 0xBB, 0xBF]
        self.position = position ?? (bytes.prefix(3).elementsEqual(mark) ? 3 : 0)
    }

    /// The next row's fields; `nil` at the end. Blank lines are passed over.
    ///
    /// - Throws: when a quote is not closed.
    mutating func row() throws(DelimitedTextError) -> [String]? {
        let result: Result<[String]?, DelimitedTextError> = bytes.withUnsafeBytes { raw in
            do throws(DelimitedTextError) {
                return .success(try row(raw.bindMemory(to: UInt8.self)))
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    private mutating func row(_ bytes: UnsafeBufferPointer<UInt8>) throws(DelimitedTextError) -> [String]? {
        skipBlankLines(bytes)
        guard position < bytes.count else { return nil }
        var fields: [String] = []
        while true {
            fields.append(try field(bytes))
            guard position < bytes.count else { return fields }
            let byte = bytes[position]
            position += 1
            if byte == format.delimiter { continue }
            if byte == Self.carriageReturn, position < bytes.count, bytes[position] == Self.lineFeed { position += 1 }
            return fields
        }
    }

    private mutating func skipBlankLines(_ bytes: UnsafeBufferPointer<UInt8>) {
        while position < bytes.count, bytes[position] == Self.lineFeed || bytes[position] == Self.carriageReturn {
            position += 1
        }
    }

    private mutating func field(_ bytes: UnsafeBufferPointer<UInt8>) throws(DelimitedTextError) -> String {
        guard position < bytes.count, bytes[position] == Self.quote else { return plainField(bytes) }
        position += 1
        var text: [UInt8] = []
        while position < bytes.count {
            let byte = bytes[position]
            position += 1
            guard byte == Self.quote else {
                text.append(byte)
                continue
            }
            guard position < bytes.count, bytes[position] == Self.quote else {
                return String(decoding: text, as: UTF8.self)
            }
            text.append(Self.quote)
            position += 1
        }
        throw DelimitedTextError(message: "InvalidBatch : Failed to parse CSV: a quoted field is not closed")
    }

    private mutating func plainField(_ bytes: UnsafeBufferPointer<UInt8>) -> String {
        let start = position
        while position < bytes.count, bytes[position] != format.delimiter, bytes[position] != Self.lineFeed,
            bytes[position] != Self.carriageReturn
        {
            position += 1
        }
        return String(decoding: bytes[start..<position], as: UTF8.self)
    }

    /// Refuses rows whose first line ends otherwise than the job says.
    func checkLineEnding() throws(DelimitedTextError) {
        guard let feed = bytes.firstIndex(of: Self.lineFeed) else { return }
        let isCRLF = feed > bytes.startIndex && bytes[feed - 1] == Self.carriageReturn
        guard isCRLF == (format.lineEndingName == "CRLF") else {
            throw DelimitedTextError(
                message: "ClientInputError : LineEnding is invalid on user data. Current LineEnding setting is "
                    + format.lineEndingName)
        }
    }
}

/// Writes rows as the bulk API does: every field quoted.
struct DelimitedWriter {
    private let format: DelimitedFormat
    private(set) var bytes: [UInt8] = []

    init(_ format: DelimitedFormat) {
        self.format = format
    }

    /// Adds one row.
    mutating func write(_ fields: some Sequence<String>) {
        var isFirst = true
        for field in fields {
            if !isFirst { bytes.append(format.delimiter) }
            isFirst = false
            bytes.append(UInt8(ascii: "\""))
            for byte in field.utf8 {
                if byte == UInt8(ascii: "\"") { bytes.append(byte) }
                bytes.append(byte)
            }
            bytes.append(UInt8(ascii: "\""))
        }
        bytes.append(contentsOf: format.lineEnding.utf8)
    }
}
