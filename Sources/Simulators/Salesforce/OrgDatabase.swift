/// Every record of one org, with transactions that can be taken back.
struct OrgDatabase {
    /// A row as it was before the running transaction wrote it.
    private struct UndoEntry {
        let table: Int
        let row: Int
        /// `nil` when the transaction made the row.
        let before: RecordRow?
    }

    /// Number of the org: part of every id.
    let orgNumber: Int
    private(set) var tables: [RecordTable]
    /// Seconds between a write's stamp and its visibility to readers.
    var commitDelay: Double = 0
    private var undo: [UndoEntry] = []
    private var byName: [String: Int] = [:]
    private var byPrefix: [String: Int] = [:]

    init(orgNumber: Int, objects: [ObjectDefinition]) {
        self.orgNumber = orgNumber
        tables = objects.map(RecordTable.init)
        for (index, object) in objects.enumerated() {
            byName[object.name.lowercased()] = index
            byName[object.name] = index
            byPrefix[object.keyPrefix] = index
        }
    }

    // MARK: - Finding

    /// The table of an object, by its API name in any case.
    func table(_ object: String) -> Int? {
        byName[object] ?? byName[object.lowercased()]
    }

    /// The definition of a table.
    func definition(_ table: Int) -> ObjectDefinition { tables[table].definition }

    /// Where the record of an id is; `nil` when the id is not one of this org.
    func locate(_ id: String) -> (table: Int, row: Int)? {
        guard let (prefix, org, sequence) = RecordID.parse(id), org == orgNumber, let table = byPrefix[prefix],
            tables[table].rows.indices.contains(sequence)
        else { return nil }
        return (table, sequence)
    }

    /// The 18-character id of a row.
    func id(_ table: Int, _ row: Int) -> String {
        RecordID.make(prefix: tables[table].definition.keyPrefix, org: orgNumber, sequence: row)
    }

    /// The newest state of a row.
    func row(_ table: Int, _ row: Int) -> RecordRow { tables[table].rows[row] }

    /// The value of any field of a row, computed and system fields included.
    func value(_ field: FieldDefinition, of row: RecordRow, table: Int, number: Int) -> FieldValue {
        switch field.source {
        case .cell(let cell): shown(row[cell], field)
        case .personName(let first, let last):
            switch (row[first], row[last]) {
            case (.text(let first), .text(let last)): .text(first + " " + last)
            case (_, let last): last
            }
        case .personContact(let link, let cell):
            if let place = row[link].text.flatMap(locate) {
                shown(tables[place.table].rows[place.row][cell], field)
            } else {
                .null
            }
        // No value of its own: only answers put the parts together.
        case .address: .null
        case .system(let column): systemValue(column, of: row, table: table, number: number)
        }
    }

    /// Rows keep no checkbox that is off.
    private func shown(_ value: FieldValue, _ field: FieldDefinition) -> FieldValue {
        value.isNull && field.type == .boolean ? .bool(false) : value
    }

    private func systemValue(_ column: SystemColumn, of row: RecordRow, table: Int, number: Int) -> FieldValue {
        switch column {
        case .id: .text(id(table, number))
        case .isDeleted: .bool(row.state != .live)
        case .masterRecord: row.master < 0 ? .null : .text(id(table, Int(row.master)))
        case .createdDate: .dateTime(row.created)
        case .lastModifiedDate: .dateTime(row.modified)
        case .systemModstamp: .dateTime(row.stamp)
        case .createdBy: userID(row.createdBy)
        case .lastModifiedBy: userID(row.modifiedBy)
        }
    }

    private func userID(_ row: Int32) -> FieldValue {
        table("User").map { .text(id($0, Int(row))) } ?? .null
    }

    // MARK: - Changing

    /// Adds a row within the running transaction.
    mutating func insert(_ row: RecordRow, into table: Int, now: Double) -> Int {
        let number = tables[table].append(row)
        undo.append(UndoEntry(table: table, row: number, before: nil))
        if commitDelay > 0 { tables[table].hold(number, earlier: nil, until: now + commitDelay) }
        return number
    }

    /// Replaces a row within the running transaction.
    mutating func update(_ table: Int, _ number: Int, to row: RecordRow, now: Double) {
        let before = tables[table].rows[number]
        undo.append(UndoEntry(table: table, row: number, before: before))
        if commitDelay > 0 { tables[table].hold(number, earlier: before, until: now + commitDelay) }
        tables[table].replace(number, with: row)
    }

    /// Where the running transaction stands; `rollback(to:)` returns there.
    var savepoint: Int { undo.count }

    /// Takes back every write since a savepoint. Ids given out are not given again.
    mutating func rollback(to savepoint: Int) {
        while undo.count > savepoint {
            let entry = undo.removeLast()
            var row = entry.before ?? tables[entry.table].rows[entry.row]
            if entry.before == nil {
                row = RecordRow()
                row.state = .purged
            }
            tables[entry.table].replace(entry.row, with: row)
        }
    }

    /// Makes everything since the last commit permanent.
    mutating func commit() {
        undo.removeAll(keepingCapacity: undo.count <= SimulatorsLimits.undoKept)
    }

    // MARK: - Passing through to tables

    /// Calls `body` with a table to read or index it.
    mutating func withTable<Result>(_ table: Int, _ body: (inout RecordTable) -> Result) -> Result {
        body(&tables[table])
    }
}
