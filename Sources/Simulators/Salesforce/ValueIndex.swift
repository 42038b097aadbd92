/// The rows of one object by the value of one field.
struct ValueIndex {
    /// Most values belong to one row; only the others pay for a set. Two dictionaries rather than one of either kind,
    /// because a set inside an enum would be copied at each change.
    private var single: [FieldValue: Int32] = [:]
    private var several: [FieldValue: Set<Int32>] = [:]
    /// Whether `A` and `a` are different values.
    let isCaseSensitive: Bool

    init(isCaseSensitive: Bool) {
        self.isCaseSensitive = isCaseSensitive
    }

    /// The rows with that value, in row order; deleted rows among them.
    func rows(_ value: FieldValue) -> [Int] {
        let key = key(value)
        if let row = single[key] { return [Int(row)] }
        return several[key]?.map(Int.init).sorted() ?? []
    }

    /// Notes that a row has this value; null is not indexed.
    mutating func insert(_ value: FieldValue, row: Int) {
        guard !value.isNull else { return }
        let key = key(value)
        if several[key]?.insert(Int32(row)) != nil { return }
        guard let other = single[key], other != Int32(row) else {
            single[key] = Int32(row)
            return
        }
        single[key] = nil
        several[key] = [other, Int32(row)]
    }

    /// Notes that a row no longer has this value.
    mutating func remove(_ value: FieldValue, row: Int) {
        guard !value.isNull else { return }
        let key = key(value)
        if single[key] == Int32(row) {
            single[key] = nil
        } else if several[key]?.remove(Int32(row)) != nil, several[key]?.isEmpty == true {
            several[key] = nil
        }
    }

    private func key(_ value: FieldValue) -> FieldValue {
        guard !isCaseSensitive, case .text(let text) = value else { return value }
        return .text(text.lowercased())
    }
}
