import Drivers
package import Foundation
package import SyncRules

/// A stream that a scheduler has claimed.
package struct DueStream: Sendable, Hashable {
    /// The tenant's number.
    package let tenant: Int32
    package let direction: Direction
    package let object: ObjectKind
    /// When it should have run.
    package let dueAt: Date
    /// Since when a scheduler could have claimed it: the instant it fell due, was asked for, or its last claim ran out.
    package let claimableAt: Date
}

/// A stream that was asked to run.
package struct StreamRequest: Sendable, Hashable {
    package let direction: Direction
    package let object: ObjectKind
    /// Grows by one a request; a run that began after it has `StreamRow.served` at least this.
    package let number: Int64
}

/// One stream as its row tells it.
package struct StreamRow: Sendable {
    package let direction: Direction
    package let object: ObjectKind
    package let isEnabled: Bool
    package let state: String
    /// When the tenant's settings were made: where a stream without cursor starts.
    package let createdAt: Date
    package let nextRunAt: Date
    package let lastRunAt: Date?
    package let lastSuccessAt: Date?
    /// Failures in a row.
    package let failures: Int
    package let fence: Int64
    /// Requests for a run so far.
    package let asked: Int64
    /// The last request that a run which ended has served.
    package let served: Int64
    package let errorCode: String?
    package let lastError: String?
    /// JSON; see `cursor(default:)`.
    package let cursorText: String?
    /// JSON; see `conditions`.
    package let conditionsText: String?
    /// Until then a person has confirmed that many records vanished at once (T20).
    package let missingUntil: Date?

    /// Fields that a re-evaluation under way looks at (T21).
    package let reevaluated: [String]

    /// What the object was mapped and selected by when the stream last ran; nil before its first run.
    package var conditions: EntryConditions? {
        conditionsText.flatMap { try? CursorCoding.decoder.decode(EntryConditions.self, from: Data($0.utf8)) }
    }

    /// Whether its time has come.
    package func isDue(at now: Date) -> Bool { isEnabled && nextRunAt <= now }

    /// The stored cursor.
    /// - Throws: `StoreError` with code `unreadable`.
    package func cursor<Cursor: Decodable>(default start: Cursor) throws -> Cursor {
        guard let cursorText else { return start }
        do {
            return try CursorCoding.decoder.decode(Cursor.self, from: Data(cursorText.utf8))
        } catch {
            throw StoreError(.unreadable, "the cursor of \(direction.name) \(object.name) can't be read")
        }
    }
}

/// How cursors are written: instants as seconds since 1970, which `ferry.sync_status` puts into words.
enum CursorCoding {
    static var encoder: JSONEncoder {
        let encoder = JSONEncoder()
        encoder.dateEncodingStrategy = .secondsSince1970
        return encoder
    }

    static var decoder: JSONDecoder {
        let decoder = JSONDecoder()
        decoder.dateDecodingStrategy = .secondsSince1970
        return decoder
    }
}

extension Store {
    /// Claims streams whose time has come, the longest overdue first. No two callers get the same one before its claim
    /// runs out, however many claim at once.
    /// - Parameters:
    ///   - limit: streams at most.
    ///   - leaseSeconds: length of the claim.
    /// - Throws: `StoreError`.
    package func claimDue(limit: Int, leaseSeconds: Double = 60, now: Date) async throws -> [DueStream] {
        let rows = try await query(
            Self.claimStatement,
            [
                .timestamptz(now), .int(min(limit, StoreLimits.pageSize)),
                .timestamptz(now.addingTimeInterval(leaseSeconds)),
            ])
        return try decode(rows, Self.due)
    }

    static let claimStatement = """
        WITH due AS (
            SELECT tenant_no, direction, object, claim_at FROM ferry.streams WHERE enabled AND claim_at <= $1
            ORDER BY claim_at LIMIT $2 FOR UPDATE SKIP LOCKED
        )
        UPDATE ferry.streams s SET claim_at = $3 FROM due
        WHERE s.tenant_no = due.tenant_no AND s.direction = due.direction AND s.object = due.object
        RETURNING s.tenant_no, s.direction, s.object, s.next_run_at, due.claim_at
        """

    static func due(_ row: PostgresRow) throws -> DueStream {
        DueStream(
            tenant: try row.get("tenant_no"), direction: try row.case("direction"), object: try row.case("object"),
            dueAt: try row.get("next_run_at"), claimableAt: try row.get("claim_at"))
    }

    /// Lengthens the claim of a tenant's streams of one direction while their job runs, so that it is not asked for again.
    /// - Throws: `StoreError`.
    package func holdClaims(tenant: Int32, direction: Direction, until: Date) async throws {
        try await query(
            """
            UPDATE ferry.streams SET claim_at = $3
            WHERE tenant_no = $1 AND direction = $2 AND claim_at > next_run_at AND claim_at < $3
            """, [.int4(tenant), .int2(direction.rawValue), .timestamptz(until)])
    }

