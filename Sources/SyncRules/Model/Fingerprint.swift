import Crypto
import Foundation

/// What one side of a link held when both sides last agreed, as hashes field by field: enough to tell which fields
/// changed since, and to recognise our own writes when they come back (R58, T10), without storing a value.
///
/// Ten bytes a field: four name the field, one bit says that the value is owed to the other side, 47 bits are the hash
/// of the canonical value. A changed value goes unseen once in 2⁴⁷ changes.
package struct Fingerprint: Sendable, Hashable {
    private static let version: UInt8 = 1
    private static let keyLength = 4
    private static let hashLength = 6
    /// The top bit of the stored hash.
    private static let owedBit: UInt64 = 1 << 47
    private static let blankHash = hash(.empty)
    private static let uncheckedHash = hash(.checkbox(false))

    private var hashes: [UInt32: UInt64]

    /// The fingerprint of nothing.
    package init() { hashes = [:] }

    /// The fingerprint of a projection; absent fields leave no trace.
    package init(_ projection: Projection) {
        hashes = [:]
        record(projection)
    }

    // MARK: - Stored form

    /// Reads a stored fingerprint; nil when the bytes are of another version, cut, or too many.
    package init?(stored bytes: some Collection<UInt8>) {
        let body = Array(bytes.dropFirst())
        let width = Self.keyLength + Self.hashLength
        guard bytes.first == Self.version, body.count.isMultiple(of: width),
            body.count <= width * SyncRulesLimits.mappedFields
        else { return nil }
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

    // MARK: - Recording

    /// Takes over every value the projection has; what it does not have stays as known.
    package mutating func record(_ projection: Projection) {
        record(projection, fields: projection.values.keys)
    }

    /// Takes over the values of some fields, as after a write of just these. They are owed no more.
    package mutating func record(_ projection: Projection, fields: some Sequence<String>) {
        for field in fields {
            let value = projection[field]
            guard value != .absent else { continue }
            hashes[Self.key(field)] = Self.hash(value)
        }
    }

    /// Takes over everything another fingerprint knows.
    package mutating func merge(_ other: Fingerprint) { hashes.merge(other.hashes) { $1 } }

    /// Takes over what another fingerprint knows of some fields.
    package mutating func merge(_ other: Fingerprint, fields: some Sequence<String>) {
        for key in fields.map(Self.key) { hashes[key] = other.hashes[key] ?? hashes[key] }
    }

    /// Goes back to what another fingerprint knows of some fields, be it nothing: a write of them did not arrive.
    package mutating func restore(_ other: Fingerprint?, fields: some Sequence<String>) {
        for key in fields.map(Self.key) { hashes[key] = other?.hashes[key] }
    }

    /// Notes that the other side does not hold these fields' values and is to get them with the next write, although
    /// they did not change since: after a lost conflict (R54, R55), or when a change was withheld (R40, R41, D4). What
    /// both sides owe each other is contested (see `Link.settled(losing:of:)`).
    package mutating func owe(_ fields: some Sequence<String>) {
        for field in fields { hashes[Self.key(field), default: Self.blankHash] |= Self.owedBit }
    }

    /// Forgets what was known of some fields: whatever they hold now is then a change.
    mutating func forget(_ fields: some Sequence<String>) {
        for field in fields { hashes[Self.key(field)] = nil }
    }

    // MARK: - Comparing

    /// Whether a field's value is the one recorded. A field that was never recorded agrees with a blank: a contact
    /// that never had a custom field set has no value row at all.
    package func agrees(with value: FieldValue, in field: String) -> Bool {
        guard value != .absent else { return true }
        guard let known = known(field) else { return value.isBlank }
        return known == Self.hash(value) || (value.isBlank && Self.isBlank(known))
    }

    /// Whether a field's value was ever recorded.
    package func records(_ field: String) -> Bool { hashes[Self.key(field)] != nil }

    /// Whether a field was blank, as far as this side was ever seen.
    package func isBlank(_ field: String) -> Bool { known(field).map(Self.isBlank) ?? true }

    /// Whether the other side is owed a field's value.
    package func owes(_ field: String) -> Bool { (hashes[Self.key(field)] ?? 0) & Self.owedBit != 0 }

    /// Whether some value is owed that the other side does not owe back.
    func owesMore(than other: Fingerprint) -> Bool {
        hashes.contains { $0.value & Self.owedBit != 0 && (other.hashes[$0.key] ?? 0) & Self.owedBit == 0 }
    }

    /// The fields of a projection whose values are not the recorded ones, sorted.
    package func changedFields(in projection: Projection) -> [String] {
        projection.values.filter { !agrees(with: $0.value, in: $0.key) }.keys.sorted()
    }

    /// The fields of a projection that changed or are owed, sorted.
    package func outstandingFields(in projection: Projection) -> [String] {
        projection.values.filter { $0.value != .absent && (owes($0.key) || !agrees(with: $0.value, in: $0.key)) }
            .keys.sorted()
    }

    // MARK: - Hashes

    private func known(_ field: String) -> UInt64? { hashes[Self.key(field)].map { $0 & ~Self.owedBit } }

    private static func isBlank(_ hash: UInt64) -> Bool {
        hash == blankHash || hash == uncheckedHash
    }

    /// FNV-1a of the field's name: names are few, known, and nobody's secret.
    private static func key(_ field: String) -> UInt32 {
        var key: UInt32 = 0x811C_9DC5
        for byte in field.utf8 { key = (key ^ UInt32(byte)) &* 0x0100_0193 }
        return key
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
            case .unreadable(let raw): (6, raw)
            }
        return digest([parts.tag] + Array(parts.text.utf8)) & ~owedBit
    }

    /// The first 48 bits of SHA-256.
    private static func digest(_ bytes: [UInt8]) -> UInt64 {
        SHA256.hash(data: bytes).prefix(hashLength).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    }
}

extension Fingerprint: CustomStringConvertible {
    /// Eight bytes that name the whole fingerprint in a timeline; they tell nothing of the values.
    package var digest: [UInt8] { Array(SHA256.hash(data: stored).prefix(8)) }

    /// The beginning of `digest`, as people read it.
    package var description: String { digest.prefix(4).map { String(format: "%02x", $0) }.joined() }
}
