/// A reply, copied out of the C library.
package enum RESPValue: Hashable, Sendable {
    /// `$…`: bytes.
    case bytes([UInt8])
    /// `+…`: a status line such as `OK`.
    case status(String)
    /// `:…`: an integer.
    case integer(Int64)
    /// `*…`: an array.
    case array([RESPValue])
    /// A missing value.
    case null
    /// `-…` inside an array; on its own an error is thrown.
    case error(RedisError)

    /// The text of a string or status; bytes that are no UTF-8 are replaced.
    package var text: String? {
        switch self {
        case .bytes(let bytes): String(decoding: bytes, as: UTF8.self)
        case .status(let status): status
        default: nil
        }
    }

    /// The bytes of a string.
    package var rawBytes: [UInt8]? {
        if case .bytes(let bytes) = self { bytes } else { nil }
    }

    /// An integer, or a string that is one.
    package var number: Int64? {
        switch self {
        case .integer(let value): value
        case .bytes, .status: text.flatMap { Int64($0) }
        default: nil
        }
    }

    /// The elements of an array.
    package var elements: [RESPValue]? {
        if case .array(let elements) = self { elements } else { nil }
    }
}
