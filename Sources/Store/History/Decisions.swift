import Drivers
package import Foundation
package import SyncRules

/// One stored decision.
package struct DecisionRow: Sendable, Hashable {
    package let at: Date
    package let run: Int64
    package let decision: Decision
}

/// Decisions, one row each; quiet ones once a day of a record.
extension Store {
    static let decisionColumns = """
        at, run, code, direction, object, ac_id, sf_id, field, detail, source, ground, call, place, import_id, projection
        """

    /// What a contact's or a person's address is found by among decisions: nothing without the tenant's pepper.
    static func emailKey(_ hash: String) -> String {
        "substr(sha256((SELECT email_pepper FROM ferry.tenants WHERE number = $1) || \(hash)), 1, 8)"
    }

    static func recording(
        _ decisions: [Decision], tenant: Int32, run: Int64, now: Date
    ) -> [PostgresStatement] {
        let quiet = decisions.filter(\.isQuiet)
        let byContact = quiet.filter(\.isOfContact)
        return [
            recording(decisions.filter { !$0.isQuiet }, tenant, run, now, once: nil),
            recording(byContact, tenant, run, now, once: "ac_id"),
            recording(quiet.filter { !$0.isOfContact }, tenant, run, now, once: "sf_id"),
        ].compactMap(\.self)
    }

    /// - Parameter once: the column that names the record of decisions which are stored once a day. The look for an
    ///   earlier row is a subquery of each row on purpose: it reads one index entry of one partition, where a join might
    ///   read the tenant's whole day.
    private static func recording(
        _ decisions: [Decision], _ tenant: Int32, _ run: Int64, _ now: Date, once column: String?
    ) -> PostgresStatement? {
        guard !decisions.isEmpty else { return nil }
        let unless = column.map { column in
            """
            WHERE (SELECT true FROM ferry.record_decisions d WHERE d.tenant_no = $1 AND d.\(column) = n.\(column)
                AND d.at >= $17 AND d.at < $18 AND d.code = n.code AND d.direction = n.direction
                AND d.detail IS NOT DISTINCT FROM n.detail LIMIT 1) IS NULL
            """
        }
        let day = Calendar.utc.startOfDay(for: now)
        return PostgresStatement(
            """
            INSERT INTO ferry.record_decisions (tenant_no, at, run, code, direction, object, ac_id, sf_id, field, detail,
                source, ground, call, place, import_id, projection, email_key)
            SELECT $1, $2, $3, code, direction, object, ac_id, sf_id, field, detail, source, ground, call, place,
                import_id, projection, CASE WHEN email IS NOT NULL THEN \(emailKey("email")) END
            FROM unnest($4::int2[], $5::int2[], $6::int2[], $7::int8[], $8::text[], $9::text[], $10::text[], $11::int2[],
                $12::int2[], $13::int4[], $14::int4[], $15::text[], $16::bytea[], $19::bytea[]) AS n (code, direction,
                object, ac_id, sf_id, field, detail, source, ground, call, place, import_id, projection, email)
            \(unless ?? "WHERE $17::timestamptz IS NOT NULL AND $18::timestamptz IS NOT NULL")
            """,
            [
                .int4(tenant), .timestamptz(now), .int8(run), .array(decisions.map(\.code.rawValue)),
                .array(decisions.map(\.direction.rawValue)), .array(decisions.map(\.object.rawValue)),
                .array(decisions.map(\.contactID)), .array(decisions.map(\.recordID)),
                .array(decisions.map(\.storedFields)), .array(decisions.map(\.reason)),
                .array(decisions.map(\.source?.rawValue)), .array(decisions.map(\.ground?.rawValue)),
                .array(decisions.map { $0.call.map { Int32(clamping: $0.number) } }),
                .array(decisions.map { $0.call.map { Int32(clamping: $0.place) } }),
                .array(decisions.map(\.importID)), .array(decisions.map(\.projection)), .timestamptz(day),
                .timestamptz(day.addingTimeInterval(86_400)), .array(decisions.map(\.emailHash)),
            ])
    }

    /// What was decided about a contact or a record, newest first.
    /// - Throws: `StoreError`.
    package func decisions(
        tenant: Int32, contactID: Int64? = nil, recordID: String? = nil, since: Date, limit: Int = 100
    ) async throws -> [DecisionRow] {
        let rows = try await query(
            """
            SELECT \(Self.decisionColumns) FROM ferry.record_decisions
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
        var decision = Decision(
            try row.case("code"), try row.case("direction"), try row.case("object"),
            contactID: try row.optional("ac_id"), recordID: try row.optional("sf_id"),
            reason: try row.optional("detail"),
            fields: try row.optional("field", as: String.self)?.split(separator: ",").map(String.init) ?? [])
        decision.source = try row.optional("source", as: Int16.self).flatMap(ChangeSource.init)
        decision.ground = try row.optional("ground", as: Int16.self).flatMap(EntryGround.init)
        if let call = try row.optional("call", as: Int.self) {
            decision.call = CallPlace(number: call, place: try row.optional("place") ?? 1)
        }
        decision.importID = try row.optional("import_id")
        decision.projection = try row.optional("projection")
        return DecisionRow(at: try row.get("at"), run: try row.get("run"), decision: decision)
    }
}

extension Decision {
    /// Whether a quiet decision is told of the contact, and not of the record.
    fileprivate var isOfContact: Bool { direction == .outbound && contactID != nil }

    /// API names hold no comma; nil for none.
    fileprivate var storedFields: String? {
        guard !fields.isEmpty else { return nil }
        let left = fields.count - StoreLimits.decisionFields
        return (fields.prefix(StoreLimits.decisionFields) + (left > 0 ? ["+\(left)"] : [])).joined(separator: ",")
    }
}

extension Calendar {
    /// The days of partitions.
    static let utc = {
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = .gmt
        return calendar
    }()
}
