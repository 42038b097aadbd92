/// The path and query of a request, percent-decoded.
struct RequestTarget {
    let path: String
    let query: [(name: String, value: String)]

    /// Splits and decodes `/path?name=value&…` as sent.
    init(_ raw: String) {
        let mark = raw.firstIndex(of: "?")
        let rawPath = mark.map { raw[..<$0] } ?? raw[...]
        path = Self.decode(rawPath, plusIsSpace: false)
        query = mark.map { Self.items(raw[raw.index(after: $0)...]) } ?? []
    }

    /// Decodes `application/x-www-form-urlencoded` text, repeats kept.
    static func items(_ raw: Substring) -> [(name: String, value: String)] {
        raw.split(separator: "&", omittingEmptySubsequences: true).map { item in
            guard let equals = item.firstIndex(of: "=") else { return (decode(item, plusIsSpace: true), "") }
            let value = item[item.index(after: equals)...]
            return (decode(item[..<equals], plusIsSpace: true), decode(value, plusIsSpace: true))
        }
    }

    private static func decode(_ text: Substring, plusIsSpace: Bool) -> String {
        let source = Array(text.utf8)
        guard source.contains(where: { $0 == 0x25 || (plusIsSpace && $0 == 0x2B) }) else { return String(text) }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(source.count)
        var index = 0
        while index < source.count {
            if source[index] == 0x25, index + 2 < source.count,
                let high = hex(source[index + 1]), let low = hex(source[index + 2])
            {
                bytes.append(high << 4 | low)
                index += 3
            } else {
                bytes.append(plusIsSpace && source[index] == 0x2B ? 0x20 : source[index])
                index += 1
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func hex(_ digit: UInt8) -> UInt8? {
        switch digit {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): digit - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
