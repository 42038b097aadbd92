/// Rows kept in chunks: a million of them grow without ever being copied, and a row is reached by its number in two
/// steps. Ids on the wire start at 1, so row `id` is the one appended as number `id`.
struct CampaignSlab<Row> {
    private static var chunkRows: Int { 4_096 }
    private var chunks: [[Row]] = []

    /// How many rows were ever appended; the newest row's id.
    private(set) var count: UInt32 = 0

    /// The row of an id in `1...count`.
    subscript(id: UInt32) -> Row {
        get { chunks[Int(id - 1) / Self.chunkRows][Int(id - 1) % Self.chunkRows] }
        _modify { yield &chunks[Int(id - 1) / Self.chunkRows][Int(id - 1) % Self.chunkRows] }
    }

    /// Whether a row of that id was ever appended.
    func isKnown(_ id: UInt32) -> Bool {
        id >= 1 && id <= count
    }

    /// Appends a row and gives its id.
    mutating func append(_ row: Row) -> UInt32 {
        if Int(count) % Self.chunkRows == 0 {
            chunks.append([])
            // Full accounts know the size of a chunk; the first chunk of a small account grows as it needs.
            if chunks.count > 1 { chunks[chunks.count - 1].reserveCapacity(Self.chunkRows) }
        }
        chunks[chunks.count - 1].append(row)
        count += 1
        return count
    }
}
