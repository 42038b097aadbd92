package import Foundation

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Why a body is not JSON.
package struct WireJSONError: Error, Equatable {
    /// What was wrong, in a few words.
    package let reason: String
    /// Byte offset where reading stopped.
    package let offset: Int
}

extension WireJSON {
    /// Reads one JSON value that fills the whole of `data`.
    ///
    /// - Throws: `WireJSONError` for anything RFC 8259 does not allow, and for nesting deeper than
    ///   `SimulatorsLimits.wireJSONDepth`.
    package init(parsing data: Data) throws(WireJSONError) {
        let result: Result<WireJSON, WireJSONError> = data.withUnsafeBytes { raw in
            var reader = WireJSONReader(bytes: raw.bindMemory(to: UInt8.self))
            do throws(WireJSONError) {
                return .success(try reader.document())
            } catch {
                return .failure(error)
            }
        }
        self = try result.get()
    }
}

/// A recursive-descent reader over a borrowed buffer.
struct WireJSONReader {
    private let bytes: UnsafeBufferPointer<UInt8>
    private var position = 0
    private var depth = 0

    init(bytes: UnsafeBufferPointer<UInt8>) {
        self.bytes = bytes
    }

    mutating func document() throws(WireJSONError) -> WireJSON {
        let value = try value()
        skipSpace()
        guard position == bytes.count else { throw failure("text after the value") }
        return value
    }

    private mutating func value() throws(WireJSONError) -> WireJSON {
        skipSpace()
        guard position < bytes.count else { throw failure("unexpected end") }
        switch bytes[position] {
        case UInt8(ascii: "{"): return try nested { reader throws(WireJSONError) in try reader.object() }
        case UInt8(ascii: "["): return try nested { reader throws(WireJSONError) in try reader.array() }
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        default: return try number()
        }
    }

    private mutating func nested(
        _ body: (inout WireJSONReader) throws(WireJSONError) -> WireJSON
    ) throws(WireJSONError) -> WireJSON {
        depth += 1
        guard depth <= SimulatorsLimits.wireJSONDepth else { throw failure("nested too deep") }
        position += 1
        let value = try body(&self)
        depth -= 1
        return value
    }

    private mutating func object() throws(WireJSONError) -> WireJSON {
        var object = WireObject()
        if take(UInt8(ascii: "}")) { return .object(object) }
        while true {
            skipSpace()
            guard position < bytes.count, bytes[position] == UInt8(ascii: "\"") else { throw failure("no member name") }
            let name = try string()
            guard take(UInt8(ascii: ":")) else { throw failure("no colon") }
            object.members.append((name, try value()))
            if take(UInt8(ascii: ",")) { continue }
            guard take(UInt8(ascii: "}")) else { throw failure("unclosed object") }
            return .object(object)
        }
    }

    private mutating func array() throws(WireJSONError) -> WireJSON {
        var items: [WireJSON] = []
        if take(UInt8(ascii: "]")) { return .array(items) }
        while true {
            items.append(try value())
            if take(UInt8(ascii: ",")) { continue }
            guard take(UInt8(ascii: "]")) else { throw failure("unclosed array") }
            return .array(items)
        }
    }

    // MARK: - Scalars

    private mutating func word(_ word: String, _ value: WireJSON) throws(WireJSONError) -> WireJSON {
        let end = position + word.utf8.count
        guard end <= bytes.count, bytes[position..<end].elementsEqual(word.utf8) else { throw failure("unknown word") }
        position = end
        return value
    }

    private mutating func number() throws(WireJSONError) -> WireJSON {
        let start = position
        var whole = true
        scan: while position < bytes.count {
            switch bytes[position] {
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "+"): break
            case UInt8(ascii: "."), UInt8(ascii: "e"), UInt8(ascii: "E"): whole = false
            default: break scan
            }
            position += 1
        }
        let text = String(decoding: bytes[start..<position], as: UTF8.self)
        if whole, let number = Int(text), !text.hasPrefix("+") { return .int(number) }
        guard let number = Double(text), number.isFinite, !text.hasPrefix("+"), !text.hasPrefix(".") else {
            position = start
            throw failure("unexpected character")
        }
        return .double(number)
    }

    private mutating func string() throws(WireJSONError) -> String {
        position += 1
        let start = position
        guard let base = bytes.baseAddress, let close = memchr(base + start, 0x22, bytes.count - start) else {
            throw failure("unclosed string")
        }
        let end = UnsafeMutableRawPointer(mutating: base).distance(to: close)
        if memchr(base + start, 0x5C, end - start) == nil {
            position = end + 1
            return String(decoding: bytes[start..<end], as: UTF8.self)
        }
        return try escapedString()
    }

    private mutating func escapedString() throws(WireJSONError) -> String {
        var units: [UInt8] = []
        while position < bytes.count {
            let byte = bytes[position]
            position += 1
            switch byte {
            case 0x22: return String(decoding: units, as: UTF8.self)
            case 0x5C: try escape(into: &units)
            default: units.append(byte)
            }
        }
        throw failure("unclosed string")
    }

    private mutating func escape(into units: inout [UInt8]) throws(WireJSONError) {
        guard position < bytes.count else { throw failure("unclosed string") }
        let byte = bytes[position]
        position += 1
        switch byte {
        case UInt8(ascii: "n"): units.append(0x0A)
        case UInt8(ascii: "r"): units.append(0x0D)
        case UInt8(ascii: "t"): units.append(0x09)
        case UInt8(ascii: "b"): units.append(0x08)
        case UInt8(ascii: "f"): units.append(0x0C)
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): units.append(byte)
        case UInt8(ascii: "u"): units.append(contentsOf: String(try unicodeScalar()).utf8)
        default: throw failure("unknown escape")
        }
    }

    private mutating func unicodeScalar() throws(WireJSONError) -> Character {
        let high = try hexUnit()
        if (0xD800..<0xDC00).contains(high), position + 1 < bytes.count, bytes[position] == 0x5C,
            bytes[position + 1] == UInt8(ascii: "u")
        {
            position += 2
            let low = try hexUnit()
            let combined = 0x10000 + ((high - 0xD800) << 10) + (low &- 0xDC00)
            return Unicode.Scalar(combined).map(Character.init) ?? "\u{FFFD}"
        }
        return Unicode.Scalar(high).map(Character.init) ?? "\u{FFFD}"
    }

    private mutating func hexUnit() throws(WireJSONError) -> UInt32 {
        guard position + 4 <= bytes.count,
            let unit = UInt32(String(decoding: bytes[position..<position + 4], as: UTF8.self), radix: 16)
        else { throw failure("bad unicode escape") }
        position += 4
        return unit
    }

    // MARK: - Bytes

    private mutating func skipSpace() {
        while position < bytes.count {
            switch bytes[position] {
            case 0x20, 0x0A, 0x0D, 0x09: position += 1
            default: return
            }
        }
    }

    private mutating func take(_ byte: UInt8) -> Bool {
        skipSpace()
        guard position < bytes.count, bytes[position] == byte else { return false }
        position += 1
        return true
    }

    private func failure(_ reason: String) -> WireJSONError {
        WireJSONError(reason: reason, offset: position)
    }
}
