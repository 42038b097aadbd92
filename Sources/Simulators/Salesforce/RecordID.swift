/// Record ids: 3 characters of key prefix, 4 of the org, 8 of a sequence in base 62, and 3 check characters that make
/// the id safe where case is lost (reference section 14).
///
/// The alphabet is in ASCII order, so ids of one object compare as their sequence numbers do.
package enum RecordID {
    private static let alphabet = Array("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz".utf8)
    private static let checkAlphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZ012345".utf8)

    /// The 18-character id of a sequence number.
    static func make(prefix: String, org: Int, sequence: Int) -> String {
        var bytes = Array(prefix.utf8)
        append(org, digits: 4, to: &bytes)
        append(sequence, digits: 8, to: &bytes)
        bytes.append(contentsOf: checkCharacters(of: bytes))
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The 18-character form of a 15- or 18-character id; `nil` when it is neither, or its check characters are wrong.
    package static func normalise(_ text: String) -> String? {
        let bytes = Array(text.utf8)
        guard bytes.count == 15 || bytes.count == 18, bytes.allSatisfy(isAlphanumeric) else { return nil }
        let head = Array(bytes.prefix(15))
        let check = checkCharacters(of: head)
        if bytes.count == 18, !bytes[15...].elementsEqual(check) { return nil }
        return String(decoding: head + check, as: UTF8.self)
    }

    /// Prefix, org and sequence of an id of either length; `nil` when it is not an id.
    static func parse(_ text: String) -> (prefix: String, org: Int, sequence: Int)? {
        let bytes = Array(text.utf8)
        guard bytes.count == 15 || bytes.count == 18, bytes.allSatisfy(isAlphanumeric) else { return nil }
        if bytes.count == 18, !bytes[15...].elementsEqual(checkCharacters(of: Array(bytes.prefix(15)))) { return nil }
        let prefix = String(decoding: bytes[0..<3], as: UTF8.self)
        return (prefix, number(bytes[3..<7]), number(bytes[7..<15]))
    }

    private static func checkCharacters(of bytes: [UInt8]) -> [UInt8] {
        stride(from: 0, to: 15, by: 5).map { start in
            var index = 0
            for bit in 0..<5 where (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(bytes[start + bit]) {
                index |= 1 << bit
            }
            return checkAlphabet[index]
        }
    }

    private static func append(_ number: Int, digits: Int, to bytes: inout [UInt8]) {
        var rest = number
        let start = bytes.count
        for _ in 0..<digits {
            bytes.append(alphabet[rest % 62])
            rest /= 62
        }
        bytes[start...].reverse()
    }

    private static func number(_ digits: ArraySlice<UInt8>) -> Int {
        digits.reduce(0) { total, digit in
            let value: UInt8 =
                switch digit {
                case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
                case UInt8(ascii: "A")...UInt8(ascii: "Z"): digit - UInt8(ascii: "A") + 10
                default: digit - UInt8(ascii: "a") + 36
                }
            return total * 62 + Int(value)
        }
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "a")...UInt8(ascii: "z"):
            true
        default: false
        }
    }
}
