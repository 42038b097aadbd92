package import Foundation

/// Writes JSON text piece by piece; the caller sees to it that the pieces make a whole.
package struct JSONWriter {
    /// What was written so far, in UTF-8.
    package private(set) var bytes: [UInt8] = []

    /// An empty text.
    package init() {}

    /// What was written so far.
    package var data: Data { Data(bytes) }

    /// Writes text that is JSON already: punctuation, numbers, `true`.
    package mutating func raw(_ text: String) {
        bytes.append(contentsOf: text.utf8)
    }

    /// Writes a string with its quotes, escaped.
    package mutating func string(_ text: String) {
        bytes.append(UInt8(ascii: "\""))
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                bytes.append(UInt8(ascii: "\\"))
                bytes.append(byte)
            case 0x0a: raw("\\n")
            case 0x0d: raw("\\r")
            case 0x09: raw("\\t")
            case 0..<0x20:
                raw(byte < 0x10 ? "\\u000" : "\\u00")
                raw(String(byte, radix: 16))
            default: bytes.append(byte)
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }

    /// Writes any value.
    package mutating func value(_ value: JSONValue) {
        switch value {
        case .null: raw("null")
        case .bool(let isTrue): raw(isTrue ? "true" : "false")
        case .number(let text): raw(text)
        case .string(let text): string(text)
        case .array(let elements): list("[", "]", elements) { $0.value($1) }
        case .object(let object):
            list("{", "}", object.members) {
                $0.string($1.name)
                $0.raw(":")
                $0.value($1.value)
            }
        }
    }

    /// Writes elements with commas between them.
    package mutating func list<Element>(
        _ opening: String, _ closing: String, _ elements: [Element], _ write: (inout JSONWriter, Element) -> Void
    ) {
        raw(opening)
        for (index, element) in elements.enumerated() {
            if index > 0 { raw(",") }
            write(&self, element)
        }
        raw(closing)
    }
}

extension JSONValue {
    /// The value as JSON text.
    package var serialized: Data {
        var writer = JSONWriter()
        writer.value(self)
        return writer.data
    }
}
