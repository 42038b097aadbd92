import Drivers
package import Foundation

/// One tenant of a listing.
package struct TenantSummary: Sendable, Codable, Hashable {
    package let id: String
    package let number: Int32
    package let state: TenantState
    package let pauseReason: String?
    package let configVersion: Int64
    package let createdAt: Date
}

/// Who asked for a change, and why; it goes into the audit table with the change.
package struct Errand: Sendable {
    package let actor: String
    package let reason: String?

    /// Makes an errand.
    package init(actor: String, reason: String? = nil) {
        self.actor = actor
        self.reason = reason
    }
}

/// Bringing tenants on board, and seeing them off.
extension Store {
    private static let summaryColumns = "id, number, state, pause_reason, config_version, created_at"

    /// A page of tenants by id.
    /// - Parameter after: the last id of the page before.
    /// - Throws: `StoreError`.
    package func tenants(after: String = "", limit: Int = 1_000) async throws -> [TenantSummary] {
        let rows = try await query(
            "SELECT \(Self.summaryColumns) FROM ferry.tenants WHERE id > $1 ORDER BY id LIMIT $2",
            [.text(after), .int(min(limit, StoreLimits.pageSize))])
        return try decode(rows, Self.summary)
    }

    /// One tenant.
    /// - Returns: nil when there is none of this id.
    /// - Throws: `StoreError`.
    package func tenant(_ id: String) async throws -> TenantSummary? {
        let rows = try await query("SELECT \(Self.summaryColumns) FROM ferry.tenants WHERE id = $1", [.text(id)])
        return try decode(rows, Self.summary).first
    }

    private static func summary(_ row: PostgresRow) throws -> TenantSummary {
        TenantSummary(
            id: try row.get("id"), number: try row.get("number"), state: try row.word("state"),
            pauseReason: try row.optional("pause_reason"), configVersion: try row.get("config_version"),
            createdAt: try row.get("created_at"))
    }

    /// A tenant's rows as a document; secrets are left out.
    /// - Throws: `StoreError` with code `unknownTenant`.
    package func show(_ id: String) async throws -> TenantDocument {
        let who = [PostgresValue.text(id)]
        let answers = try await transact(
            [
                PostgresStatement("SELECT FROM ferry.tenants WHERE id = $1", who),
                PostgresStatement("SELECT * FROM ferry.connections WHERE tenant = $1 ORDER BY provider", who),
                PostgresStatement("SELECT * FROM ferry.sync_settings WHERE tenant = $1", who),
                PostgresStatement(
                    "SELECT * FROM ferry.field_mappings WHERE tenant = $1 ORDER BY object, sf_field", who),
                PostgresStatement(
                    "SELECT * FROM ferry.selection_criteria WHERE tenant = $1 ORDER BY object, group_no, position", who),
                PostgresStatement("SELECT * FROM ferry.api_budgets WHERE tenant = $1 ORDER BY provider", who),
            ], isolation: .repeatableRead)
        guard answers[0].affected == 1 else { throw StoreError(.unknownTenant, "there is no tenant \"\(id)\"") }
        var document = TenantDocument(id: id)
        document.connections = try decode(answers[1], ConnectionDocument.init(row:))
        document.settings = try decode(answers[2], SettingsDocument.init(row:)).first
        document.mappings = try decode(answers[3], MappingDocument.init(row:))
        document.criteria = try decode(answers[4], CriterionDocument.init(row:))
        document.budgets = try decode(answers[5], BudgetDocument.init(row:))
        return document
    }

