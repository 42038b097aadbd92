import Drivers
package import Foundation

/// One entry of the audit table: who did what to whom, and why.
package struct AuditEntry: Sendable, Hashable, Codable {
    package let at: Date
    package let actor: String
    package let verb: String
    package let subject: String
    package let reason: String?

    /// Makes an entry.
    package init(at: Date, actor: String, verb: String, subject: String, reason: String? = nil) {
        self.at = at
        self.actor = actor
        self.verb = verb
        self.subject = subject
        self.reason = reason
    }
}

extension Store {
    /// The statement that goes into the same transaction as what it tells of.
    static func auditing(_ entry: AuditEntry) -> PostgresStatement {
        PostgresStatement(
            "INSERT INTO ferry.audit (at, actor, verb, subject, reason) VALUES ($1, $2, $3, $4, $5)",
            [
                .timestamptz(entry.at), .text(entry.actor), .text(entry.verb), .text(entry.subject),
                .text(entry.reason),
            ])
    }

    /// Stores an entry by itself.
    /// - Throws: `StoreError`.
    package func audit(_ entry: AuditEntry) async throws { try await transact([Self.auditing(entry)]) }

    /// What was done to a subject, newest first.
    /// - Throws: `StoreError`.
    package func audits(of subject: String, limit: Int = 100) async throws -> [AuditEntry] {
        let rows = try await query(
            "SELECT at, actor, verb, subject, reason FROM ferry.audit WHERE subject = $1 ORDER BY at DESC, id DESC LIMIT $2",
            [.text(subject), .int(min(limit, StoreLimits.pageSize))])
        return try decode(rows) { row in
            AuditEntry(
                at: try row.get("at"), actor: try row.get("actor"), verb: try row.get("verb"),
                subject: try row.get("subject"), reason: try row.optional("reason"))
        }
    }
}
