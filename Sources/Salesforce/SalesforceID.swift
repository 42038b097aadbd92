/// Record ids: 15 case-sensitive characters, or the same with 3 characters of checksum (reference 14).
package enum SalesforceID {
    private static let checkCharacters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZ012345".utf8)

    /// The 18-character form of an id of 15 or 18 characters; nil when it is none.
    ///
    /// Compare ids only in this form. Of an 18-character id the first 15 count; a wrong checksum is refused.
    package static func normalise(_ text: String) -> String? {
        let bytes = Array(text.utf8)
        guard bytes.count == 15 || bytes.count == 18, bytes.allSatisfy(isBase62) else { return nil }
        let full = Array(bytes.prefix(15)) + checksum(bytes)
        guard bytes.count == 15 || Array(bytes.suffix(3)).map(uppercased) == Array(full.suffix(3)) else { return nil }
        return String(decoding: full, as: UTF8.self)
    }

    /// Per group of five a bit for each capital letter, as one of 32 characters.
    private static func checksum(_ bytes: [UInt8]) -> [UInt8] {
        (0..<3).map { group in
            let index = (0..<5).reduce(0) { sum, bit in
                let byte = bytes[group * 5 + bit]
                return byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z") ? sum | 1 << bit : sum
            }
            return checkCharacters[index]
        }
    }

    private static func uppercased(_ byte: UInt8) -> UInt8 {
        byte >= UInt8(ascii: "a") && byte <= UInt8(ascii: "z") ? byte & ~0x20 : byte
    }

    private static func isBase62(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            return true
        default: return false
        }
    }
}
