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

/// One stored decision.
package struct DecisionRow: Sendable, Hashable {
    package let at: Date
    package let run: Int64
    package let decision: Decision
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

    // MARK: - Decisions

    static func recording(
        _ decisions: [Decision], tenant: Int32, run: Int64, now: PostgresValue
    ) -> [PostgresStatement] {
        guard !decisions.isEmpty else { return [] }
        return [
            PostgresStatement(
                """
                INSERT INTO ferry.record_decisions (tenant_no, at, run, code, direction, object, ac_id, sf_id, field, detail)
                SELECT $1, $2, $3, n.* FROM unnest($4::int2[], $5::int2[], $6::int2[], $7::int8[], $8::text[],
                    $9::text[], $10::text[]) AS n
                """,
                [
                    .int4(tenant), now, .int8(run), .array(decisions.map(\.code.rawValue)),
                    .array(decisions.map(\.direction.rawValue)), .array(decisions.map(\.object.rawValue)),
                    .array(decisions.map(\.contactID)), .array(decisions.map(\.recordID)),
                    .array(decisions.map(\.field)), .array(decisions.map(\.reason)),
                ])
        ]
    }

    /// What was decided about a contact or a record, newest first.
    /// - Throws: `StoreError`.
    package func decisions(
        tenant: Int32, contactID: Int64? = nil, recordID: String? = nil, since: Date, limit: Int = 100
    ) async throws -> [DecisionRow] {
        let rows = try await query(
            """
            SELECT at, run, code, direction, object, ac_id, sf_id, field, detail FROM ferry.record_decisions
            WHERE tenant_no = $1 AND at >= $2 AND ($3::int8 IS NULL OR ac_id = $3) AND ($4::text IS NULL OR sf_id = $4)
            ORDER BY at DESC LIMIT $5
            """,
            [
                .int4(tenant), .timestamptz(since), .int8(contactID), .text(recordID),
                .int(min(limit, StoreLimits.pageSize)),
            ])
        return try decode(rows, Self.decisionRow)
    }

    static func decisionRow(_ row: PostgresRow) throws -> DecisionRow {
        let decision = Decision(
            try row.case("code"), try row.case("direction"), try row.case("object"),
            contactID: try row.optional("ac_id"), recordID: try row.optional("sf_id"),
            reason: try row.optional("detail"), field: try row.optional("field"))
        return DecisionRow(at: try row.get("at"), run: try row.get("run"), decision: decision)
    }
}
