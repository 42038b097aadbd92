package import Foundation

/// A Swift type with one PostgreSQL type: how it travels as a parameter, as an array's element, and in a row.
package protocol PostgresScalar: Sendable {
    /// The type it is sent as.
    static var postgresType: PostgresType { get }
    /// The type an array of it is sent as.
    static var postgresArrayType: PostgresType { get }
    /// Appends the binary form.
    func encode(into buffer: inout [UInt8])
    /// Reads the binary form of a value of `type`; nil when the type or the length is another one.
    static func decode(_ bytes: UnsafeRawBufferPointer, type: PostgresType) -> Self?
}

extension FixedWidthInteger {
    /// Appends the bytes, most significant first.
    func appendBigEndian(to buffer: inout [UInt8]) {
        withUnsafeBytes(of: bigEndian) { buffer.append(contentsOf: $0) }
    }

    /// Reads a value that must fill `bytes` exactly.
    static func readBigEndian(_ bytes: UnsafeRawBufferPointer) -> Self? {
        guard bytes.count == MemoryLayout<Self>.size else { return nil }
        return Self(bigEndian: bytes.loadUnaligned(as: Self.self))
    }
}

/// Reads any of PostgreSQL's integer types.
private func decodeInteger(_ bytes: UnsafeRawBufferPointer, type: PostgresType) -> Int64? {
    switch type {
    case .int8: Int64.readBigEndian(bytes)
    case .int4: Int32.readBigEndian(bytes).map(Int64.init)
    case .int2: Int16.readBigEndian(bytes).map(Int64.init)
    case .oid: UInt32.readBigEndian(bytes).map(Int64.init)
    default: nil
    }
}

extension Bool: PostgresScalar {
    package static var postgresType: PostgresType { .bool }
    package static var postgresArrayType: PostgresType { .boolArray }
    package func encode(into buffer: inout [UInt8]) { buffer.append(self ? 1 : 0) }
    package static func decode(_ bytes: UnsafeRawBufferPointer, type: PostgresType) -> Bool? {
        guard type == .bool, bytes.count == 1 else { return nil }
        return bytes[0] != 0
    }
}

extension Int16: PostgresScalar {
    package static var postgresType: PostgresType { .int2 }
    package static var postgresArrayType: PostgresType { .int2Array }
    package func encode(into buffer: inout [UInt8]) { appendBigEndian(to: &buffer) }
    package static func decode(_ bytes: UnsafeRawBufferPointer, type: PostgresType) -> Int16? {
        decodeInteger(bytes, type: type).flatMap(Int16.init(exactly:))
    }
}

extension Int32: PostgresScalar {
    package static var postgresType: PostgresType { .int4 }
    package static var postgresArrayType: PostgresType { .int4Array }
    package func encode(into buffer: inout [UInt8]) { appendBigEndian(to: &buffer) }
    package static func decode(_ bytes: UnsafeRawBufferPointer, type: PostgresType) -> Int32? {
        decodeInteger(bytes, type: type).flatMap(Int32.init(exactly:))
    }
}

extension Int64: PostgresScalar {
    package static var postgresType: PostgresType { .int8 }
    package static var postgresArrayType: PostgresType { .int8Array }
    package func encode(into buffer: inout [UInt8]) { appendBigEndian(to: &buffer) }
    package static func decode(_ bytes: UnsafeRawBufferPointer, type: PostgresType) -> Int64? {
        decodeInteger(bytes, type: type)
    }
}

extension Int: PostgresScalar {
    package static var postgresType: PostgresType { .int8 }
    package static var postgresArrayType: PostgresType { .int8Array }
    package func encode(into buffer: inout [UInt8]) { Int64(self).appendBigEndian(to: &buffer) }
    package static func decode(_ bytes: UnsafeRawBufferPointer, type: PostgresType) -> Int? {
        decodeInteger(bytes, type: type).map(Int.init)
    }
}

extension Double: PostgresScalar {
    package static var postgresType: PostgresType { .float8 }
    package static var postgresArrayType: PostgresType { .float8Array }
    package func encode(into buffer: inout [UInt8]) { bitPattern.appendBigEndian(to: &buffer) }
    package static func decode(_ bytes: UnsafeRawBufferPointer, type: PostgresType) -> Double? {
        switch type {
        case .float8: UInt64.readBigEndian(bytes).map(Double.init(bitPattern:))
        case .float4: UInt32.readBigEndian(bytes).map { Double(Float(bitPattern: $0)) }
        default: nil
        }
    }
}

