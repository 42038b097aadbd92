import Drivers
package import Foundation

/// One entry of the audit table: who did what to whom, and why.
package struct AuditEntry: Sendable, Hashable, Codable {
    package let at: Date
    package let actor: String
    package let verb: String
    package let subject: String
    package let reason: String?
    /// Counts and filters of what was done; ids and codes, never values.
    package let detail: [String: String]?

    /// Makes an entry.
    package init(
        at: Date, actor: String, verb: String, subject: String, reason: String? = nil, detail: [String: String]? = nil
    ) {
        self.at = at
        self.actor = actor
        self.verb = verb
        self.subject = subject
        self.reason = reason
        self.detail = detail
    }

    /// The detail as its column holds it.
    var detailText: String? {
        detail.flatMap { try? JSONEncoder().encode($0) }.map { String(decoding: $0, as: UTF8.self) }
    }

    static func detail(_ text: String?) -> [String: String]? {
        text.flatMap { try? JSONDecoder().decode([String: String].self, from: Data($0.utf8)) }
    }
}

extension Store {
    /// The statement that goes into the same transaction as what it tells of.
    static func auditing(_ entry: AuditEntry) -> PostgresStatement {
        PostgresStatement(
            "INSERT INTO ferry.audit (at, actor, verb, subject, reason, detail) VALUES ($1, $2, $3, $4, $5, $6)",
            [
                .timestamptz(entry.at), .text(entry.actor), .text(entry.verb), .text(entry.subject),
                .text(entry.reason), .jsonb(entry.detailText),
            ])
    }

    /// Stores an entry by itself.
    /// - Throws: `StoreError`.
    package func audit(_ entry: AuditEntry) async throws { try await transact([Self.auditing(entry)]) }

    /// What was done to a subject, newest first; to all of them without one.
    /// - Throws: `StoreError`.
    package func audits(of subject: String? = nil, limit: Int = 100) async throws -> [AuditEntry] {
        let rows = try await query(
            """
            SELECT at, actor, verb, subject, reason, detail FROM ferry.audit WHERE $1::text IS NULL OR subject = $1
            ORDER BY at DESC, id DESC LIMIT $2
            """, [.text(subject), .int(min(limit, StoreLimits.pageSize))])
        return try decode(rows) { row in
            AuditEntry(
                at: try row.get("at"), actor: try row.get("actor"), verb: try row.get("verb"),
                subject: try row.get("subject"), reason: try row.optional("reason"),
                detail: AuditEntry.detail(try row.optional("detail")))
        }
    }
}
