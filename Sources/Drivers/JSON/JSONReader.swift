package import Foundation

extension JSONValue {
    /// Reads a whole JSON text (RFC 8259), in UTF-8.
    ///
    /// Bytes that are not UTF-8 become U+FFFD, as do halves of a surrogate pair.
    /// - Throws: `JSONError`; an empty text counts as `truncated`.
    package init(reading data: Data) throws(JSONError) {
        let result: Result<JSONValue, JSONError> = data.withUnsafeBytes { bytes in
            var reader = JSONReader(bytes: bytes)
            do throws(JSONError) {
                return .success(try reader.readText())
            } catch {
                return .failure(error)
            }
        }
        self = try result.get()
    }
}

/// A recursive-descent reader over bytes that outlive it.
private struct JSONReader {
    private let bytes: UnsafeRawBufferPointer
    private var index = 0
    private var depth = 0
    private var names = [KnownName?](repeating: nil, count: JSONLimits.rememberedNames)

    /// A name seen before, and where its bytes stand.
    private struct KnownName {
        let bytes: UnsafeRawBufferPointer
        let text: String

        func matches(_ other: UnsafeRawBufferPointer) -> Bool {
            guard bytes.count == other.count, let left = bytes.baseAddress, let right = other.baseAddress else {
                return false
            }
            return memcmp(left, right, other.count) == 0
        }
    }

    init(bytes: UnsafeRawBufferPointer) {
        self.bytes = bytes
        if bytes.starts(with: [0xef, 0xbb, 0xbf]) { index = 3 }
    }

    mutating func readText() throws(JSONError) -> JSONValue {
        let value = try readValue()
        skipSpace()
        guard index == bytes.count else { throw failure(.unexpectedByte) }
        return value
    }

    private func failure(_ code: JSONError.Code) -> JSONError { JSONError(code: code, offset: index) }

    private mutating func skipSpace() {
        while index < bytes.count {
            switch bytes[index] {
            case 0x20, 0x0a, 0x0d, 0x09: index += 1
            default: return
            }
        }
    }

    /// The next byte that is not space; it stays unread.
    private mutating func peek() throws(JSONError) -> UInt8 {
        skipSpace()
        guard index < bytes.count else { throw failure(.truncated) }
        return bytes[index]
    }

    private mutating func readValue() throws(JSONError) -> JSONValue {
        switch try peek() {
        case UInt8(ascii: "{"): return try nested { (reader) throws(JSONError) in try reader.readObject() }
        case UInt8(ascii: "["): return try nested { (reader) throws(JSONError) in try reader.readArray() }
        case UInt8(ascii: "\""): return .string(try readString())
        case UInt8(ascii: "t"): return try readWord("true", .bool(true))
        case UInt8(ascii: "f"): return try readWord("false", .bool(false))
        case UInt8(ascii: "n"): return try readWord("null", .null)
        default: return .number(try readNumber())
        }
    }

    private mutating func nested(
        _ body: (inout JSONReader) throws(JSONError) -> JSONValue
    ) throws(JSONError) -> JSONValue {
        guard depth < JSONLimits.depth else { throw failure(.tooDeep) }
        depth += 1
        index += 1
        let value = try body(&self)
        depth -= 1
        return value
    }

    private mutating func readArray() throws(JSONError) -> JSONValue {
        var elements: [JSONValue] = []
        guard try peek() != UInt8(ascii: "]") else {
            index += 1
            return .array(elements)
        }
        while true {
            elements.append(try readValue())
            if try readsSeparator(closing: UInt8(ascii: "]")) { return .array(elements) }
        }
    }

    private mutating func readObject() throws(JSONError) -> JSONValue {
        var members: [JSONObject.Member] = []
        guard try peek() != UInt8(ascii: "}") else {
            index += 1
            return .object(JSONObject())
        }
        while true {
            guard try peek() == UInt8(ascii: "\"") else { throw failure(.unexpectedByte) }
            let name = try readName()
            guard try peek() == UInt8(ascii: ":") else { throw failure(.unexpectedByte) }
            index += 1
            members.append(JSONObject.Member(name: name, value: try readValue()))
            if try readsSeparator(closing: UInt8(ascii: "}")) { return .object(JSONObject(members)) }
        }
    }

    /// Reads a comma (false) or the closing byte (true).
    private mutating func readsSeparator(closing: UInt8) throws(JSONError) -> Bool {
        let byte = try peek()
        guard byte == closing || byte == UInt8(ascii: ",") else { throw failure(.unexpectedByte) }
        index += 1
        return byte == closing
    }

    private mutating func readWord(_ word: StaticString, _ value: JSONValue) throws(JSONError) -> JSONValue {
        let text = UnsafeRawBufferPointer(start: word.utf8Start, count: word.utf8CodeUnitCount)
        for byte in text {
            guard index < bytes.count else { throw failure(.truncated) }
            guard bytes[index] == byte else { throw failure(.unexpectedByte) }
            index += 1
        }
        return value
    }

    // MARK: - Numbers