extension String: PostgresScalar {
    package static var postgresType: PostgresType { .text }
    package static var postgresArrayType: PostgresType { .textArray }
    package func encode(into buffer: inout [UInt8]) { buffer.append(contentsOf: utf8) }
    package static func decode(_ bytes: UnsafeRawBufferPointer, type: PostgresType) -> String? {
        switch type {
        case .jsonb: PostgresJSON.decode(bytes, type: type)?.text
        case .numeric: PostgresNumeric.text(bytes)
        case .uuid: UUID.decode(bytes, type: type)?.uuidString.lowercased()
        default: type.isTextual ? String(decoding: bytes, as: UTF8.self) : nil
        }
    }
}

extension [UInt8]: PostgresScalar {
    package static var postgresType: PostgresType { .bytea }
    package static var postgresArrayType: PostgresType { .byteaArray }
    package func encode(into buffer: inout [UInt8]) { buffer.append(contentsOf: self) }
    package static func decode(_ bytes: UnsafeRawBufferPointer, type: PostgresType) -> [UInt8]? {
        type == .bytea ? Array(bytes) : nil
    }
}

extension UUID: PostgresScalar {
    package static var postgresType: PostgresType { .uuid }
    package static var postgresArrayType: PostgresType { .uuidArray }
    package func encode(into buffer: inout [UInt8]) {
        withUnsafeBytes(of: uuid) { buffer.append(contentsOf: $0) }
    }
    package static func decode(_ bytes: UnsafeRawBufferPointer, type: PostgresType) -> UUID? {
        guard type == .uuid, bytes.count == MemoryLayout<uuid_t>.size else { return nil }
        return UUID(uuid: bytes.loadUnaligned(as: uuid_t.self))
    }
}

/// Instants travel as microseconds since 2000-01-01 UTC; a `Date` is rounded to the nearest one.
extension Date: PostgresScalar {
    /// Seconds from Foundation's reference date (2001-01-01) back to PostgreSQL's (2000-01-01).
    private static let epochDistance: Double = 366 * 86_400
    package static var postgresType: PostgresType { .timestamptz }
    package static var postgresArrayType: PostgresType { .timestamptzArray }
    package func encode(into buffer: inout [UInt8]) {
        let microseconds = ((timeIntervalSinceReferenceDate + Self.epochDistance) * 1e6).rounded()
        // Instants beyond the wire format become PostgreSQL's own ±infinity.
        let wire = Int64(exactly: microseconds) ?? (microseconds < 0 ? .min : .max)
        wire.appendBigEndian(to: &buffer)
    }
    package static func decode(_ bytes: UnsafeRawBufferPointer, type: PostgresType) -> Date? {
        guard type == .timestamptz || type == .timestamp, let wire = Int64.readBigEndian(bytes) else { return nil }
        switch wire {
        case .max: return .distantFuture
        case .min: return .distantPast
        default: return Date(timeIntervalSinceReferenceDate: Double(wire) / 1e6 - epochDistance)
        }
    }
}

/// JSON text that travels as `jsonb`.
package struct PostgresJSON: Sendable, Equatable, PostgresScalar {
    package var text: String
    package init(_ text: String) { self.text = text }

    /// `jsonb`'s binary form is this byte and the text.
    private static let version: UInt8 = 1
    package static var postgresType: PostgresType { .jsonb }
    package static var postgresArrayType: PostgresType { .jsonbArray }
    package func encode(into buffer: inout [UInt8]) {
        buffer.append(Self.version)
        buffer.append(contentsOf: text.utf8)
    }
    package static func decode(_ bytes: UnsafeRawBufferPointer, type: PostgresType) -> PostgresJSON? {
        switch type {
        case .json: return PostgresJSON(String(decoding: bytes, as: UTF8.self))
        case .jsonb:
            guard bytes.first == version else { return nil }
            return PostgresJSON(String(decoding: bytes.dropFirst(), as: UTF8.self))
        default: return nil
        }
    }
}
