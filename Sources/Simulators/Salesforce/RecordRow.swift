/// One record as it is stored: system columns apart, other values as a short sorted list of what is not null, because
/// most fields of most records are empty and orgs hold many records.
struct RecordRow {
    /// A value that is not null, and the cell it is in.
    struct Cell {
        var index: Int32
        var value: FieldValue
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

    /// The value of a cell; setting null removes it.
    subscript(cell: Int) -> FieldValue {
        get {
            for entry in cells where entry.index >= cell {
                return entry.index == cell ? entry.value : .null
            }
            return .null
        }
        set {
            let position = cells.firstIndex { $0.index >= cell } ?? cells.endIndex
            let exists = position < cells.endIndex && cells[position].index == cell
            switch (exists, newValue.isNull) {
            case (true, true): cells.remove(at: position)
            case (true, false): cells[position].value = newValue
            case (false, true): break
            case (false, false): cells.insert(Cell(index: Int32(cell), value: newValue), at: position)
            }
        }
    }
}
