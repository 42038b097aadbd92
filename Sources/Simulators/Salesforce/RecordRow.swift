/// One record as it is stored: system columns apart, other values as a short sorted list of what is set, because
/// most fields of most records are empty and orgs hold many records.
struct RecordRow {
    /// A value that is neither null nor false, and the cell it is in; in this order it takes 24 bytes rather than 32.
    struct Cell {
        var value: FieldValue
        var index: Int32
    }

    /// What became of the record.
    enum State: UInt8 {
        case live
        /// In the recycle bin: seen by queryAll only.
        case deleted
        /// Never there, as far as anybody can tell: rolled back, or emptied from the bin.
        case purged
    }

    private(set) var cells: [Cell] = []
    var created = 0
    var modified = 0
    /// SystemModstamp, seconds since 1970.
    var stamp = 0
    /// Rows of the User table.
    var createdBy: Int32 = 0
    var modifiedBy: Int32 = 0
    /// Row of the winner of the merge this record lost; -1 otherwise.
    var master: Int32 = -1
    var state = State.live
    /// A converted lead: read-only through the API.
    var isReadOnly = false

    /// The value of a cell; null and false are not stored, so that a checkbox that is off reads as null here.
    subscript(cell: Int) -> FieldValue {
        get {
            let position = position(cell)
            guard position < cells.count, cells[position].index == cell else { return .null }
            return cells[position].value
        }
        set {
            let position = position(cell)
            let exists = position < cells.count && cells[position].index == cell
            let isStored = !newValue.isNull && newValue != .bool(false)
            switch (exists, isStored) {
            case (true, false): cells.remove(at: position)
            case (true, true): cells[position].value = newValue
            case (false, false): break
            case (false, true): cells.insert(Cell(value: newValue, index: Int32(cell)), at: position)
            }
        }
    }

    /// Where a cell is, or belongs. By index rather than by element, which would retain every text passed over.
    private func position(_ cell: Int) -> Int {
        var position = 0
        while position < cells.count, cells[position].index < cell { position += 1 }
        return position
    }

    /// Makes room for this many cells more.
    mutating func reserve(_ count: Int) {
        cells.reserveCapacity(cells.count + count)
    }

    /// The row without room it does not use.
    func trimmed() -> RecordRow {
        guard cells.capacity > cells.count + 2 else { return self }
        var copy = self
        copy.cells = Array(unsafeUninitializedCapacity: cells.count) { buffer, count in
            count = cells.count
            _ = buffer.initialize(fromContentsOf: cells)
        }
        return copy
    }
}
