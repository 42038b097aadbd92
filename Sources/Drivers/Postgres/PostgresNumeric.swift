/// Reads `numeric`'s binary form into decimal text, exactly as the server would print it.
enum PostgresNumeric {
    private static let negative: UInt16 = 0x4000
    private static let notANumber: UInt16 = 0xC000
    private static let plusInfinity: UInt16 = 0xD000
    private static let minusInfinity: UInt16 = 0xF000
    /// Count, weight, sign and scale, two bytes each; then base-10000 digits.
    private static let headerBytes = 8

    /// The decimal text; nil when the bytes are no `numeric`.
    static func text(_ bytes: UnsafeRawBufferPointer) -> String? {
        guard bytes.count >= headerBytes, bytes.count.isMultiple(of: 2) else { return nil }
        let words = (0..<bytes.count / 2).map {
            UInt16(bigEndian: bytes.loadUnaligned(fromByteOffset: $0 * 2, as: UInt16.self))
        }
        guard words.count == 4 + Int(words[0]) else { return nil }
        switch words[2] {
        case notANumber: return "NaN"
        case plusInfinity: return "Infinity"
        case minusInfinity: return "-Infinity"
        default: break
        }
        let weight = Int(Int16(bitPattern: words[1]))
        let digits = words.dropFirst(4).map(Int.init)
        let sign = words[2] == negative ? "-" : ""
        return sign + whole(digits, weight: weight) + fraction(digits, weight: weight, scale: Int(words[3]))
    }

    /// The part before the point; `weight` is the power of 10000 of the first digit.
    private static func whole(_ digits: [Int], weight: Int) -> String {
        guard weight >= 0 else { return "0" }
        var text = ""
        for position in 0...weight {
            let digit = position < digits.count ? digits[position] : 0
            text += position == 0 ? String(digit) : padded(digit)
        }
        return text
    }

    /// The point and `scale` places after it; nothing when the scale is 0.
    private static func fraction(_ digits: [Int], weight: Int, scale: Int) -> String {
        guard scale > 0 else { return "" }
        var text = ""
        var position = weight + 1
        while text.utf8.count < scale {
            text += padded(position >= 0 && position < digits.count ? digits[position] : 0)
            position += 1
        }
        return "." + text.prefix(scale)
    }

    private static func padded(_ digit: Int) -> String {
        let text = String(digit)
        return String(repeating: "0", count: 4 - text.utf8.count) + text
    }
}
