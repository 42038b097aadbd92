/// The rows of one object by the value of one field.
struct ValueIndex {
    /// Most values belong to one row; only others pay for a set.
    private enum Entry {
        case one(Int32)
        case many(Set<Int32>)
    }

    private var entries: [FieldValue: Entry] = [:]
    /// Whether `A` and `a` are different values.
    let isCaseSensitive: Bool

    init(isCaseSensitive: Bool) {
        self.isCaseSensitive = isCaseSensitive
    }

    /// The rows with that value, in row order; deleted rows among them.
    func rows(_ value: FieldValue) -> [Int] {
        switch entries[key(value)] {
        case .one(let row): [Int(row)]
        case .many(let rows): rows.map(Int.init).sorted()
        case nil: []
        }
    }

    /// Notes that a row has this value; null is not indexed.
    mutating func insert(_ value: FieldValue, row: Int) {
        guard !value.isNull else { return }
        let key = key(value)
        switch entries.removeValue(forKey: key) {
        case nil: entries[key] = .one(Int32(row))
        case .one(let other): entries[key] = other == Int32(row) ? .one(other) : .many([other, Int32(row)])
        case .many(var rows):
            rows.insert(Int32(row))
            entries[key] = .many(rows)
        }
    }

    /// Notes that a row no longer has this value.
    mutating func remove(_ value: FieldValue, row: Int) {
        guard !value.isNull else { return }
        let key = key(value)
        switch entries.removeValue(forKey: key) {
        case .one(let other) where other != Int32(row): entries[key] = .one(other)
        case .many(var rows):
            rows.remove(Int32(row))
            if !rows.isEmpty { entries[key] = .many(rows) }
        default: break
        }
    }

    private func key(_ value: FieldValue) -> FieldValue {
        guard !isCaseSensitive, case .text(let text) = value else { return value }
        return .text(text.lowercased())
    }
}
