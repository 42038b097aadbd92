/// One command, already in the bytes that travel: encoding happens on the caller's thread, sending is a copy.
package struct RedisCommand: Sendable {
    /// `$len\r\narg\r\n` for every argument.
    private(set) var body: [UInt8] = []
    /// Number of arguments, the command's name included.
    private(set) var count = 0

    /// A command of text arguments, the name first: `RedisCommand("SET", "a", "1")`.
    package init(_ arguments: String...) {
        for argument in arguments { append(argument) }
    }

    /// A command of byte arguments, the name first.
    package init(_ arguments: [[UInt8]]) {
        for argument in arguments { append(argument) }
    }

    /// Adds an argument of text.
    package mutating func append(_ argument: String) {
        var argument = argument
        argument.withUTF8 { append(bytes: $0) }
    }

    /// Adds an argument of bytes.
    package mutating func append(_ argument: [UInt8]) {
        argument.withUnsafeBufferPointer { append(bytes: $0) }
    }

    /// Adds an integer argument in decimal.
    package mutating func append(_ argument: some BinaryInteger) {
        append(String(argument))
    }

    /// Makes room for `bytes` more bytes of arguments.
    package mutating func reserve(_ bytes: Int) {
        body.reserveCapacity(body.count + bytes)
    }

    /// Length on the wire, the header aside.
    package var byteCount: Int { body.count }

    /// `*count\r\n`.
    var header: [UInt8] {
        var header: [UInt8] = [UInt8(ascii: "*")]
        Self.write(count, to: &header)
        return header
    }

    private mutating func append(bytes: UnsafeBufferPointer<UInt8>) {
        count += 1
        body.reserveCapacity(body.count + bytes.count + 16)
        body.append(UInt8(ascii: "$"))
        Self.write(bytes.count, to: &body)
        body.append(contentsOf: bytes)
        body.append(UInt8(ascii: "\r"))
        body.append(UInt8(ascii: "\n"))
    }

    /// Writes `number\r\n`.
    private static func write(_ number: Int, to bytes: inout [UInt8]) {
        if number < 10 {
            bytes.append(UInt8(ascii: "0") + UInt8(number))
        } else {
            bytes.append(contentsOf: String(number).utf8)
        }
        bytes.append(UInt8(ascii: "\r"))
        bytes.append(UInt8(ascii: "\n"))
    }
}
