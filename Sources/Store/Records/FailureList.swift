import Drivers
package import Foundation
package import SyncRules

/// One record that could not be written, as `ferry records` shows it; codes, fields and a sentence, never values.
package struct FailureRow: Sendable, Hashable {
    /// The tenant's number.
    package let tenant: Int32
    package let direction: Direction
    package let object: ObjectKind
    /// Salesforce id inbound, ActiveCampaign contact id outbound.
    package let recordID: String
    package let code: String
    package let kind: FailureClass
    package let fields: [String]
    package let message: String?
    /// Times it failed in a row.
    package let count: Int
    package let firstSeenAt: Date
    package let lastSeenAt: Date
    /// Nil waits for a change of the record.
    package let retryAt: Date?
}

/// Which failures are meant; an empty filter means all.
package struct FailureFilter: Sendable, Hashable {
    package var code: String?
    package var object: ObjectKind?
    package var direction: Direction?
    /// Salesforce ids or ActiveCampaign contact ids; empty means any.
    package var recordIDs: [String] = []

    /// Makes a filter for all failures.
    package init() {}
}

/// Failures of one code, for a summary.
package struct FailureGroup: Sendable, Hashable, Codable {
    package let code: String
    package let records: Int
    package let oldest: Date
}

extension Store {
    private static let failureFilter = """
        ($1::int4 IS NULL OR f.tenant_no = $1) AND ($2::text IS NULL OR f.code = $2)
        AND ($3::int2 IS NULL OR f.object = $3) AND ($4::int2 IS NULL OR f.direction = $4)
        AND (cardinality($5::text[]) = 0 OR f.record_id = ANY ($5))
        """

    private static func values(_ tenant: Int32?, _ filter: FailureFilter) -> [PostgresValue] {
        [
            .int4(tenant), .text(filter.code), .int2(filter.object?.rawValue), .int2(filter.direction?.rawValue),
            .array(filter.recordIDs),
        ]
    }

    /// Records that could not be written, those that failed last first.
    /// - Parameter tenant: nil for all tenants.
    /// - Throws: `StoreError`.
    package func failures(tenant: Int32?, _ filter: FailureFilter, limit: Int) async throws -> [FailureRow] {
        let rows = try await query(
            """
            SELECT tenant_no, direction, object, record_id, code, class, fields, message, count, first_seen_at,
                last_seen_at, retry_at
            FROM ferry.record_failures f WHERE \(Self.failureFilter)
            ORDER BY last_seen_at DESC, tenant_no, direction, record_id LIMIT $6
            """, Self.values(tenant, filter) + [.int(min(limit, StoreLimits.pageSize))])
        return try decode(rows, Self.failure)
    }

    static func failure(_ row: PostgresRow) throws -> FailureRow {
        FailureRow(
            tenant: try row.get("tenant_no"), direction: try row.case("direction"), object: try row.case("object"),
            recordID: try row.get("record_id"), code: try row.get("code"), kind: try row.case("class"),
            fields: try row.array("fields"), message: try row.optional("message"), count: try row.get("count"),
            firstSeenAt: try row.get("first_seen_at"), lastSeenAt: try row.get("last_seen_at"),
            retryAt: try row.optional("retry_at"))
    }

    /// Failures by code, the most frequent first.
    /// - Throws: `StoreError`.
    package func failureGroups(tenant: Int32?, _ filter: FailureFilter, limit: Int = 100) async throws -> [FailureGroup]
    {
        let rows = try await query(
            """
            SELECT code, count(*)::int8 AS records, min(first_seen_at) AS oldest FROM ferry.record_failures f
            WHERE \(Self.failureFilter) GROUP BY code ORDER BY records DESC, code LIMIT $6
            """, Self.values(tenant, filter) + [.int(min(limit, StoreLimits.pageSize))])
        return try decode(rows) {
            FailureGroup(
                code: try $0.get("code"), records: try $0.get("records"), oldest: try $0.get("oldest"))
        }
    }

    /// Makes failures of one tenant due now and asks for the runs that try them again: a Salesforce record is read by the
    /// next pull, a contact becomes pending for the next outbound batch, also when nothing of it has changed, and an account
    /// is looked at by the next walk.
    /// - Returns: the records that will be tried; at most `StoreLimits.failuresPerRetry`.
    /// - Throws: `StoreError`.
    package func retryFailures(
        tenant: Int32, _ filter: FailureFilter, by errand: Errand, now: Date
    ) async throws -> [FailureRow] {
        var detail = ["tenant": String(tenant)]
        detail["code"] = filter.code
        detail["object"] = filter.object?.name
        detail["direction"] = filter.direction?.name
        detail["records"] = filter.recordIDs.isEmpty ? nil : filter.recordIDs.prefix(100).joined(separator: ",")
        // A webhook that named no contact stands among the failures without a record: there is nothing to try.
        let answers = try await transact([
            PostgresStatement(
                """
                WITH chosen AS (
                    SELECT tenant_no, direction, record_id FROM ferry.record_failures f
                    WHERE \(Self.failureFilter) AND (f.direction = 2 OR f.object = 3
                        OR f.record_id ~ '^[0-9]{1,18}$')
                    ORDER BY record_id LIMIT \(StoreLimits.failuresPerRetry) FOR UPDATE
                ), due AS (
                    UPDATE ferry.record_failures f SET retry_at = $6 FROM chosen c
                    WHERE f.tenant_no = c.tenant_no AND f.direction = c.direction AND f.record_id = c.record_id
                    RETURNING f.*
                ), pending AS (
                    INSERT INTO ferry.pending_changes AS p (tenant_no, ac_id, source, first_seen_at, last_seen_at)
                    SELECT tenant_no, record_id::int8, \(ChangeSource.command.rawValue), $6, $6 FROM due
                    WHERE direction = 1 AND object <> 3 ORDER BY record_id::int8
                    ON CONFLICT (tenant_no, ac_id) DO UPDATE SET version = p.version + 1,
                        last_seen_at = excluded.last_seen_at, not_before = '-infinity', attempts = 0
                )
                SELECT * FROM due ORDER BY record_id
                """, Self.values(tenant, filter) + [.timestamptz(now)]),
            Self.auditing(
                AuditEntry(
                    at: now, actor: errand.actor, verb: "retry", subject: "records", reason: errand.reason,
                    detail: detail)),
        ])
        let retried = try decode(answers[0], Self.failure)
        for direction in Set(retried.map(\.direction)) {
            try await requestRun(tenant: tenant, direction: direction, now: now)
        }
        return retried
    }
}
