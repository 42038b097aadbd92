import Drivers
package import Foundation

/// One row of `ferry.sync_status`: a stream in words.
package struct SyncStatusRow: Sendable, Codable, Hashable {
    package let tenant: String
    package let direction: String
    package let object: String
    package let state: String
    package let lastRun: Date?
    package let nextRun: Date?
    package let cursor: String
    package let pendingCount: Int
    package let lastError: String?
}

extension Store {
    /// Streams in words: one tenant's, or a page over all tenants.
    /// - Parameter after: the last tenant of the page before.
    /// - Throws: `StoreError`.
    package func status(
        tenant: String? = nil, after: String = "", limit: Int = 1_000
    ) async throws -> [SyncStatusRow] {
        let rows = try await query(
            """
            SELECT * FROM (
                SELECT tenant, direction, object, state, last_run, next_run, cursor, pending_count, last_error
                FROM ferry.sync_status
                UNION ALL
                SELECT tenant, direction, object, state, last_run, next_run, cursor, pending_count, last_error
                FROM ferry.sweep_status
            ) AS s WHERE ($1::text IS NULL OR tenant = $1) AND tenant > $2
            ORDER BY tenant, direction DESC, object LIMIT $3
            """, [.text(tenant), .text(after), .int(min(limit, StoreLimits.pageSize))])
        return try decode(rows) { row in
            SyncStatusRow(
                tenant: try row.get("tenant"), direction: try row.get("direction"), object: try row.get("object"),
                state: try row.get("state"), lastRun: try row.optional("last_run"),
                nextRun: try row.optional("next_run"), cursor: try row.get("cursor"),
                pendingCount: try row.get("pending_count"), lastError: try row.optional("last_error"))
        }
    }
}
