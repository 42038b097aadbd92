/// The rows of one object ordered by (SystemModstamp, Id): what a keyset walk reads.
///
/// One bucket a second, ordered by second; rows in a bucket are ordered when first read. A row that moved on to another
/// second stays behind as a stale entry until a bucket is read or the index has become mostly stale.
struct StampIndex {
    private struct Bucket {
        let stamp: Int
        var rows: [Int32]
        var isSorted = true
    }

    private var buckets: [Bucket] = []
    private var entryCount = 0

    /// Notes that `row` now has this stamp.
    mutating func add(_ row: Int, stamp: Int) {
        entryCount += 1
        let position = bucketPosition(stamp)
        if position < buckets.count, buckets[position].stamp == stamp {
            if let last = buckets[position].rows.last, last >= Int32(row) { buckets[position].isSorted = false }
            buckets[position].rows.append(Int32(row))
        } else {
            buckets.insert(Bucket(stamp: stamp, rows: [Int32(row)]), at: position)
        }
    }

    /// Calls `visit` with rows in order from (`stamp`, `row`) on, up to and including `last`, until it returns false.
    /// `stampOf` tells where a row is now, so that stale entries are passed over.
    mutating func walk(
        fromStamp stamp: Int, row: Int, throughStamp last: Int, stampOf: (Int) -> Int?, visit: (Int) -> Bool
    ) {
        var position = bucketPosition(stamp)
        while position < buckets.count, buckets[position].stamp <= last {
            sort(position)
            let bucketStamp = buckets[position].stamp
            let rows = buckets[position].rows
            var index = bucketStamp == stamp ? lowerBound(rows, Int32(clamping: row)) : 0
            while index < rows.count {
                let candidate = Int(rows[index])
                if stampOf(candidate) == bucketStamp, !visit(candidate) { return }
                index += 1
            }
            position += 1
        }
    }

    /// Drops stale entries once they outnumber the rows.
    mutating func compact(rowCount: Int, stampOf: (Int) -> Int?) {
        guard entryCount > 2 * rowCount + 4096 else { return }
        for index in buckets.indices {
            let stamp = buckets[index].stamp
            buckets[index].rows.removeAll { stampOf(Int($0)) != stamp }
        }
        buckets.removeAll { $0.rows.isEmpty }
        entryCount = buckets.reduce(0) { $0 + $1.rows.count }
    }

    private mutating func sort(_ position: Int) {
        guard !buckets[position].isSorted else { return }
        let sorted = buckets[position].rows.sorted()
        var unique: [Int32] = []
        unique.reserveCapacity(sorted.count)
        for row in sorted where row != unique.last { unique.append(row) }
        entryCount -= sorted.count - unique.count
        buckets[position].rows = unique
        buckets[position].isSorted = true
    }

    /// The first bucket at or after `stamp`; the newest bucket is asked first, because that is where writes go.
    private func bucketPosition(_ stamp: Int) -> Int {
        guard let last = buckets.last else { return 0 }
        if stamp > last.stamp { return buckets.count }
        if stamp == last.stamp { return buckets.count - 1 }
        var low = 0
        var high = buckets.count
        while low < high {
            let middle = (low + high) / 2
            if buckets[middle].stamp < stamp { low = middle + 1 } else { high = middle }
        }
        return low
    }

    private func lowerBound(_ rows: [Int32], _ row: Int32) -> Int {
        var low = 0
        var high = rows.count
        while low < high {
            let middle = (low + high) / 2
            if rows[middle] < row { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