    private mutating func readNumber() throws(JSONError) -> String {
        let start = index
        if bytes[index] == UInt8(ascii: "-") { index += 1 }
        let whole = try readDigits()
        if whole > 1, bytes[index - whole] == UInt8(ascii: "0") { throw failure(.unexpectedByte) }
        if index < bytes.count, bytes[index] == UInt8(ascii: ".") {
            index += 1
            _ = try readDigits()
        }
        if index < bytes.count, bytes[index] | 0x20 == UInt8(ascii: "e") {
            index += 1
            if index < bytes.count, bytes[index] == UInt8(ascii: "+") || bytes[index] == UInt8(ascii: "-") {
                index += 1
            }
            _ = try readDigits()
        }
        return String(decoding: UnsafeRawBufferPointer(rebasing: bytes[start..<index]), as: UTF8.self)
    }

    private mutating func readDigits() throws(JSONError) -> Int {
        let start = index
        while index < bytes.count, bytes[index] >= 0x30, bytes[index] <= 0x39 { index += 1 }
        guard index > start else { throw failure(index < bytes.count ? .unexpectedByte : .truncated) }
        return index - start
    }

    // MARK: - Strings

    /// A member's name; names repeat in every record, so the last one of each kind is kept and used again.
    private mutating func readName() throws(JSONError) -> String {
        let start = index + 1
        guard let end = endOfPlainString(from: start) else { return try readString() }
        let raw = UnsafeRawBufferPointer(rebasing: bytes[start..<end])
        index = end + 1
        guard let first = raw.first, let last = raw.last else { return "" }
        let slot = (raw.count &* 31 &+ Int(first) &* 7 &+ Int(last)) % JSONLimits.rememberedNames
        if let known = names[slot], known.matches(raw) { return known.text }
        let name = String(decoding: raw, as: UTF8.self)
        names[slot] = KnownName(bytes: raw, text: name)
        return name
    }

    /// Where the closing quote stands, if nothing before it needs unescaping.
    private func endOfPlainString(from start: Int) -> Int? {
        var end = start
        while end < bytes.count {
            let byte = bytes[end]
            if byte == UInt8(ascii: "\"") { return end }
            if byte == UInt8(ascii: "\\") || byte < 0x20 { return nil }
            end += 1
        }
        return nil
    }

    private mutating func readString() throws(JSONError) -> String {
        let start = index + 1
        if let end = endOfPlainString(from: start) {
            index = end + 1
            return String(decoding: UnsafeRawBufferPointer(rebasing: bytes[start..<end]), as: UTF8.self)
        }
        return try readEscapedString(from: start)
    }

    private mutating func readEscapedString(from start: Int) throws(JSONError) -> String {
        index = start
        var text: [UInt8] = []
        while index < bytes.count {
            let byte = bytes[index]
            index += 1
            switch byte {
            case UInt8(ascii: "\""): return String(decoding: text, as: UTF8.self)
            case UInt8(ascii: "\\"): try readEscape(into: &text)
            case 0..<0x20: throw failure(.unexpectedByte)
            default: text.append(byte)
            }
        }
        throw failure(.truncated)
    }

    private mutating func readEscape(into text: inout [UInt8]) throws(JSONError) {
        guard index < bytes.count else { throw failure(.truncated) }
        let byte = bytes[index]
        index += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(byte)
        case UInt8(ascii: "b"): text.append(0x08)
        case UInt8(ascii: "f"): text.append(0x0c)
        case UInt8(ascii: "n"): text.append(0x0a)
        case UInt8(ascii: "r"): text.append(0x0d)
        case UInt8(ascii: "t"): text.append(0x09)
        case UInt8(ascii: "u"): text.append(contentsOf: String(try readUnicode()).utf8)
        default: throw failure(.unexpectedByte)
        }
    }

    private mutating func readUnicode() throws(JSONError) -> Unicode.Scalar {
        let first = try readHex()
        if let scalar = Unicode.Scalar(first) { return scalar }
        let isPair =
            first < 0xdc00 && index + 1 < bytes.count && bytes[index] == UInt8(ascii: "\\")
            && bytes[index + 1] == UInt8(ascii: "u")
        guard isPair else { return "\u{fffd}" }
        let mark = index
        index += 2
        let second = try readHex()
        guard second >= 0xdc00, second <= 0xdfff else {
            index = mark
            return "\u{fffd}"
        }
        return Unicode.Scalar(0x10000 + (first - 0xd800) << 10 + (second - 0xdc00)) ?? "\u{fffd}"
    }

    private mutating func readHex() throws(JSONError) -> UInt32 {
        guard index + 4 <= bytes.count else { throw failure(.truncated) }
        var value: UInt32 = 0
        for _ in 0..<4 {
            let byte = bytes[index]
            let digit: UInt8
            switch byte {
            case 0x30...0x39: digit = byte - 0x30
            case 0x41...0x46: digit = byte - 0x41 + 10
            case 0x61...0x66: digit = byte - 0x61 + 10
            default: throw failure(.unexpectedByte)
            }
            value = value << 4 | UInt32(digit)
            index += 1
        }
        return value
    }
}
