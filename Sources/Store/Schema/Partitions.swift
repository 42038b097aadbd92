import Drivers
package import Foundation

/// Daily partitions of the history, and other upkeep. Any process may do it, several at once do no harm.
extension Store {
    private static let histories = [
        (table: "sync_runs", days: StoreLimits.runRetentionDays, column: "started_at"),
        (table: "record_decisions", days: StoreLimits.decisionRetentionDays, column: "at"),
    ]

    /// Makes the partitions of the coming days, drops those past their retention, and deletes other rows past theirs.
    /// - Throws: `StoreError`.
    package func maintainPartitions(now: Date) async throws {
        for history in Self.histories {
            for day in -1...StoreLimits.partitionsAhead {
                try await makePartition(of: history.table, day: now.addingTimeInterval(Double(day) * 86_400))
            }
            let cutoff = now.addingTimeInterval(-Double(history.days) * 86_400)
            try await dropPartitions(of: history.table, before: cutoff)
            try await query(
                "DELETE FROM ferry.\(history.table)_other WHERE ctid = ANY (ARRAY(SELECT ctid FROM "
                    + "ferry.\(history.table)_other WHERE \(history.column) < $1 LIMIT \(StoreLimits.deletionBatch)))",
                [.timestamptz(cutoff)])
        }
        try await deleteOld("echo_ledger", column: "written_at", days: StoreLimits.echoRetentionDays, now: now)
        try await deleteOld("budget_events", column: "at", days: StoreLimits.eventRetentionDays, now: now)
        try await deleteOld("api_usage", column: "hour", days: StoreLimits.usageRetentionDays, now: now)
    }

    /// Rows of that day that are in the default partition already stay there: the partition is then not made.
    private func makePartition(of table: String, day: Date) async throws(StoreError) {
        let name = "\(table)_\(Self.stamp(day))"
        do {
            try await query(
                "CREATE TABLE IF NOT EXISTS ferry.\(name) PARTITION OF ferry.\(table) "
                    + "FOR VALUES FROM ('\(Self.stamp(day)) UTC') TO ('\(Self.stamp(day.addingTimeInterval(86_400))) UTC')"
            )
        } catch {
            let isTaken = error.underlying?.sqlState.map { $0 == .checkViolation || $0.rawValue == "42P07" } ?? false
            // 23505 and 42P17: another process made the same one at the same moment.
            let isRace = ["23505", "42P17"].contains(error.underlying?.sqlState?.rawValue)
            guard isTaken || isRace else { throw error }
        }
    }

    private func dropPartitions(of table: String, before cutoff: Date) async throws(StoreError) {
        let rows = try await query(
            """
            SELECT c.relname::text AS name FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
            WHERE i.inhparent = ('ferry.' || $1)::regclass AND c.relname ~ '_[0-9]{8}$' AND right(c.relname, 8) < $2
            """, [.text(table), .text(Self.stamp(cutoff))])
        for name in try decode(rows, { try $0.get("name", as: String.self) }) {
            try await query("DROP TABLE IF EXISTS ferry.\(name)")
        }
    }

    private func deleteOld(_ table: String, column: String, days: Int, now: Date) async throws(StoreError) {
        try await query(
            "DELETE FROM ferry.\(table) WHERE \(column) < $1",
            [.timestamptz(now.addingTimeInterval(-Double(days) * 86_400))])
    }

    /// `20261123`, in UTC.
    private static func stamp(_ day: Date) -> String {
        let parts = Calendar.utc.dateComponents([.year, .month, .day], from: day)
        return String(format: "%04d%02d%02d", parts.year ?? 0, parts.month ?? 0, parts.day ?? 0)
    }
}
