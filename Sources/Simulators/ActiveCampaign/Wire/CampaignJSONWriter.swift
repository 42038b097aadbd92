/// Writes JSON straight into bytes: a page of contacts with its sideloads is the hot answer of this simulator.
struct CampaignJSONWriter {
    /// What was written so far.
    private(set) var bytes: [UInt8] = []
    private var needsComma = false

    /// Makes a writer with room for `capacity` bytes.
    init(capacity: Int = 512) {
        bytes.reserveCapacity(capacity)
    }

    // MARK: - Containers

    mutating func beginObject() { begin(UInt8(ascii: "{")) }
    mutating func endObject() { end(UInt8(ascii: "}")) }
    mutating func beginArray() { begin(UInt8(ascii: "[")) }
    mutating func endArray() { end(UInt8(ascii: "]")) }

    /// Writes a member's name; its value comes next.
    mutating func key(_ name: StaticString) {
        comma()
        bytes.append(UInt8(ascii: "\""))
        appendRaw(name)
        bytes.append(UInt8(ascii: "\""))
        bytes.append(UInt8(ascii: ":"))
        needsComma = false
    }

    /// Writes a member's name that is known only at run time.
    mutating func key(of name: String) {
        comma()
        appendQuoted(name)
        bytes.append(UInt8(ascii: ":"))
        needsComma = false
    }

    // MARK: - Members

    mutating func member(_ name: StaticString, _ text: String) {
        key(name)
        string(text)
    }

    mutating func member(_ name: StaticString, optional text: String?) {
        key(name)
        if let text { string(text) } else { null() }
    }

    /// An id: digits in quotation marks.
    mutating func member(_ name: StaticString, id: UInt32) {
        key(name)
        identifier(id)
    }

    mutating func member(_ name: StaticString, _ json: CampaignJSON) {
        key(name)
        value(json)
    }

    /// Members that are always the same, already written as JSON and without outer braces.
    mutating func fixedMembers(_ json: StaticString) {
        comma()
        appendRaw(json)
        needsComma = true
    }

    // MARK: - Values

    mutating func string(_ text: String) {
        comma()
        appendQuoted(text)
        needsComma = true
    }

    mutating func identifier(_ id: UInt32) {
        comma()
        bytes.append(UInt8(ascii: "\""))
        appendDecimal(id)
        bytes.append(UInt8(ascii: "\""))
        needsComma = true
    }

    mutating func null() {
        comma()
        appendRaw("null")
        needsComma = true
    }

    /// A string whose bytes need no escaping, made by `fill`.
    mutating func plainString(_ fill: (inout [UInt8]) -> Void) {
        comma()
        bytes.append(UInt8(ascii: "\""))
        fill(&bytes)
        bytes.append(UInt8(ascii: "\""))
        needsComma = true
    }

    mutating func value(_ json: CampaignJSON) {
        switch json {
        case .null: null()
        case .bool(let flag): scalar(flag ? "true" : "false")
        case .int(let number): scalar(String(number))
        case .double(let number): scalar(String(number))
        case .string(let text): string(text)
        case .array(let elements):
            beginArray()
            for element in elements { value(element) }
            endArray()
        case .object(let members):
            beginObject()
            for member in members {
                key(of: member.key)
                value(member.value)
            }
            endObject()
        }
    }

    // MARK: - Bytes

    private mutating func begin(_ byte: UInt8) {
        comma()
        bytes.append(byte)
        needsComma = false
    }

    private mutating func end(_ byte: UInt8) {
        bytes.append(byte)
        needsComma = true
    }

    private mutating func comma() {
        if needsComma { bytes.append(UInt8(ascii: ",")) }
    }

    private mutating func scalar(_ text: String) {
        comma()
        bytes.append(contentsOf: text.utf8)
        needsComma = true
    }

    private mutating func appendRaw(_ text: StaticString) {
        text.withUTF8Buffer { bytes.append(contentsOf: $0) }
    }

    private mutating func appendDecimal(_ number: UInt32) {
        CampaignZone.appendDigits(Int(number), width: 1, to: &bytes)
    }

    private mutating func appendQuoted(_ text: String) {
        bytes.append(UInt8(ascii: "\""))
        var text = text
        text.withUTF8 { utf8 in
            if utf8.contains(where: { $0 < 0x20 || $0 == UInt8(ascii: "\"") || $0 == UInt8(ascii: "\\") }) {
                for byte in utf8 { appendEscaped(byte) }
            } else {
                bytes.append(contentsOf: utf8)
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }

    private mutating func appendEscaped(_ byte: UInt8) {
        switch byte {
        case UInt8(ascii: "\""): appendRaw("\\\"")
        case UInt8(ascii: "\\"): appendRaw("\\\\")
        case 0x0A: appendRaw("\\n")
        case 0x0D: appendRaw("\\r")
        case 0x09: appendRaw("\\t")
        case 0..<0x20:
            appendRaw("\\u00")
            let digits = Array("0123456789abcdef".utf8)
            bytes.append(digits[Int(byte >> 4)])
            bytes.append(digits[Int(byte & 15)])
        default: bytes.append(byte)
        }
    }
}
