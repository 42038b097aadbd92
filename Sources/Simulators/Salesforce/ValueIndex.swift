/// The rows of one object by the value of one field.
///
/// Values are kept as 64-bit fingerprints, because orgs hold many records and most values are long: two values may share
/// one, so whoever asks must look at the rows' values too.
struct ValueIndex {
    /// Most values belong to one row; only the others pay for a set. Two dictionaries rather than one of either kind,
    /// because a set inside an enum would be copied at each change.
    private var single: [UInt64: Int32] = [:]
    private var several: [UInt64: Set<Int32>] = [:]
    /// Whether `A` and `a` are different values.
    let isCaseSensitive: Bool

    init(isCaseSensitive: Bool) {
        self.isCaseSensitive = isCaseSensitive
    }

    /// The rows that may have that value, in row order; deleted rows among them.
    func candidates(_ value: FieldValue) -> [Int] {
        let key = fingerprint(value)
        if let row = single[key] { return [Int(row)] }
        return several[key]?.map(Int.init).sorted() ?? []
    }

    /// Whether two values are one to this index.
    func agree(_ left: FieldValue, _ right: FieldValue) -> Bool {
        if left == right { return true }
        guard !isCaseSensitive, case .text(let one) = left, case .text(let other) = right else { return false }
        return one.lowercased() == other.lowercased()
    }

    /// Notes that a row has this value; null is not indexed.
    mutating func insert(_ value: FieldValue, row: Int) {
        guard !value.isNull else { return }
        let key = fingerprint(value)
        guard let other = single.updateValue(Int32(row), forKey: key) else {
            guard !several.isEmpty, several[key]?.insert(Int32(row)) != nil else { return }
            single[key] = nil
            return
        }
        guard other != Int32(row) else { return }
        single[key] = nil
        several[key] = [other, Int32(row)]
    }

    /// Notes that a row no longer has this value.
    mutating func remove(_ value: FieldValue, row: Int) {
        guard !value.isNull else { return }
        let key = fingerprint(value)
        if single[key] == Int32(row) {
            single[key] = nil
        } else if several[key]?.remove(Int32(row)) != nil, several[key]?.isEmpty == true {
            several[key] = nil
        }
    }

    // MARK: - Fingerprints

    private static let start: UInt64 = 0xCBF2_9CE4_8422_2325
    private static let prime: UInt64 = 0x0000_0100_0000_01B3

    /// FNV-1a over the value's bytes, text in lower case where case does not count.
    private func fingerprint(_ value: FieldValue) -> UInt64 {
        switch value {
        case .null: Self.start
        case .text(let text): fingerprint(text)
        case .number(let number): Self.mix(number.bitPattern)
        case .bool(let truth): Self.mix(truth ? 1 : 0)
        case .date(let day): Self.mix(UInt64(bitPattern: Int64(day)))
        case .dateTime(let seconds): Self.mix(UInt64(bitPattern: Int64(seconds)))
        }
    }

    private func fingerprint(_ text: String) -> UInt64 {
        var hash = Self.start
        for byte in text.utf8 {
            // Only ASCII changes case byte by byte.
            if byte >= 0x80, !isCaseSensitive { return Self.fingerprint(folded: text) }
            let isUpper = !isCaseSensitive && byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z")
            hash = (hash ^ UInt64(isUpper ? byte | 0x20 : byte)) &* Self.prime
        }
        return hash
    }

    private static func fingerprint(folded text: String) -> UInt64 {
        text.lowercased().utf8.reduce(start) { ($0 ^ UInt64($1)) &* prime }
    }

    private static func mix(_ bits: UInt64) -> UInt64 {
        (0..<8).reduce(start) { hash, byte in (hash ^ (bits >> UInt64(8 * byte) & 0xFF)) &* prime }
    }
}
