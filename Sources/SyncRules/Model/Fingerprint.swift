import Crypto
import Foundation

/// What one side of a link held when both sides last agreed, as hashes field by field: enough to tell which fields
/// changed since, and to recognise our own writes when they come back (R58, T10), without storing a value.
///
/// Ten bytes a field: four name the field, six the canonical value. A changed value goes unseen once in 2⁴⁸ changes.
package struct Fingerprint: Sendable, Hashable {
    private static let version: UInt8 = 1
    private static let keyLength = 4
    private static let hashLength = 6

    private var hashes: [UInt32: UInt64]

    /// The fingerprint of nothing.
    package init() { hashes = [:] }

    /// The fingerprint of a projection; absent fields leave no trace.
    package init(_ projection: Projection) {
        hashes = [:]
        record(projection, fields: projection.values.keys)
    }

    /// Reads a stored fingerprint; nil when the bytes are of another version or cut.
    package init?(stored bytes: some Collection<UInt8>) {
        let body = Array(bytes.dropFirst())
        let width = Self.keyLength + Self.hashLength
        guard bytes.first == Self.version, body.count.isMultiple(of: width) else { return nil }
        hashes = [:]
        for start in stride(from: 0, to: body.count, by: width) {
            let key = body[start..<start + Self.keyLength].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
            let hash = body[start + Self.keyLength..<start + width].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
            hashes[key] = hash
        }
    }

    /// The stored form; equal fingerprints have equal bytes.
    package var stored: [UInt8] {
        var bytes = [Self.version]
        bytes.reserveCapacity(1 + hashes.count * (Self.keyLength + Self.hashLength))
        for (key, hash) in hashes.sorted(by: { $0.key < $1.key }) {
            bytes += (0..<Self.keyLength).reversed().map { UInt8(truncatingIfNeeded: key >> (8 * $0)) }
            bytes += (0..<Self.hashLength).reversed().map { UInt8(truncatingIfNeeded: hash >> (8 * $0)) }
        }
        return bytes
    }

    /// Takes over the values of some fields, as after a write of just these.
    package mutating func record(_ projection: Projection, fields: some Sequence<String>) {
        for field in fields {
            let value = projection[field]
            guard value != .absent else { continue }
            hashes[Self.key(field)] = Self.hash(value)
        }
    }

    /// Whether a field's value is the one recorded. A field that was never recorded agrees with a blank: a contact
    /// that never had a custom field set has no value row at all.
    package func agrees(with value: FieldValue, in field: String) -> Bool {
        guard value != .absent else { return true }
        guard let known = hashes[Self.key(field)] else { return value.isBlank }
        return known == Self.hash(value)
    }

    /// Whether a field's value was ever recorded.
    package func records(_ field: String) -> Bool { hashes[Self.key(field)] != nil }

    /// Whether a field was blank, as far as this side was ever seen.
    package func isBlank(_ field: String) -> Bool {
        guard let known = hashes[Self.key(field)] else { return true }
        return known == Self.hash(.empty) || known == Self.hash(.checkbox(false))
    }

    /// The fields of a projection whose values are not the recorded ones, sorted.
    package func changedFields(in projection: Projection) -> [String] {
        projection.values.filter { !agrees(with: $0.value, in: $0.key) }.keys.sorted()
    }

    private static func key(_ field: String) -> UInt32 {
        UInt32(truncatingIfNeeded: digest(Array(field.utf8)) >> 16)
    }

    private static func hash(_ value: FieldValue) -> UInt64 {
        let parts: (tag: UInt8, text: String) =
            switch value {
            case .absent, .empty: (0, "")
            case .text(let text): (1, text)
            case .checkbox(let on): (2, on ? "1" : "0")
            case .number(let number): (3, number)
            case .date(let day): (4, day)
            case .options(let options): (5, options.joined(separator: "\u{1F}"))
            }
        return digest([parts.tag] + Array(parts.text.utf8))
    }

    /// The first 48 bits of SHA-256.
    private static func digest(_ bytes: [UInt8]) -> UInt64 {
        SHA256.hash(data: bytes).prefix(hashLength).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    }
}

extension Fingerprint: CustomStringConvertible {
    /// A short name of the whole fingerprint for timelines; tells nothing of the values.
    package var description: String {
        Data(SHA256.hash(data: stored).prefix(4)).map { String(format: "%02x", $0) }.joined()
    }
}
