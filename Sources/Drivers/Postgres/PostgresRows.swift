/// What one statement answered: rows, or how many rows it touched.
///
/// All values of all rows lie in one buffer, so that a page of a thousand rows costs a handful of allocations.
package struct PostgresRows: Sendable {
    let storage: PostgresRowStorage
    /// Rows inserted, updated, deleted or selected.
    package let affected: Int
    /// `INSERT`, `UPDATE`, `COMMIT`, `ROLLBACK`, …
    package let command: String

    /// The columns' names, in order.
    package var columnNames: [String] { storage.columns.map(\.name) }

    /// The first row, if there is one.
    package var first: PostgresRow? { isEmpty ? nil : self[0] }

    /// The only row.
    /// - Throws: `PostgresError` with code `decoding` when there is none or more than one.
    package func only() throws(PostgresError) -> PostgresRow {
        guard count == 1 else {
            throw PostgresError(.decoding, "expected one row, got \(count)", fate: .answered)
        }
        return self[0]
    }

    /// Decodes every row.
    package func decode<Value>(_ decode: (PostgresRow) throws -> Value) throws -> [Value] {
        var values: [Value] = []
        values.reserveCapacity(count)
        for row in self { values.append(try decode(row)) }
        return values
    }
}

extension PostgresRows: RandomAccessCollection {
    package var startIndex: Int { 0 }
    package var endIndex: Int { storage.rowCount }
    package subscript(position: Int) -> PostgresRow {
        precondition(position >= 0 && position < storage.rowCount, "row out of range")
        return PostgresRow(storage: storage, index: position)
    }
}

/// One row; columns are read by name, each with the type it must have.
package struct PostgresRow: Sendable {
    let storage: PostgresRowStorage
    let index: Int

    /// The value of a column that is never NULL.
    /// - Throws: `PostgresError` with code `decoding`, naming the column and both types, never the value.
    package func get<Scalar: PostgresScalar>(
        _ column: String, as type: Scalar.Type = Scalar.self
    ) throws(PostgresError) -> Scalar {
        guard let value = try optional(column, as: type) else {
            throw PostgresError(.decoding, "column \"\(column)\" is null", fate: .answered)
        }
        return value
    }

    /// The value of a column, nil when it is NULL.
    /// - Throws: `PostgresError` with code `decoding`.
    package func optional<Scalar: PostgresScalar>(
        _ column: String, as type: Scalar.Type = Scalar.self
    ) throws(PostgresError) -> Scalar? {
        let position = try storage.position(of: column)
        guard let range = storage.range(row: index, column: position) else { return nil }
        let stored = storage.columns[position].type
        let value = storage.bytes.withUnsafeBytes { bytes in
            Scalar.decode(UnsafeRawBufferPointer(rebasing: bytes[range]), type: stored)
        }
        guard let value else { throw storage.mismatch(position, wanted: "\(Scalar.self)") }
        return value
    }

    /// The elements of an array column that has no NULL in it.
    /// - Throws: `PostgresError` with code `decoding`.
    package func array<Scalar: PostgresScalar>(
        _ column: String, of type: Scalar.Type = Scalar.self
    ) throws(PostgresError) -> [Scalar] {
        let elements = try nullableArray(column, of: type)
        let values = elements.compactMap { $0 }
        guard values.count == elements.count else {
            throw PostgresError(.decoding, "column \"\(column)\" has a null element", fate: .answered)
        }
        return values
    }

    /// The elements of an array column.
    /// - Throws: `PostgresError` with code `decoding`.
    package func nullableArray<Scalar: PostgresScalar>(
        _ column: String, of type: Scalar.Type = Scalar.self
    ) throws(PostgresError) -> [Scalar?] {
        let position = try storage.position(of: column)
        guard let range = storage.range(row: index, column: position) else {
            throw PostgresError(.decoding, "column \"\(column)\" is null", fate: .answered)
        }
        let values = storage.bytes.withUnsafeBytes { bytes in
            PostgresArray.decode(UnsafeRawBufferPointer(rebasing: bytes[range]), as: Scalar.self)
        }
        guard let values else { throw storage.mismatch(position, wanted: "[\(Scalar.self)]") }
        return values
    }

    /// Whether a column is NULL.
    /// - Throws: `PostgresError` with code `decoding` when there is no such column.
    package func isNull(_ column: String) throws(PostgresError) -> Bool {
        storage.range(row: index, column: try storage.position(of: column)) == nil
    }
}

/// One column of an answer.
package struct PostgresColumn: Sendable, Equatable {
    package let name: String
    package let type: PostgresType
}

/// The values of an answer, shared by its rows and never changed.
final class PostgresRowStorage: Sendable {
    let columns: [PostgresColumn]
    let bytes: [UInt8]
    /// For each value, row by row, where it ends in `bytes`; negative marks NULL (`-1 - end`).
    private let ends: [Int]
    private let positions: [String: Int]

    init(columns: [PostgresColumn], bytes: [UInt8], ends: [Int]) {
        self.columns = columns
        self.bytes = bytes
        self.ends = ends
        positions = Dictionary(columns.enumerated().map { ($1.name, $0) }, uniquingKeysWith: { first, _ in first })
    }

    static let empty = PostgresRowStorage(columns: [], bytes: [], ends: [])

    var rowCount: Int { columns.isEmpty ? 0 : ends.count / columns.count }

    func position(of column: String) throws(PostgresError) -> Int {
        if let position = positions[column] { return position }
        let known = columns.map(\.name).joined(separator: ", ")
        throw PostgresError(.decoding, "no column \"\(column)\" among \(known)", fate: .answered)
    }

    /// Where a value lies; nil for NULL.
    func range(row: Int, column: Int) -> Range<Int>? {
        let slot = row * columns.count + column
        guard ends[slot] >= 0 else { return nil }
        guard slot > 0 else { return 0..<ends[slot] }
        let previous = ends[slot - 1]
        return (previous >= 0 ? previous : -1 - previous)..<ends[slot]
    }

    func mismatch(_ position: Int, wanted: String) -> PostgresError {
        let column = columns[position]
        return PostgresError(
            .decoding, "column \"\(column.name)\" is \(column.type) and can't be read as \(wanted)", fate: .answered)
    }
}

/// Gathers rows one by one as they come.
struct PostgresRowsBuilder: Sendable {
    private(set) var columns: [PostgresColumn] = []
    private var bytes: [UInt8] = []
    private var ends: [Int] = []
    /// Bytes of all values so far.
    var byteCount: Int { bytes.count }
    /// Values so far, NULLs too: each costs a slot.
    var valueCount: Int { ends.count }

    /// Declares the columns; the first call counts.
    mutating func declare(_ columns: @autoclosure () -> [PostgresColumn]) {
        if self.columns.isEmpty { self.columns = columns() }
    }

    /// Appends the next value of the current row.
    mutating func append(_ value: UnsafeRawBufferPointer?) {
        guard let value else { return ends.append(-1 - bytes.count) }
        bytes.append(contentsOf: value)
        ends.append(bytes.count)
    }

    /// Hands out what was gathered.
    consuming func finish(affected: Int, command: String) -> PostgresRows {
        let storage =
            columns.isEmpty ? .empty : PostgresRowStorage(columns: columns, bytes: bytes, ends: ends)
        return PostgresRows(storage: storage, affected: affected, command: command)
    }
}
