package import Foundation

/// One parameter, in its wire form. Its description never shows the content.
package struct PostgresValue: Sendable, Equatable, CustomStringConvertible {
    /// The type the server is told.
    let type: PostgresType
    /// Whether `bytes` is the binary form; else it is text.
    let isBinary: Bool
    /// The wire form; nil is NULL.
    let bytes: [UInt8]?

    package var description: String { bytes == nil ? "\(type) NULL" : "\(type)" }

    private init(type: PostgresType, isBinary: Bool = true, bytes: [UInt8]?) {
        self.type = type
        self.isBinary = isBinary
        self.bytes = bytes
    }

    /// A parameter of the type that goes with `Scalar`; nil is a NULL of that type.
    package init<Scalar: PostgresScalar>(_ value: Scalar?) {
        var buffer: [UInt8]?
        if let value {
            var encoded: [UInt8] = []
            value.encode(into: &encoded)
            buffer = encoded
        }
        self.init(type: Scalar.postgresType, bytes: buffer)
    }

    /// NULL of a type the server infers; each place of a plain NULL makes a prepared statement of its own.
    package static let null = PostgresValue(type: .unspecified, bytes: nil)

    package static func bool(_ value: Bool?) -> PostgresValue { PostgresValue(value) }
    package static func int2(_ value: Int16?) -> PostgresValue { PostgresValue(value) }
    package static func int4(_ value: Int32?) -> PostgresValue { PostgresValue(value) }
    package static func int8(_ value: Int64?) -> PostgresValue { PostgresValue(value) }
    package static func int(_ value: Int?) -> PostgresValue { PostgresValue(value) }
    package static func float8(_ value: Double?) -> PostgresValue { PostgresValue(value) }
    package static func text(_ value: String?) -> PostgresValue { PostgresValue(value) }
    package static func bytea(_ value: [UInt8]?) -> PostgresValue { PostgresValue(value) }
    package static func timestamptz(_ value: Date?) -> PostgresValue { PostgresValue(value) }
    package static func uuid(_ value: UUID?) -> PostgresValue { PostgresValue(value) }
    /// JSON text.
    package static func jsonb(_ value: String?) -> PostgresValue { PostgresValue(value.map(PostgresJSON.init)) }
    /// Decimal text.
    package static func numeric(_ value: String?) -> PostgresValue {
        PostgresValue(type: .numeric, isBinary: false, bytes: value.map { Array($0.utf8) })
    }

    /// A one-dimensional array, for `unnest` and `= ANY`.
    package static func array<Scalar: PostgresScalar>(_ values: [Scalar]) -> PostgresValue {
        PostgresArray.encode(values.lazy.map(Optional.some), count: values.count)
    }

    /// A one-dimensional array with NULLs.
    package static func array<Scalar: PostgresScalar>(_ values: [Scalar?]) -> PostgresValue {
        PostgresArray.encode(values, count: values.count)
    }

    /// An array in its binary form.
    static func encodedArray(_ bytes: [UInt8], type: PostgresType) -> PostgresValue {
        PostgresValue(type: type, bytes: bytes)
    }
}

/// The binary form of one-dimensional arrays.
enum PostgresArray {
    /// Dimensions, null flag, element type, length and lower bound, four bytes each.
    private static let headerBytes = 20

    static func encode<Scalar: PostgresScalar>(
        _ values: some Sequence<Scalar?>, count: Int
    ) -> PostgresValue {
        var buffer: [UInt8] = []
        buffer.reserveCapacity(headerBytes + count * 12)
        Int32(count == 0 ? 0 : 1).appendBigEndian(to: &buffer)
        Int32(1).appendBigEndian(to: &buffer)
        Scalar.postgresType.rawValue.appendBigEndian(to: &buffer)
        if count > 0 {
            Int32(count).appendBigEndian(to: &buffer)
            Int32(1).appendBigEndian(to: &buffer)
        }
        for value in values { append(value, to: &buffer) }
        return .encodedArray(buffer, type: Scalar.postgresArrayType)
    }

    private static func append<Scalar: PostgresScalar>(_ value: Scalar?, to buffer: inout [UInt8]) {
        guard let value else { return Int32(-1).appendBigEndian(to: &buffer) }
        let start = buffer.count
        Int32(0).appendBigEndian(to: &buffer)
        value.encode(into: &buffer)
        let length = Int32(buffer.count - start - 4)
        withUnsafeBytes(of: length.bigEndian) { bytes in
            for (offset, byte) in bytes.enumerated() { buffer[start + offset] = byte }
        }
    }

    /// The elements; nil when the bytes are no one-dimensional array of what `Scalar` can read.
    static func decode<Scalar: PostgresScalar>(_ bytes: UnsafeRawBufferPointer, as: Scalar.Type) -> [Scalar?]? {
        var reader = ArrayReader(bytes: bytes)
        guard let dimensions = reader.int32(), reader.int32() != nil, let element = reader.int32() else { return nil }
        if dimensions == 0 { return [] }
        guard dimensions == 1, let count = reader.int32(), count >= 0, reader.int32() != nil else { return nil }
        let type = PostgresType(rawValue: UInt32(bitPattern: element))
        var values: [Scalar?] = []
        values.reserveCapacity(min(Int(count), bytes.count))
        for _ in 0..<count {
            guard let length = reader.int32() else { return nil }
            if length < 0 {
                values.append(nil)
                continue
            }
            guard let slice = reader.slice(Int(length)), let value = Scalar.decode(slice, type: type) else {
                return nil
            }
            values.append(value)
        }
        return values
    }
}

/// Walks over an array's binary form and never past its end.
private struct ArrayReader {
    let bytes: UnsafeRawBufferPointer
    var offset = 0

    init(bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    mutating func int32() -> Int32? {
        slice(4).flatMap(Int32.readBigEndian)
    }

    mutating func slice(_ length: Int) -> UnsafeRawBufferPointer? {
        guard length <= bytes.count - offset else { return nil }
        defer { offset += length }
        return UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + length])
    }
}
