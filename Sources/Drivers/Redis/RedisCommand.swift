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

    /// Adds an integer argument in decimal. Not generic: generic code of another module runs unspecialised.
    package mutating func append(_ number: Int64) {
        append(byteCount: number.decimalDigits) { $0.append(decimal: number) }
    }

    /// Adds an argument that is written straight into the command, without a text of its own.
    /// - Parameters:
    ///   - byteCount: its length.
    ///   - write: appends exactly `byteCount` bytes.
    package mutating func append(byteCount: Int, _ write: (inout [UInt8]) -> Void) {
        count += 1
        body.append(UInt8(ascii: "$"))
        Self.write(byteCount, to: &body)
        let start = body.count
        write(&body)
        precondition(body.count - start == byteCount, "an argument has the length that was announced")
        body.append(UInt8(ascii: "\r"))
        body.append(UInt8(ascii: "\n"))
    }

    /// Adds the arguments of another command, its name among them.
    package mutating func append(argumentsOf other: RedisCommand) {
        count += other.count
        body += other.body
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
        append(byteCount: bytes.count) { $0.append(contentsOf: bytes) }
    }

    /// Writes `number\r\n`.
    private static func write(_ number: Int, to bytes: inout [UInt8]) {
        bytes.append(decimal: Int64(number))
        bytes.append(UInt8(ascii: "\r"))
        bytes.append(UInt8(ascii: "\n"))
    }
}

extension Int64 {
    /// Characters of its decimal form, a minus sign included.
    package var decimalDigits: Int {
        var digits = self < 0 ? 2 : 1
        var rest = magnitude / 10
        while rest > 0 {
            digits += 1
            rest /= 10
        }
        return digits
    }
}

extension [UInt8] {
    /// Appends a number's decimal form.
    package mutating func append(decimal number: Int64) {
        if number < 0 { append(UInt8(ascii: "-")) }
        let magnitude = number.magnitude
        var divisor: UInt64 = 1
        while magnitude / divisor >= 10 { divisor *= 10 }
        while divisor > 0 {
            append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: magnitude / divisor % 10))
            divisor /= 10
        }
    }
}
