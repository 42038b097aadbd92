import Drivers

/// Generations of the job queue: the high bits of fencing tokens, so that leases from before a loss of Redis are older
/// than all leases after it.
extension Store {
    /// A new epoch, higher than every one given out before.
    /// - Parameters:
    ///   - shard: the queue's shard; one number for all of them by default.
    ///   - floor: the least epoch that will do, as when Redis has seen a higher one than this table.
    /// - Throws: `StoreError`.
    package func nextEpoch(shard: Int32 = 0, atLeast floor: Int64 = 1) async throws -> Int64 {
        let rows = try await query(
            """
            INSERT INTO ferry.queue_epochs AS q (shard, epoch) VALUES ($1, $2)
            ON CONFLICT (shard) DO UPDATE SET epoch = greatest(q.epoch + 1, excluded.epoch) RETURNING epoch
            """, [.int4(shard), .int8(max(1, floor))])
        return try decode(rows) { try $0.get("epoch", as: Int64.self) }.first ?? 0
    }
}
