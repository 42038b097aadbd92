import Drivers
package import Foundation
package import SyncRules

/// One run of a tenant's streams of one direction; counts are records.
package struct RunRecord: Sendable, Hashable, Codable {
    package var run: Int64
    package var direction: Int16
    package var startedAt: Date
    package var finishedAt: Date?
    /// `running`, `done`, `failed`, ….
    package var outcome: String
    package var errorCode: String?
    package var seen: Int32 = 0
    package var created: Int32 = 0
    package var updated: Int32 = 0
    package var imported: Int32 = 0
    package var conflicts: Int32 = 0
    package var failed: Int32 = 0
    package var acknowledged: Int32 = 0
    /// Calls to ActiveCampaign.
    package var contactCalls: Int32 = 0
    /// Calls to Salesforce.
    package var recordCalls: Int32 = 0

    /// Makes a run without counts.
    package init(
        run: Int64, direction: Direction, startedAt: Date, finishedAt: Date? = nil, outcome: String,
        errorCode: String? = nil
    ) {
        self.run = run
        self.direction = direction.rawValue
        self.startedAt = startedAt
        self.finishedAt = finishedAt
        self.outcome = outcome
        self.errorCode = errorCode
    }
}

extension Store {
    /// A number for a run; unique, and mostly growing.
    /// - Throws: `StoreError`.
    package func newRun() async throws -> Int64 {
        let rows = try await query("SELECT nextval('ferry.run_numbers') AS run")
        return try decode(rows) { try $0.get("run", as: Int64.self) }.first ?? 0
    }

    /// Stores a run outside a commit, as when it failed before it had anything to commit.
    /// - Throws: `StoreError`.
    package func recordRun(tenant: Int32, _ record: RunRecord) async throws {
        try await transact([Self.recording(record, tenant: tenant)])
    }

    /// A tenant's runs, newest first.
    /// - Throws: `StoreError`.
    package func runs(tenant: Int32, since: Date, limit: Int = 100) async throws -> [RunRecord] {
        let rows = try await query(
            "SELECT * FROM ferry.sync_runs WHERE tenant_no = $1 AND started_at >= $2 ORDER BY started_at DESC LIMIT $3",
            [.int4(tenant), .timestamptz(since), .int(min(limit, StoreLimits.pageSize))])
        return try decode(rows, Self.runRecord)
    }

    static func runRecord(_ row: PostgresRow) throws -> RunRecord {
        var record = RunRecord(
            run: try row.get("run"), direction: try row.case("direction"), startedAt: try row.get("started_at"),
            finishedAt: try row.optional("finished_at"), outcome: try row.get("outcome"),
            errorCode: try row.optional("error_code"))
        record.seen = try row.get("seen")
        record.created = try row.get("created")
        record.updated = try row.get("updated")
        record.imported = try row.get("imported")
        record.conflicts = try row.get("conflicts")
        record.failed = try row.get("failed")
        record.acknowledged = try row.get("acknowledged")
        record.contactCalls = try row.get("ac_calls")
        record.recordCalls = try row.get("sf_calls")
        return record
    }

    static func recording(_ record: RunRecord, tenant: Int32) -> PostgresStatement {
        PostgresStatement(
            """
            INSERT INTO ferry.sync_runs (tenant_no, run, direction, started_at, finished_at, outcome, error_code, seen,
                created, updated, imported, conflicts, failed, acknowledged, ac_calls, sf_calls)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
            ON CONFLICT (tenant_no, started_at, run) DO UPDATE SET finished_at = excluded.finished_at,
                outcome = excluded.outcome, error_code = excluded.error_code, seen = excluded.seen,
                created = excluded.created, updated = excluded.updated, imported = excluded.imported,
                conflicts = excluded.conflicts, failed = excluded.failed, acknowledged = excluded.acknowledged,
                ac_calls = excluded.ac_calls, sf_calls = excluded.sf_calls
            """,
            [
                .int4(tenant), .int8(record.run), .int2(record.direction), .timestamptz(record.startedAt),
                .timestamptz(record.finishedAt), .text(record.outcome), .text(record.errorCode), .int4(record.seen),
                .int4(record.created), .int4(record.updated), .int4(record.imported), .int4(record.conflicts),
                .int4(record.failed), .int4(record.acknowledged), .int4(record.contactCalls), .int4(record.recordCalls),
            ])
    }
}