    /// When people may ask for a tenant's runs again; nil when they may now (R35).
    /// - Throws: `StoreError`.
    package func nextRunRequest(tenant: Int32, now: Date) async throws -> Date? {
        let rows = try await query(
            """
            SELECT at FROM ferry.audit
            WHERE subject = 'sync' AND verb = 'run' AND at > $2 AND detail ->> 'tenant' = $1 ORDER BY at DESC LIMIT $3
            """,
            [
                .text(String(tenant)), .timestamptz(now.addingTimeInterval(-StoreLimits.runRequestWindow)),
                .int(StoreLimits.runRequests),
            ])
        let asked = try decode(rows) { try $0.get("at", as: Date.self) }
        guard asked.count == StoreLimits.runRequests else { return nil }
        return asked.last?.addingTimeInterval(StoreLimits.runRequestWindow)
    }

    /// Makes a tenant's streams due because a person asks for it, and says who did.
    /// - Returns: the streams asked; none when the tenant is paused or has none.
    /// - Throws: `StoreError`.
    package func requestRun(
        tenant: Int32, direction: Direction?, by errand: Errand, now: Date
    ) async throws -> [StreamRequest] {
        let answers = try await transact([
            Self.waking(tenant, direction, now),
            Self.auditing(
                AuditEntry(
                    at: now, actor: errand.actor, verb: "run", subject: "sync", reason: errand.reason,
                    detail: ["tenant": String(tenant), "direction": direction?.name ?? "both"])),
        ])
        return try decode(answers[0], Self.request)
    }

    /// Makes a tenant's streams due at once; all of them, or one direction's. A stream whose run is under way runs again.
    /// - Returns: the streams asked; none when the tenant is paused or has none.
    /// - Throws: `StoreError`.
    @discardableResult
    package func requestRun(tenant: Int32, direction: Direction? = nil, now: Date) async throws -> [StreamRequest] {
        let waking = Self.waking(tenant, direction, now)
        return try decode(try await query(waking.sql, waking.values), Self.request)
    }

    private static func waking(_ tenant: Int32, _ direction: Direction?, _ now: Date) -> PostgresStatement {
        PostgresStatement(
            """
            WITH woken AS (
                UPDATE ferry.streams SET next_run_at = least(next_run_at, $3), claim_at = $3, asked = asked + 1
                WHERE tenant_no = $1 AND enabled AND ($2::int2 IS NULL OR direction = $2)
                RETURNING direction, object, asked
            ), called AS (
                SELECT pg_notify('ferry_streams', '') FROM woken LIMIT 1
            )
            SELECT woken.* FROM woken, called
            """, [.int4(tenant), .int2(direction?.rawValue), .timestamptz(now)])
    }

    private static func request(_ row: PostgresRow) throws -> StreamRequest {
        StreamRequest(
            direction: try row.case("direction"), object: try row.case("object"), number: try row.get("asked"))
    }

    /// A tenant's streams.
    /// - Throws: `StoreError`.
    package func streams(tenant: Int32) async throws -> [StreamRow] {
        let rows = try await query(
            """
            SELECT direction, object, enabled, state, created_at, next_run_at, last_run_at, last_success_at, failures,
                fence, asked, served, error_code, last_error, cursor, conditions, missing_until,
                coalesce((
                    SELECT w.fields FROM ferry.sweeps w
                    WHERE w.tenant_no = s.tenant_no AND w.object = s.object AND w.kind = 2 AND s.direction = 2
                        AND w.state IN ('running', 'paused')), '{}') AS reevaluated
            FROM ferry.streams s WHERE tenant_no = $1 ORDER BY direction, object
            """, [.int4(tenant)])
        return try decode(rows) { row in
            StreamRow(
                direction: try row.case("direction"), object: try row.case("object"), isEnabled: try row.get("enabled"),
                state: try row.get("state"), createdAt: try row.get("created_at"),
                nextRunAt: try row.get("next_run_at"),
                lastRunAt: try row.optional("last_run_at"), lastSuccessAt: try row.optional("last_success_at"),
                failures: try row.get("failures"), fence: try row.get("fence"),
                asked: try row.get("asked"), served: try row.get("served"),
                errorCode: try row.optional("error_code"), lastError: try row.optional("last_error"),
                cursorText: try row.optional("cursor"), conditionsText: try row.optional("conditions"),
                missingUntil: try row.optional("missing_until"), reevaluated: try row.array("reevaluated"))
        }
    }
}
