import Drivers
package import Foundation
package import SyncRules

/// How a record that is about to be written stands with the loop brake (T13).
package enum LoopStanding: Sendable, Hashable {
    /// It was written too often: it is to be held from now on.
    case overrun
    /// It is held already, until an instant.
    case held(Date)
}

/// What the brakes need to know, a page at a time (T13, T20).
extension Store {
    /// Of records about to be written, those that are held or have been written too often. Writes from before a record was
    /// last held do not count: it was let go since, by the hour's end or by a person.
    /// - Parameters:
    ///   - records: Salesforce ids, each with the id its failure row has in this direction.
    /// - Returns: by Salesforce id; nothing of the records that may be written.
    /// - Throws: `StoreError`.
    package func loopStandings(
        tenant: Int32, direction: Direction, records: [(recordID: String, failureID: String)], now: Date
    ) async throws -> [String: LoopStanding] {
        guard !records.isEmpty else { return [:] }
        let rows = try await query(
            """
            WITH asked AS (SELECT * FROM unnest($3::text[], $4::text[]) AS n (sf_id, failure_id)),
            held AS (
                SELECT a.sf_id, f.retry_at FROM asked a JOIN ferry.record_failures f
                    ON f.tenant_no = $1 AND f.direction = $2 AND f.record_id = a.failure_id
                WHERE f.code = $7 AND f.retry_at > $5
            ), recent AS (
                SELECT d.sf_id, d.at, d.code FROM ferry.record_decisions d
                WHERE d.tenant_no = $1 AND d.sf_id = ANY ($3) AND d.at > $6 AND d.code IN ($8, $9)
            ), braked AS (SELECT sf_id, max(at) AS at FROM recent WHERE code = $9 GROUP BY sf_id)
            SELECT sf_id, max(retry_at) AS until FROM held GROUP BY sf_id
            UNION ALL
            SELECT r.sf_id, NULL FROM recent r LEFT JOIN braked b USING (sf_id)
            WHERE r.code = $8 AND (b.at IS NULL OR r.at > b.at) GROUP BY r.sf_id HAVING count(*) >= $10
            """,
            [
                .int4(tenant), .int2(direction.rawValue), .array(records.map(\.recordID)),
                .array(records.map(\.failureID)), .timestamptz(now),
                .timestamptz(now.addingTimeInterval(-LoopBrake.window)), .text(LoopBrake.code),
                .int2(DecisionCode.accepted.rawValue), .int2(DecisionCode.loopBrake.rawValue),
                .int8(Int64(LoopBrake.writes)),
            ])
        let found = try decode(rows) {
            (try $0.get("sf_id", as: String.self), try $0.optional("until", as: Date.self))
        }
        return Dictionary(
            found.map { ($0.0, $0.1.map(LoopStanding.held) ?? .overrun) },
            uniquingKeysWith: { first, second in first == .overrun ? second : first })
    }

    /// Failures of one code.
    /// - Throws: `StoreError`.
    package func failures(tenant: Int32, code: String) async throws -> Int {
        let rows = try await query(
            "SELECT count(*)::int8 AS n FROM ferry.record_failures WHERE tenant_no = $1 AND code = $2",
            [.int4(tenant), .text(code)])
        return Int(try decode(rows) { try $0.get("n", as: Int64.self) }.first ?? 0)
    }

    /// Active links of an object, counted as far as a bound; of opportunities, those that were pushed.
    /// - Throws: `StoreError`.
    package func activeLinks(tenant: Int32, object: ObjectKind, upTo bound: Int) async throws -> Int {
        let links =
            switch object {
            case .contact, .lead: "ferry.links WHERE object = \(object.rawValue) AND"
            case .account: "ferry.account_links WHERE"
            case .opportunity: "ferry.opportunity_links WHERE"
            }
        let rows = try await query(
            """
            SELECT count(*)::int8 AS n FROM (SELECT FROM \(links) tenant_no = $1 AND state = 1 LIMIT $2) AS l
            """, [.int4(tenant), .int(bound)])
        return Int(try decode(rows) { try $0.get("n", as: Int64.self) }.first ?? 0)
    }

    /// Records whose disappearance is held back: failures inbound, pending changes outbound.
    /// - Throws: `StoreError`.
    package func withheldMissing(tenant: Int32) async throws -> Int {
        let rows = try await query(
            """
            SELECT (SELECT count(*) FROM ferry.record_failures WHERE tenant_no = $1 AND code = $2)
                + (SELECT count(*) FROM ferry.pending_changes WHERE tenant_no = $1 AND error_code = $2) AS n
            """, [.int4(tenant), .text(MassDeleteBrake.code)])
        return Int(try decode(rows) { try $0.get("n", as: Int64.self) }.first ?? 0)
    }

    /// Inbound records whose disappearance is held back, a page at a time in order of id.
    /// - Throws: `StoreError`.
    package func withheldRecords(tenant: Int32, after id: String, limit: Int) async throws -> [DueFailure] {
        let rows = try await query(
            """
            SELECT object, record_id, code, count FROM ferry.record_failures
            WHERE tenant_no = $1 AND direction = 2 AND code = $2 AND record_id > $3 ORDER BY record_id LIMIT $4
            """, [.int4(tenant), .text(MassDeleteBrake.code), .text(id), .int(min(limit, StoreLimits.pageSize))])
        return try decode(rows) { row in
            DueFailure(
                object: try row.case("object"), recordID: try row.get("record_id"), code: try row.get("code"),
                count: try row.get("count"))
        }
    }

    /// Takes a person's word that many records are gone: for a while they are marked missing whatever their number, and
    /// those held back are looked at again at once.
    /// - Returns: how many had been held back.
    /// - Throws: `StoreError`.
    package func confirmMissing(
        tenant: Int32, until: Date, by errand: Errand, now: Date
    ) async throws -> Int {
        let withheld = try await withheldMissing(tenant: tenant)
        try await transact([
            PostgresStatement(
                "UPDATE ferry.streams SET missing_until = $2 WHERE tenant_no = $1",
                [.int4(tenant), .timestamptz(until)]),
            PostgresStatement(
                "UPDATE ferry.pending_changes SET not_before = '-infinity' WHERE tenant_no = $1 AND error_code = $2",
                [.int4(tenant), .text(MassDeleteBrake.code)]),
            Self.auditing(
                AuditEntry(
                    at: now, actor: errand.actor, verb: "confirm-missing", subject: "sync", reason: errand.reason,
                    detail: ["tenant": String(tenant), "records": String(withheld)])),
        ])
        try await requestRun(tenant: tenant, now: now)
        return withheld
    }
}
