/// Cuts rows into imports within the importer's bounds. Pure.
enum ImportPacking {
    /// Rows of each import, in order, and the rows that fit none.
    struct Parts: Hashable {
        var batches: [[Int]] = []
        var tooLarge: [Int] = []
    }

    /// Packs rows by their sizes.
    /// - Parameters:
    ///   - sizes: bytes of each row's JSON.
    ///   - envelope: bytes around the rows.
    static func parts(
        sizes: [Int], envelope: Int, maxRows: Int = ActiveCampaignLimits.importContacts,
        maxBytes: Int = ActiveCampaignLimits.importBytes
    ) -> Parts {
        var parts = Parts()
        var batch: [Int] = []
        var bytes = envelope
        for (row, size) in sizes.enumerated() {
            guard envelope + size <= maxBytes else {
                parts.tooLarge.append(row)
                continue
            }
            let cost = size + (batch.isEmpty ? 0 : 1)
            if batch.count == maxRows || bytes + cost > maxBytes {
                parts.batches.append(batch)
                (batch, bytes) = ([row], envelope + size)
            } else {
                batch.append(row)
                bytes += cost
            }
        }
        if !batch.isEmpty { parts.batches.append(batch) }
        parts.evenOutLast(sizes: sizes, envelope: envelope, maxBytes: maxBytes)
        return parts
    }
}

extension ImportPacking.Parts {
    /// A last import of one row counts against the importer's far smaller allowance for single contacts; give it
    /// company.
    fileprivate mutating func evenOutLast(sizes: [Int], envelope: Int, maxBytes: Int) {
        guard batches.count > 1, let last = batches.last, last.count == 1,
            let moved = batches[batches.count - 2].last, batches[batches.count - 2].count > 2,
            envelope + sizes[moved] + 1 + sizes[last[0]] <= maxBytes
        else { return }
        batches[batches.count - 2].removeLast()
        batches[batches.count - 1].insert(moved, at: 0)
    }
}
