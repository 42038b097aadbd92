import Drivers
package import SyncRules

extension Store {
    /// Says in a tenant's streams that their job is a dead letter; the next run that ends clears it.
    /// - Parameter code: why the queue buried it.
    /// - Throws: `StoreError`.
    package func reportDeadJob(tenant: Int32, direction: Direction, code: String) async throws {
        try await query(
            """
            UPDATE ferry.streams SET state = 'needs attention', error_code = 'job_died', last_error = $3
            WHERE tenant_no = $1 AND direction = $2
            """,
            [
                .int4(tenant), .int2(direction.rawValue),
                .text(
                    "Workers died under this job several times in a row (\(code)); it is tried again every 15 minutes."),
            ])
    }
}
