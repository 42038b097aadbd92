/// The records of one object of one org, with the indexes that keep queries from reading all of them.
///
/// The row number is the sequence in the record's id, so that an id finds its row and rows compare as ids do.
struct RecordTable {
    /// A committed state that readers still see while a newer one is under way.
    private struct EarlierVersion {
        let visibleUntil: Double
        /// `nil` while the record did not exist.
        let row: RecordRow?
    }

    private(set) var definition: ObjectDefinition
    private(set) var rows: [RecordRow] = []
    private var stamps = StampIndex()
    /// Indexed cells and their indexes, side by side: a dictionary walked while it is written would copy every index.
    private var indexedCells: [Int] = []
    private var valueIndexes: [ValueIndex] = []
    private var earlier: [Int: EarlierVersion] = [:]

    init(_ definition: ObjectDefinition) {
        self.definition = definition
        for field in definition.fields { addIndex(for: field) }
    }

    // MARK: - Definition

    /// Adds a field to the object; records have no value in it yet.
    mutating func addField(_ field: FieldDefinition, now: Int) {
        definition.add(field)
        definition.metadataStamp = now
        if let added = definition.fields.last { addIndex(for: added) }
    }

    /// Shows a contact's new field in accounts, where they may be persons.
    mutating func mirror(_ field: FieldDefinition, now: Int) {
        PersonAccounts.mirror(field, in: &definition)
        definition.metadataStamp = now
    }

    /// Changes what describe says about a field.
    mutating func changeField(_ name: String, now: Int, _ change: (inout FieldDefinition) -> Void) {
        definition.change(name, change)
        definition.metadataStamp = now
    }

    private mutating func addIndex(for field: FieldDefinition) {
        guard case .cell(let cell) = field.source, field.isIndexed || field.isUnique || field.isExternalID else {
            return
        }
        indexedCells.append(cell)
        valueIndexes.append(ValueIndex(isCaseSensitive: field.isCaseSensitive))
    }

    // MARK: - Writing

    /// Adds a row and returns its number.
    mutating func append(_ row: RecordRow) -> Int {
        let number = rows.count
        rows.append(row.trimmed())
        index(row, number)
        return number
    }

    /// Replaces a row.
    mutating func replace(_ number: Int, with row: RecordRow) {
        let old = rows[number]
        for (position, cell) in indexedCells.enumerated() {
            let (before, after) = (old[cell], row[cell])
            guard before != after else { continue }
            valueIndexes[position].remove(before, row: number)
            valueIndexes[position].insert(after, row: number)
        }
        rows[number] = row.trimmed()
        if old.stamp != row.stamp { stamps.add(number, stamp: row.stamp) }
    }

    /// Lets readers see the row's earlier state (nil: no record) until an instant.
    mutating func hold(_ number: Int, earlier row: RecordRow?, until instant: Double) {
        // A record written twice within the delay still shows what was committed before the first write.
        if let held = earlier[number] {
            earlier[number] = EarlierVersion(visibleUntil: max(held.visibleUntil, instant), row: held.row)
        } else {
            earlier[number] = EarlierVersion(visibleUntil: instant, row: row)
        }
    }

    private mutating func index(_ row: RecordRow, _ number: Int) {
        for (position, cell) in indexedCells.enumerated() { valueIndexes[position].insert(row[cell], row: number) }
        stamps.add(number, stamp: row.stamp)
    }

    // MARK: - Reading

    /// Forgets earlier states whose successors everybody sees by now.
    mutating func settle(now: Double) {
        if !earlier.isEmpty { earlier = earlier.filter { $0.value.visibleUntil > now } }
        stamps.compact(rowCount: rows.count) { [rows] in rows[$0].stamp }
    }

    /// The row as readers see it; `nil` while its creation is not committed. Call `settle(now:)` first.
    func visible(_ number: Int) -> RecordRow? {
        if let held = earlier[number] { return held.row }
        return rows[number]
    }

    /// Rows whose newest state is not committed yet.
    var unsettledRows: [Int] { earlier.keys.sorted() }

    /// The stamp of the oldest write that is not committed yet.
    var oldestUnsettledStamp: Int? { earlier.keys.map { rows[$0].stamp }.min() }

    /// The rows with a value in an indexed cell; `nil` when the cell has no index.
    func rows(cell: Int, value: FieldValue) -> [Int]? {
        guard let position = indexedCells.firstIndex(of: cell) else { return nil }
        let index = valueIndexes[position]
        return index.candidates(value).filter { index.agree(rows[$0][cell], value) }
    }

    /// Rows in (SystemModstamp, Id) order within bounds, until `visit` returns false; newest states only.
    mutating func walk(fromStamp stamp: Int, row: Int, throughStamp last: Int, visit: (Int) -> Bool) {
        stamps.walk(
            fromStamp: stamp, row: row, throughStamp: last, stampOf: { [rows] in rows[$0].stamp }, visit: visit)
    }
}