    /// Makes a tenant's rows equal to a document, in one transaction; the tenant is made when it is new. Sections that
    /// are left out are emptied, except that a connection's secret stays when none is given.
    /// - Throws: `StoreError` with code `constraint` and the constraint's sentence.
    package func apply(_ document: TenantDocument, by errand: Errand) async throws {
        let id = document.id
        let connections = document.connections ?? []
        var statements = [
            PostgresStatement("INSERT INTO ferry.tenants (id) VALUES ($1) ON CONFLICT DO NOTHING", [.text(id)]),
            PostgresStatement(
                "DELETE FROM ferry.connections WHERE tenant = $1 AND provider <> ALL ($2)",
                [.text(id), .array(connections.map(\.provider))]),
        ]
        for table in ["field_mappings", "selection_criteria", "api_budgets"] {
            statements.append(PostgresStatement("DELETE FROM ferry.\(table) WHERE tenant = $1", [.text(id)]))
        }
        statements += connections.map { $0.row(of: id).upsert() }
        statements += (document.mappings ?? []).map { $0.row(of: id).insert() }
        statements += (document.criteria ?? []).map { $0.row(of: id).insert() }
        statements += (document.budgets ?? []).map { $0.row(of: id).insert() }
        if let settings = document.settings {
            statements.append(settings.row(of: id).upsert())
        } else {
            statements.append(PostgresStatement("DELETE FROM ferry.sync_settings WHERE tenant = $1", [.text(id)]))
        }
        statements.append(Self.auditing(entry("apply", id, errand)))
        guard statements.count + 2 <= PostgresLimits.statementsPerPipeline else {
            throw StoreError(.tooMuch, "the document has more than \(PostgresLimits.statementsPerPipeline - 10) rows")
        }
        try await transact(statements)
    }

    /// Stops a tenant's runs; links, cursors and pending changes stay.
    /// - Throws: `StoreError` with code `unknownTenant`.
    package func pause(_ id: String, by errand: Errand) async throws {
        try await change(id, to: .paused, "pause", errand)
    }

    /// Lets a paused or removed tenant run again from where it stood.
    /// - Throws: `StoreError` with code `unknownTenant`.
    package func resume(_ id: String, by errand: Errand) async throws {
        try await change(id, to: .active, "resume", errand)
    }

    /// Stops every request for a tenant at once (D7): its streams end, its webhook tokens are worthless. Its rows stay.
    /// - Throws: `StoreError` with code `unknownTenant`.
    package func remove(_ id: String, by errand: Errand) async throws {
        try await change(id, to: .removed, "remove", errand)
    }

    private func change(_ id: String, to state: TenantState, _ verb: String, _ errand: Errand) async throws {
        guard try await tenant(id) != nil else { throw StoreError(.unknownTenant, "there is no tenant \"\(id)\"") }
        try await transact([
            PostgresStatement(
                "UPDATE ferry.tenants SET state = $2, pause_reason = $3 WHERE id = $1",
                [.text(id), .text(state.rawValue), .text(state == .paused ? errand.reason : nil)]),
            Self.auditing(entry(verb, id, errand)),
        ])
    }

    private func entry(_ verb: String, _ id: String, _ errand: Errand) -> AuditEntry {
        AuditEntry(at: clock.now, actor: errand.actor, verb: verb, subject: "tenant \(id)", reason: errand.reason)
    }

    /// Deletes everything a removed tenant has, history excepted, which ends by itself. It can't be taken back.
    /// - Throws: `StoreError` with code `unknownTenant` when there is no removed tenant of this id.
    package func purge(_ id: String, by errand: Errand) async throws {
        guard let tenant = try await tenant(id), tenant.state == .removed else {
            throw StoreError(.unknownTenant, "there is no removed tenant \"\(id)\"; remove it first")
        }
        let tables = [
            "pending_changes", "links", "echo_ledger", "record_failures", "imports", "writebacks", "streams", "fences",
            "webhooks", "api_usage", "account_links", "account_members", "opportunity_links",
            "person_accounts", "org_facts",
        ]
        var statements = tables.map {
            PostgresStatement("DELETE FROM ferry.\($0) WHERE tenant_no = $1", [.int4(tenant.number)])
        }
        statements.append(PostgresStatement("DELETE FROM ferry.tenants WHERE id = $1", [.text(id)]))
        statements.append(Self.auditing(entry("purge", id, errand)))
        try await transact(statements)
    }
}
